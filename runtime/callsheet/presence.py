"""Tells whether the program that wrote an entry still runs, by a lock that ends with it."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress

ENDING = ".running"


class Presence:
    """A file of its own in the state folder, locked as long as this program goes on.

    The system drops the lock however the program ends. Raises ``OSError``.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._handle: int | None = None
        self._name = ""

    def name(self) -> str:
        """The name under which others find this program, taken when it is first needed."""
        if self._handle is None:
            name = os.urandom(8).hex() + ENDING
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            handle = os.open(os.path.join(self._folder, name), flags, 0o600)
            fcntl.flock(handle, fcntl.LOCK_EX)
            self._handle, self._name = handle, name
        return self._name

    def is_here(self, name: str | None) -> bool:
        """Whether the program of this name goes on; what a dead one left is removed."""
        if not name or not name.endswith(ENDING) or name != os.path.basename(name):
            return False
        path = os.path.join(self._folder, name)
        try:
            handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        else:
            with suppress(OSError):
                os.unlink(path)
            return False
        finally:
            os.close(handle)

    def close(self) -> None:
        """Give the name up."""
        if self._handle is not None:
            with suppress(OSError):
                os.unlink(os.path.join(self._folder, self._name))
            os.close(self._handle)
            self._handle = None
