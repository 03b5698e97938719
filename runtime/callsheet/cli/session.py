"""Hold what one run shares."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from callsheet.catalog.host import Host
    from callsheet.catalog.store import CatalogueCache, Index
    from callsheet.config.bindings import Bindings
    from callsheet.config.settings import Settings
    from callsheet.engine.invoke import Engine
    from callsheet.flows.effects import Flow, JobUpdate
    from callsheet.spec import Action
    from callsheet.storage.ledger import Ledger
    from callsheet.transport.sync import Transport


PREFIX = "own_"


class GlobalFlags:
    """The values of our own flags, collected before the group and after the action."""

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def take(self, params: dict[str, object]) -> None:
        """Take the flags out of click's ``params``; a later one wins over an earlier one."""
        for name in [name for name in params if name.startswith(PREFIX)]:
            value = params.pop(name)
            own = name.removeprefix(PREFIX).replace("_", "-")
            if isinstance(value, tuple) and value:
                self.values[own] = "\n".join([*self.all(own), *map(str, value)])
            elif value is True:
                self.values[own] = "yes"
            elif isinstance(value, str):
                self.values[own] = value

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def get(self, name: str) -> str | None:
        """The value as typed, ``None`` where the flag was not given."""
        return self.values.get(name)

    def all(self, name: str) -> list[str]:
        """Every value of a flag that may be repeated."""
        return self.values[name].split("\n") if name in self.values else []


class Drift:
    """A generated action whose schema the server has changed; ``told`` once it was said."""

    def __init__(self, bound: Action) -> None:
        self.bound, self.told = bound, False


T = TypeVar("T")
_PLACE = ("host", "profile")
_LATE = frozenset({"auth", "insecure-http", "set", "verbose", "debug"})
_SETTINGS = (*_PLACE, "auth", "insecure-http")


