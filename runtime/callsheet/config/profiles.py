"""Store the profiles of one program, with the keys that a login gave them."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.config.credentials import ExtraHeader
from callsheet.errors import UsageError
from callsheet.secret import Secret
from callsheet.system import is_own, may_others

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

NAME = "config.json"
_BY_ORIGIN = ("keys", "headers")
SECRETS = (*_BY_ORIGIN, "api_key")


class StoredLogin(NamedTuple):
    """What was stored for one origin; ``auth`` is the way of the key as it is stored."""

    key: Secret | None
    auth: str
    headers: tuple[ExtraHeader, ...]


class ProfileFile:
    """``config.json`` of one program.

    ``{"profile": NAME, "profiles": {NAME: {"host", "auth", …, "keys": {ORIGIN: KEY}, "headers":
    {ORIGIN: {NAME: VALUE}}}}}``: keys and headers belong to the origin they were given for and
    are returned for no other. In the place of a key may stand what gives it (see
    ``key_sources``). ``warnings`` has a line where others may read or own the file.
    Raises ``UsageError`` for an unreadable file.
    """

    def __init__(self, folder: str) -> None:
        self.path = os.path.join(folder, NAME)
        self.warnings: tuple[str, ...] = ()
        self._data = self._read()

    @property
    def current(self) -> str:
        """Return the name of the profile that is used when none is named."""
        return str(self._data.get("profile") or "default")

    def names(self) -> list[str]:
        """Return the names of all profiles, sorted."""
        return sorted(self._data["profiles"])

    def profile(self, name: str) -> Mapping[str, Any]:
        """Return the values of one profile, without its keys; empty where there is none."""
        values: Mapping[str, Any] = self._data["profiles"].get(name, {})
        return {k: v for k, v in values.items() if k not in SECRETS}

    def key(self, name: str, origin: str) -> str | None:
        """Return the key stored in a profile for this origin; ``None`` where there is none."""
        key = self._data["profiles"].get(name, {}).get("keys", {}).get(origin)
        return key if isinstance(key, str) else None

    def secret(self, name: str, origin: str) -> Secret | None:
        """Return the key of a profile for this origin, or what fetches it; ``None`` for neither.

        Raises ``UsageError`` for a key that cannot be used.
        """
        key = self._data["profiles"].get(name, {}).get("keys", {}).get(origin)
        if isinstance(key, dict):
            from callsheet.config.key_sources import secret_of

            return secret_of(key, self.path, name, origin)
        return Secret.parse(key) if isinstance(key, str) and key else None

    def service(self, name: str, origin: str) -> str:
        """Return the service under which the system's keyring holds the key; ``""`` for none."""
        key = self._data["profiles"].get(name, {}).get("keys", {}).get(origin)
        return str(key.get("keyring") or "") if isinstance(key, dict) else ""

    def headers(self, name: str, origin: str) -> dict[str, str]:
        """Return the headers stored in a profile for this origin, by name."""
        headers = self._data["profiles"].get(name, {}).get("headers", {}).get(origin)
        headers = headers if isinstance(headers, dict) else {}
        return {name: text for name, text in headers.items() if isinstance(text, str)}

    def login(self, origin: str) -> StoredLogin | None:
        """Return what a profile stores for this origin, the current one first; ``None`` for none.

        Raises ``UsageError`` for a key that cannot be used.
        """
        for name in (self.current, *self.names()):
            key, headers = self.secret(name, origin), self.headers(name, origin)
            if key or headers:
                auth = self.profile(name).get("auth")
                return StoredLogin(
                    key,
                    auth if isinstance(auth, str) else "",
                    tuple(ExtraHeader.parse(*pair, self.path) for pair in headers.items()),
                )
        return None

    def save(
        self,
        name: str,
        values: Mapping[str, Any],
        *,
        origin: str,
        key: str | Mapping[str, str] | None,
        headers: Iterable[ExtraHeader] = (),
    ) -> None:
        """Store values, and key and headers for ``origin``, and make the profile the current one.

        The file is read anew: what another process stored meanwhile stays. A ``key`` may name what
        gives it: ``{"command": …}`` or ``{"keyring": SERVICE}``; ``None`` leaves the stored one.
        Raises ``UsageError`` where the file cannot be read or written.
        """
        with self._locked_update():
            profile = self._data["profiles"].setdefault(name, {})
            profile.update(values)
            if key is not None:
                profile.setdefault("keys", {})[origin] = key
            for header in headers:
                stored = profile.setdefault("headers", {}).setdefault(origin, {})
                stored[header.name] = header.reveal()
            self._data["profile"] = name

    def set(self, name: str, key: str, setting: str) -> None:
        """Store one setting of a profile; an empty one is removed. Raises as ``save`` does."""
        with self._locked_update():
            profile = self._data["profiles"].setdefault(name, {})
            profile[key] = setting
            if not setting:
                del profile[key]

    def forget(self, name: str, origin: str) -> bool:
        """Delete key and headers of one origin; return false where there was neither."""
        profile = self._data["profiles"].get(name, {})
        if not any(origin in profile.get(kind, {}) for kind in _BY_ORIGIN):
            return False
        with self._locked_update():
            profile = self._data["profiles"].get(name, {})
            stored = [profile.get(kind, {}).pop(origin, None) for kind in _BY_ORIGIN]
            return any(stored)

    def _read(self) -> dict[str, Any]:
        """Return the file's document without what has no valid shape; set ``warnings``."""
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
                hint="repair or remove the file, then log in again",
            ) from None
        if not isinstance(document, dict) or not isinstance(document.get("profiles", {}), dict):
            raise UsageError(
                f"{self.path} is not a configuration", hint="remove it and log in again"
            )
        profiles = document.get("profiles", {})
        document["profiles"] = {k: v for k, v in profiles.items() if isinstance(v, dict)}
        for profile in document["profiles"].values():
            for kind in _BY_ORIGIN:
                if not isinstance(profile.get(kind, {}), dict):
                    del profile[kind]
        return document

    def _exposure_warnings(self, stat: os.stat_result) -> tuple[str, ...]:
        """Return a line where others may read the file or own it."""
        warnings = []
        if may_others(stat, 0o077):
            warnings.append(f"others may read the keys in {self.path}; fix it: chmod 600")
        if not is_own(stat):
            warnings.append(f"{self.path} belongs to another user")
        return tuple(warnings)

    @contextmanager
    def _locked_update(self) -> Iterator[None]:
        """Lock the folder, read the file anew, and write it after the block.

        Raises ``UsageError`` where that fails.
        """
        import json

        from callsheet.storage.atomic_file import locked_folder, replace_file

        try:
            with locked_folder(os.path.dirname(self.path)):
                self._data = self._read()
                yield
                replace_file(self.path, json.dumps(self._data, indent=2) + "\n", durable=True)
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written: {error.strerror}") from None
