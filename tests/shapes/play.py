"""Play one case through the real command line: server, package, typed lines, verdict."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shapes import judge, library
from shapes.home import KEY, PACKAGE, Home, Run
from shapes.server import CaseServer

from callsheet_sandbox.cases.case import Case, Filler
from callsheet_sandbox.cases.script import LIST, CaseScript
from callsheet_sandbox.media.samples import make

_TAIL = 1500
_TIMEOUT = re.compile(r"--timeout [1-5]?\ds\b")
_SECOND = f"a second server at @C, GET {LIST}"


@dataclass
class Verdict:
    """What came of a case: reasons against it, and the rules of every case that it breaks.

    ``library`` counts the runs through a client of the library.
    """

    id: str
    kind: str
    what: str
    reasons: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    wrong_bytes: bool = False
    empty_success: bool = False
    library: int = 0
    steps: list[dict[str, Any]] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Return whether nothing speaks against it."""
        return not self.reasons

    @property
    def is_wrong(self) -> bool:
        """Return whether the worst happened: other bytes than the job's, or none, with exit 0."""
        return self.wrong_bytes or self.empty_success

    def document(self) -> dict[str, Any]:
        """Return the verdict as plain values."""
        return dataclasses.asdict(self) | {"holds": self.holds}


class Player:
    """Play cases one after the other, on one address, so that packages can be used again."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="shapes-"))
        self._server = CaseServer()
        self._second = CaseServer()
        self._media = make()
        self._packages: dict[str, tuple[Path, str]] = {}

    def close(self) -> None:
        """Stop the servers and remove what the cases left."""
        self._server.close()
        self._second.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def play(self, case: Case, *, with_library: bool = False) -> Verdict:
        """Play every line of a case; lines without ``then`` are ways of saying the same.

        ``with_library`` plays them through the sync and the async client too, where that is due.
        """
        verdict = Verdict(case.id, case.kind, case.data["what"])
        must = case.data["must"]
        lines = list(case.data.get("typed", ["\n".join(case.data.get("python", []))]))
        if "callsheet" in must or "then" in must:
            self._sequence(case, lines, verdict)
        else:
            for line in lines:
                self._sequence(case, [line], verdict)
            for way in library.WAYS if with_library and library.is_played(case) else ():
                verdict.library += 1
                self._sequence(case, lines[:1], verdict, way=way)
        verdict.reasons += self._server.faults + self._second.faults
        self._server.faults, self._second.faults = [], []
        return verdict

    def begin(self, case: Case, folder: Path) -> Home:
        """Serve a case and return the home of a user who has the package for its catalogue."""
        package, fault = self._package(case)
        assert not fault, fault
        self._script(case)
        return Home(folder, self._server.url, KEY, package)

    def filled(self, case: Case, text: str) -> str:
        """Return a text of a case with addresses and media in the place of ``@`` words."""
        urls = self._server.url, self._second.url
        return Filler(case.schemas, self._media, *urls).text(text)

    def _sequence(self, case: Case, lines: list[str], verdict: Verdict, *, way: str = "") -> None:
        """Type the lines in one home against one fresh server, or do them by the library."""
        package, fault = self._package(case)
        if fault:
            verdict.reasons.append(fault)
            return
        script = self._script(case)
        filler = Filler(case.schemas, self._media, self._server.url, self._second.url)
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            home = Home(Path(folder), self._server.url, case.data.get("key", KEY), package)
            for name, content in case.data.get("files", {}).items():
                (home.work / name).write_text(filler.text(content), "utf-8")
            for index, line in enumerate(lines):
                before = len(script.requests.paid)
                run = _run(case, home, _patient(case, filler.text(line)), way)
                step = self._step(case, home, run, script, before)
                must = filler.fill(case.data["must"])
                judge.judge(library.part_of(must) if way else must, index, step, verdict)
                verdict.steps.append(_report(step))

    def _step(
        self, case: Case, home: Home, run: Run, script: CaseScript, before: int
    ) -> judge.Step:
        rows = None
        if {"ledger", "task"} & case.data["must"].keys():
            program = run.typed.split()[0]
            rows = home.type(f"{program} tasks list --cached --json", case.data.get("env")).document
        return judge.Step(
            run=run,
            rows=rows,
            kind_of=lambda name: self._media.kind(home.work / name),
            requests=script.requests,
            paid=script.requests.paid[before:],
            schemas=case.schemas,
        )

    def _script(self, case: Case) -> CaseScript:
        """Put the servers to the beginning of a case."""
        urls = self._server.url, self._second.url
        script = CaseScript(case, self._media, *urls)
        self._server.script = script
        second = case.data["server"].get(_SECOND)
        if second is not None:
            other = {**case.data, "server": {f"GET {LIST}": second}}
            self._second.script = CaseScript(case._replace(data=other), self._media, *urls)
        return script

    def _package(self, case: Case) -> tuple[Path | None, str]:
        """Return the package for the catalogue of a case, and why it could not be written."""
        uses = "python" in case.data or any("PROGRAM" in line for line in case.data["typed"])
        if not uses:
            return None, ""
        server = case.data["server"]
        catalogue = json.dumps([server.get(f"GET {LIST}"), case.schemas])
        if catalogue not in self._packages:
            self._script(case)
            self._packages[catalogue] = self._generate()
        return self._packages[catalogue]

    def _generate(self) -> tuple[Path, str]:
        home = Home(Path(tempfile.mkdtemp(dir=self._folder)), self._server.url)
        for line in (
            f"callsheet init --package {PACKAGE} --host {self._server.url}",
            "callsheet generate",
        ):
            run = home.type(line)
            if run.code != 0:
                return home.work, f"{line}: exit {run.code}: {(run.stdout + run.stderr)[-300:]}"
        return home.work, ""


def _patient(case: Case, line: str) -> str:
    """Return a line that ends with 0 with a minute to wait: a busy machine needs it."""
    return _TIMEOUT.sub("--timeout 60s", line) if case.data["must"].get("exit") == 0 else line


def _run(case: Case, home: Home, line: str, way: str) -> Run:
    """Run one line as its case says, or by the library where ``way`` names a client."""
    env = case.data.get("env", {})
    if way:
        return library.play(home, way, line, env)
    if "python" in case.data:
        return home.run("python", ["-c", line.replace("PACKAGE", PACKAGE)], env)
    return home.type(line, env)


def _report(step: judge.Step) -> dict[str, Any]:
    run = step.run
    return {
        "typed": run.typed,
        "exit": run.code,
        "seconds": run.seconds,
        "stdout": run.stdout[-_TAIL:],
        "stderr": run.stderr[-_TAIL:],
        "file": step.kind_of(step.out) if step.out else None,
        "ledger": step.rows,
        "paid": [post._asdict() for post in step.paid],
        "free": len(step.requests.free),
        "gets": step.requests.gets[-12:],
    }
