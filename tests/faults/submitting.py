"""R1: one command makes at most one charge, whatever becomes of its request and its answer."""

from __future__ import annotations

import itertools
import socket
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

from faults import stage
from program import Program

from callsheet.errors import CallsheetError, OutcomeUnknown
from callsheet.storage.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults.tally import Tally

    from callsheet.catalog.snapshot import Catalogue
    from callsheet_sandbox.server import Running

SILENCE = 0.15
PIXEL = "data:image/png;base64,iVBORw0KGgo="
SERVERS = {"with": ("plain",) * 3, "without": ("flagged", "snake", "coded")}
TIMES = ("", "x2", "x*")


class Fault(NamedTuple):
    """What goes wrong, in which phase; a script for each seed, or a place that never answers."""

    name: str
    phase: str
    scripts: tuple[str, str, str] = ("", "", "")
    place: str = ""


def _both(name: str, *scripts: str) -> list[Fault]:
    first, second, third = scripts * 3 if len(scripts) == 1 else scripts
    return [Fault(name, phase, (first, second, third)) for phase in ("before", "after")]


FAULTS = (
    Fault("refused", "before", place="refused"),
    Fault("DNS", "before", place="dns"),
    Fault("TLS", "before", place="tls"),
    Fault("5xx", "before", ("502", "503", "504 type=html")),
    Fault("500", "after", ("500", "500 type=problem", "500 type=empty")),
    *_both("reset before the headers", "reset at=sent", "drop", "reset at=sent"),
    *_both("reset after the headers", "reset at=headers"),
    *_both("reset after the body", "reset at=body"),
    *_both("truncated", "truncate keep=0", "truncate keep=0.3", "truncate keep=0.95"),
    *_both("hang", f"hang seconds={SILENCE * 3}"),
    *_both("429", "429 retry-after=0", "429 retry-after=1", "429 retry-after=date+1"),
    *_both("408", "408", "408 type=html", "408 retry-after=0"),
)


class Command(NamedTuple):
    """A paid action: its body, and the words of the program that mean the same."""

    action: str
    body: dict[str, Any]
    words: tuple[str, ...]


_JOB = {"prompt": "a cup", "options": {"sandboxSeconds": 0}}
COMMANDS = {
    "create": Command(
        "ai.image.generate",
        _JOB,
        ("image", "generate", "--prompt", "a cup", "--no-wait"),
    ),
    "and_wait": Command(
        "ai.image.generate_and_wait",
        _JOB,
        ("image", "generate", "--prompt", "a cup", "--blocking"),
    ),
    "upload": Command(
        "storage.upload_image",
        {"data": PIXEL},
        ("call", "storage.upload_image", "--input", f'{{"data": "{PIXEL}"}}'),
    ),
}


class Submission(NamedTuple):
    """One scenario with a seed, played against one dialect of the sandbox."""

    fault: Fault
    command: str
    server: str
    seed: int

    @property
    def name(self) -> str:
        """Return the scenario's name, whatever the seed."""
        return f"{self.fault.name} {self.fault.phase}, {self.command}, {self.server} idempotency"

    @property
    def dialect(self) -> str:
        """Return the dialect of this seed."""
        return SERVERS[self.server][self.seed % 3]

    @property
    def script(self) -> str:
        """Return the faults as the sandbox reads them."""
        fault = self.fault.scripts[self.seed % 3]
        action = COMMANDS[self.command].action
        times = TIMES[self.seed % 3]
        return f"{fault} POST {action} {self.fault.phase} {times}" if fault else ""


class Theatre:
    """A sandbox in which uploads cost too, and what its dialects advertise."""

    def __init__(self, running: Running, home: Path) -> None:
        self.running, self.home = running, home
        self._catalogues: dict[str, Catalogue] = {}
        self._count = itertools.count()

    def set_up(self, case: Submission) -> None:
        """Begin anew, with the faults of a case."""
        self.running.reset()
        self.running.add_action(PAID_UPLOAD, case.dialect)
        if case.dialect not in self._catalogues:
            url = self.running.dialect_url(case.dialect)
            self._catalogues[case.dialect] = stage.catalogue_of(url, self.home / case.dialect)
            self.running.reset()
            self.running.add_action(PAID_UPLOAD, case.dialect)
        if case.script:
            self.running.set_faults(case.script)

    def folder(self, case: Submission, host: str) -> Path:
        """Return a fresh home in which the catalogue of this host is known."""
        home = self.home / str(next(self._count))
        stage.know(stage.settings_for(host, home), self._catalogues[case.dialect])
        return home


PAID_UPLOAD = {
    "id": "storage.upload_image",
    "title": "Store a picture",
    "description": "Stores a picture for money.",
    "input": {"type": "object", "properties": {"data": {"type": "string"}}, "required": ["data"]},
    "cost": 1,
    "does": "upload",
}


@contextmanager
def place(theatre: Theatre, case: Submission) -> Iterator[str]:
    """Give the address that a case talks to; some names and ports fail at first, or always."""
    running, name = theatre.running, case.fault.place
    path = f"/d/{case.dialect}"
    port = running.url.rpartition(":")[2]
    if name == "dns":
        with _lost_names((1, 2, 100)[case.seed % 3]):
            yield f"http://localhost:{port}{path}"
    elif name == "refused":
        yield running.refused_url + path
    elif name == "tls":
        yield (running.garbage_url, running.secure_url)[case.seed % 2] + path
    else:
        yield running.url + path


