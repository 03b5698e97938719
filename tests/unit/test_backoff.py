"""Delays stay in their bounds, and no header makes them raise."""

from __future__ import annotations

import random
import string
from email.utils import formatdate
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callsheet.backoff import (
    RETRY_COST,
    THROTTLE_COST,
    Quota,
    full_jitter,
    poll_interval,
    retry_after,
    wait_hint,
)

NOW = 1_800_000_000.0
SOON = formatdate(NOW + 90, usegmt=True)
PAST = formatdate(NOW - 90, usegmt=True)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("+3", 3.0),
        ("-5", 0.0),
        ("9" * 300, 315_360_000.0),
        (SOON, 90.0),
        (PAST, 0.0),
        ("Friday, 15-Jan-27 08:01:30 GMT", 90.0),
        ("Fri Jan 15 08:01:30 2027", 90.0),
        (SOON.replace("GMT", "+0000"), 90.0),
        ("30, 60", 30.0),
        ("", None),
        (None, None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e3", None),
        ("1_000", None),
        ("٣", None),
        ("Fri, 99 Foo 2027 99:99:99 GMT", None),
        ("Mon, 01 Jan 99999 00:00:00 GMT", None),
    ],
)
def test_each_form_of_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


def test_random_strings_never_raise_and_stay_in_bounds() -> None:
    source = random.Random(7)
    letters = string.printable + "éΩ漢"
    texts = ["".join(source.choices(letters, k=source.randrange(40))) for _ in range(1000)]
    dates = [SOON[: source.randrange(30)] + text[:5] for text in texts]
    read = [retry_after(text, NOW) for text in texts + dates]

    assert [
        header for header in read if header is not None and not 0 <= header <= 315_360_000
    ] == []


@given(st.text(max_size=60))
def test_any_header_is_read_without_raising(text: str) -> None:
    names = ("retry-after", "retry-after-ms", "ratelimit", "ratelimit-reset", "x-ratelimit-reset")
    read = [wait_hint({name: text, "date": text}, now) for name in names for now in (NOW, None)]

    assert [header for header in read if header is not None and header < 0] == []


@pytest.mark.parametrize(
    ("headers", "now", "seconds"),
    [
        ({"retry-after": "30"}, None, 30.0),
        ({"retry-after": SOON}, NOW, 90.0),
        ({"retry-after": SOON, "date": formatdate(NOW, usegmt=True)}, None, 90.0),
        ({"retry-after": SOON}, None, None),
        ({"retry-after-ms": "250", "retry-after": "9"}, None, 0.25),
        ({"ratelimit-reset": "12"}, None, 12.0),
        ({"ratelimit": '"default";r=0;t=42'}, None, 42.0),
        ({"ratelimit": "limit=10, remaining=0, reset=5"}, None, 5.0),
        ({"x-ratelimit-reset": "8"}, None, 8.0),
        ({"x-ratelimit-reset": str(int(NOW) + 60)}, NOW, 60.0),
        ({"x-ratelimit-reset": str((int(NOW) + 60) * 1000)}, NOW, 60.0),
        ({}, NOW, None),
    ],
)
def test_each_header_that_asks_to_wait(
    headers: dict[str, str], now: float | None, seconds: float | None
) -> None:
    assert wait_hint(headers, now) == seconds


def test_jitter_fills_its_bounds() -> None:
    source = random.Random(1)
    drawn = [full_jitter(3, base=1.0, cap=20.0, random=source.random) for _ in range(10_000)]

    assert min(drawn) >= 0
    assert 7.9 < max(drawn) <= 8.0
    assert sum(drawn) / len(drawn) == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize(
    ("attempt", "ceiling"), [(-1, 0.05), (0, 0.05), (1, 0.1), (9, 20.0), (10_000, 20.0)]
)
def test_jitter_is_capped(attempt: int, ceiling: float) -> None:
    assert full_jitter(attempt, base=0.05, cap=20.0, random=lambda: 1.0) == ceiling


def test_polls_grow_to_eight_seconds() -> None:
    assert [poll_interval(n) for n in (0, 1, 2, 5, 6, 10**9)] == [1.0, 1.5, 2.25, 7.59375, 8.0, 8.0]


def test_a_quota_bounds_what_many_threads_spend() -> None:
    quota = Quota()
    granted: list[bool] = []
    workers = [
        Thread(target=lambda: granted.extend(quota.take(RETRY_COST) for _ in range(20)))
        for _ in range(20)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sum(granted) == 500 // RETRY_COST
    assert len(granted) == 400


def test_a_quota_takes_back_no_more_than_it_had() -> None:
    quota = Quota(10)

    assert [quota.take(THROTTLE_COST), quota.take(THROTTLE_COST), quota.take(THROTTLE_COST)] == [
        True,
        True,
        False,
    ]
    quota.give(100)
    assert [quota.take(11), quota.take(10)] == [False, True]
