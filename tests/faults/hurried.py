"""R20 at the command line: ``--timeout`` ends a command, and never an open paid request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from faults import stage
from faults.endless import FILE, FREE, LIST, LISTED, OBJECT, PAID, QUERY, SCHEMA
from faults.forge import Forge, Order, forge
from faults.raw import LONG, drip, head, serving, whole

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from faults.tally import Tally

Steps = "Iterable[bytes | float]"
JOB = {"taskId": "t-1", "status": "running"}
DONE = {"taskId": "t-1", "status": "done", "videoUrl": FILE}
_JSON, _VIDEO = "Content-Type: application/json", "Content-Type: video/mp4"
CALL = ("call", "v.make", "--input", "{}")
OUT = ("--out", "cup.mp4")


def run(*words: str) -> int:
    """Run the program without bindings."""
    from callsheet.cli.main import run as run_program

    return run_program("", "ads", "ADS", words)


def make_impatient() -> None:
    """Make the limits of the program small: they are minutes otherwise."""
    from callsheet.flows import retry
    from callsheet.flows.effects import Pace, TimeLimits
    from callsheet.transport import sync

    timing = retry.default_timing()._replace(limits=TimeLimits(0.5, 0.5, Pace(0.5, 64 << 10)))
    retry.default_timing = lambda: timing
    sync.REPORT_AFTER = 0.2


def _silent() -> Iterable[bytes | float]:
    return [LONG]


def _drips() -> Iterable[bytes | float]:
    return drip(head(_JSON, "Content-Length: 9000"), b" ")


def _late(document: Any) -> Any:
    return lambda: [1.5, *whole(document)]


def _video(pause: float) -> Any:
    return lambda: drip(head(_VIDEO, "Content-Length: 99000000"), b"\0" * (64 << 10), pause)


class Hurried(NamedTuple):
    """A command, what the server does at these paths, and how it must end.

    ``posts`` are the paid requests that the server may count; ``says`` stands on stderr.
    ``first`` is a command that runs before, against a server that does as it should.
    """

    words: tuple[str, ...]
    odd: dict[str, Any]
    code: int
    posts: int = 0
    says: str = ""
    first: tuple[str, ...] = ()
    is_impatient: bool = False


def _made(**more: Any) -> Hurried:
    return Hurried(**{"posts": 1, "code": 4, **more})


SHORT = ("--timeout", "1s")
COMMANDS = {
    "a silent list": Hurried((*CALL, *SHORT), {LIST: _silent}, 1, says="nothing that may"),
    "a list that drips": Hurried((*CALL, *SHORT), {LIST: _drips}, 1, says="nothing that may"),
    "a schema that drips": Hurried(
        ("call", "v.late", "--input", "{}", *SHORT), {SCHEMA: _drips}, 1, says="nothing that may"
    ),
    "a free call that drips": Hurried(
        ("call", "v.free", "--input", "{}", *SHORT), {FREE: _drips}, 1, says="nothing that may"
    ),
    "a paid call answered late": _made(
        words=(*CALL, "--wait", *SHORT), odd={PAID: _late(JOB)}, says="tasks wait t-1"
    ),
    "a paid call answered late, done": _made(
        words=(*CALL, *OUT, *SHORT), odd={PAID: _late(DONE)}, says="tasks save t-1"
    ),
    "a job that runs on": _made(words=(*CALL, "--wait", *SHORT), odd={}, says="tasks wait t-1"),
    "a question that drips": _made(
        words=(*CALL, "--wait", *SHORT), odd={QUERY: _drips}, says="tasks wait t-1"
    ),
    "a silent question": _made(
        words=(*CALL, "--wait", *SHORT), odd={QUERY: _silent}, says="tasks wait t-1"
    ),
    "a silent file": _made(
        words=(*CALL, *OUT, *SHORT), odd={PAID: lambda: whole(DONE), FILE: _silent},
        says="tasks save t-1",
    ),
    "a file without an end": _made(
        words=(*CALL, *OUT, *SHORT), odd={PAID: lambda: whole(DONE), FILE: _video(0.05)},
        says="tasks save t-1",
    ),
    "tasks wait, a question that drips": _made(
        words=("tasks", "wait", "t-1", *SHORT), odd={QUERY: _drips}, first=CALL,
        says="tasks wait t-1",
    ),
    "tasks save, a file without an end": _made(
        words=("tasks", "save", "t-1", *OUT, *SHORT), first=CALL,
        odd={QUERY: lambda: whole(DONE), FILE: _video(0.05)}, says="tasks save t-1",
    ),
    "a login that drips": Hurried(
        ("login", "--api-key", stage.KEY), {LIST: _drips}, 1, is_impatient=True
    ),
    "a silent host is told": Hurried(
        ("actions", "list", "--refresh"), {LIST: _silent}, 1, says="still waiting for http://127",
        is_impatient=True,
    ),
    "a file that drips": _made(
        words=(*CALL, *OUT), odd={PAID: lambda: whole(DONE), FILE: _drips}, code=1,
        says="too slowly", is_impatient=True,
    ),
}  # fmt: skip


def _usual(path: str) -> list[bytes | float]:
    late = {"id": "v.late", "description": "Make a cup"}
    query = {"id": "v.query", "inputSchema": {**OBJECT, "properties": {"taskId": {}}}}
    documents = {LIST: {"actions": [*LISTED[:2], query, late]}, PAID: JOB, QUERY: JOB, FREE: {}}
    return whole(documents.get(path, {"error": "unknown"}))


def _play(tally: Tally, warm: Forge, home: Path, name: str) -> None:
    command = COMMANDS[name]
    is_odd = [False]

    def answer(path: str, count: int) -> Iterable[bytes | float]:
        script: Any = command.odd.get(path) if is_odd[0] else None
        return script() if script is not None else _usual(path)

    with serving(answer) as server:
        env = stage.program_environ(home, {"ADS_HOST": server.url, "ADS_API_KEY": stage.KEY})
        (home / "out").mkdir(parents=True)
        if command.first:
            order = Order(command.first, env, home / "out", "faults.hurried:run")
            tally.hold(warm.run(order).code == 0, name, "the first command failed")
        is_odd[0] = True
        before = (("faults.hurried:make_impatient", ()),) if command.is_impatient else ()
        order = Order(
            (*command.words, "--json"), env, home / "out", "faults.hurried:run", before=before
        )
        ended = warm.run(order)
        posts = server.asked[PAID] + server.asked["/api/actions/v.late"]
    tally.hold(ended.code == command.code, name, "exit", ended.code, ended.text)
    tally.hold(posts == command.posts, name, "paid requests:", posts)
    tally.hold(command.says in ended.err.decode(), name, "it says", ended.text)
    error = json.loads(ended.out or b"{}").get("error", {})
    if command.code == 4:
        tally.hold(error.get("task_id") == "t-1", name, "names no task:", ended.text)
    tally.hold(not (home / "out" / "cup.mp4").exists(), name, "half a file has the name")
    tally.ran(f"--timeout: {name}")


def play(tally: Tally, folder: Path, *, every: int) -> None:
    """Play the commands, each in a process of its own."""
    with forge(folder / "forge", stage.program_environ(folder)) as warm:
        for number, name in enumerate(list(COMMANDS)[::every]):
            _play(tally, warm, folder / f"command-{number}", name)
