"""A terminal emulator that reads what was printed and says what it did besides showing it."""

from __future__ import annotations

import unicodedata
from typing import Any

import pyte

_QUIET = frozenset(("draw", "linefeed"))
_MOST = 40_000


class _Listener:
    """Hands everything on to a screen and keeps the name of what was asked."""

    def __init__(self, screen: pyte.Screen) -> None:
        self.screen = screen
        self.done: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        handler = getattr(self.screen, name)

        def record(*args: Any, **kwargs: Any) -> Any:
            self.done.add(name)
            return handler(*args, **kwargs)

        return record if name in pyte.Stream.events else handler


def moved(text: str) -> list[str]:
    """Return what the text did to a terminal besides being shown; empty if nothing."""
    if len(text) <= 1 or (text.isascii() and text.replace("\n", "").isprintable()):
        return []
    effects = {
        f"U+{ord(char):04X} is printed"
        for char in set(text) - {"\n"}
        if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    }
    screen = pyte.Screen(200, 50)
    screen.set_mode(pyte.modes.LNM)
    title, modes = (screen.title, screen.icon_name), set(screen.mode)
    listener = _Listener(screen)
    stream: pyte.Stream = pyte.Stream()
    stream.attach(listener)  # type: ignore[arg-type]  # it hands everything on to a screen
    stream.feed(text[:_MOST])
    effects |= {f"the terminal was told to {name}" for name in listener.done - _QUIET}
    if (screen.title, screen.icon_name) != title:
        effects.add("the title was changed")
    if screen.cursor.hidden or screen.mode != modes:
        effects.add("the terminal is in another mode")
    return sorted(effects)
