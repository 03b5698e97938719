"""R2: whenever a client is killed, every charge is saved or listed with what is known of it."""

from __future__ import annotations

import hashlib
import json
import random
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from faults import stage
from faults.checkpoints import PIECE, POINTS
from faults.forge import PROGRAM, Ended, Forge, Order, forge
from faults.tally import Tally

from callsheet.storage.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callsheet_sandbox.server import Running

KILLED = -9
WORKERS = 2
SERVERS = ("plain", "market", "coded")
WITHOUT_LOOKUP = "coded"
OPEN = {"unknown", "intent", "running", "done"}
BRIEF, LONGER = 0.1, 0.4  # seconds that a job takes; no one asks for it when it is over at once
WORDS = ("image", "generate", "--prompt", "a cup", "--input")


class Kill(NamedTuple):
    """Where or when to kill, which of the passings, and against which server."""

    point: str
    seed: int
    moment: float | None = None

    @property
    def dialect(self) -> str:
        """Return the server's dialect."""
        return SERVERS[self.seed % len(SERVERS)]

    @property
    def options(self) -> dict[str, float]:
        """Return how long the job takes, as options of the sandbox."""
        return {"sandboxSeconds": LONGER if "poll" in self.point else BRIEF}

    @property
    def driver(self) -> str:
        """Return the program for every second seed, the async library for the others."""
        return "program" if self.seed % 2 == 0 else "library"

    def __str__(self) -> str:
        point = self.point if self.moment is None else f"after {self.moment:.3f} s"
        return f"killed {point} ({self.driver}, {self.dialect}, seed {self.seed}):"


def job(url: str, home: str, out: str, options: dict[str, float]) -> int:
    """Run a job by the async library from beginning to end, in a process of its own."""

    async def steps(client: Any, wait: Any) -> None:
        body = {"prompt": "a cup", "options": options}
        task = await wait(client.submit("ai.image.generate", body))
        await wait((await wait(task.wait(timeout=30))).save(out))

    stage.run(stage.settings_for(url, Path(home)), steps, stage.Play("httpx"))
    return 0


class Yard:
    """A sandbox, a forge, and what the sandbox's picture of a cup is in each dialect."""

    def __init__(self, running: Running, warm: Forge, folder: Path) -> None:
        self.running, self.forge, self.folder = running, warm, folder
        self.count = 0
        self.right: dict[str, str] = {}
        self.longest = 0.0
        running.remove_action("ai.task.list", WITHOUT_LOOKUP)
        for seed in range(len(SERVERS) * 2):
            kill = Kill("", seed)
            home = self.home(kill)
            ended = self.start(kill, home)
            out = home / "out" / "cup.png"
            if ended.code or not out.exists():
                raise RuntimeError(f"{kill} {ended.text[-500:]}")
            if out.stat().st_size <= 4 * PIECE:
                raise RuntimeError("the file is too small to be killed in the middle of")
            self.right[kill.dialect] = hashlib.sha256(out.read_bytes()).hexdigest()

    def home(self, kill: Kill) -> Path:
        """Return a fresh home that shares what is known of the catalogue."""
        self.count += 1
        home = self.folder / str(self.count)
        (home / "out").mkdir(parents=True)
        (home / "cache").symlink_to(self.folder)
        return home

    def start(self, kill: Kill, home: Path) -> Ended:
        """Run a job, and kill it."""
        url, out = self.running.dialect_url(kill.dialect), str(home / "out" / "cup.png")
        nth = 1 + kill.seed % 4 if kill.point == "some bytes written" else 1
        before = (("faults.checkpoints:arm", (kill.point, nth)),) if kill.point else ()
        if kill.driver == "library":
            words, function = (url, str(home), out, kill.options), "faults.crashing:job"
            return self.run(home, url, words, function, before=before, kill=kill)
        words = (*WORDS, json.dumps({"options": kill.options}), "--out", out)
        return self.run(home, url, words, before=before, kill=kill)

    def run(
        self,
        home: Path,
        url: str,
        words: tuple[Any, ...],
        function: str = PROGRAM,
        *,
        before: tuple[Any, ...] = (),
        kill: Kill | None = None,
    ) -> Ended:
        """Run one process in a home."""
        env = {**stage.program_environ(home), "ADS_HOST": url, "ADS_API_KEY": stage.KEY}
        moment = kill.moment if kill else None
        order = Order(words, env, home / "out", function, before=before, kill_after=moment)
        return self.forge.run(order)


