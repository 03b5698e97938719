"""R23: a ledger that loses a row, or cannot take one, while the POST is out is told of."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faults import stage
from faults.liar import Answer, json_answer, lying

from callsheet.storage.ledger import Ledger
from callsheet.storage.ledger_search import NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faults.tally import Tally

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(17) + b"\x00\x00\x00\x00IEND\xaeB`\x82"
PROGRAM = """
import sys
from callsheet.cli.main import run
sys.exit(run("", "ads", "ADS", sys.argv[1:]))
"""
ID = {"type": "object", "properties": {"taskId": {"type": "string"}}, "required": ["taskId"]}
TEXT = {"type": "object", "properties": {"prompt": {}}}
LISTED = {
    "actions": [
        {"id": "ai.image.generate", "inputSchema": TEXT},
        {"id": "ai.image.query", "inputSchema": ID, "readOnly": True},
    ]
}
COLUMNS = ("task_ids", "family", "media", "sent", "reply", "first_reply", "created", "cost", "said")
JUNK = ("{", "[1,", "nonsense", b"\xff\xfe", '"text"', "[" * 100_000, "", "[[1]]")


class Round:
    """One server and one state folder; ``spoil`` is done while the paid POST is out."""

    def __init__(self, home: Path, spoil: Callable[[Round], object] = lambda _: None) -> None:
        self.home, self.spoil = home, spoil
        self.state = home / "state"
        self.posts = 0
        self.url = ""
        self.errors = home / "errors"
        self.process: subprocess.Popen[bytes] | None = None

    def answer(self, path: str) -> Answer:
        """Answer one request."""
        if path.endswith("/ai.image.generate"):
            self.posts += 1
            self.spoil(self)
            return json_answer({"taskId": f"t-{self.posts}", "status": "running"})
        if path.endswith("/ai.image.query"):
            link = f"{self.url}/cup.png"
            return json_answer({"taskId": "t-1", "status": "done", "imageUrl": link})
        if path.endswith(".png"):
            return Answer(200, PNG, {"Content-Type": "image/png"})
        return Answer(404, b"{}", {"Content-Type": "application/json"})

    def run(self, *words: str) -> tuple[int, str, str]:
        """Run the program; return its exit code and what it printed."""
        environ = {
            **stage.environ(self.home),
            "ADS_HOST": self.url,
            "ADS_API_KEY": stage.KEY,
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        words = (sys.executable, "-c", PROGRAM, *words)
        # A limit on the size of files would hold for the errors too: they come through a pipe.
        with self.errors.open("wb") as errors:
            tee = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=errors)
            pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": tee.stdin}
            self.process = subprocess.Popen(words, env=environ, cwd=self.home, **pipes)
            out = self.process.communicate(timeout=300)[0]
            tee.communicate()
        return self.process.returncode, out.decode(), self.errors.read_text()

    def pay(self, *words: str) -> tuple[int, str, str]:
        """Make the paid call."""
        return self.run("call", "ai.image.generate", "--prompt", "x", *words)

    def sql(self, *statements: str) -> None:
        """Change the ledger as another program would."""
        with sqlite3.connect(self.state / NAME) as db:
            for statement in statements:
                db.execute(statement)
        db.close()

    def rows(self) -> list[tuple[str, str, list[str]]]:
        """Return state, action and task ids of every row on the disk."""
        ledger = Ledger(str(self.state))
        rows = [(row.state, row.action, row.task_ids) for row in ledger.jobs()]
        ledger.close()
        return rows


@contextmanager
def playing(spoil: Callable[[Round], object] = lambda _: None) -> Iterator[Round]:
    """Serve for one round in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        now = Round(Path(folder), spoil)
        with lying(now.answer, LISTED) as now.url:
            yield now


def _fill(now: Round) -> None:
    """Let no file of the process grow any more, as on a full disk."""
    if now.process is not None:
        resource.prlimit(now.process.pid, resource.RLIMIT_FSIZE, (0, 0))


def _replace(now: Round) -> None:
    other = now.home / "other"
    other.mkdir()
    ledger = Ledger(str(other))
    ledger.record("intent", "another", {"host": "h", "action": "a"})
    ledger.close()
    os.replace(other / NAME, now.state / NAME)


def _truncate(now: Round) -> None:
    for name in (NAME, f"{NAME}-wal"):
        os.truncate(now.state / name, 0)


def _remove(now: Round) -> None:
    for path in now.state.glob(f"{NAME}*"):
        path.unlink()


