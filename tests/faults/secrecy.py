"""S2: the key is in no output, file or log of any invocation, whatever the server does."""

from __future__ import annotations

import itertools
import json
import logging
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from faults import stage
from faults.forge import Forge, Order, forge
from faults.needles import CANARY, MALFORMED, hits, hits_below
from faults.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callsheet_sandbox.server import Running

WORKERS = 2
CONFIG = "config.json"  # the one place where the key is meant to be
JOB = ("--prompt", "a cup", "--timeout", "2s")
COMMANDS: tuple[tuple[str, ...], ...] = (
    (), ("--help",), ("version",), ("whoami",), ("whoami", "--json"),
    ("config", "list"), ("config", "list", "--json"), ("config", "get"), ("config", "path"),
    ("config", "get", "api_key"), ("config", "get", "host"),
    ("actions", "list", "--refresh"), ("actions", "list", "--json"), ("actions", "search", "v"),
    ("actions", "schema", "ai.video.generate"), ("doctor",), ("doctor", "--json"),
    ("probe",), ("probe", "--json"), ("probe", "--save", "cassettes", "--force"),
    ("completion", "bash"), ("api", "GET", "/api/actions"), ("api", "GET", "/nowhere", "--debug"),
    ("api", "POST", "ai.image.query", "--input", '{"taskId": "x"}'),
    ("call", "ai.image.generate", "--input", '{"prompt": "a cup"}', "--verbose"),
    ("call", "material.search", "--input", '{"query": "sea"}', "--debug"),
    ("image", "generate", *JOB), ("image", "generate", *JOB, "--debug", "--json"),
    ("image", "generate", *JOB, "--out", "cup.png", "--force", "--verbose"),
    ("image", "generate", *JOB, "--blocking"), ("image", "generate", *JOB, "--dry-run"),
    ("image", "generate", *JOB, "--no-wait", "--format", "raw"),
    ("image", "query", "--task-id", "x"),
    ("video", "generate", "--skeleton"),
    ("video", "generate", "--scene", "nowhere", "--timeout", "2s"),
    ("material", "search", "--query", "sea", "--format", "table"), ("tasks", "list"),
    ("tasks", "list", "--json"), ("tasks", "recover"), ("tasks", "show", "x", "--debug"),
    ("tasks", "save", "x", "--out", "y.png"), ("nonsense",), ("image", "generate", "--nonsense"),
    ("login", "--api-key-stdin", "--json"), ("login", "--api-key-stdin", "--debug"), ("logout",),
)  # fmt: skip


def _says(kind: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "path": "/api/*", "times": 3, **more}


SITUATIONS: dict[str, list[dict[str, Any]]] = {
    "well": [],
    **{
        f"{code} {shape} that repeats the key": [
            _says("status", code=code, type=shape, message=f"no such key: {CANARY}")
        ]
        for code in (400, 401, 402, 403, 404, 422, 429, 500)
        for shape in ("json", "text")
    },
    "a key in a success": [_says("wrong", text=json.dumps({"taskId": CANARY, "note": CANARY}))],
    "a key in nonsense": [_says("malformed", text=f"<<{CANARY}>>")],
    "a key in a page": [_says("status", code=502, type="html", message=CANARY)],
    "a redirect": [_says("redirect", code=307, to="port")],
    "a header that repeats the key": [
        _says("redirect", code=302, to=f"http://x.invalid/?k={CANARY}")
    ],
    "reset": [_says("reset", at="headers")],
    "dropped": [_says("drop", phase="after")],
    "garbage": [_says("garbage")],
}


class Workplace(NamedTuple):
    """A sandbox, a forge, and the folders of one worker."""

    running: Running
    forge: Forge
    folder: Path
    auth: str

    @property
    def home(self) -> Path:
        """Return where the program keeps things."""
        return self.folder / "home"

    def order(self, words: tuple[str, ...], *, stored: bool) -> Order:
        """Order a run of the program with its logs on disk; the key is stored, or a variable."""
        env = {**stage.program_environ(self.home), "ADS_HOST": self.running.url}
        env["ADS_AUTH"] = self.auth
        if not stored:
            env["ADS_API_KEY"] = CANARY
        before = (("faults.secrecy:log_all", (str(self.folder / "log"),)),)
        cwd = self.folder / "here"
        cwd.mkdir(exist_ok=True)
        return Order(words, env, cwd, before=before, stdin=CANARY.encode() + b"\n")


def log_all(path: str) -> None:
    """Write every log record of the process to a file."""
    logging.basicConfig(filename=path, level=logging.DEBUG, force=True)


def _searched(tally: Tally, name: str, desk: Workplace) -> None:
    for hit in hits_below(desk.folder, but=(CONFIG, "in")):
        tally.hold(False, name, "in a file:", hit)


def _situation(tally: Tally, desk: Workplace, number: int, commands: int) -> None:
    name = list(SITUATIONS)[number]
    stored = number % 2 == 0
    desk.running.reset()
    desk.forge.run(desk.order(("login", "--api-key-stdin"), stored=True))
    for words in COMMANDS[-commands:]:
        desk.running.set_faults(SITUATIONS[name] or "slow seconds=0 /nowhere")
        ended = desk.forge.run(desk.order(words, stored=stored))
        for hit in hits(ended.out + ended.err):
            tally.hold(False, f"{name}, {' '.join(words)}:", hit, "key in the output")
        tally.hold(ended.code >= 0, f"{name}, {' '.join(words)}:", "ended by signal", ended.code)
        tally.ran(name)
    _searched(tally, name, desk)


