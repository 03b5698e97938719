"""Hold what the commands of one run share: settings, host, engine and ledger."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

from callsheet.cli.output.formats import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from callsheet.catalog.cached import CachedActions
    from callsheet.catalog.host import Host
    from callsheet.catalog.snapshot import Catalogue
    from callsheet.catalog.store import CatalogueCache
    from callsheet.config.bindings import Bindings
    from callsheet.config.settings import Settings
    from callsheet.engine.invoke import Engine
    from callsheet.flows.effects import Flow, JobUpdate
    from callsheet.spec import Action
    from callsheet.storage.ledger import Ledger
    from callsheet.storage.output_path import Destination
    from callsheet.transport.sync import Transport


PREFIX = "own_"
_REPEATED = "\n"


class GlobalFlags(dict[str, str]):
    """The values of our own flags, collected before the group and after the action."""

    def take(self, params: dict[str, object]) -> None:
        """Move our flags out of click's ``params`` itself; a later value replaces an earlier one.

        A switch that is set becomes ``"yes"``; the values of a repeated flag add up.
        """
        for key in [key for key in params if key.startswith(PREFIX)]:
            typed = params.pop(key)
            name = key.removeprefix(PREFIX).replace("_", "-")
            if isinstance(typed, tuple) and typed:
                self[name] = _REPEATED.join([*self.all(name), *map(str, typed)])
            elif typed is True:
                self[name] = "yes"
            elif isinstance(typed, str):
                self[name] = typed

    def all(self, name: str) -> list[str]:
        """Return every value of a flag that may be repeated."""
        return self[name].split(_REPEATED) if name in self else []


class Drift:
    """A generated action whose schema the server has changed; ``noticed`` once that was noted."""

    def __init__(self, bound: Action) -> None:
        self.bound, self.noticed = bound, False


T = TypeVar("T")
_LOCATION = ("host", "profile")
_LATE = frozenset(
    {"auth", "header", "insecure-http", "set", "verbose", "debug", "max-cost", "assume-cost"}
)
_SETTINGS = (*_LOCATION, "auth", "header", "insecure-http", "max-cost", "assume-cost")


class Context:
    """What the commands of one run share; parts are built at their first use.

    ``paid`` holds the action and the reference of the last request that may cost, ``answered`` the
    action and the task id (or None) of one that was answered: from then on nothing ends as if
    nothing had been sent. ``destination`` is where ``--out`` led when it was checked.
    ``hints`` holds the host and profile that stand somewhere after the command: they guide the
    search for it, and count only when the command turns out to leave those flags to us.
    ``has_all_flags`` says that the flags of an action are known.
    """

    def __init__(self, program: Bindings, argv: Sequence[str], environ: Mapping[str, str]) -> None:
        self.program, self.argv, self.environ = program, tuple(argv), environ
        self.flags = GlobalFlags()
        self.console = Console(program.command, program.env, self.flags, self.argv, environ)
        self.hints = hints_in(argv)
        self.drift: Drift | None = None
        self.paid: tuple[str, str] | None = None
        self.answered: tuple[str, str | None] | None = None
        self.destination: Destination | None = None
        self._settings: Settings | None = None
        self._location: tuple[str | None, ...] = ()
        self._cache: CatalogueCache | None = None
        self._stored: CachedActions | None = None
        self._host: Host | None = None
        self._ledger: Ledger | None = None
        self._engine: Engine | None = None
        self._transport: Transport | None = None
        self.has_all_flags, self._began = False, 0.0

    @property
    def prog(self) -> str:
        """Return the name of the program."""
        return self.program.command

    @property
    def bindings(self) -> Bindings:
        """Return the bindings of the program where they count for the host in use."""
        from callsheet.config.settings import bindings_for

        return bindings_for(self.program, self.settings, self.cached)

    @property
    def settings(self) -> Settings:
        """Return the settings of this run; raises ``UsageError``."""
        if self._settings is None:
            from callsheet.config.settings import load

            typed = {**self.hints, **self.flags}
            flags = {name.replace("-", "_"): typed[name] for name in _SETTINGS if name in typed}
            self._settings = load(self.program, flags=flags, environ=self.environ)
            for warning in self._settings.warnings:
                self.console.warn(warning)
            self._location = self._typed_location()
        return self._settings

    def settle(self) -> bool:
        """Drop the hints, now that all flags are known; return whether that changed the host.

        Parts that were built with other flags are closed, and built anew at their next use.
        """
        self.hints = {}
        moved = self._settings is not None and self._location != self._typed_location()
        if moved or _LATE & set(self.flags):
            self.restart()
        return moved

    def _typed_location(self) -> tuple[str | None, ...]:
        typed = {**self.hints, **self.flags}
        return tuple(typed.get(name) for name in _LOCATION)

    def use_hints(self, hints: dict[str, str]) -> None:
        """Replace the hints; close what was built with others."""
        self.hints = hints
        self.restart()

    def use(self, settings: Settings) -> None:
        """Replace the settings; close what was built with others."""
        self.restart()
        self._settings, self._location = settings, self._typed_location()

    def restart(self) -> None:
        """Close every part; each is built anew at its next use."""
        self.close()
        self._settings = self._cache = self._stored = self._host = None
        self._ledger = self._engine = self._transport = None

    @property
    def host(self) -> Host:
        """Return the host with its actions."""
        if self._host is None:
            from callsheet.catalog.host import Host
            from callsheet.flows.retry import default_timing

            self._host = Host(
                self.settings,
                self.program,
                default_timing(),
                overrides=self._overrides(),
                cache=self.cache,
            )
        return self._host

    @property
    def stored(self) -> CachedActions:
        """Return the actions of the host in use as they are cached; nothing is ever sent."""
        if self._stored is None:
            from callsheet.catalog.cached import CachedActions

            self._stored = self._host or CachedActions(
                self.settings, self.program, overrides=self._overrides(), cache=self.cache
            )
        return self._stored

    def cached(self) -> Catalogue | None:
        """Return what the host in use last advertised, read when it is used.

        ``None`` where no host is set, nothing is cached, or the package cannot be used.
        """
        return self.stored.cached() if self.program.is_usable() else None

    @property
    def cache(self) -> CatalogueCache:
        """Return the cache of catalogues."""
        if self._cache is None:
            from callsheet.catalog.store import CatalogueCache

            self._cache = CatalogueCache(self.settings.cache_dir)
        return self._cache

    @property
    def engine(self) -> Engine:
        """Return the flows over host and ledger."""
        if self._engine is None:
            from callsheet.engine.invoke import Engine

            self._engine = Engine(self.host, self.ledger())
        return self._engine

    def ledger(self) -> Ledger:
        """Return the ledger of the state folder."""
        if self._ledger is None:
            from callsheet.storage.ledger import Ledger

            self._ledger = Ledger(self.settings.state_dir, say=self.console.note)
        return self._ledger

    def run(
        self,
        flow: Flow[T],
        tell: Callable[[JobUpdate], object] | None = None,
        *,
        has_deadline: bool = False,
    ) -> T:
        """Run a flow to its end; load no transport for one that needs nothing but the disk.

        ``--timeout`` ends it with ``OutOfTime``, unless it ``has_deadline`` of its own. Raises what
        the flow raises.
        """
        try:
            first = flow.send(None)
        except StopIteration as stop:
            outcome: T = stop.value
            return outcome
        if self._transport is None:
            self._transport = self._connect(self.ledger())
            self._transport.tell_silent = self.console.note
        self._transport.deadline = float("inf") if has_deadline else self._deadline()
        return self._transport.run(flow, tell, first)

    def _connect(self, ledger: Ledger) -> Transport:
        """Make the transport, which traces with ``--verbose``; handle signals from now on."""
        from callsheet.cli import signals

        signals.listen()
        settings = self.host.settings
        if {"verbose", "debug"} & set(self.flags):
            from callsheet.transport.trace import TracingTransport

            headers = "debug" in self.flags
            return TracingTransport(settings, ledger, say=self.console.warn, headers=headers)
        from callsheet.transport.sync import Transport

        return Transport(settings, ledger)

    def _deadline(self) -> float:
        """Return the monotonic time at which ``--timeout`` ends the command, else infinity.

        It counts from the first call.

        Before the flags of an action are known it counts wherever it stands, as the host does.
        """
        import time

        from callsheet.errors import UsageError

        self._began = self._began or time.monotonic()
        typed = self.flags.get("timeout")
        if typed is None and not self.has_all_flags:
            typed = hints_in(self.argv, ("timeout",)).get("timeout")
        try:
            return self._began + parse_duration(typed) / 1000 if typed else float("inf")
        except UsageError:  # reported where the flag is read
            return float("inf")

    def seconds_left(self) -> float:
        """Return the seconds that ``--timeout`` leaves for the rest of the command, or infinity."""
        import time

        return max(0.0, self._deadline() - time.monotonic())

    def unwritten(self) -> list[dict[str, Any]]:
        """Return the rows of paid calls that the ledger could not take."""
        ledger = self._ledger
        return ledger.unwritten() if ledger is not None and ledger.fault else []

    def close(self) -> None:
        """Close the connections, and end this process's part in the ledger."""
        if self._ledger is not None:
            self._ledger.leave()
        if self._transport is not None:
            self._transport.close()

    def _overrides(self) -> dict[str, str]:
        """Return the pairs of ``--set``; raise ``UsageError`` for what is not ``KEY=VALUE``."""
        from callsheet.errors import UsageError

        pairs = {}
        for typed in self.flags.all("set"):
            name, sign, reading = typed.partition("=")
            if not sign:
                raise UsageError(f"--set: {typed!r} is not KEY=VALUE", flag="--set")
            pairs[name.strip()] = reading
        return pairs