# What happens to the ledger, and whether the row can still be written.
SPOILS: dict[str, tuple[Callable[[Round], object], bool]] = {
    "the row is deleted": (lambda now: now.sql("DELETE FROM jobs"), True),
    "the ledger is removed": (_remove, True),
    "the ledger alone is removed": (lambda now: (now.state / NAME).unlink(), True),
    "the state folder is removed": (lambda now: shutil.rmtree(now.state), True),
    "another ledger takes its place": (_replace, True),
    "the ledger is moved away": (lambda now: (now.state / NAME).rename(now.home / "away"), True),
    "the table is dropped": (lambda now: now.sql("DROP TABLE jobs"), False),
    "a column is dropped": (lambda now: now.sql("ALTER TABLE jobs DROP COLUMN reply",
                                                "ALTER TABLE jobs DROP COLUMN first_reply"), False),
    "no file can grow": (_fill, False),
    "it is cut to nothing": (_truncate, False),
    "a trigger refuses": (lambda now: now.sql(
        "CREATE TRIGGER no BEFORE UPDATE ON jobs BEGIN SELECT RAISE(ABORT, 'no'); END"), False),
    "a folder takes its place": (
        lambda now: (_remove(now), (now.state / NAME).mkdir()), False),
}  # fmt: skip


def _lose(tally: Tally, name: str, *, saves: bool) -> None:
    """Spoil the ledger while one POST is out."""
    spoil, can_write = SPOILS[name]
    with playing(spoil) as now:
        out_path = now.home / "cup.png"
        words = ("--wait", "--out", str(out_path)) if saves else ()
        if saves and name == "no file can grow":
            words = ("--wait",)
        code, out, err = now.pay(*words)
        label = f"{name}{' with --out' if saves else ''}: exit {code}: {err[-600:]}"
        tally.hold(now.posts == 1, label, "POSTs:", now.posts)
        tally.hold("Traceback" not in err, label)
        if "--out" in words:
            tally.hold(out_path.exists() and out_path.read_bytes() == PNG, label, "no file")
        if can_write:
            tally.hold(code == 0, label)
            rows = [row for row in now.rows() if row[1] == "ai.image.generate"]
            expected = [("saved" if saves else "running", "ai.image.generate", ["t-1"])]
            tally.hold(rows == expected, label, "on the disk:", rows)
        else:
            tally.hold(code == 5, label)
            row = _printed(err)
            tally.hold("t-1" in row.get("task_ids", ()), label, "printed:", row)
            tally.hold(row.get("host") == now.url, label, "printed:", row)
        tally.hold("t-1" in out, label, "printed no result")
    tally.ran(name)


def _printed(err: str) -> dict[str, Any]:
    for line in err.splitlines():
        with suppress(ValueError):
            row = json.loads(line)
            if isinstance(row, dict) and "ref" in row:
                return row
    return {}


