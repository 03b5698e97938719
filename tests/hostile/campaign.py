"""One hostile catalogue through the whole chain, and what it managed to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hostile.cases import BENIGN, listing
from hostile.making.breakouts import MARK
from hostile.reading import unclean
from hostile.server import ServedPage, serving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hostile.cases import Case

ROOT = Path(__file__).resolve().parents[2]
WATCH = Path(__file__).parent / "watch"
SOURCES = ("runtime", "codegen", "sandbox", "templates")
PACKAGE = "hostile_client"
GENERATE = "import sys; from callsheet.cli.callsheet import main; sys.exit(main())"
# What a Python process reads of the machine besides itself: processors, memory, names of hosts.
_MACHINE = ("/proc/self/", "/proc/cpuinfo", "/proc/meminfo", "/sys/", "/dev/null", "/dev/urandom")
_NAMES = (
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/localtime",
)


_COPIER = "/multiprocessing/popen_fork.py"
_PROGRAMS = ("'-m', 'callsheet_codegen.models.worker'", "/ruff', ", "['uname', '-p']")


@dataclass
class Outcome:
    """What one catalogue managed to do; every list is to stay empty.

    ``diagnostics`` maps the id of an action to the codes of its diagnostics.
    """

    ran: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    sockets: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    diagnostics: dict[str, set[str]] = field(default_factory=dict)

    def add(self, other: Outcome) -> None:
        """Take over what another catalogue did."""
        for name in ("ran", "outside", "sockets", "hangs", "lost", "broken"):
            getattr(self, name).extend(getattr(other, name))
        self.diagnostics.update(other.diagnostics)

    def faults(self) -> list[str]:
        """Return everything that must not have happened."""
        rows = ("ran", "outside", "sockets", "hangs", "lost", "broken")
        return [f"{name}: {fault}" for name in rows for fault in getattr(self, name)]


class CatalogueRun:
    """One catalogue in a folder of its own: generated, checked, imported."""

    def __init__(self, folder: Path, cases: Sequence[Case], *, on_demand: bool = False) -> None:
        self.folder, self.cases, self.on_demand = folder, cases, on_demand
        self.here, self.out = folder / "here", folder / "out"
        for path in (self.here, folder / "tmp", folder / "home"):
            path.mkdir(parents=True)
        self.outcome = Outcome()

    @property
    def package(self) -> Path:
        """Return the folder of the package that was written."""
        return self.out / PACKAGE

    def environ(self, log: str) -> dict[str, str]:
        """Return a watched environment without the user's settings."""
        inherited = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
        roots = [str(WATCH), *(str(ROOT / name) for name in SOURCES)]
        return {
            **inherited,
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "PYTHONPATH": os.pathsep.join(roots),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOSTILE_API_KEY": "sk-hostile-0123456789",
            "WATCH_LOG": str(self.folder / log),
            "WATCH_READS": os.pathsep.join([*roots, str(WATCH.parent)]),
        }

    def generate(self, seconds: float = 60.0) -> None:
        """Serve the catalogue and generate from it, over HTTP, in a process of its own."""
        with serving() as server:
            entries = [case.bare() if self.on_demand else case.listed() for case in self.cases]
            server.pages["/api/actions"] = ServedPage(listing(entries))
            for case in self.cases:
                server.pages[f"/api/actions/{case.id}/schema"] = ServedPage(case.listed().encode())
            argv = ["generate", "--host", server.url, "--package", PACKAGE, "--json"]
            process = self.python(
                [GENERATE, *argv, "--out", str(self.out)], "generate.log", seconds
            )
            self.events("generate.log", server.url.rpartition(":")[2])
            strange = [line for line in server.requests if not line.startswith("GET /api/actions")]
        self.outcome.sockets += strange
        if process is None:
            return
        if process.returncode:
            self.outcome.broken.append(f"generate: {process.returncode}: {process.stderr[-600:]}")
            return
        for diagnostic in json.loads(process.stdout)["diagnostics"]:
            self.outcome.diagnostics.setdefault(diagnostic["action"], set()).add(diagnostic["code"])
            if "while models were made" in diagnostic["message"]:  # an inner link had to hold it
                self.outcome.ran.append(f"{diagnostic['action']}: {diagnostic['message']}")

    def python(
        self, argv: list[str], log: str, seconds: float
    ) -> subprocess.CompletedProcess[str] | None:
        """Run a program watched, away from the user's settings; ``None`` where it took too long."""
        try:
            return subprocess.run(
                [sys.executable, "-P", "-c", *argv],
                cwd=self.here,
                env=self.environ(log),
                capture_output=True,
                text=True,
                check=False,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            self.outcome.hangs.append(f"{self.cases[0].kind}: {argv[1:3]} over {seconds:.0f} s")
            return None

    def load(self, seconds: float = 60.0) -> None:
        """Import every module and use every model, in a process that may do nothing else."""
        source = (Path(__file__).parent / "loading.py").read_text("utf-8")
        process = self.python([source, str(self.out), PACKAGE], "import.log", seconds)
        self.events("import.log", "none")
        if process is not None and process.returncode:
            self.outcome.broken.append(f"import: {process.stderr[-600:]}")

    def events(self, log: str, port: str) -> None:
        """Sort what a process did; ``port`` is the one place to which it may connect."""
        path = self.folder / log
        rows = path.read_text("utf-8").splitlines() if path.exists() else []
        for event, detail in map(json.loads, rows):
            if event == "socket.connect":
                if detail != f"('127.0.0.1', {port})":
                    self.outcome.sockets.append(detail)
            elif event == "subprocess.Popen":
                if not any(program in detail for program in _PROGRAMS):
                    self.outcome.ran.append(detail)
            elif event == "os.fork" and detail.endswith(_COPIER):
                continue  # a copy of the generator is watched like itself, into the same log
            elif event.startswith("shutil."):
                continue  # each file that it touches is an event of its own
            elif event in {"os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.fork"}:
                self.outcome.ran.append(f"{event} {detail}")
            elif not self._inside(event, detail):
                self.outcome.outside.append(f"{event} {detail}")

    def _inside(self, event: str, path: str) -> bool:
        if event == "read" and path.startswith((*_MACHINE, *_NAMES)):
            return True
        homes = (self.out, self.folder / "tmp", self.folder / "home")
        return path in {str(self.here), "/dev/null"} or any(
            Path(path).is_relative_to(home) for home in homes
        )

    def check(self) -> None:
        """Look for traces on disk of a string that ran, and for every benign action's types."""
        traces = [path.name for path in self.folder.rglob("*") if path.name.startswith(MARK)]
        self.outcome.ran += [f"a file {name!r} was made" for name in traces]
        self.outcome.outside += [f"here/{path.name}" for path in self.here.iterdir()]
        self.outcome.broken += unclean(self.package)
        for entry in BENIGN:
            self.outcome.lost += [f"{entry['id']}: {why}" for why in _lost(self, entry["id"])]

    def everything(self) -> Outcome:
        """Generate, import and check; return the outcome."""
        self.generate()
        if self.package.exists():
            self.load()
        self.check()
        return self.outcome


def _lost(run: CatalogueRun, name: str) -> list[str]:
    """Explain why a benign action is not in the package as it should be."""
    stem = name.replace(".", "_")
    model = run.package / f"models/{stem}.py"
    if not model.exists():
        return ["no models"]
    text = model.read_text("utf-8")
    wanted = ("INPUT = ", "OUTPUT = ", "scene_name: Literal['a', 'b']")
    missing = [f"no {part}" for part in wanted if part not in text.replace('"', "'")]
    help_page = run.package / f"help/{name}.txt"
    if not help_page.exists() or "--scene-name" not in help_page.read_text("utf-8"):
        missing.append("no flags")
    return missing + sorted(run.outcome.diagnostics.get(name, set()))
