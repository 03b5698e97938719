"""Rows about the generator: cold, nothing changed, one action changed, beside its peers."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from bench.catalogue import openapi
from bench.stage import PROGRAMS
from bench.timing import Process, once
from bench.trials import RatioRow, Trial

if TYPE_CHECKING:
    from pathlib import Path

    from bench.peers import Peer
    from bench.stage import BenchStage
    from bench.timing import TimedPart

GENERATE = "import sys; from callsheet.cli.callsheet import main; sys.exit(main())"
LOCKED = ["generate", "--locked"]
OPENAPI = "openapi-python-client"
DMCG = "datamodel-code-generator"
_NUMBERS = count()


@dataclass
class Project:
    """A project with a lock of its own, generated from again and again."""

    stage: BenchStage
    name: str
    changes: int = 0

    @property
    def folder(self) -> Path:
        """Return the project: a copy of what the largest written client is made from."""
        path = self.stage.folder / "projects" / self.name
        if not path.exists():
            shutil.copytree(self.stage.client(self.stage.sizes[-1]), path)
            self.generate().sample()
        return path

    def generate(self) -> Process:
        """``callsheet generate`` from the lock, without a server."""
        environ = self.stage.environ(self.stage.sizes[-1], generator=True)
        path = self.stage.folder / "projects" / self.name
        return Process([sys.executable, "-c", GENERATE, *LOCKED], environ, path)

    def unchanged(self) -> Process:
        """Run the same once more."""
        process = self.generate()
        process.before = once(lambda: self.folder)
        return process

    def cold(self) -> Process:
        """Run the same where nothing was written and nothing is remembered."""
        process = self.generate()

        def begin() -> None:
            process.folder = _unused(self.stage, self.name)
            process.environ = {**process.environ, "HOME": str(process.folder)}
            for name in ("pyproject.toml", "catalog.lock.json"):
                shutil.copy(self.stage.client(self.stage.sizes[-1]) / name, process.folder)

        process.before = begin
        return process

    def changed(self) -> Process:
        """Run the same after one action changed, another way each time."""
        process = self.generate()

        def change() -> None:
            lock = self.folder / "catalog.lock.json"
            self.changes += 1
            words = [str(PROGRAMS / "change_lock.py"), str(lock), f"added{self.changes}"]
            Process([sys.executable, *words], process.environ, self.folder).sample()

        process.before = change
        return process


def _unused(stage: BenchStage, name: str) -> Path:
    """Return a new folder. To delete thousands of files slows down the making of the next ones."""
    path = stage.folder / "projects" / f"{name}-{next(_NUMBERS)}"
    path.mkdir(parents=True)
    return path


def trials(stage: BenchStage, peers: dict[str, Peer]) -> list[Trial]:
    """Return the trials from the cheapest to the dearest; a quick run omits the dearest."""
    quick_trials = [_nothing(stage, peers), _one(stage)]
    return quick_trials if stage.quick else [*quick_trials, _cold(stage, peers)]


def _nothing(stage: BenchStage, peers: dict[str, Peer]) -> Trial:
    parts: dict[str, TimedPart] = {
        "pass": stage.python("-c", "pass"),
        "same": Project(stage, "same").unchanged(),
    }
    if DMCG in peers:
        parts["dmcg --check"] = dmcg_client(stage, peers[DMCG], check=True)
    metric = f"generate {stage.sizes[-1]} from the lock, nothing changed"
    rows = [
        RatioRow(metric=metric, ours="same", floor="pass", target=8.0),
        RatioRow(
            metric=f"{metric}, over datamodel-codegen --check",
            ours="same",
            floor="pass",
            peers=("dmcg --check",),
            against="dmcg --check",
            target=1 / 80,
        ),
    ]
    return Trial(name="nothing changed", parts=parts, rows=rows, rare=frozenset({"dmcg --check"}))


def _one(stage: BenchStage) -> Trial:
    most = stage.sizes[-1]
    words = [str(PROGRAMS / "bare_models.py"), str(most), str(most // 2), "1"]
    parts = {
        "one": Project(stage, "one").changed(),
        "alone": stage.python(*words),
    }
    row = RatioRow(metric=f"one action of {most} changed", ours="one", floor="alone", target=1.4)
    return Trial(name="one changed", parts=parts, rows=[row])


def _cold(stage: BenchStage, peers: dict[str, Peer]) -> Trial:
    most = stage.sizes[-1]
    parts: dict[str, TimedPart] = {
        "cold": Project(stage, "cold").cold(),
        "loop": stage.program("bare_models", str(most)),
    }
    if DMCG in peers:
        parts[DMCG] = dmcg_client(stage, peers[DMCG])
    if OPENAPI in peers:
        parts[OPENAPI] = openapi_client(stage, peers[OPENAPI])
    metric = f"generate {most}, cold"
    rows = [
        RatioRow(
            metric=metric, ours="cold", floor="loop", peers=(DMCG, OPENAPI), target=1.5
        ),
        RatioRow(metric=f"{metric}, over {DMCG}'s client", ours="cold", floor="loop",
            peers=(DMCG,), against=DMCG),
        RatioRow(metric=f"{metric}, over {OPENAPI}", ours="cold", floor="loop",
            peers=(OPENAPI,), against=OPENAPI),
    ]  # fmt: skip
    return Trial(name="cold", parts=parts, rows=rows)


def document(stage: BenchStage) -> Path:
    """Write the largest catalogue as an OpenAPI document."""
    path = stage.folder / f"openapi-{stage.sizes[-1]}.json"
    path.write_text(json.dumps(openapi(stage.sizes[-1])), encoding="utf-8")
    return path


def dmcg_client(stage: BenchStage, peer: Peer, *, check: bool = False) -> Process:
    """datamodel-code-generator's own client of the same actions, or the check that it is one."""
    folder = stage.folder / f"dmcg-{stage.sizes[-1]}"
    folder.mkdir(exist_ok=True)
    words = ["--input", str(document(stage)), "--input-file-type", "openapi"]
    words += ["--output", "bench_models.py", "--output-model-type", "pydantic_v2.BaseModel"]
    words += ["--formatters", "builtin", "--generate-client", "httpx2"]
    words += ["--openapi-scopes", "schemas", "api"]
    words += ["--client-output", "bench_client", "--client-package", "bench_client"]
    words += ["--client-model-package", "bench_models", "--disable-timestamp"]
    process = peer.process(folder, *words, program="datamodel-codegen")
    if not check:
        return process
    checked = peer.process(folder, *words, "--check", program="datamodel-codegen")
    checked.before = once(process.sample)
    return checked


def openapi_client(stage: BenchStage, peer: Peer) -> Process:
    """openapi-python-client's client of the same actions, each time where none is."""
    words = ["generate", "--path", str(document(stage)), "--output-path", "client"]
    process = peer.process(stage.folder, *words, program=OPENAPI)

    def begin() -> None:
        process.folder = _unused(stage, "openapi")

    process.before = begin
    return process
