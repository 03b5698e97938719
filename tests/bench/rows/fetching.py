"""Rows about the catalogue over a network that takes 40 ms for every answer, and about polls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.polling import Polls
from bench.serving import KEY, served
from bench.timing import Loop
from bench.trials import COUNT, RatioRow, Trial

if TYPE_CHECKING:
    from bench.stage import BenchStage

DELAY = 0.04


def trials(stage: BenchStage) -> list[Trial]:
    """Cold, warm, then polls."""
    from callsheet.transport.http import AIOHTTP_FROM

    count = max(stage.sizes[-1], AIOHTTP_FROM)  # fewer are asked for in another way
    host = stage.stack.enter_context(served(count, delay=DELAY))
    return [_cold(stage, host, count), _warm(stage, host), _polls()]


def _loop(stage: BenchStage, name: str, host: str, **facts: Any) -> Loop:
    options = {"host": host, "key": KEY, **facts}
    return Loop(name, stage.environ(stage.sizes[-1]), stage.folder, options)


def _cold(stage: BenchStage, host: str, count: int) -> Trial:
    from callsheet.transport.http import MAX_CONNECTIONS_AIOHTTP

    parts = {
        name: _loop(stage, name, host, at_once=MAX_CONNECTIONS_AIOHTTP)
        for name in ("fetch_ours", "fetch_aiohttp", "fetch_httpx")
    }
    metric = f"fetch {count} schemas, {DELAY * 1000:.0f} ms, {MAX_CONNECTIONS_AIOHTTP} at once"
    rows = [
        RatioRow(
            metric=metric,
            ours="fetch_ours",
            floor="fetch_aiohttp",
            peers=("fetch_httpx",),
            target=1.5,
        ),
        RatioRow(
            metric=f"{metric}, over async httpx",
            ours="fetch_ours",
            floor="fetch_aiohttp",
            peers=("fetch_httpx",),
            against="fetch_httpx",
            target=0.1,
        ),
    ]
    return Trial(name="fetch", parts=parts, rows=rows)


def _warm(stage: BenchStage, host: str) -> Trial:
    parts = {
        "warm": _loop(stage, "fetch_ours", host, warm=True),
        "trip": _loop(stage, "fetch_one", host),
    }
    row = RatioRow(
        metric="fetch again, nothing changed, in round trips", ours="warm", floor="trip", target=2.0
    )
    return Trial(name="warm fetch", parts=parts, rows=[row])


def _polls() -> Trial:
    row = RatioRow(
        metric="polls for a job of predictable length, equal mean delay",
        ours="learnt",
        floor="fixed",
        target=0.5,
        of=COUNT,
    )
    polls = Polls()
    parts = {"learnt": polls.learnt(), "fixed": polls.fixed()}
    return Trial(name="polls", parts=parts, rows=[row])
