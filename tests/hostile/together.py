"""Several runs of callsheet on one tree at once, some of them killed: the tree stays whole.

As a program: reads rounds as JSON lines, and forks each run of a round from a warm process.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hostile.campaign import Outcome
from hostile.cases import BENIGN
from hostile.server import ServedPage, serving

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGE = "joint_client"
# Whatever changes the disk, and taking a lock; `open` is counted where it writes.
_STEPS = ("os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "open", "fcntl.flock")
_MOST_STEPS, _LONGEST = 90, 0.5
_MODULES = (
    *("callsheet.catalog.fetch", "callsheet.cli.callsheet", "callsheet.transport.sync"),
    *(f"callsheet_codegen.{name}" for name in ("cli", "diff", "render", "run", "source")),
)
_KILLED = (-signal.SIGKILL, -signal.SIGALRM)

# Three runs that start at once; A and B are two servers, OTHER is a second package.
FORMS: dict[str, tuple[str, str, str]] = {
    "three of one server": ("generate A", "generate A", "generate A"),
    "of two servers": ("generate A", "generate B", "generate A"),
    "beside a reader": ("generate A", "generate B", "check"),
    "beside two readers": ("generate B", "check", "check"),
    "from the lock": ("generate --locked", "generate B", "generate --locked --fresh"),
    "everything anew": ("generate A --fresh", "generate B --fresh", "check"),
    "with a changelog": ("generate A --changelog", "generate B --changelog", "check"),
    "by force": ("generate A --force", "generate B --force", "generate --locked --force"),
    "by another way": ("generate A", "LINK generate B", "LINK check"),
    "two packages": ("generate A", "OTHER generate B", "OTHER generate A"),
    "a new tree": ("NEW generate A", "NEW generate B", "NEW generate A"),
    "two new packages": ("NEW generate A", "NEW OTHER generate B", "NEW generate B"),
}


class Started(NamedTuple):
    """One run: its words, the step of the disk or the second at which it dies, or 0."""

    argv: Sequence[str]
    step: int = 0
    seconds: float = 0.0


class Driver:
    """A warm process that forks the runs of a round."""

    def __init__(self, folder: Path) -> None:
        environ = {
            **os.environ,
            "HOME": str(folder),
            "JOINT_API_KEY": "sk-hostile-0123456789",
            "PYTHONPATH": os.pathsep.join(sys.path),
            "CALLSHEET_CACHE_DIR": str(folder / "cache"),
        }
        words = [sys.executable, "-m", "hostile.together"]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(words, env=environ, cwd=folder, **pipes)

    def run(self, runs: Sequence[Started]) -> list[tuple[int, str]]:
        """Start the runs at once; return how each ended (negative: a signal) and what it said."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(runs).encode() + b"\n")
        process.stdin.flush()
        return [(code, text) for code, text in json.loads(process.stdout.readline())]

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


