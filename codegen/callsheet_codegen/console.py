"""Print for a person and for programs, and turn errors into exit codes."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from callsheet.errors import CallsheetError


class Console:
    """Lines for a person and one JSON document; with ``--json`` the lines go to standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def say(self, *lines: str) -> None:
        """Print lines for a person, safe for a terminal."""
        from callsheet.text import safe_text

        _write(*map(safe_text, lines), error=self.as_json)

    def run(self, job: Callable[[], tuple[int, Any]], *, interrupted: str = "interrupted") -> int:
        """Return the exit code of a job and print its document; print what it raises as an error.

        ``interrupted`` is the message for Ctrl-C.
        """
        from callsheet.errors import CallsheetError, Interrupted

        try:
            code, document = job()
        except KeyboardInterrupt:
            return self.fail(Interrupted(interrupted))
        except CallsheetError as error:
            return self.fail(error)
        self.document(document)
        return code

    def document(self, document: object) -> None:
        """Print the JSON document, if ``--json`` was given."""
        if self.as_json:
            _write(json.dumps(document, indent=1))

    def fail(self, error: CallsheetError) -> int:
        """Print an error with its hint, and return its exit code."""
        from callsheet.text import safe_text, with_program

        error.hint = with_program("callsheet", error.hint)
        hint = [f"  {error.hint}"] if error.hint else []
        _write(*map(safe_text, (f"callsheet: {error.message}", *hint)), error=True)
        self.document({"error": error.as_json()})
        return error.exit_code


def _write(*lines: str, error: bool = False) -> None:
    stream = sys.stderr if error else sys.stdout
    stream.write("".join(f"{line}\n" for line in lines))
    stream.flush()
