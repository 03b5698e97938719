"""R19: a client that was used before a fork serves both processes, each with its own answers."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faults import stage
from faults.echo import HELD, Echo, echoing

from callsheet import AsyncClient, Client
from callsheet.storage.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from faults.tally import Tally

    Pairs = list[tuple[str, str]]

CHILDREN = 3
LONGEST = 300  # seconds that the rounds of one program may take, however busy the machine is


class Caller:
    """A client, sync or async, that was used before any fork."""

    def __init__(self, url: str, home: str, driver: str) -> None:
        self.driver, self.made_in = driver, os.getpid()
        self.settings = stage.settings_for(url, Path(home))
        options: dict[str, Any] = {"settings": self.settings, "bindings": stage.BINDINGS}
        self.client: Any = Client(**options) if driver == "sync" else AsyncClient(**options)
        if driver == "httpx":
            self.client._transport = stage.PlainTransport(self.settings, self.client.ledger)
        self.loops: dict[int, asyncio.Runner] = {}

    def wait(self, outcome: Any) -> Any:
        """Return the value of a call; a process has one event loop of its own."""
        if self.driver == "sync":
            return outcome
        runner = self.loops.setdefault(os.getpid(), asyncio.Runner())
        return runner.run(outcome)

    def call(self, prompt: str) -> tuple[str, str]:
        """Make a paid call; return what was asked and what came back."""
        free = self.wait(self.client.call("echo.free", {"prompt": f"free {prompt}"}))
        if free.json["echo"] != f"free {prompt}":
            return prompt, f"free call: {free.json}"
        return prompt, self.wait(self.client.call("echo.make", {"prompt": prompt})).json["echo"]

    def submit(self, prompt: str) -> Any:
        """Start a job."""
        return self.wait(self.client.submit("job.create", {"prompt": prompt}))

    def follow(self, task: Any) -> str:
        """Return what the answer about a job says."""
        return str(self.wait(task.wait(timeout=30)).json["echo"])


class ForkStage:
    """What the forms share: the client, the way to make a process, the name of the round."""

    def __init__(self, caller: Caller, method: str) -> None:
        self.caller, self.method, self.name = caller, method, ""
        self.context: Any = multiprocessing.get_context(method)

    def start(self, work: Callable[..., Pairs], *arguments: Any) -> tuple[Any, Connection]:
        """Start a process that sends back what ``work`` returns."""
        ours, theirs = self.context.Pipe(duplex=False)
        process = self.context.Process(target=_send, args=(theirs, work, arguments))
        process.start()
        theirs.close()
        return process, ours


def _send(pipe: Connection, work: Callable[..., Pairs], arguments: tuple[Any, ...]) -> None:
    try:
        pipe.send(work(*arguments))
    except BaseException as error:
        pipe.send([("an answer", f"{type(error).__name__}: {error}")])


def _collect(started: tuple[Any, Connection]) -> Pairs:
    process, pipe = started
    pairs: Pairs = pipe.recv()
    process.join()
    return pairs


def _calls(name: str, many: int = 2) -> Pairs:
    caller = shared()
    pairs = [] if caller.made_in != os.getpid() else [("a client from before the fork", "none")]
    return [*pairs, *(caller.call(f"{name}-{number}") for number in range(many))]


def _several(play: ForkStage) -> Pairs:
    children = [play.start(_calls, f"{play.name}-{n}") for n in range(CHILDREN)]
    own = [play.caller.call(f"{play.name}-parent-{number}") for number in range(2)]
    return sum(map(_collect, children), own)


def _while_out(play: ForkStage) -> Pairs:
    """Fork while a thread waits for the answer to its paid request."""
    pairs: Pairs = []
    other = Caller(play.caller.settings.host, os.environ["ECHO_HOME"], "sync")
    prompt = f"{HELD}-{play.name}"
    thread = threading.Thread(target=lambda: pairs.append(other.call(prompt)))
    thread.start()
    _calls_of_server("wait", prompt)
    child = play.start(_calls, play.name)
    pairs += _collect(child)
    _calls_of_server("release", prompt)
    thread.join()
    other.client.close()
    return pairs


def _grandchild(play: ForkStage) -> Pairs:
    return _collect(play.start(_fork_again, play.name))


def _fork_again(name: str) -> Pairs:
    own = ForkStage(shared(), "fork")
    own.name = name
    return _several(own)


def _parent_closes(play: ForkStage) -> Pairs:
    """Close the parent's client before the child makes its calls."""
    gate = play.context.Event()
    child = play.start(_calls_after, gate, play.name)
    play.caller.call(f"{play.name}-before")
    play.caller.wait(play.caller.client.close())
    gate.set()
    return [*_collect(child), play.caller.call(f"{play.name}-after")]


