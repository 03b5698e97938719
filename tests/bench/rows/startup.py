"""Rows about the way in: help, version, completion, errors; whole processes, from 3 to 1,000."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.toolservers import helps
from bench.trials import RatioRow, Trial

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.peers import Peer
    from bench.stage import BenchStage
    from bench.timing import Process

WAYS = {
    "ads --help": ["--help"],
    "ads video --help": ["video", "--help"],
    "ads video generate --help": ["video", "generate", "--help"],
    "ads --version": ["--version"],
}
COMPLETION = "completion of a flag"


UNBOUND = "no bindings"


def completing(process: Process) -> Process:
    """Return what bash runs when the tab key is pressed after ``ads video generate --pro``."""
    words = "ads video generate --pro"
    variables = {"_ADS_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "3"}
    process.environ, process.expected = {**process.environ, **variables}, "plain,--prompt"
    return process


def trials(stage: BenchStage, peers: dict[str, Peer]) -> list[Trial]:
    """Return one trial a way, with all sizes in it, so that the growth is measured in pairs too."""
    by_way = _ways(stage, stage.ads)
    _beside(stage, by_way[0], peers)
    if "awscli" in peers:
        _with_aws(by_way[3], peers["awscli"].process(stage.folder, "--version", program="aws"))
    unbound = _ways(stage, stage.unbound, f" ({UNBOUND})")
    return [same(stage), *by_way, *unbound, _errors(stage), _large(stage)]


def _ways(stage: BenchStage, program: Callable[..., Process], which: str = "") -> list[Trial]:
    """Return the trials of one program; what is shown the second time is what counts."""
    ways = {name: {n: program(n, *words) for n in stage.sizes} for name, words in WAYS.items()} | {
        COMPLETION: {n: completing(program(n)) for n in stage.sizes}
    }
    return [_way(stage, name + which, parts) for name, parts in ways.items()]


def _beside(stage: BenchStage, trial: Trial, peers: dict[str, Peer]) -> None:
    """Put the peers' help beside ours."""
    others: dict[int, dict[str, Process]] = {}
    for count in stage.sizes:
        others[count] = {"eager click": stage.program("eager_click", str(count), "--help")}
        others[count] |= helps(stage, peers, count)
    named = {f"{name} {n}": part for n, them in others.items() for name, part in them.items()}
    trial.parts = {**trial.parts, **named}
    trial.rare = frozenset(named)
    trial.rows = [
        replace(row, peers=tuple(f"{name} {row.ours}" for name in others[int(row.ours)]))
        for row in trial.rows
    ]


def _with_aws(trial: Trial, aws: Process) -> None:
    """Put the command line of AWS beside ours."""
    trial.parts = {**trial.parts, "aws": aws}
    trial.rare = frozenset({"aws"})
    trial.rows = [replace(row, peers=("aws",)) for row in trial.rows]


def same(stage: BenchStage) -> Trial:
    """Run the same twice: how far apart two runs of one thing are here and now."""
    parts = {"pass": stage.python("-c", "pass"), "pass again": stage.python("-c", "pass")}
    rows = [RatioRow(metric="A/A: python -c pass, twice", ours="pass again", floor="pass")]
    return Trial(name="same", parts=parts, rows=rows)


def _way(stage: BenchStage, name: str, processes: dict[int, Process]) -> Trial:
    least, most = stage.sizes[0], stage.sizes[-1]
    parts = {"pass": stage.python("-c", "pass"), **{str(n): p for n, p in processes.items()}}
    rows = [
        RatioRow(metric=f"{name}, n = {n}", ours=str(n), floor="pass", target=1.25)
        for n in stage.sizes
    ]
    growth = RatioRow(
        metric=f"{name}, n = {most} over n = {least}", ours=str(most), floor=str(least), target=1.05
    )
    return Trial(name=name, parts=parts, rows=[*rows, growth])


def _errors(stage: BenchStage) -> Trial:
    most = stage.sizes[-1]
    parts = {
        "click": stage.program("bare_click", "generate", "--prompt", "waves"),
        "usage": stage.ads(most, "video", "generate", "--no-such-flag", code=2),
        "dry": stage.ads(most, "video", "generate", "--prompt", "waves", "--dry-run"),
        "cached": stage.ads(most, "actions", "list", "--cached"),
    }
    metrics = {"usage": "usage error", "dry": "--dry-run", "cached": "ads actions list --cached"}
    rows = [
        RatioRow(metric=f"{metric}, n = {most}", ours=name, floor="click", target=1.3)
        for name, metric in metrics.items()
    ]
    return Trial(name="errors", parts=parts, rows=rows)


def _large(stage: BenchStage) -> Trial:
    """Return what is asked of a large cached catalogue that nothing was generated from."""
    parts = {
        "pass": stage.python("-c", "pass"),
        "click": stage.program("bare_click", "generate", "--prompt", "waves"),
        "help": stage.unbound(stage.large, "video", "generate", "--help"),
        "cached": stage.unbound(stage.large, "actions", "list", "--cached"),
    }
    of = f"n = {stage.large} ({UNBOUND})"
    rows = [
        RatioRow(metric=f"ads video generate --help, {of}", ours="help", floor="pass", target=1.25),
        RatioRow(
            metric=f"ads actions list --cached, {of}", ours="cached", floor="click", target=1.3
        ),
    ]
    return Trial(name="large", parts=parts, rows=rows)