class _DiskCounter:
    """An audit hook that kills the process at a step of the disk below the working directory."""

    def __init__(self, last: int) -> None:
        self.here, self.last = os.getcwd(), last

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Count a step."""
        if event not in _STEPS or not self._is_ours(event, arguments):
            return
        self.last -= 1
        if self.last == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def _is_ours(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if event == "fcntl.flock":
            return True
        writes = event != "open" or bool(set(str(arguments[1])) & set("wax+"))
        path = arguments[0] if isinstance(arguments[0], str | bytes) else ""
        return writes and os.fsdecode(path).startswith((self.here, "tree"))


def _child(run: Started, output: Path) -> int:
    from callsheet.cli.callsheet import main

    handle = os.open(output, os.O_WRONLY | os.O_CREAT)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    if run.step:
        sys.addaudithook(_DiskCounter(run.step))
    if run.seconds:
        signal.setitimer(signal.ITIMER_REAL, run.seconds)
    try:
        return main(list(run.argv))
    except BaseException:
        traceback.print_exc()
        return 99


def _fork(runs: Sequence[Started], folder: Path) -> list[tuple[int, str]]:
    started = []
    for number, run in enumerate(runs):
        pid = os.fork()
        if not pid:
            code = _child(run, folder / str(number))
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        started.append(pid)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in started]
    texts = [path.read_text("utf-8", "replace") for path in sorted(folder.iterdir())]
    return list(zip(codes, texts, strict=True))


def _drive() -> None:
    """Load what a run needs, then answer each round."""
    for name in _MODULES:
        importlib.import_module(name)
    sys.modules["callsheet_codegen.render"].prepare()
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        runs = [Started(*run) for run in json.loads(line)]
        with tempfile.TemporaryDirectory() as folder:
            answers.write(json.dumps(_fork(runs, Path(folder))) + "\n")
        answers.flush()


class Tree:
    """The folder in which the rounds are played, with its two servers."""

    def __init__(self, folder: Path, driver: Driver, urls: dict[str, str]) -> None:
        self.folder, self.driver, self.urls = folder, driver, urls
        self.out, self.fresh = folder / "tree", folder / "tree"
        self.outcome = Outcome()
        self.killed = 0

    def words(self, text: str) -> list[str]:
        """Return the command line of a run of ``FORMS``."""
        words = text.split()
        marks = {"NEW", "LINK", "OTHER"} & set(words)
        words = [word for word in words if word not in marks]
        out = self.fresh if "NEW" in marks else self.out
        if "LINK" in marks:
            out = self.folder / "link"
        package = "other_client" if "OTHER" in marks else PACKAGE
        place = ["--out", str(out), "--package", package]
        if words[0] == "check":
            return ["check", "--offline", *place]
        for name, url in self.urls.items():
            if name in words:
                words[words.index(name)] = f"--host={url}"
        return [*words, *place]

    def play(self, name: str, dice: random.Random) -> None:
        """Start three runs at once, kill up to two, then look at the tree."""
        if name.startswith(("a new", "two new")):
            self.fresh = self.folder / f"new-{dice.randrange(1 << 30)}"
        doomed = dice.sample(range(3), dice.choice((0, 1, 1, 2)))
        runs = []
        for number, text in enumerate(FORMS[name]):
            started = Started(self.words(text))
            if number in doomed and dice.random() < 0.7:
                started = started._replace(step=dice.randint(1, _MOST_STEPS))
            elif number in doomed:
                started = started._replace(seconds=dice.uniform(0.02, _LONGEST))
            runs.append(started)
        for number, (code, text) in enumerate(self.driver.run(runs)):
            self.killed += code in _KILLED
            is_fine = code == 0 or (number in doomed and code in _KILLED)
            is_fine = is_fine or _is_second(name, code, text)
            if not is_fine and not self._was_empty(runs[number], text):
                self.outcome.broken.append(f"{name}: {runs[number]}: {code}: {text[-600:]}")
        self._look(name)

    def _was_empty(self, run: Started, text: str) -> bool:
        """Tell whether a check came before the first generation."""
        return run.argv[0] == "check" and "there is no lock" in text

    def _look(self, name: str) -> None:
        """Check every package of the tree, as the next reader does."""
        for out in {self.out, self.fresh}:
            packages = [path.name for path in out.glob("*_client")]
            for package in packages:
                argv = ["check", "--offline", "--out", str(out), "--package", package]
                ((code, text),) = self.driver.run([Started(argv)])
                if code:
                    self.outcome.broken.append(f"{name}: the tree: {code}: {text[-800:]}")
            leftovers = [path.name for path in out.iterdir() if path.name.startswith(".")]
            if packages and any(PACKAGE in path for path in leftovers) and PACKAGE in packages:
                self.outcome.broken.append(f"{name}: left behind: {leftovers}")


def _is_second(name: str, code: int, text: str) -> bool:
    """Tell whether the second of two new packages was refused, since the first has the lock."""
    return name == "two new packages" and code == 2 and "needs one of its own" in text


def catalogue(kind: str) -> bytes:
    """Return the list of a server: what it offers differs in a description and an action."""
    entries = [{**entry, "description": f"{entry['description']} {kind}"} for entry in BENIGN]
    return json.dumps({"actions": entries[: 2 if kind == "A" else 3]}).encode()


def together(folder: Path, rounds: int) -> tuple[int, Outcome]:
    """Play the rounds; return how many runs there were, and what went wrong."""
    dice = random.Random(17)
    with serving() as first, serving() as second:
        first.pages["/api/actions"] = ServedPage(catalogue("A"))
        second.pages["/api/actions"] = ServedPage(catalogue("B"))
        driver = Driver(folder)
        tree = Tree(folder, driver, {"A": first.url, "B": second.url})
        (folder / "link").symlink_to(tree.out)
        try:
            for text in ("generate A", "generate B"):
                ((code, output),) = driver.run([Started(tree.words(text))])
                if code:
                    tree.outcome.broken.append(f"{text}: {code}: {output[-600:]}")
            for number in range(rounds):
                tree.play(list(FORMS)[number % len(FORMS)], dice)
        finally:
            driver.close()
    if not tree.killed:
        tree.outcome.broken.append("no run was killed")
    return 3 * rounds, tree.outcome


if __name__ == "__main__":
    _drive()
