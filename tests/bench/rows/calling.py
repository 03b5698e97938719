"""Rows about one call from a fresh process, by the program and by the library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.rows.generating import DMCG, dmcg_client
from bench.serving import KEY
from bench.timing import once
from bench.trials import PEAK, RatioRow, Trial

if TYPE_CHECKING:
    from bench.peers import Peer
    from bench.stage import BenchStage
    from bench.timing import Process

BODY = '{"prompt": "waves", "seed": 7}'
ACTION = "ai.video.generate"
FREE = "ai.video.search"


def trials(stage: BenchStage, peers: dict[str, Peer]) -> list[Trial]:
    """Return the program's call, the library's first one, then imports."""
    return [
        *(_call(stage, n) for n in (stage.sizes[0], stage.sizes[-1])),
        _call(stage, stage.large, unbound=True),
        _import(stage),
        _first(stage),
        _typed(stage),
        _models(stage, peers),
    ]


def _call(stage: BenchStage, count: int, *, unbound: bool = False) -> Trial:
    url = f"{stage.hosts[count]}/api/actions/{ACTION}"
    posts = {
        name: stage.program(f"{name}_post", url, "--input", BODY)
        for name in ("lean", "plain", "naive")
    }
    program = stage.unbound if unbound else stage.ads
    parts = {"ads": program(count, "call", ACTION, "--input", BODY), **posts}
    metric = f"ads call, n = {count}{' (no bindings)' if unbound else ''}"
    rows = [
        RatioRow(
            metric=f"{metric}, over lean click + httpx", ours="ads", floor="lean", target=1.15
        ),
        RatioRow(
            metric=f"{metric}, over click + plain httpx",
            ours="ads",
            floor="lean",
            peers=("plain",),
            against="plain",
            target=0.75,
        ),
        RatioRow(
            metric=f"{metric}, over click + httpx + pydantic + jsonschema",
            ours="ads",
            floor="lean",
            peers=("naive",),
            against="naive",
        ),
    ]
    return Trial(name="call", parts=parts, rows=rows)


def _import(stage: BenchStage) -> Trial:
    parts = {
        "pass": stage.python("-c", "pass"),
        "import": stage.python("-c", "import ads_client", count=stage.sizes[-1]),
    }
    rows = [RatioRow(metric="import ads_client", ours="import", floor="pass", target=1.1)]
    return Trial(name="import", parts=parts, rows=rows)


def _first(stage: BenchStage) -> Trial:
    """Compare a free action: its peers keep no ledger either."""
    facts = [stage.hosts[stage.sizes[-1]], FREE, KEY]
    parts = {
        "first": stage.program("first_call", facts[0], KEY, count=stage.sizes[-1]),
        "lean": stage.program("bare_first", *facts, "lean"),
        "plain": stage.program("bare_first", *facts, "plain"),
    }
    metric = "Client() + first call, not typed"
    rows = [
        RatioRow(metric=metric, ours="first", floor="lean", peers=("plain",), target=1.15),
        RatioRow(
            metric=f"{metric}, over plain import httpx",
            ours="first",
            floor="lean",
            peers=("plain",),
            against="plain",
            target=1.15,
        ),
    ]
    return Trial(name="first", parts=parts, rows=rows)


def _typed(stage: BenchStage) -> Trial:
    facts = [stage.hosts[stage.sizes[-1]], FREE, KEY]
    parts = {
        "typed": stage.program("first_call", facts[0], KEY, "typed", count=stage.sizes[-1]),
        "lean": stage.program("bare_first", *facts, "lean", "model"),
        "plain": stage.program("bare_first", *facts, "plain", "model"),
    }
    rows = [
        RatioRow(
            metric="Client() + first call, typed",
            ours="typed",
            floor="lean",
            peers=("plain",),
            target=1.15,
        )
    ]
    return Trial(name="typed", parts=parts, rows=rows)


def _models(stage: BenchStage, peers: dict[str, Peer]) -> Trial:
    words = "import ads_client; from ads_client.models import VideoGenerateInput"
    least, most = stage.sizes[0], stage.sizes[-1]
    one_model = (
        "import pydantic\nclass One(pydantic.BaseModel):\n    prompt: str\n    seed: int = 0"
    )
    parts: dict[str, Process] = {
        "most": stage.python("-c", words, count=most),
        "least": stage.python("-c", words, count=least),
        "one": stage.python("-c", one_model),
    }
    metric = f"import of the client and one action's models, n = {most}"
    rows = [
        RatioRow(metric=metric, ours="most", floor="one", target=1.4),
        RatioRow(metric=f"{metric} over n = {least}", ours="most", floor="least", target=1.05),
    ]
    rows.append(_memory(stage, parts, words, one_model))
    if DMCG in peers:
        generated = dmcg_client(stage, peers[DMCG])
        words = "import bench_client; bench_client.Client; import bench_models"
        parts[DMCG] = peers[DMCG].process(generated.folder, "-c", words)
        parts[DMCG].before = once(generated.sample)
        over = RatioRow(
            metric=f"{metric}, over {DMCG}'s client",
            ours="most",
            floor="one",
            peers=(DMCG,),
            against=DMCG,
        )
        rows.append(over)
    return Trial(
        name="models", parts=parts, rows=rows, rare=frozenset({DMCG, "ours, MB", "floor, MB"})
    )


def _memory(stage: BenchStage, parts: dict[str, Process], words: str, one_model: str) -> RatioRow:
    """Memory is read inside the process, so it takes runs of its own."""
    parts["ours, MB"] = stage.program("peak", words, count=stage.sizes[-1])
    parts["floor, MB"] = stage.program("peak", one_model)
    for name in ("ours, MB", "floor, MB"):
        parts[name].reported = True
    metric = f"import of the client and one action's models, n = {stage.sizes[-1]}, memory"
    return RatioRow(
        metric=metric, ours="ours, MB", floor="floor, MB", target=40, of=PEAK, absolute=True
    )
