"""Times as people type them."""

from __future__ import annotations

import re

from callsheet.errors import UsageError

_TIME = r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?"
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_SHORTEST = 1000


def milliseconds(text: str, flag: str = "timeout") -> int:
    """A duration in milliseconds: a bare number is that, ``90s`` and ``10m`` are read too.

    Raises ``UsageError``; a bare number under 1000 is refused, for it was meant as seconds.
    """
    found = re.fullmatch(_TIME, text.strip())
    if found is None:
        raise UsageError(
            f"--{flag}: {text!r} is no time", hint="600000, 90s or 10m", flag=f"--{flag}"
        )
    amount, unit = float(found[1]), found[2]
    if unit is None and amount < _SHORTEST:
        raise UsageError(
            f"--{flag}: {found[1]} is {amount / 1000:g} s; did you mean {found[1]}s?",
            hint="a bare number is milliseconds",
            flag=f"--{flag}",
        )
    return max(1, round(amount * _UNITS[unit or "ms"]))


def spoken(seconds: float) -> str:
    """Seconds in words of a progress line: ``8 s``, ``2 min 05 s``."""
    whole = max(0, int(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"
