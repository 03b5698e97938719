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
        """The first words of all commands with their summaries."""
        return dict(self._commands().GROUPS) if self.package else {}

    def _commands(self) -> Any:
        return importlib.import_module(f"{self.package}.commands")

    def group(self, word: str) -> dict[Path, Action]:
        """The actions whose command begins with ``word``."""
        if word not in self._groups:
            found: Iterable[Action] = ()
            if word in self.index():
                name = self._commands().MODULES[word]
                module = importlib.import_module(f"{self.package}.commands.{name}")
                found = module.COMMANDS.values()
            self._groups[word] = {action.command: action for action in found}
        return self._groups[word]

    def holds(self, path: Path) -> bool:
        """Whether generated commands begin with these words and go on."""
        return any(_below(path, command) for command in self.group(path[0]))

    def find(self, path: Path) -> Action | None:
        """The action of a command."""
        return self.group(path[0]).get(path) if path else None


def _below(path: Path, command: Path) -> bool:
    return len(command) > len(path) and command[: len(path)] == path


class Lookup:
    """Answers for words: an action, the words below, or nothing."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.bound = Bound(context.bindings.package)
        self.trouble = ""
        self._asked = False

    def own_host(self) -> bool:
        """Whether the bindings were made from the host in use, or no host is in use.

        A loopback host counts as the sandbox until its catalogue was fetched, which then decides.
        """
        settings = self.context.settings
        if not settings.host or self.context.bindings.source == settings.origin:
            return True
        return self._same_source() and self.context.index() is None

    def _same_source(self) -> bool:
        """Whether the bindings may have been made from the host in use: from it, or a sandbox."""
        settings, source = self.context.settings, self.context.bindings.source
        if source == settings.origin:
            return True
        from callsheet.config.settings import is_loopback

        return (source == "sandbox" or is_loopback(source)) and is_loopback(settings.host)

    def live(self) -> tuple[Action, ...]:
        """The actions of the cached live catalogue."""
        if not self.context.settings.host:
            return ()
        host = self.context.host
        catalogue = host.cached()
        return host.surface(catalogue).actions if catalogue is not None else ()

    def is_group(self, path: Path) -> bool:
        """Whether commands begin with these words."""
        return self.bound.holds(path) or any(_below(path, one.command) for one in self.live())

    def find(self, path: Path) -> Action | None:
        """The action of a command, as the host in use advertises it."""
        if self.bound.holds(path):
            return None
        bound = self.bound.find(path)
        if bound is not None:
            found = self._as_advertised(bound)
            if found is not None:
                return found
        live = next((action for action in self.live() if action.command == path), None)
        return live or bound

    def _as_advertised(self, bound: Action) -> Action | None:
        """A generated action as the host has it now; ``None`` where the host may mean another."""
        if not self.context.settings.host:
            return bound
        index = self.context.index()
        seen = index.digest_of(bound.id) if index is not None else None
        if bound.digest and seen == bound.digest:
            return bound
        if self._same_source() and seen and bound.digest:
            from callsheet.cli.context import Drift

            live = self.context.host.live(bound)
            self.context.drift = Drift(bound) if live is not None else None
            return live or bound
        return bound if self.own_host() else None

    def below(self, path: Path) -> dict[str, str]:
        """The words that may follow ``path``, with a summary for each."""
        actions = [] if not path else list(self.bound.group(path[0]).values())
        found = {} if path else self.bound.index()
        from callsheet.cli.help import pages

        found |= pages.entries([*self.live(), *actions], path)
        return dict(sorted(found.items()))

    def is_new(self, action: Action) -> bool:
        """Whether the bindings lack the action."""
        return self.bound.find(action.command) is None

    def refresh(self) -> bool:
        """Ask the server once what it advertises now; false when that was not possible."""
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
        """Look further step by step; a request is made only where the last step found nothing.

        A host that merely stands after the command may be the value of a field: the server in
        use is asked first, for no key may go to a place that was not meant as one.
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
