"""Resolve words to an action through bindings, cache and server."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from callsheet.errors import CallsheetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callsheet.cli.context import Context
    from callsheet.spec import Action


Path = tuple[str, ...]


class Bound:
    """The actions of a generated package; a group's module is imported when it is asked for."""

    def __init__(self, package: str) -> None:
        self.package = package
        self._groups: dict[str, dict[Path, Action]] = {}

    def index(self) -> dict[str, str]:
        """Return the first words of all commands with their summaries."""
        return dict(self._commands().GROUPS) if self.package else {}

    def _commands(self) -> Any:
        return importlib.import_module(f"{self.package}.commands")

    def group(self, word: str) -> dict[Path, Action]:
        """Return the actions whose command begins with ``word``."""
        if word not in self._groups:
            actions: Iterable[Action] = ()
            if word in self.index():
                name = self._commands().MODULES[word]
                module = importlib.import_module(f"{self.package}.commands.{name}")
                actions = module.COMMANDS.values()
            self._groups[word] = {action.command: action for action in actions}
        return self._groups[word]

    def holds(self, path: Path) -> bool:
        """Tell whether generated commands begin with these words and go on."""
        return any(_below(path, command) for command in self.group(path[0]))

    def find(self, path: Path) -> Action | None:
        """Return the action of a command."""
        return self.group(path[0]).get(path) if path else None


def _below(path: Path, command: Path) -> bool:
    return len(command) > len(path) and command[: len(path)] == path


class Lookup:
    """The actions and groups that words name, in bindings, cache and server."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.bound = Bound(context.bindings.package)
        self.trouble = ""
        self._asked = False

    def own_host(self) -> bool:
        """Tell whether the bindings were made from the host in use, or no host is in use.

        A loopback host counts as the sandbox until its catalogue was fetched, which then decides.
        """
        settings = self.context.settings
        if not settings.host or self.context.bindings.source == settings.origin:
            return True
        return self._same_source() and self.context.index() is None

    def _same_source(self) -> bool:
        """Tell whether the bindings may come from the host in use: from it, or a sandbox."""
        settings, source = self.context.settings, self.context.bindings.source
        if source == settings.origin:
            return True
        from callsheet.config.settings import is_loopback

        return (source == "sandbox" or is_loopback(source)) and is_loopback(settings.host)

    def live(self) -> tuple[Action, ...]:
        """Return the actions of the cached live catalogue."""
        if not self.context.settings.host:
            return ()
        host = self.context.host
        catalogue = host.cached()
        return host.surface(catalogue).actions if catalogue is not None else ()

    def is_group(self, path: Path) -> bool:
        """Tell whether commands begin with these words."""
        return self.bound.holds(path) or any(_below(path, action.command) for action in self.live())

    def find(self, path: Path) -> Action | None:
        """Return the action of a command, as the host in use advertises it."""
        if self.bound.holds(path):
            return None
        bound = self.bound.find(path)
        if bound is not None:
            advertised = self._as_advertised(bound)
            if advertised is not None:
                return advertised
        live = next((action for action in self.live() if action.command == path), None)
        return live or bound

    def _as_advertised(self, bound: Action) -> Action | None:
        """Return a generated action as the host has it; ``None`` where that may be another."""
        if not self.context.settings.host:
            return bound
        index = self.context.index()
        digest = index.digest_of(bound.id) if index is not None else None
        if bound.digest and digest == bound.digest:
            return bound
        if self._same_source() and digest and bound.digest:
            from callsheet.cli.context import Drift

            live = self.context.host.live(bound)
            self.context.drift = Drift(bound) if live is not None else None
            return live or bound
        return bound if self.own_host() else None

    def below(self, path: Path) -> dict[str, str]:
        """Return the words that may follow ``path``, each with its summary."""
        actions = [] if not path else list(self.bound.group(path[0]).values())
        words = {} if path else self.bound.index()
        from callsheet.cli.help import pages

        words |= pages.entries([*self.live(), *actions], path)
        return dict(sorted(words.items()))

    def is_new(self, action: Action) -> bool:
        """Tell whether the bindings lack the action."""
        return self.bound.find(action.command) is None

    def refresh(self) -> bool:
        """Ask the server once what it advertises now; return False where it cannot be asked."""
        if self._asked or not self.context.settings.host:
            return False
        self._asked = True
        try:
            self.context.run(self.context.host.refresh())
        except CallsheetError as error:
            self.trouble = error.message
            return False
        return True

    def widen(self) -> Iterator[None]:
        """Search further step by step; send a request only where the last step was no help.

        A host that merely stands after the command may be the value of a field: the server in
        use is asked first, for no key may go to a host that the user did not choose.
        """
        yield
        hints = self.context.hints
        if hints:
            self.context.hint({})
            yield
        if self.refresh():
            yield
        if hints:
            self.context.hint(hints)
            self._asked = False
            if self.refresh():
                yield

    def prepare(self) -> None:
        """Fetch the catalogue of a host that was never asked and that the bindings do not know.

        Of any host, where ``--refresh`` stands on the command line.
        """
        if self.context.hints:
            return
        if "--refresh" in self.context.argv:
            if not self.refresh() and self.trouble:
                self.context.console.note(f"the server could not be asked: {self.trouble}")
        elif not self.own_host() and self.context.index() is None:
            self.refresh()