_DURATION = r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?"
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_SHORTEST = 1000


def parse_duration(text: str, flag: str = "timeout") -> int:
    """Read a duration as milliseconds: a bare number is that, ``90s`` and ``10m`` have a unit.

    Raises ``UsageError``; a bare number under 1000 is refused, for it was meant as seconds.
    """
    import re

    from callsheet.errors import UsageError

    match = re.fullmatch(_DURATION, text.strip())
    if match is None:
        raise UsageError(
            f"--{flag}: {text!r} is not a duration", hint="600000, 90s or 10m", flag=f"--{flag}"
        )
    amount, unit = float(match[1]), match[2]
    if unit is None and amount < _SHORTEST:
        raise UsageError(
            f"--{flag}: {match[1]} is {amount / 1000:g} s; did you mean {match[1]}s?",
            hint="a bare number is milliseconds",
            flag=f"--{flag}",
        )
    return max(1, round(amount * _UNITS[unit or "ms"]))


def hints_in(argv: Sequence[str], names: Sequence[str] = _LOCATION) -> dict[str, str]:
    """Return the flags of these names, host and profile, that stand anywhere on a command line."""
    hints: dict[str, str] = {}
    for index, word in enumerate(argv):
        if word == "--":
            break
        for name in names:
            if word == f"--{name}" and index + 1 < len(argv):
                hints[name] = argv[index + 1]
            elif word.startswith(f"--{name}="):
                hints[name] = word.partition("=")[2]
    return hints


def context_for(package: str, command: str, env: str, argv: Sequence[str]) -> Context:
    """Return the context of a generated program, or of the one that we install (no ``package``)."""
    from callsheet.config.bindings import program_of

    return Context(program_of(package, command, env), argv, os.environ)
