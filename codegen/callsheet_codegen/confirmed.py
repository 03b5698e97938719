"""Remember which files of projects may send a key of the environment to the host they name."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

from callsheet.errors import UsageError
from callsheet.storage.atomic_file import locked_folder, replace_file
from callsheet.stored import folder
from callsheet.system import is_own, may_others

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "confirmed.json"
_OTHERS_MAY_WRITE = 0o022


class ConfirmedFiles:
    """``confirmed.json`` in the configuration folder of callsheet.

    It holds ``{"VARIABLE ORIGIN PATH": SHA-256}``: a file may name several servers, and each of
    them, and each variable with a key, is confirmed alone. The folder does not depend on the
    project, whose ``command`` chooses the others. A file that was changed since is not confirmed,
    nor is anything where somebody else may write the list.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.path = os.path.join(folder("config", "callsheet", "CALLSHEET", environ), NAME)

    def allows(self, variable: str, origin: str, file: str) -> bool:
        """Tell whether the key of a variable may go to an origin that a file names."""
        path, digest = _identify(file)
        return bool(digest) and self._read().get(f"{variable} {origin} {path}") == digest

    def add(self, variable: str, origin: str, file: str) -> None:
        """Confirm that for a file as it is now; raises ``UsageError`` where it cannot be stored."""
        path, digest = _identify(file)
        entry = {f"{variable} {origin} {path}": digest}
        try:
            with locked_folder(os.path.dirname(self.path)):
                text = json.dumps(self._read() | entry, indent=1) + "\n"
                replace_file(self.path, text, durable=True)
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written: {error.strerror}") from None

    def _read(self) -> dict[str, str]:
        """Return the list; empty where it cannot be read, or somebody else owns or may write it."""
        try:
            with open(self.path, encoding="utf-8") as file:
                state = os.fstat(file.fileno())
                is_safe = is_own(state) and not may_others(state, _OTHERS_MAY_WRITE)
                entries = json.load(file) if is_safe else {}
        except (OSError, ValueError, RecursionError):
            return {}
        return entries if isinstance(entries, dict) else {}


def _identify(file: str) -> tuple[str, str]:
    """Return a file's real path and the sha256 of its bytes, which is "" if it cannot be read."""
    path = os.path.realpath(file)
    try:
        with open(path, "rb") as stream:
            return path, hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return path, ""