HOLDER = """
import fcntl, os, sqlite3, sys
folder, how = sys.argv[1:]
if how == "flock":
    handle = os.open(folder, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
else:
    db = sqlite3.connect(os.path.join(folder, "ledger.sqlite3"), isolation_level=None)
    if how == "for itself":
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.execute("BEGIN EXCLUSIVE" if how == "exclusive" else "BEGIN IMMEDIATE")
    if how != "exclusive":
        db.execute("UPDATE origins SET seen = 0")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def holding(now: Round, how: str) -> Iterator[subprocess.Popen[bytes]]:
    """Let another program hold a lock of the state folder."""
    words = (sys.executable, "-c", HOLDER, str(now.state), how)
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def _make_ledger(now: Round) -> None:
    ledger = Ledger(str(now.state))
    ledger.record("intent", "earlier", {"host": now.url, "action": "a"})
    ledger.close()


def _locked_before(tally: Tally, how: str) -> None:
    """Hold the lock from before the command to its end."""
    with playing() as now:
        now.state.mkdir()
        _make_ledger(now)
        with holding(now, how):
            code, _, err = now.pay()
        label = f"{how} held before: exit {code}: {err[-400:]}"
        tally.hold(code == 2 and now.posts == 0, label, "POSTs:", now.posts)
        tally.hold("waiting for" in err and "locked by another program" in err, label)
        tally.hold("Traceback" not in err, label)
    tally.ran(f"{how} held before")


def _locked_during(tally: Tally, how: str, *, ends: bool) -> None:
    """Take the lock while the POST is out; ``ends`` gives it back once the wait was told of."""
    holders = ExitStack()

    def take(now: Round) -> None:
        holder = holders.enter_context(holding(now, how))
        if ends:
            threading.Thread(target=release, args=(now, holder), daemon=True).start()

    def release(now: Round, holder: subprocess.Popen[bytes]) -> None:
        while now.process is not None and now.process.poll() is None:
            if "waiting for" in now.errors.read_text():
                break
            time.sleep(0.05)
        holder.kill()

    with playing(take) as now:
        code, out, err = now.pay()
        holders.close()
        label = f"{how} held during{', then given back' if ends else ''}: exit {code}: {err[-400:]}"
        tally.hold(code == (0 if ends else 5) and now.posts == 1, label)
        tally.hold("waiting for" in err, label)
        tally.hold("t-1" in out, label)
        if ends:
            tally.hold(now.rows() == [("running", "ai.image.generate", ["t-1"])], label)
        else:
            tally.hold("t-1" in _printed(err).get("task_ids", ()), label)
    tally.ran(f"{how} held during{', then given back' if ends else ''}")


def _damaged(tally: Tally, junk: object, column: str) -> None:
    """Damage one of three rows; the others stay to be seen."""
    with playing() as now:
        for _ in range(3):
            now.pay()
        with sqlite3.connect(now.state / NAME) as db:
            db.execute(f"UPDATE jobs SET {column} = ? WHERE task_ids = '[\"t-2\"]'", (junk,))
        db.close()
        label = f"{column} is {str(junk)[:20]!r}:"
        code, out, err = now.run("tasks", "list", "--json")
        rows = json.loads(out) if code == 0 else []
        ids = {row["taskId"] for row in rows}
        tally.hold({"t-1", "t-3"} <= ids and len(rows) == 3, label, code, ids, err[-300:])
        code, out, err = now.run("tasks", "recover", "--json")
        tally.hold("t-1" in out and "t-3" in out and "Traceback" not in err, label, err[-300:])
        code, out, err = now.run("tasks", "save", "t-3", "--out", str(now.home / "cup.png"))
        tally.hold(code == 0 and (now.home / "cup.png").exists(), label, code, err[-300:])
    tally.ran(f"a damaged {column}")


KILLED = """
import os, signal, sys
from callsheet.storage.ledger import Ledger
Ledger(sys.argv[1]).record("intent", sys.argv[2], {"host": "h", "action": "a"})
if sys.argv[3] == "over":
    Ledger(sys.argv[1]).record("done", sys.argv[2], {})
os.kill(os.getpid(), signal.SIGKILL)
"""


def _leftovers(tally: Tally, many: int) -> None:
    """Kill processes that made paid calls; the next one removes what they left."""
    with playing() as now:
        now.state.mkdir(mode=0o700)
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        for number in range(many):
            words = (str(now.state), f"ref-{number}", "over" if number % 2 else "out")
            command = (sys.executable, "-c", KILLED, *words)
            code = subprocess.run(command, env=environ, check=False).returncode
            tally.hold(code == -signal.SIGKILL, "was not killed")
        living = Ledger(str(now.state))
        living.record("intent", "living", {"host": "h", "action": "a"})
        leftovers = list(now.state.glob("*.running"))
        tally.hold(len(leftovers) == 1, "left by killed processes:", len(leftovers))
        code, _, err = now.pay()
        tally.hold(code == 0, "beside them: exit", code, err[-300:])
        row = living.find("living")
        other = Ledger(str(now.state), clock=lambda: 2e10)
        tally.hold(row is not None and not other.is_unknown(row), "a living process was swept")
        other.close()
        living.close()
        tally.hold(not list(now.state.glob("*.running")), "something stays for good")
    tally.ran("killed processes", many)


def play(tally: Tally, *, spoils: int, saves: bool, locks: bool, damages: int, killed: int) -> None:
    """Play R23."""
    kinds = [False, True] if saves else [False]
    with ThreadPoolExecutor(8) as pool:  # those that wait for a lock wait side by side
        waiting = [pool.submit(_locked_during, tally, "immediate", ends=True)]
        if locks:
            before = ("immediate", "exclusive", "for itself", "flock")
            waiting += [pool.submit(_locked_before, tally, how) for how in before]
            during = ("immediate", "exclusive")
            waiting += [pool.submit(_locked_during, tally, how, ends=False) for how in during]
        for name in list(SPOILS)[:: max(1, len(SPOILS) // spoils)]:
            for with_file in kinds:
                _lose(tally, name, saves=with_file)
        for number in range(damages):
            _damaged(tally, JUNK[number % len(JUNK)], COLUMNS[number % len(COLUMNS)])
        _leftovers(tally, killed)
        for task in waiting:
            task.result()