def _listed(yard: Yard, home: Path, url: str) -> str:
    """Recover and save what can be saved, in new processes; return what is listed then."""
    first = yard.run(home, url, ("tasks", "recover"))
    for row in Ledger(str(home / "state")).jobs():
        if row.task_ids and row.state != "saved":
            out = str(home / "out" / "cup.png")
            yard.run(home, url, ("tasks", "save", row.ref, "--out", out, "--force"))
    again = yard.run(home, url, ("tasks", "recover"))
    return first.text + again.text if "Traceback" in first.text else again.text


def _judge(tally: Tally, yard: Yard, kill: Kill, home: Path) -> None:
    """Hold the ledger, the list and the files against the server's charges."""
    running, dialect = yard.running, kill.dialect
    stage.quiet(running, dialect)
    listed = _listed(yard, home, running.dialect_url(dialect))
    tally.hold("Traceback" not in listed, kill, listed[-300:])
    charges = running.charges(dialect)
    tally.hold(len(charges) <= 1, kill, len(charges), "charges")
    rows = {row.ref: row for row in Ledger(str(home / "state")).jobs()}
    for charge in charges:
        row = rows.get(charge["reference"])
        if not tally.hold(row is not None, kill, "a charge that the ledger does not know"):
            continue
        assert row is not None
        if row.state == "saved":
            files = [(file.sha256, Path(file.path).exists()) for file in row.files]
            tally.hold(files == [(yard.right[dialect], True)], kill, "saved as", row.files)
            continue
        tally.hold(row.state in OPEN, kill, "charged, and the ledger says", row.state)
        tally.hold(row.ref[:8] in listed, kill, "charged, and not listed:", listed[-300:])
        tally.hold(dialect == WITHOUT_LOOKUP and not row.task_ids, kill, "could be saved:", row)
    for path in (home / "out").iterdir():
        if not path.name.startswith("."):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            tally.hold(digest == yard.right[dialect], kill, "half or wrong:", path.name)


def _play_kill(tally: Tally, yard: Yard, kill: Kill) -> None:
    yard.running.reset()
    home = yard.home(kill)
    ended = yard.start(kill, home)
    if kill.moment is None:
        tally.hold(ended.code == KILLED, kill, "the point was not reached:", ended.text[-300:])
    _judge(tally, yard, kill, home)
    tally.ran(kill.point or "random moment")


def kills(seeds: int, moments: int) -> Iterator[Kill]:
    """Yield every point with every seed, then moments within a little more than a job takes."""
    dice = random.Random(2)
    for point in POINTS:
        yield from (Kill(point, seed) for seed in range(seeds))
    yield from (Kill("", seed, dice.uniform(0.0, 0.4)) for seed in range(moments))


def play(tally: Tally, *, seeds: int, moments: int) -> None:
    """Play R2 by workers that each have a sandbox and a forge."""
    pending, turn = kills(seeds, moments), threading.Lock()

    def work(number: int) -> Tally:
        own = Tally(tally.promise)
        with tempfile.TemporaryDirectory() as name, stage.sandbox() as running:
            folder = Path(name)
            with forge(folder / "forge", stage.program_environ(folder)) as warm:
                yard = Yard(running, warm, folder)
                while True:
                    with turn:
                        kill = next(pending, None)
                    if kill is None:
                        return own
                    _play_kill(own, yard, kill)

    with ThreadPoolExecutor(WORKERS) as pool:
        for own in pool.map(work, range(WORKERS)):
            tally.names |= own.names
            tally.runs += own.runs
            tally.violations += own.violations