def _calls_after(gate: Any, name: str) -> Pairs:
    gate.wait(30)
    return _calls(name)


def _child_closes(play: ForkStage) -> Pairs:
    pairs = _collect(play.start(_calls_and_close, play.name))
    return [*pairs, play.caller.call(f"{play.name}-after")]


def _calls_and_close(name: str) -> Pairs:
    pairs = _calls(name)
    shared().wait(shared().client.close())
    return pairs


def _one_job(play: ForkStage) -> Pairs:
    """Follow one job in both processes."""
    name = f"{play.name}-job"
    task = play.caller.submit(name)
    child = play.start(_follow, task.id)
    return [(name, play.caller.follow(task)), *_collect(child)]


def _follow(name: str) -> Pairs:
    caller = shared()
    return [(name, caller.follow(caller.wait(caller.client.tasks.get(name))))]


def _killed(play: ForkStage) -> Pairs:
    """Kill the child while its request is out."""
    prompt = f"{HELD}-{play.name}"
    process, pipe = play.start(_calls_held, prompt)
    _calls_of_server("wait", prompt)
    process.kill()
    process.join()
    pipe.close()
    pairs = [play.caller.call(f"{play.name}-after")]
    _calls_of_server("release", prompt)
    return [*pairs, play.caller.call(f"{play.name}-later")]


def _calls_held(prompt: str) -> Pairs:
    return [shared().call(prompt)]


def _orphan(play: ForkStage) -> Pairs:
    """Kill a process whose request is out; its child lives on, and is not taken for it."""
    prompt, gate = f"{HELD}-{play.name}", play.context.Event()
    ours, theirs = play.context.Pipe(duplex=False)
    process = play.context.Process(target=_have_child, args=(prompt, gate, theirs))
    process.start()
    _calls_of_server("wait", prompt)
    child = ours.recv()
    process.kill()
    process.join()
    ledger = Ledger(play.caller.settings.state_dir)
    rows = [row for row in ledger.unknown_or_unsaved() if f'"{prompt}"' in str(row.body)]
    ledger.close()
    os.kill(child, signal.SIGKILL)
    _calls_of_server("release", prompt)
    return [("1 unknown call", f"{len(rows)} unknown call")]


def _have_child(prompt: str, gate: Any, pipe: Any) -> None:
    caller = shared()
    caller.call(f"before-{prompt}")
    threading.Thread(target=caller.call, args=(prompt,), daemon=True).start()
    _calls_of_server("wait", prompt)
    child = os.fork()
    if child == 0:
        gate.wait(30)
        os._exit(0)
    pipe.send(child)
    gate.wait(30)


def _pool(play: ForkStage) -> Pairs:
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=play.context) as pool:
        futures = [pool.submit(_calls, f"{play.name}-{n}", 1) for n in range(4)]
        own = [play.caller.call(f"{play.name}-parent")]
        return sum((future.result() for future in futures), own)


