"""Runs a client many times over, each time in a process forked from one that is warm."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import select
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LONGEST = 20
PROGRAM = "faults.forge:program"
PACKAGE = "ads_client"  # of the client that was generated for the occasion, found by PYTHONPATH


class Ended(NamedTuple):
    """How a process ended (the negative signal where one killed it), and what it printed."""

    code: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        """Return both streams as text."""
        return (self.out + self.err).decode("utf-8", "replace")


class Order(NamedTuple):
    """What a process does.

    ``function`` is ``MODULE:NAME`` and gets ``arguments``; ``before`` are such calls made first.
    ``kill_after`` are the seconds after which it is killed, if it lives so long.
    """

    arguments: tuple[Any, ...]
    environ: Mapping[str, str]
    folder: Path
    function: str = PROGRAM
    before: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    stdin: bytes = b""
    kill_after: float | None = None


def program(*words: str) -> int:
    """Run the generated program, as its console script does."""
    sys.argv[1:] = words
    return int(importlib.import_module(f"{PACKAGE}.cli").main() or 0)


def unbound(*words: str) -> int:
    """Run the program without bindings, as its console script does."""
    sys.argv[1:] = words
    return int(importlib.import_module("callsheet.launcher").main("", "ads", "ADS") or 0)


class Forge:
    """One warm process; calls from several threads take turns."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._turn = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "faults.forge"],
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(self, order: Order) -> Ended:
        """Run one process to its end."""
        files = {name: str(self.folder / name) for name in ("out", "err", "in")}
        line = {**order._asdict(), "folder": str(order.folder), "files": files}
        del line["stdin"]
        with self._turn:
            (self.folder / "in").write_bytes(order.stdin)
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps(line, default=dict).encode() + b"\n")
            self._process.stdin.flush()
            code = int(self._process.stdout.readline())
            return Ended(
                code, (self.folder / "out").read_bytes(), (self.folder / "err").read_bytes()
            )

    def close(self) -> None:
        """Let the process end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=10)


@contextlib.contextmanager
def forge(folder: Path, environ: Mapping[str, str]) -> Iterator[Forge]:
    """Give a forge while the context lasts."""
    warm = Forge(folder, environ)
    try:
        yield warm
    finally:
        warm.close()


def call(name: str, arguments: Any) -> Any:
    """Call ``MODULE:NAME``."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)(*arguments)


def _child(order: dict[str, Any]) -> int:
    for number, name in enumerate(("in", "out", "err")):
        flags = os.O_RDONLY if name == "in" else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        handle = os.open(order["files"][name], flags, 0o600)
        os.dup2(handle, number)
        os.close(handle)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(LONGEST)
    os.environ.clear()
    os.environ.update(order["environ"])
    os.chdir(order["folder"])
    for name, arguments in order["before"]:
        call(name, arguments)
    try:
        code = call(order["function"], order["arguments"])
    except SystemExit as stop:
        code = stop.code
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else int(bool(code))


def _run(order: dict[str, Any]) -> int:
    child = os.fork()
    if child == 0:
        code = 70
        try:
            code = _child(order)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(code)
    if order["kill_after"] is not None:
        handle = os.pidfd_open(child)
        ended, _, _ = select.select([handle], [], [], order["kill_after"])
        os.close(handle)
        if not ended:
            os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _warm_up() -> None:
    import callsheet
    from callsheet.transport.http import load_httpx

    load_httpx()
    for module in pkgutil.walk_packages(callsheet.__path__, "callsheet."):
        importlib.import_module(module.name)
    for name in ("jsonschema_rs", "httpx_aiohttp", f"{PACKAGE}.cli", f"{PACKAGE}.client"):
        importlib.import_module(name)


def main() -> None:
    """Take orders, one a line, until there are no more."""
    _warm_up()
    sys.stdout.flush()
    for line in sys.stdin:
        code = _run(json.loads(line))
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
