"""Compute delays between attempts, read Retry-After and keep the retry quota."""

from __future__ import annotations

import os
import re
import threading
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime


RETRY_COST = 14
"""Tokens that the retry of a lost or failed request costs."""
THROTTLE_COST = 5
"""Tokens that the retry of a throttled request costs."""

PROMISE_LASTS = 3600.0
"""Seconds for which a host's promise that a request may be repeated is valid."""

_SECONDS = r"(?s)([+-]?)([0-9]{1,400})(\.[0-9]{0,400})?(?:\s*,.*)?"
_MAX_SECONDS = 315_360_000.0  # ten years: what is longer is no time to wait for
_LONGEST_RESET = 86_400.0  # seconds: a limit resets within a day
_EPOCH = 1_000_000_000.0  # a larger number of seconds is a date, not a delay
_QUOTED_RESET = r"(?:^|[;,\s])(?:t|reset)\s*=\s*([0-9]{1,12})"


def full_jitter(attempt: int, *, base: float, cap: float, random: Callable[[], float]) -> float:
    """Return the seconds before retry ``attempt`` (n, from 0): at random up to ``base`` · 2ⁿ.

    Never more than ``cap``; ``random`` returns numbers in [0, 1).
    """
    ceiling = base * 2.0 ** min(max(attempt, 0), 64)
    return random() * min(cap, ceiling)


def poll_interval(attempt: int) -> float:
    """Return the seconds before poll ``attempt`` (from 0): 1, then half as much again, up to 8."""
    return min(8.0, 1.5 ** min(max(attempt, 0), 16))


def retry_after(header: str | None, now: float) -> float | None:
    """Read the seconds that a ``Retry-After`` header asks for; ``None`` where it cannot be read.

    ``now`` is in seconds since 1970. A past date and a negative number give 0; no more than ten
    years are returned. Never raises.
    """
    text = (header or "").strip()
    number = re.fullmatch(_SECONDS, text)
    if number:
        sign, digits, fraction = number.groups()
        return 0.0 if sign == "-" else min(float(digits + (fraction or "")), _MAX_SECONDS)
    moment = http_date(text)
    return None if moment is None else min(max(moment - now, 0.0), _MAX_SECONDS)


def wait_hint(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Return the seconds that a reply asks to wait, from its lower-case ``headers``, else ``None``.

    Read in turn: ``retry-after-ms``, ``retry-after``, then the reset of ``ratelimit``,
    ``ratelimit-reset`` and ``x-ratelimit-reset``. ``now`` is in seconds since 1970; without it the
    reply's own ``date`` is used.
    """
    clock = http_date(headers.get("date", "")) if now is None else now
    reference = 0.0 if clock is None else clock
    millis = re.fullmatch(_SECONDS, headers.get("retry-after-ms", "").strip())
    if millis and not millis[1]:
        return min(float(millis[2]) / 1000.0, _MAX_SECONDS)
    header = headers.get("retry-after")
    if header is not None and (clock is not None or re.fullmatch(_SECONDS, header.strip())):
        return retry_after(header, reference)
    return _reset_hint(headers, clock)


def _reset_hint(headers: Mapping[str, str], clock: float | None) -> float | None:
    """Return the seconds until a rate limit resets; ``None`` where no header says so."""
    quoted = re.search(_QUOTED_RESET, headers.get("ratelimit", ""))
    if quoted:
        return min(float(quoted[1]), _MAX_SECONDS)
    for name in ("ratelimit-reset", "x-ratelimit-reset"):
        seconds = retry_after(headers.get(name), clock or 0.0)
        if seconds is not None and _LONGEST_RESET < seconds < _MAX_SECONDS:
            return None  # milliseconds, most likely: a pause of one's own is safer than days
        if seconds is not None and seconds < _EPOCH:
            return seconds if seconds < _MAX_SECONDS else _seconds_until(headers[name], clock)
    return None


def _seconds_until(text: str, clock: float | None) -> float | None:
    """Return the seconds from ``clock`` to a time in seconds (or ms) since 1970, else ``None``."""
    number = re.fullmatch(_SECONDS, text.strip())
    if number is None or clock is None:
        return None
    moment = float(number[2])
    moment = moment / 1000.0 if moment > _EPOCH * 100 else moment
    return min(max(moment - clock, 0.0), _MAX_SECONDS) if moment >= _EPOCH else None


def http_date(text: str) -> float | None:
    """Convert an HTTP date, of any of the three forms, to seconds since 1970; else ``None``."""
    if not text or len(text) > 100:
        return None
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        moment: datetime = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None


class Quota:
    """Budget of tokens for all retries together; safe to share between threads.

    It bounds the retries against a dead server, however many workers there are.
    """

    def __init__(self, tokens: int = 500) -> None:
        self._full = tokens
        self._left = tokens
        self._lock = threading.Lock()

    def renew_lock(self) -> None:
        """Free the lock in a forked process: a thread that held it lives in the parent alone."""
        self._lock = threading.Lock()

    def take(self, cost: int) -> bool:
        """Take ``cost`` tokens for a retry; return false, and take none, where fewer are left."""
        with self._lock:
            if cost > self._left:
                return False
            self._left -= cost
            return True

    def give(self, cost: int) -> None:
        """Put ``cost`` tokens back, up to the full budget."""
        with self._lock:
            self._left = min(self._full, self._left + cost)


@cache
def process_quota() -> Quota:
    """Return the one quota that all clients of this process share."""
    quota = Quota()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=quota.renew_lock)
    return quota


def is_fresh(stated_at: float | None, now: float) -> bool:
    """Tell whether a host's promise of ``stated_at`` is at most an hour old; false for ``None``.

    A time in the future is not fresh: the clock was set back since.
    """
    return stated_at is not None and 0 <= now - stated_at <= PROMISE_LASTS
