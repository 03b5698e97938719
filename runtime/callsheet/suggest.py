"""Suggest the nearest known word for a mistyped one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


_SHOWN = 12


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word closest to ``word``, or an empty string."""
    import difflib

    by_case = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_case, n=1, cutoff=0.6)
    return by_case[close[0]] if close else ""


def nearest_number(number: float, known: Iterable[object]) -> object:
    """The known number that is closest, or ``None`` where there is none."""
    numbers = [one for one in known if isinstance(one, int | float) and not isinstance(one, bool)]
    return min(numbers, key=lambda one: abs(one - number), default=None)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question such as ``did you mean text-to-video?``, or an empty string."""
    found = nearest(word, known)
    return f"did you mean {found}?" if found else ""


def listing(known: Iterable[str]) -> str:
    """The known words with commas between, cut after the first dozen."""
    words = list(known)
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return ", ".join(words[:_SHOWN]) + more
