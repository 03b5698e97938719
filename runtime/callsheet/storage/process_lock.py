"""Tell which processes are alive, and which output paths they claim."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress

from callsheet.storage.atomic_file import locked_folder
from callsheet.system import IS_POSIX, PLAIN, lock

ENDING = ".running"


class ProcessLock:
    """A file of its own in the state folder, locked as long as this process lives.

    The system drops the lock however the process ends. Raises ``OSError``.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._handle: int | None = None
        self._name = ""

    def name(self) -> str:
        """Return the name under which others find this process; take it when it is first needed.

        Files of processes that were killed are removed first.
        """
        if self._handle is None:
            self._sweep()
        while self._handle is None:
            name = os.urandom(8).hex() + ENDING
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | PLAIN
            handle = os.open(os.path.join(self._folder, name), flags, 0o600)
            lock(handle, waits=True)
            if os.fstat(handle).st_nlink:
                self._handle, self._name = handle, name
            else:  # another process swept it away before it was locked
                os.close(handle)
        return self._name

    def _sweep(self) -> None:
        for name in os.listdir(self._folder or "."):
            if name.endswith(ENDING):
                self.is_alive(name)

    def is_alive(self, name: str | None) -> bool:
        """Tell whether the process of this name is alive; remove the file of a dead one."""
        if not name or not name.endswith(ENDING) or name != os.path.basename(name):
            return False
        path = os.path.join(self._folder, name)
        try:
            handle = os.open(path, os.O_RDWR | PLAIN)
        except OSError:
            return False
        try:
            lock(handle)
            with suppress(OSError):
                os.unlink(path)
        except OSError:
            return True
        finally:
            os.close(handle)
        if not IS_POSIX:
            with suppress(OSError):
                os.unlink(path)
        return False

    def claim(self, path: str) -> bool:
        """Claim an output path for this process; return False where a live process holds it.

        The claims of a process stand in its file, and end with it.
        """
        digest, own = hashlib.sha256(os.fsencode(path)).hexdigest(), self.name()
        with locked_folder(self._folder):
            for name in os.listdir(self._folder):
                if name != own and digest in self._claims(name) and self.is_alive(name):
                    return False
            with open(os.path.join(self._folder, own), "a", encoding="ascii") as file:
                file.write(f"{digest}\n")
        return True

    def _claims(self, name: str) -> list[str]:
        if not name.endswith(ENDING):
            return []
        with suppress(OSError), open(os.path.join(self._folder, name), encoding="ascii") as file:
            return file.read().splitlines()
        return []

    def leave(self) -> None:
        """Give the name up in a forked process; the parent still holds it."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def close(self) -> None:
        """Remove the file and give the name up."""
        if self._handle is not None:
            if not IS_POSIX:
                self.leave()
            with suppress(OSError):
                os.unlink(os.path.join(self._folder, self._name))
            self.leave()