def _program(play: ForkStage) -> Pairs:
    """Let the child end as a program does, which drops all that it inherited."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, json.dumps(_calls(play.name)).encode())
        sys.exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        pairs: Pairs = [(asked, answered) for asked, answered in json.load(pipe)]
    os.waitpid(child, 0)
    return [*pairs, *(play.caller.call(f"{play.name}-after-{number}") for number in range(2))]


def _two_clients(play: ForkStage) -> Pairs:
    """Use a second client of the same ledger, made before the fork."""
    other = Caller(play.caller.settings.host, os.environ["ECHO_HOME"], "sync")
    pairs = [other.call(f"{play.name}-other")]
    child = play.start(_calls, play.name)
    pairs += [other.call(f"{play.name}-other-{number}") for number in range(2)]
    other.client.close()
    return pairs + _collect(child)


FORMS: dict[str, Callable[[ForkStage], Pairs]] = {
    "three children at once": _several,
    "a request is out": _while_out,
    "a child of a child": _grandchild,
    "the parent closes its client": _parent_closes,
    "the child closes its client": _child_closes,
    "both follow one job": _one_job,
    "the child is killed": _killed,
    "the parent is killed": _orphan,
    "a pool of processes": _pool,
    "two clients of one ledger": _two_clients,
    "the child ends like a program": _program,
}
_CALLERS: list[Caller] = []


def shared() -> Caller:
    """Return the client of this process, which was made and used before any fork."""
    return _CALLERS[0]


def prepare() -> Caller:
    """Make that client, as the environment says, and use it."""
    caller = Caller(os.environ["ECHO_URL"], os.environ["ECHO_HOME"], os.environ["ECHO_DRIVER"])
    _CALLERS.append(caller)
    prompt = f"first-{os.getpid()}"
    assert caller.call(prompt) == (prompt, prompt)
    return caller


def _calls_of_server(word: str, prompt: str) -> None:
    """Wait until a held prompt has reached the server, or have it answered."""
    import urllib.request

    with urllib.request.urlopen(f"{os.environ['ECHO_URL']}/{word}/{prompt}") as reply:
        reply.read()


def work(method: str, rounds: int) -> None:
    """Play the rounds and print what was asked and what came back, a form a line."""
    caller = prepare()
    if method == "forkserver":
        multiprocessing.set_forkserver_preload(["faults.preloaded"])
    play = ForkStage(caller, method)
    for number in range(rounds):
        form = list(FORMS)[number % len(FORMS)]
        play.name = f"{method}-{caller.driver}-{number}"
        sys.stdout.write(json.dumps([form, FORMS[form](play)]) + "\n")
        sys.stdout.flush()
    caller.wait(caller.client.close())


def play_forks(tally: Tally, rounds: tuple[int, ...]) -> None:
    """Play so many rounds with each driver in turn, for each method a program of its own."""
    with echoing() as server:
        for driver, many in zip(stage.DRIVERS, rounds, strict=False):
            for method in ("fork", "forkserver"):
                with tempfile.TemporaryDirectory() as folder:
                    _play(tally, server, Path(folder), (method, driver), many)


def _play(tally: Tally, server: Echo, home: Path, how: tuple[str, str], rounds: int) -> None:
    method, driver = how
    own = {"ECHO_URL": server.url, "ECHO_HOME": str(home), "ECHO_DRIVER": driver}
    words = f"from faults import forking; forking.work({method!r}, {rounds})"
    program = [sys.executable, "-c", words]
    out, err = home / "out", home / "err"
    with (
        out.open("wb") as stdout,
        err.open("wb") as stderr,
        subprocess.Popen(
            program,
            env=stage.program_environ(home, own),
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        ) as process,
    ):
        try:
            process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with all the processes that it forked
    told = err.read_text("utf-8")
    tally.hold(process.returncode == 0 and not told, method, driver, told[-1500:])
    ledger = Ledger(str(home / "state"))
    for line in out.read_text("utf-8").splitlines():
        form, pairs = json.loads(line)
        tally.ran(f"{form}, {method}")
        for asked, answered in pairs:
            tally.hold(asked == answered, method, driver, form, asked, "got", answered)
    for prompt, count in server.posts.items():
        row = ledger.find(server.references[prompt])
        tally.hold(count == 1, method, driver, prompt, "was sent", count, "times")
        tally.hold(row, method, driver, prompt, "is not in the ledger")
    server.posts.clear()
    ledger.close()
