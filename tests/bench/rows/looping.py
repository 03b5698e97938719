"""Rows about work inside one process: calls in a loop, bodies judged, a file downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.serving import KEY
from bench.timing import Loop
from bench.trials import CPU, PEAK, RatioRow, Trial

if TYPE_CHECKING:
    from bench.stage import BenchStage

CALLS = 50
BODIES = 2_000
MB = 1024 * 1024


def trials(stage: BenchStage) -> list[Trial]:
    """Loops of calls, then the judge, then downloads."""
    return [_safe(stage), _paid(stage), _judge(stage), _compile(stage), _download(stage)]


def _loop(stage: BenchStage, name: str, *, times: int = 1, **facts: Any) -> Loop:
    count = stage.sizes[-1]
    options = {"host": stage.hosts[count], "key": KEY, **facts}
    return Loop(name, stage.environ(count), stage.folder, options, times)


def _safe(stage: BenchStage) -> Trial:
    body = {"query": "waves", "page": 1}
    facts = {"action": "ai.video.search", "body": body}
    names = ("call_ours", "call_bare")
    parts = {name: _loop(stage, name, times=CALLS, **facts) for name in names}
    row = RatioRow(
        metric=f"{CALLS} calls in a loop, safe action, over httpx + validation, CPU",
        ours="call_ours",
        floor="call_bare",
        target=1.15,
        of=CPU,
    )
    return Trial(name="loop", parts=parts, rows=[row])


def _paid(stage: BenchStage) -> Trial:
    facts = {"action": "ai.video.generate", "body": {"prompt": "waves", "seed": 7}}
    parts = {
        "call_ours": _loop(stage, "call_ours", times=CALLS, **facts),
        "call_bare": _loop(stage, "call_bare", times=CALLS, commits=3, **facts),
    }
    row = RatioRow(
        metric=f"{CALLS} calls in a loop, paid, over httpx + 3 commits, CPU",
        ours="call_ours",
        floor="call_bare",
        target=1.15,
        of=CPU,
    )
    return Trial(name="paid loop", parts=parts, rows=[row])


def _judge(stage: BenchStage) -> Trial:
    names = ("judge_ours", "judge_bare", "judge_python")
    parts = {name: _loop(stage, name, times=BODIES) for name in names}
    row = RatioRow(
        metric=f"{BODIES} bodies validated",
        ours="judge_ours",
        floor="judge_bare",
        peers=("judge_python",),
        target=3.0,
    )
    return Trial(name="judge", parts=parts, rows=[row])


def _compile(stage: BenchStage) -> Trial:
    names = {"ours": "ours", "rust": "jsonschema_rs", "python": "jsonschema"}
    parts = {name: stage.program("compile_schema", word) for name, word in names.items()}
    for part in parts.values():
        part.reported = True
    row = RatioRow(
        metric="judge: import and compile",
        ours="ours",
        floor="rust",
        peers=("python",),
        against="python",
        target=0.3,
    )
    return Trial(name="compile", parts=parts, rows=[row])


def _download(stage: BenchStage) -> Trial:
    small, large = (64, 128) if stage.quick else (64, 256)
    parts: dict[str, Any] = {
        f"{name} {size}": _loop(stage, f"download_{name}", size=size * MB)
        for name in ("ours", "bare")
        for size in (small, large)
    }
    ours, bare = f"ours {large}", f"bare {large}"
    rows = [
        RatioRow(metric=f"download of {large} MB to disk", ours=ours, floor=bare, target=1.10),
        RatioRow(
            metric=f"download: peak memory, {large} MB over {small} MB",
            ours=ours,
            floor=f"ours {small}",
            target=1.05,
            of=PEAK,
        ),
    ]
    return Trial(name="download", parts=parts, rows=rows, pairs=9)