class Session:
    """What the commands of one run share.

    ``data`` is false for a command whose output is no JSON document. ``paid`` holds the action
    and the reference of the last request that may cost. ``hints`` holds the host
    and profile that stand somewhere after the command: they guide the search for it, and count
    only when the command turns out to leave those flags to us.
    """

    def __init__(self, bindings: Bindings, argv: Sequence[str], environ: Mapping[str, str]) -> None:
        self.bindings, self.argv, self.environ = bindings, tuple(argv), environ
        self.flags = GlobalFlags()
        self.hints = hints_in(argv)
        self.data = True
        self.drift: Drift | None = None
        self.paid: tuple[str, str] | None = None
        self._settings: Settings | None = None
        self._place: tuple[str | None, ...] = ()
        self._cache: CatalogueCache | None = None
        self._host: Host | None = None
        self._ledger: Ledger | None = None
        self._engine: Engine | None = None
        self._transport: Transport | None = None

    @property
    def prog(self) -> str:
        """The name of the program."""
        return self.bindings.command

    @property
    def settings(self) -> Settings:
        """The settings of this run; raises ``UsageError``."""
        if self._settings is None:
            from callsheet.config.settings import load

            said = {**self.hints, **self.flags.values}
            flags = {name.replace("-", "_"): said[name] for name in _SETTINGS if name in said}
            self._settings = load(self.bindings, flags=flags, environ=self.environ)
            for warning in self._settings.warnings:
                self.warn(warning)
            self._place = self._said()
        return self._settings

    def settle(self) -> bool:
        """Forget the hints, now that all flags are known; true when that names another place."""
        self.hints = {}
        moved = self._settings is not None and self._place != self._said()
        if moved or _LATE & set(self.flags.values):
            self.restart()
        return moved

    def _said(self) -> tuple[str | None, ...]:
        said = {**self.hints, **self.flags.values}
        return tuple(said.get(name) for name in _PLACE)

    def hint(self, hints: dict[str, str]) -> None:
        """Go on with other hints."""
        self.hints = hints
        self.restart()

    def use(self, settings: Settings) -> None:
        """Go on with these settings."""
        self.restart()
        self._settings, self._place = settings, self._said()

    def restart(self) -> None:
        """Build everything anew at the next use."""
        self.close()
        self._settings = self._cache = self._host = None
        self._ledger = self._engine = self._transport = None

    @property
    def host(self) -> Host:
        """The actions of the host."""
        if self._host is None:
            from callsheet.catalog.host import Host

            self._host = Host(
                self.settings,
                self.bindings,
                self._timing(),
                overrides=self._overrides(),
                cache=self._kept(),
            )
        return self._host

    def index(self) -> Index | None:
        """When the host was last asked, and the digests of its schemas, without the rest."""
        host = self.settings.host
        return self._kept().index(host) if host else None

    def _kept(self) -> CatalogueCache:
        if self._cache is None:
            from callsheet.catalog.store import CatalogueCache

            self._cache = CatalogueCache(self.settings.cache_dir)
        return self._cache

    @property
    def engine(self) -> Engine:
        """The flows over host and ledger."""
        if self._engine is None:
            from callsheet.engine.invoke import Engine

            self._engine = Engine(self.host, self.ledger())
        return self._engine

    def ledger(self) -> Ledger:
        """The ledger of the state folder."""
        if self._ledger is None:
            from callsheet.storage.ledger import Ledger

            self._ledger = Ledger(self.settings.state_dir)
        return self._ledger

    def run(self, flow: Flow[T], tell: Callable[[JobUpdate], object] | None = None) -> T:
        """Run a flow to its end; nothing is loaded for one that finds all on the disk."""
        try:
            first = flow.send(None)
        except StopIteration as found:
            result: T = found.value
            return result
        from callsheet.flows.effects import prepend

        if self._transport is None:
            self._transport = self._connect(self.ledger())
        return self._transport.run(prepend(first, flow), tell)

    def _connect(self, ledger: Ledger) -> Transport:
        from callsheet.cli import signals

        signals.listen()
        if {"verbose", "debug"} & set(self.flags.values):
            from callsheet.transport.trace import TracingTransport

            headers = "debug" in self.flags
            return TracingTransport(self.host.settings, ledger, say=self.warn, headers=headers)
        from callsheet.transport.sync import Transport

        return Transport(self.host.settings, ledger)

    def close(self) -> None:
        """Close connections and files."""
        if self._ledger is not None:
            self._ledger.leave()
        if self._transport is not None:
            self._transport.close()

    def on_terminal(self) -> bool:
        """Whether a person reads stdout."""
        return sys.stdout is not None and sys.stdout.isatty()

    def note(self, text: str) -> None:
        """One line on stderr, unless ``--quiet``."""
        if "quiet" not in self.flags:
            self.warn(text)

    def warn(self, text: str, head: str = "") -> None:
        """One line on stderr; ``head`` is ours and begins it, in the colour of trouble.

        Nobody may be there to read it: that costs a running job nothing.
        """
        from callsheet.cli.output import style
        from callsheet.text import safe_text

        if sys.stderr is None:
            return
        head = style.painted(head, "bad", style.is_wanted(sys.stderr, self.environ))
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{head}{safe_text(text)}\n")
            sys.stderr.flush()

    def _timing(self) -> Any:
        from callsheet.flows.retry import default_timing

        return default_timing()

    def _overrides(self) -> dict[str, str]:
        from callsheet.errors import UsageError

        pairs = {}
        for item in self.flags.all("set"):
            name, sign, value = item.partition("=")
            if not sign:
                raise UsageError(f"--set: {item!r} is not KEY=VALUE", flag="--set")
            pairs[name.strip()] = value
        return pairs


def hints_in(argv: Sequence[str]) -> dict[str, str]:
    """The host and profile that stand anywhere on the command line."""
    found: dict[str, str] = {}
    for place, word in enumerate(argv):
        if word == "--":
            break
        for name in _PLACE:
            if word == f"--{name}" and place + 1 < len(argv):
                found[name] = argv[place + 1]
            elif word.startswith(f"--{name}="):
                found[name] = word.partition("=")[2]
    return found


def session_for(package: str, command: str, env: str, argv: Sequence[str]) -> Session:
    """The session of a generated program, or of one without bindings (``package`` empty)."""
    from callsheet.config.bindings import Bindings

    bindings = Bindings(package="", command=command, env=env)
    if package:
        import importlib

        bindings = importlib.import_module(f"{package}._bindings").BINDINGS
    return Session(bindings, argv, os.environ)
