"""Run a sandbox: in this thread for the command, in another one for tests."""

import asyncio
import contextlib
import functools
import secrets
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import uvicorn

from callsheet_sandbox.app import build_app
from callsheet_sandbox.canary import Canary, Foreign
from callsheet_sandbox.catalogue import read_action
from callsheet_sandbox.faults.protocol import protocol_of
from callsheet_sandbox.faults.script import Script, open_script, read_script
from callsheet_sandbox.options import Options
from callsheet_sandbox.realm import Realm
from callsheet_sandbox.replay import open_replay
from callsheet_sandbox.stats import stats
from callsheet_sandbox.templates import Json
from callsheet_sandbox.world import World, open_world


@dataclass(frozen=True, slots=True)
class Running:
    """A server that is listening; `url` has no final slash, `key` is one that it accepts.

    Methods take the name of a dialect; without one they mean the dialect at the root.
    """

    url: str
    key: str
    world: World

    def dialect_url(self, name: str) -> str:
        """Return the address of a dialect."""
        self._realm(name)
        return f"{self.url}/d/{name}"

    def dialects(self) -> list[str]:
        """Return the names of all dialects."""
        return list(self.world.realms)

    def charges(self, dialect: str | None = None) -> list[dict[str, Json]]:
        """Return the charges in order: reference, action, cost, taskId."""
        realm = self._realm(dialect)
        realm.settle()
        return self.world.setting.store.charges(realm.name)

    def requests(self, dialect: str | None = None) -> list[dict[str, Json]]:
        """Return the requests in order: method, path, query, auth, headers, body, status."""
        return self.world.setting.store.requests(self._realm(dialect).name)

    def add_action(self, action: dict[str, Json], dialect: str | None = None) -> None:
        """Add or replace an action; `action` is a catalogue file's content."""
        self._realm(dialect).put_action(read_action(action))

    def remove_action(self, action_id: str, dialect: str | None = None) -> None:
        """Remove an action."""
        self._realm(dialect).remove_action(action_id)

    def set_credits(self, remaining: int, dialect: str | None = None) -> None:
        """Set the credits that are left."""
        self.world.setting.store.set_credits(self._realm(dialect).name, remaining)

    def credits(self, dialect: str | None = None) -> int:
        """Return the credits that are left."""
        return self.world.setting.store.credits(self._realm(dialect).name)

    def advance(self, seconds: float) -> None:
        """Move the sandbox's time forward, so that jobs are further without waiting."""
        self.world.clock.advance(seconds)

    def reset(self) -> None:
        """Forget all that happened in every dialect."""
        self.world.reset()

    def set_faults(self, script: str | Path | Json) -> None:
        """Commit these faults from now on: a script, or the file that holds one.

        ValueError says what is wrong in it.
        """
        named = isinstance(script, str | Path)
        self.world.set_faults(open_script(str(script)) if named else read_script(script))

    def clear_faults(self) -> None:
        """Commit no more faults."""
        self.world.set_faults(Script())

    def faults(self) -> list[dict[str, Json]]:
        """Return the faults in force; `seen` and `fired` count requests matched and struck."""
        return self.world.plan.report()

    def stats(self, dialect: str | None = None) -> dict[str, Json]:
        """Return charges by reference, credentials by origin, requests by path, and foreign."""
        return stats(self.world, self._realm(dialect).name)

    @property
    def foreign(self) -> Foreign:
        """Return another origin, which notes all that it gets and serves the same media."""
        return Foreign(self.world)

    @property
    def foreign_url(self) -> str:
        """Return the foreign origin over http."""
        return self.world.ports.url("foreign")

    @property
    def secure_url(self) -> str:
        """Return this sandbox's https address; its certificate is the foreign origin's."""
        return self.world.ports.url("secure")

    @property
    def refused_url(self) -> str:
        """Return an address that refuses connections, until `open_refused`."""
        return self.world.ports.url("refused")

    @property
    def garbage_url(self) -> str:
        """Return an https address where every TLS handshake fails."""
        return self.world.ports.url("garbage")

    def open_refused(self) -> None:
        """Let `refused_url` lead to this sandbox from now on."""
        self.world.ports.open_refused()

    def _realm(self, name: str | None) -> Realm:
        try:
            return self.world.realms[name or self.world.root]
        except KeyError:
            raise ValueError(f"no dialect {name!r}; known: {list(self.world.realms)}") from None


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the caller says what a signal means."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True, slots=True)
class _Bound:
    running: Running
    server: _Server
    listener: socket.socket
    open_ports: Callable[[], Awaitable[None]]

    async def serve(self) -> None:
        """Answer until the server is told to exit."""
        try:
            await self.server.serve(sockets=[self.listener])
        finally:
            await self.running.world.ports.close()


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's delay (40 ms a reply) off only on sockets that name their protocol.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


@contextlib.contextmanager
def _bound(options: Options, host: str, port: int) -> Iterator[_Bound]:
    """Listen; OSError where the port is taken, ValueError for wrong data files."""
    if not options.keys:
        options = replace(options, keys=(f"sk-sandbox-{secrets.token_hex(12)}",))
    replay = open_replay(options.replay) if options.replay else None
    with _listener(host, port) as listener:
        world = open_world(options)
        try:
            app = build_app(world, replay)
            protocol = protocol_of(world.plan)
            config = uvicorn.Config(
                app,
                http=protocol,
                ws="none",
                lifespan="off",
                log_level="critical",
                access_log=False,
                server_header=False,
                headers=[("Server", "callsheet-sandbox")],
                timeout_graceful_shutdown=1,
            )
            name = f"[{host}]" if ":" in host else host
            url = f"http://{name}:{listener.getsockname()[1]}"
            running = Running(url, options.keys[0], world)
            open_ports = functools.partial(world.ports.open, config, Canary(world), protocol)
            app.state.open_ports = open_ports
            yield _Bound(running, _Server(config), listener, open_ports)
        finally:
            world.close()


@contextlib.contextmanager
def serve(
    options: Options | None = None, *, host: str = "127.0.0.1", port: int = 0
) -> Iterator[Running]:
    """Run a sandbox in a thread while the context lasts; port 0 takes a free one."""
    with _bound(options or Options(), host, port) as bound:
        bound.running.world.ports.bind()

        async def answer() -> None:
            await bound.open_ports()
            await bound.serve()

        work = threading.Thread(
            target=lambda: asyncio.run(answer()), name="callsheet-sandbox", daemon=True
        )
        work.start()
        try:
            yield bound.running
        finally:
            bound.server.should_exit = True
            work.join()


def run(options: Options, *, host: str, port: int, announce: Callable[[Running], None]) -> int:
    """Run a sandbox in this thread until a signal; returns 130 for Ctrl-C, 0 for SIGTERM."""
    with _bound(options, host, port) as bound:
        received: list[int] = []

        async def work() -> None:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                try:
                    loop.add_signal_handler(number, stop, number)
                except NotImplementedError:  # Windows: Python's own handler wakes the loop
                    signal.signal(number, lambda got, _: loop.call_soon_threadsafe(stop, got))
            if options.faults:
                await bound.open_ports()
            announce(bound.running)
            await bound.serve()

        def stop(number: int) -> None:
            received.append(number)
            bound.server.should_exit = True

        asyncio.run(work())
        return 130 if signal.SIGINT in received else 0
