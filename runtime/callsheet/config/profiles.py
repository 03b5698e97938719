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
        """Return the profile that is used when none is named."""
        return str(self._data.get("profile") or "default")

    def names(self) -> list[str]:
        """List all profiles by name."""
        return sorted(self._data["profiles"])

    def profile(self, name: str) -> Mapping[str, Any]:
        """Return the values of one profile, without its keys."""
        values: Mapping[str, Any] = self._data["profiles"].get(name, {})
        return {k: v for k, v in values.items() if k not in SECRETS}

    def key(self, name: str, origin: str) -> str | None:
        """Return the key stored in a profile for this origin."""
        key = self._data["profiles"].get(name, {}).get("keys", {}).get(origin)
        return key if isinstance(key, str) else None

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
        """Drop the key of one origin; return false when there was none."""
        self._data = self._read()
        keys = self._data["profiles"].get(name, {}).get("keys", {})
        existed = keys.pop(origin, None) is not None
        if existed:
            self._write()
        return existed

    def _read(self) -> dict[str, Any]:
        import json

        try:
            with open(self.path, encoding="utf-8") as file:
                self.warnings = self._exposure_warnings(os.fstat(file.fileno()))
                document = json.load(file)
        except FileNotFoundError:
            return {"profiles": {}}
        except (OSError, ValueError, RecursionError) as error:
            raise UsageError(
                f"{self.path} cannot be read: {type(error).__name__}",
                hint="mend or remove the file, then log in again",
            ) from None
        if not isinstance(document, dict) or not isinstance(document.get("profiles", {}), dict):
            raise UsageError(
                f"{self.path} is not a configuration", hint="remove it and log in again"
            )
        profiles = document.get("profiles", {})
        document["profiles"] = {k: v for k, v in profiles.items() if isinstance(v, dict)}
        for profile in document["profiles"].values():
            if not isinstance(profile.get("keys", {}), dict):
                del profile["keys"]
        return document

    def _exposure_warnings(self, stat: os.stat_result) -> tuple[str, ...]:
        warnings = []
        if stat.st_mode & 0o077:
            warnings.append(f"others may read the keys in {self.path}; mend it: chmod 600")
        if stat.st_uid != os.geteuid():
            warnings.append(f"{self.path} belongs to another user")
        return tuple(warnings)

    def _write(self) -> None:
        import json

        from callsheet.storage.atomic_file import replace_file

        try:
            replace_file(self.path, json.dumps(self._data, indent=2) + "\n", durable=True)
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written: {error.strerror}") from None