def _as_processes(tally: Tally, desk: Workplace, many: int) -> None:
    """Run some as processes of their own; the list of processes must not show the key either."""
    pairs = itertools.product(SITUATIONS, COMMANDS[::-1])
    for situation, words in itertools.islice(pairs, 0, many * 17, 17):
        desk.running.reset()
        desk.running.set_faults(SITUATIONS[situation] or "slow seconds=0 /nowhere")
        order = desk.order(words, stored=False)
        process = subprocess.Popen(
            [sys.executable, "-m", "ads_client", *words],
            env=dict(order.environ),
            cwd=order.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        line = Path(f"/proc/{process.pid}/cmdline")
        cmdline = line.read_bytes() if line.exists() else b""
        out, _ = process.communicate(order.stdin, timeout=60)
        for hit in hits(out + cmdline):
            tally.hold(False, f"process, {situation}, {' '.join(words)}:", hit)
        tally.ran("as a process")
    _searched(tally, "as processes", desk)


def malformed_keys() -> Iterator[bytes]:
    """Yield keys that cannot stand in a header."""
    for bad in (" ", "\t", "\n", "\r", "\x00", "\x1b", "\x7f", "é", "€", "\u200b", "\u202e", "😀"):
        yield f"sk-{bad}{MALFORMED}".encode()
        yield f"{MALFORMED}{bad}x".encode()
    yield f"{MALFORMED} and words".encode()
    yield f'"{MALFORMED} "'.encode()
    yield f"{MALFORMED}\r\nX-Evil: 1".encode()
    yield (MALFORMED * 1000).encode()
    yield MALFORMED.encode() + b"\xff\xfe"
    yield b"\xef\xbb\xbf" + MALFORMED.encode()


def _malformed(tally: Tally, desk: Workplace, many: int) -> None:
    for key in itertools.islice(malformed_keys(), many):
        # One line is read from standard input.
        ways = [] if b"\n" in key else [(("login", "--api-key-stdin"), {}, key)]
        if b"\x00" not in key and key.decode("utf-8", "ignore").encode() == key:
            text = key.decode()
            ways += [(("actions", "list", "--refresh"), {"ADS_API_KEY": text}, b"")]
            ways += [(("login", "--api-key", text), {}, b"")]
        for words, env, stdin in ways:
            order = desk.order(words, stored=True)
            order = order._replace(environ={**order.environ, **env}, stdin=stdin)
            desk.running.reset()
            ended = desk.forge.run(order)
            name = f"malformed {key[:40]!r} by {words[-2] if env or stdin else '--api-key'}:"
            tally.hold(ended.code == 2, name, "exit", ended.code, ended.text[-200:])
            echoed = MALFORMED.encode() in ended.out + ended.err
            tally.hold(not echoed, name, "echoed:", ended.text[-200:])
            tally.hold(not desk.running.requests(), name, "something was sent")
        tally.ran(f"malformed {key!r}")


def _at_desk(
    tally: Tally, running: Running, number: int, counts: Counts, turns: Iterator[int]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env = stage.program_environ(folder / "home")
        with forge(folder / "forge", env) as warm:
            desk = Workplace(running, warm, folder, ("bearer", "x-api-key")[number % 2])
            for situation in turns:
                _situation(tally, desk, situation, counts.commands)
            if number == 0:
                _malformed(tally, desk, counts.malformed)
            else:
                _as_processes(tally, desk, counts.processes)
            _library(tally, desk, counts.library)


def _library(tally: Tally, desk: Workplace, many: int) -> None:
    """Print representations, pickles and tracebacks with locals by a process of ours."""
    from faults.showing import KINDS

    for kind in KINDS[:many]:
        order = desk.order((kind,), stored=False)
        ended = desk.forge.run(order._replace(function="faults.showing:show"))
        tally.hold(ended.code == 0 and ended.out, kind, "showed nothing:", ended.text[-300:])
        for hit in hits(ended.out + ended.err):
            place = _place(ended.out.decode("utf-8", "replace"))
            tally.hold(False, f"library, {kind}:", hit, "key in", place)
        tally.ran(f"library, {kind}")


def _place(text: str) -> str:
    lines = text.splitlines()
    at = next((i for i, line in enumerate(lines) if hits(line.encode())), 0)
    above = next((line.strip() for line in reversed(lines[:at]) if "File " in line), "")
    return f"{above} · {lines[at].strip()[:60]}"


class Counts(NamedTuple):
    """How much of everything is played."""

    commands: int
    situations: int
    processes: int
    library: int
    malformed: int


def play(tally: Tally, **fields: int) -> None:
    """Play S2; ``fields`` are the fields of ``Counts``."""
    counts = Counts(**fields)
    numbers, turn = iter(range(min(counts.situations, len(SITUATIONS)))), threading.Lock()

    def turns() -> Iterator[int]:
        while True:
            with turn:
                number = next(numbers, None)
            if number is None:
                return
            yield number

    def work(number: int) -> Tally:
        own = Tally(tally.promise)
        with stage.sandbox(keys=(CANARY,)) as running:
            _at_desk(own, running, number, counts, turns())
        return own

    with ThreadPoolExecutor(WORKERS) as pool:
        for own in pool.map(work, range(WORKERS)):
            tally.names |= own.names
            tally.runs += own.runs
            tally.violations += own.violations