@contextmanager
def _lost_names(times: int) -> Iterator[None]:
    """Let the first look-ups of a name fail, as they do without a network."""
    real, failures = socket.getaddrinfo, iter(range(times))

    def look_up(host: Any, *rest: Any, **more: Any) -> Any:
        if host in {"localhost", b"localhost"} and next(failures, None) is not None:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real(host, *rest, **more)

    with patch("socket.getaddrinfo", look_up):
        yield


def outcome_of(settings: Any, case: Submission, how: stage.Play) -> CallsheetError | None:
    """Run the command of a case with a client in this process; ``None`` is success."""
    command = COMMANDS[case.command]

    async def steps(client: Any, wait: Any) -> None:
        await wait(client.call(command.action, command.body, timeout=SILENCE))

    try:
        stage.run(settings, steps, how)
    except CallsheetError as error:
        return error
    return None


def judge(tally: Tally, theatre: Theatre, case: Submission, *, ended: str, home: Path) -> None:
    """Hold what happened against the sandbox's charge table; ``ended`` is ok, unknown or else."""
    stage.quiet(theatre.running, case.dialect)
    name = f"{case.name} (seed {case.seed}, ended {ended}):"
    charges = theatre.running.charges(case.dialect)
    tally.hold(len(charges) <= 1, name, len(charges), "charges")
    posts = [
        entry
        for entry in theatre.running.requests(case.dialect)
        if entry["path"].endswith(COMMANDS[case.command].action) and entry["method"] == "POST"
    ]
    keys = {entry["headers"].get("idempotency-key") for entry in posts}
    tally.hold(len(keys) <= 1 and None not in keys, name, "keys", keys)
    if case.server == "without" and not case.fault.place:
        tally.hold(len(posts) <= 1, name, len(posts), "requests to a server that repeats")
    rows = Ledger(str(home / "state")).jobs()
    tally.hold(len(rows) <= 1, name, len(rows), "rows in the ledger")
    if ended == "ok":
        tally.hold(len(charges) == 1, name, "success without a charge")
    elif charges and case.fault.name != "429":  # 429 after a charge: the server itself denies it
        tally.hold(ended == "unknown", name, "a charge that the error does not speak of")
        states = [row.state for row in rows if row.ref == charges[0]["reference"]]
        tally.hold(states == ["unknown"], name, "the ledger says", states)


def _play_case(tally: Tally, theatre: Theatre, case: Submission, number: int) -> None:
    theatre.set_up(case)
    with place(theatre, case) as host:
        home = theatre.folder(case, host)
        how = stage.Play(stage.DRIVERS[(number + case.seed) % 3])
        error = outcome_of(stage.settings_for(host, home), case, how)
    ended = "unknown" if isinstance(error, OutcomeUnknown) else type(error).__name__
    judge(tally, theatre, case, ended="ok" if error is None else ended, home=home)
    tally.ran(case.name)


def _play_late_port(tally: Tally, case: Submission, number: int) -> None:
    """Play a port that refuses at first and lets the second try in."""
    with ExitStack() as stack:
        running = stack.enter_context(stage.sandbox())
        theatre = Theatre(running, Path(stack.enter_context(tempfile.TemporaryDirectory())))
        theatre.set_up(case)
        opened: list[bool] = []

        def open_first(seconds: float) -> None:
            if not opened:
                running.open_refused()
                opened.append(True)

        host = f"{running.refused_url}/d/{case.dialect}"
        home = theatre.folder(case, host)
        how = stage.Play(stage.DRIVERS[number % 3], open_first)
        error = outcome_of(stage.settings_for(host, home), case, how)
        tally.hold(error is None, case.name, "the second try was not made:", error)
        judge(tally, theatre, case, ended="ok" if error is None else "error", home=home)
        tally.ran(case.name)


def _as_program(tally: Tally, theatre: Theatre, case: Submission) -> None:
    """Play the same as a process of the generated program, with real sleeps and time-outs."""
    theatre.set_up(case)
    with place(theatre, case) as host:
        host = "https://nothing.invalid" if case.fault.place == "dns" else host
        home = theatre.folder(case, host)
        ads = Program(stage.client_folder(), home, home)
        env = {"ADS_HOST": host, "ADS_API_KEY": stage.KEY}
        process = ads.run(*COMMANDS[case.command].words, env=env)
    ended = {0: "ok", 5: "unknown"}.get(process.code, f"exit {process.code}")
    tally.hold("Traceback" not in process.stderr, case.name, process.stderr[-300:])
    judge(tally, theatre, case, ended=ended, home=home)
    tally.ran(f"{case.name}", 1)


def play(tally: Tally, *, seeds: int, programs: int) -> None:
    """Cross the faults with commands and servers; some of them as processes."""
    with stage.sandbox() as running, tempfile.TemporaryDirectory() as folder:
        theatre = Theatre(running, Path(folder))
        crossed = list(itertools.product(FAULTS, COMMANDS, SERVERS))
        for seed in range(seeds):
            for number, (fault, command, server) in enumerate(crossed):
                case = Submission(fault, command, server, seed)
                if fault.place == "refused" and seed % 3 == 2:
                    _play_late_port(tally, case, number)
                else:
                    _play_case(tally, theatre, case, number)
        for number in range(programs):
            fault, command, server = crossed[(number * 7) % len(crossed)]
            _as_program(tally, theatre, Submission(fault, command, server, 0))
