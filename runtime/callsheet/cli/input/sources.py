"""Values that lie in files or come from standard input, each read once."""

from __future__ import annotations

import os
import sys

from callsheet.errors import UsageError

_LARGEST = 64 * 1024 * 1024


class Sources:
    """Reads what ``--input``, ``@file``, ``@-`` and ``--NAME-file`` name; raises ``UsageError``."""

    def __init__(self) -> None:
        self._stdin_taken_by = ""

    def read(self, name: str, flag: str) -> bytes:
        """The bytes of a file, or of standard input for ``-``."""
        if name == "-":
            return self._stdin(flag)
        try:
            if os.path.getsize(name) > _LARGEST:
                raise UsageError(f"--{flag}: {name} is larger than 64 MiB", flag=f"--{flag}")
            with open(name, "rb") as file:
                return file.read()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a file name"
            raise UsageError(f"--{flag}: {name}: {reason}", flag=f"--{flag}") from None

    def text(self, name: str, flag: str) -> str:
        """The same as text; it has to be UTF-8."""
        return decoded(self.read(name, flag), flag)

    def _stdin(self, flag: str) -> bytes:
        if self._stdin_taken_by:
            raise UsageError(
                f"--{flag}: standard input was read by --{self._stdin_taken_by} already",
                flag=f"--{flag}",
            )
        self._stdin_taken_by = flag
        return sys.stdin.buffer.read()


def decoded(data: bytes, flag: str) -> str:
    """``data`` as text, without a byte order mark; raises ``UsageError`` for anything but UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"--{flag}: the text is not UTF-8", flag=f"--{flag}") from None
