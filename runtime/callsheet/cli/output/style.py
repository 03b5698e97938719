"""Colour text where the terminal shows it."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


STYLES = {"bold": "1", "dim": "2", "bad": "1;31", "good": "32", "odd": "33"}


def wants_colour(stream: IO[str] | None, environ: Mapping[str, str]) -> bool:
    """Tell whether to colour: not by ``NO_COLOR``, always by ``FORCE_COLOR``, else on a terminal."""
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
