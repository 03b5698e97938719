"""Suggest the nearest known word for a mistyped one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


_SHOWN = 12


def nearest(word: str, words: Iterable[str]) -> str:
    """Return the known word closest to ``word``, or an empty string."""
    import difflib

    by_case = {name.lower(): name for name in words}
    close = difflib.get_close_matches(word.lower(), by_case, n=1, cutoff=0.6)
    return by_case[close[0]] if close else ""


def nearest_number(number: float, choices: Iterable[object]) -> int | float | None:
    """Return the known number that is closest, or ``None`` where there is none."""
    numbers = [n for n in choices if isinstance(n, int | float) and not isinstance(n, bool)]
    return min(numbers, key=lambda candidate: abs(candidate - number), default=None)


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """Return a question such as ``did you mean text-to-video?``, or an empty string."""
    close = nearest(word, words)
    return f"did you mean {close}?" if close else ""


def listing(words: Iterable[str]) -> str:
    """Join the known words with commas, cut after the first dozen."""
    listed = list(words)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more
