"""Hold the streams of one run, how they are written to, and when they are coloured."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import IO, TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Console:
    """The streams of one run with its format, verbosity and colour.

    ``flags`` holds the values of our own flags; it is filled while the command line is parsed,
    so ``argv`` counts for ``--json`` and ``--debug`` before that. ``env`` begins the names of
    the program's variables. ``emits_json`` is false for a command whose output is no JSON
    document.
    """

    def __init__(
        self,
        prog: str,
        env: str,
        flags: Mapping[str, str],
        argv: Sequence[str],
        environ: Mapping[str, str],
    ) -> None:
        self.prog, self.env = prog, env
        self.flags, self.argv, self.environ = flags, argv, environ
        self.emits_json = True

    @property
    def quiet(self) -> bool:
        """Tell whether progress and hints are unwanted."""
        return "quiet" in self.flags

    @property
    def debug(self) -> bool:
        """Tell whether ``--debug`` was given, also where the command line could not be parsed."""
        return "debug" in self.flags or "--debug" in self.argv

    def on_terminal(self) -> bool:
        """Tell whether stdout is a terminal, which a person reads."""
        return sys.stdout is not None and sys.stdout.isatty()

    def can_ask(self) -> bool:
        """Tell whether a person can be asked: two terminals, and no ``--no-input``."""
        streams = (sys.stdin, sys.stderr)
        terminals = all(stream is not None and stream.isatty() for stream in streams)
        return terminals and "no-input" not in self.flags

    def style(self, text: str, style: str, stream: TextIO | None) -> str:
        """Return our own ``text`` in a style where ``stream`` shows colour."""

        return apply_style(text, style, wants_colour(stream, self.environ))

    def note(self, text: str) -> None:
        """Write one line to stderr, unless ``--quiet`` was given."""
        if not self.quiet:
            self.warn(text)

    def warn(self, text: str, head: str = "") -> None:
        """Write one line to stderr; ``head`` is ours and begins it, in the colour of errors.

        A closed or full stream is ignored: it must not end a command whose job runs on.
        """
        from callsheet.text import safe_text

        if sys.stderr is None:
            return
        head = self.style(head, "bad", sys.stderr)
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{head}{safe_text(text)}\n")
            sys.stderr.flush()


STYLES = {"bold": "1", "dim": "2", "bad": "1;31", "good": "32", "odd": "33"}


def wants_colour(stream: IO[str] | None, environ: Mapping[str, str]) -> bool:
    """Tell whether to colour: never by ``NO_COLOR``, else on a terminal or by ``FORCE_COLOR``."""
    if stream is None or environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "") not in {"", "0"}:
        return True
    return can_redraw(stream, environ)


def can_redraw(stream: IO[str] | None, environ: Mapping[str, str]) -> bool:
    """Tell whether a line on this stream may be drawn over again."""
    return stream is not None and stream.isatty() and environ.get("TERM") not in {"dumb", ""}


def apply_style(text: str, style: str, wanted: bool) -> str:
    """Return our own ``text`` in a style; a server's text has to be made safe before."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if wanted and style and text else text
