"""Read and write the profile file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from callsheet.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


NAME = "config.json"
SECRETS = ("keys", "api_key")


class ProfileFile:
    """``config.json`` of one program.

    ``{"profile": NAME, "profiles": {NAME: {"host", "auth", …, "keys": {ORIGIN: KEY}}}}``:
    a key belongs to the origin it was given for and is found for no other. ``warnings`` tells
    who else could read or has written the file.
    """

    def __init__(self, folder: str) -> None:
        self.path = os.path.join(folder, NAME)
        self.warnings: tuple[str, ...] = ()
        self._data = self._read()

    @property
    def current(self) -> str:
        """The profile that is used when none is named."""
        return str(self._data.get("profile") or "default")

    def names(self) -> list[str]:
        """All profiles, in order of their names."""
        return sorted(self._data["profiles"])

    def profile(self, name: str) -> Mapping[str, Any]:
        """The values of one profile, without its keys."""
        values: Mapping[str, Any] = self._data["profiles"].get(name, {})
        return {k: v for k, v in values.items() if k not in SECRETS}

    def key(self, name: str, origin: str) -> str | None:
        """The key stored in a profile for this origin."""
        found = self._data["profiles"].get(name, {}).get("keys", {}).get(origin)
        return found if isinstance(found, str) else None

    def save(self, name: str, values: Mapping[str, Any], *, origin: str, key: str | None) -> None:
        """Store values in a profile and make it the current one; ``UsageError`` when unwritable.

        The file is read anew: what another process stored meanwhile stays.
        """
        self._data = self._read()
        profile = self._data["profiles"].setdefault(name, {})
        profile.update(values)
        if key is not None:
            profile.setdefault("keys", {})[origin] = key
        self._data["profile"] = name
        self._write()

    def forget(self, name: str, origin: str) -> bool:
        """Drop the key of one origin; false when there was none."""
        self._data = self._read()
        keys = self._data["profiles"].get(name, {}).get("keys", {})
        found = keys.pop(origin, None) is not None
        if found:
            self._write()
        return found

    def _read(self) -> dict[str, Any]:
        import json

        try:
            with open(self.path, encoding="utf-8") as file:
                self.warnings = self._exposed(os.fstat(file.fileno()))
                data = json.load(file)
        except FileNotFoundError:
            return {"profiles": {}}
        except (OSError, ValueError, RecursionError) as error:
            raise UsageError(
                f"{self.path} cannot be read: {type(error).__name__}",
                hint="mend or remove the file, then log in again",
            ) from None
        if not isinstance(data, dict) or not isinstance(data.get("profiles", {}), dict):
            raise UsageError(
                f"{self.path} is not a configuration", hint="remove it and log in again"
            )
        profiles = data.get("profiles", {})
        data["profiles"] = {k: v for k, v in profiles.items() if isinstance(v, dict)}
        for profile in data["profiles"].values():
            if not isinstance(profile.get("keys", {}), dict):
                del profile["keys"]
        return data

    def _exposed(self, stat: os.stat_result) -> tuple[str, ...]:
        found = []
        if stat.st_mode & 0o077:
            found.append(f"others may read the keys in {self.path}; mend it: chmod 600")
        if stat.st_uid != os.geteuid():
            found.append(f"{self.path} belongs to another user")
        return tuple(found)

    def _write(self) -> None:
        import json

        from callsheet.storage.atomic_file import replace_file

        try:
            replace_file(self.path, json.dumps(self._data, indent=2) + "\n", durable=True)
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written: {error.strerror}") from None
