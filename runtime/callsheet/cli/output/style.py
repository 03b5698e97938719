"""Colour text where the terminal shows it."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


STYLES = {"bold": "1", "dim": "2", "bad": "1;31", "good": "32", "odd": "33"}


def is_wanted(stream: IO[str] | None, environ: Mapping[str, str]) -> bool:
    """``NO_COLOR`` and ``TERM=dumb`` say no, ``FORCE_COLOR`` says yes, else a terminal does."""
    if stream is None or environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "") not in {"", "0"}:
        return True
    return moves(stream, environ)


def moves(stream: IO[str] | None, environ: Mapping[str, str]) -> bool:
    """Whether a line on this stream may be drawn over again."""
    return stream is not None and stream.isatty() and environ.get("TERM") not in {"dumb", ""}


def painted(text: str, style: str, wanted: bool) -> str:
    """Our own ``text`` in a style; a server's text is made safe before it comes here."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if wanted and style and text else text
