"""Build the command tree as words are typed, from the actions of bindings, cache and server."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import click

from callsheet.cli.help import pages
from callsheet.cli.help.pages import HELP, Entry, Helpful, HelpfulGroup
from callsheet.cli.input import options
from callsheet.errors import CallsheetError, UsageError
from callsheet.text import did_you_mean, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from click.shell_completion import CompletionItem

    from callsheet.catalog.cached import CachedActions
    from callsheet.cli.context import Context
    from callsheet.cli.input.options import Typed
    from callsheet.protocol.prices import Price
    from callsheet.spec import Action


Path = tuple[str, ...]


class Bound:
    """The actions of a generated package; a group's module is imported when it is asked for."""

    def __init__(self, package: str) -> None:
        self.package = package
        self._groups: dict[str, dict[Path, Action]] = {}

    def index(self) -> dict[str, str]:
        """Return the first words of all commands with their summaries; empty without a package."""
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
        """Tell whether these words, of which there is one at least, name a generated group."""
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
        self._bound = Bound("")
        self.failure: CallsheetError | None = None
        self._asked = False

    @property
    def bound(self) -> Bound:
        """Return the generated actions that count for the host in use."""
        package = self.context.bindings.package
        if self._bound.package != package:
            self._bound = Bound(package)
        return self._bound

    def _host(self) -> CachedActions | None:
        """Return what is cached of the host in use; ``None`` without a host.

        A package for another runtime interface shows what it has, and is refused when it is run.
        """
        is_there = self.context.settings.host and self.context.program.is_usable()
        return self.context.stored if is_there else None

    def is_group(self, path: Path) -> bool:
        """Tell whether commands begin with these words."""
        if self.bound.holds(path):
            return True
        host = self._host()
        return host is not None and host.is_group(path)

    def find(self, path: Path) -> Action | None:
        """Return the action of a command as the host in use advertises it, else as generated.

        ``None`` for a group and an unknown command. ``context.drift`` notes a changed schema.
        """
        if self.bound.holds(path):
            return None
        bound = self.bound.find(path)
        if bound is not None:
            return self._as_advertised(bound)
        host = self._host()
        return host.action_at(path) if host is not None else None

    def _as_advertised(self, bound: Action) -> Action:
        """Return a generated action as the host has it; set ``context.drift`` if that differs."""
        index = self.context.cached()
        digest = index.digest_of(bound.id) if index is not None else None
        if not digest or not bound.digest or digest == bound.digest:
            return bound
        from callsheet.cli.context import Drift

        live = self.context.host.live(bound)
        self.context.drift = Drift(bound) if live is not None else None
        return live or bound

    def below(self, path: Path) -> dict[str, str]:
        """Return the words that may follow ``path``, each with its summary."""
        return {entry.name: entry.summary for entry in self.entries(path)}

    def entries(self, path: Path) -> list[Entry]:
        """Return the words that may follow ``path``, each with its summary and its action's id."""
        host = self._host()
        live = host.commands_below(path) if host is not None else {}
        words = {word: below.summary or pages.listing(below.words) for word, below in live.items()}
        ids = {word: below.action for word, below in live.items()}
        if path:
            bound = self.bound.group(path[0])
            words |= pages.entries(bound.values(), path)
            ids |= {command[-1]: bound[command].id for command in bound if command[:-1] == path}
        else:
            words = self.bound.index() | words
        return [Entry(word, words[word], ids.get(word) or None) for word in sorted(words)]

    def note_on(self, action: Action) -> str:
        """Return the note on an action that the bindings lack; "" without bindings."""
        bindings = self.context.bindings
        if not bindings.package or self.bound.find(action.command) is not None:
            return ""
        prog, line = self.context.prog, bindings.renewal()
        return (
            f"Not in the bindings yet: {prog} runs it from the cached schema, and `{line}` adds "
            "types."
        )

    def refresh(self) -> bool:
        """Fetch the catalogue into the cache, once; return whether that was done now.

        Where the server cannot be asked, ``failure`` says why.
        """
        if self._asked or not self.context.settings.host:
            return False
        self._asked = True
        try:
            self.context.run(self.context.host.refresh())
        except CallsheetError as error:
            self.failure = error
            return False
        return True

    def widen(self) -> Iterator[None]:
        """Yield before each search: as things are, without hints, then with the server asked.

        A host that merely stands after the command may be the value of a field: the server in
        use is asked first, for no key may go to a host that the user did not choose.
        """
        yield
        hints = self.context.hints
        if hints:
            self.context.use_hints({})
            yield
        if self.refresh():
            yield
        if hints:
            self.context.use_hints(hints)
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
            if not self.refresh():
                self.note_failure()
        elif self.knows_nothing():
            self.refresh()

    def note_failure(self) -> None:
        """Note on stderr why the server could not be asked, if it was."""
        if self.failure is not None:
            self.context.console.note(f"the server could not be asked: {self.failure.message}")

    def knows_nothing(self) -> bool:
        """Tell whether neither bindings nor a catalogue say what the host has."""
        return not self.bound.package and self.context.cached() is None


class ActionCommand(Helpful):
    """The command of one action; it collects what was typed and hands it to ``run_action``."""

    def __init__(self, action: Action, note: str = "") -> None:
        super().__init__(
            name=action.command[-1] if action.command else action.id,
            params=options.options_of(action),
            short_help=one_line(action.summary),
            context_settings=HELP,
        )
        self.action, self.note = action, note
        self.asks_about = action.family if action.role == "query" else None
        self.more: tuple[options.Row, ...] = ()
        self.words: list[str] = []

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does, with an option for each ``--input.NAME``; store the words.

        They are parsed again where the flags turn out to name another host.
        """
        self.words = list(args)
        declared = [param for param in self.params if isinstance(param, options.FieldOption)]
        self.params += options.undeclared_options(args, declared)
        return super().parse_args(ctx, args)

    def page(self, ctx: click.Context, width: int) -> str:
        """Lay out the page of the action."""
        prog = ctx.find_root().info_name or ""
        from callsheet.cli.help.layout import action_help

        price = self._price(ctx)
        return action_help(self.action, prog, self.note, self.more, price=price, width=width)

    def _price(self, ctx: click.Context) -> Price | None:
        """Return what the host in use asks for any call alike, as its catalogue was cached."""
        context: Context | None = ctx.obj
        return context.stored.stated_price(self.action.id) if context is not None else None

    def stored(self, ctx: click.Context, path: Sequence[str]) -> dict[str, str]:
        """Return the page, and the flags that completion offers."""
        flags = {pages.file_name(path, "flags"): pages.flag_rows(self.action)}
        return super().stored(ctx, path) | flags

    def help_document(self, ctx: click.Context) -> dict[str, Any]:
        """Return the help as data."""
        prog = ctx.find_root().info_name or ""
        return pages.describe_action(
            self.action, prog, self.note, self.more, price=self._price(ctx)
        )

    def invoke(self, ctx: click.Context) -> Any:
        """Run the action with the fields in the order in which they were typed."""
        context: Context = ctx.obj
        context.flags.take(ctx.params)
        context.has_all_flags = True
        if context.settle() and (other := self.elsewhere(context)) is not None:
            words = list(self.words)
            with other.make_context(ctx.info_name, words, parent=ctx.parent, obj=context) as inner:
                return other.invoke(inner)
        try:
            return self.perform(context, ctx)
        except UsageError as error:
            line = " ".join([context.prog, *self.action.command])
            error.hint = error.hint or f"{line} --help"
            raise

    def perform(self, context: Context, ctx: click.Context) -> int:
        """Run the action; return the exit code."""
        from callsheet.cli.run import run_action

        return run_action(self.action, ctx, self.typed(ctx))

    def elsewhere(self, context: Context) -> ActionCommand | None:
        """Return the command of the same words on the host that the flags name.

        ``None`` where it is the same or that host lacks it. May ask the host for its catalogue.
        """
        lookup = Lookup(context)
        lookup.prepare()
        action = lookup.find(self.action.command)
        return None if action is None or action == self.action else ActionCommand(action)

    def typed(self, ctx: click.Context) -> list[Typed]:
        """Return the option and the text of each typed field, in the order of the command line."""
        by_name = {p.name: p for p in self.params if isinstance(p, options.FieldOption)}
        unset: tuple[Any, ...] = (None, (), False)
        return [
            (by_name[name], typed)
            for name, typed in ctx.params.items()
            if name in by_name and not any(typed is none or typed == none for none in unset)
        ]


class Node(HelpfulGroup):
    """A group of the server: the words below ``path``."""

    def __init__(self, lookup: Lookup, path: tuple[str, ...] = ()) -> None:
        super().__init__(path[-1] if path else None)
        self.lookup, self.path = lookup, path

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the words that may follow."""
        return list(self.words())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command or group of one word, without asking the server."""
        path = (*self.path, cmd_name)
        action = self.lookup.find(path)
        if action is not None:
            return ActionCommand(action, self.lookup.note_on(action))
        return Node(self.lookup, path) if self.lookup.is_group(path) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve as click does, but ask the server once before a word counts as unknown.

        Raises ``UsageError`` for an unknown word.
        """
        word = args[0]
        if ctx.resilient_parsing:
            return word, self.get_command(ctx, word), args[1:]
        for _ in self.lookup.widen():
            command = self.get_command(ctx, word)
            if command is not None:
                return word, command, args[1:]
        raise self._unknown_error(ctx, args)

    def _unknown_error(self, ctx: click.Context, args: list[str]) -> UsageError:
        word = args[0]
        prog = " ".join([ctx.find_root().info_name or "", *self.path])
        if word == "help":
            words = " ".join([prog, *(arg for arg in args[1:] if arg.replace("-", "").isalnum())])
            return UsageError(f"there is no command `{prog} help`", hint=f"{words} --help")
        if word.startswith("-"):
            return UsageError(f"there is no flag {word} here", hint=f"{prog} --help", flag=word)
        if not self.lookup.context.settings.host and not self.lookup.bound.package:
            self.lookup.context.settings.require_host()
        hint = did_you_mean(word, self.list_commands(ctx)) or f"{prog} --help lists the commands"
        failure = self.lookup.failure
        if failure is not None and self.lookup.knows_nothing():
            raise failure
        if failure is not None:
            hint += f" (the server could not be asked: {failure.message})"
        return UsageError(f"there is no command `{prog} {word}`", hint=hint)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a flag or word, without building a command for any of them."""
        from callsheet.cli.completion import matching

        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return matching(self.words().items(), incomplete)

    def words(self) -> dict[str, str]:
        """Return the words that may follow, each with its summary."""
        return self.lookup.below(self.path)

    def page(self, ctx: click.Context, width: int) -> str:
        """Lay out the page of the group."""
        prog = ctx.find_root().info_name or ""
        entries = list(self.lookup.below(self.path).items())
        from callsheet.cli.help import layout

        return layout.group_help((prog, *self.path), entries, width=width)

    def help_document(self, ctx: click.Context) -> dict[str, Any]:
        """Return the help as data."""
        prog = ctx.find_root().info_name or ""
        return pages.describe_group((prog, *self.path), self.lookup.entries(self.path))


class Root(Node):
    """The program: our own commands beside the groups of the server."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a built-in command, else what the server offers under this word."""
        if cmd_name in pages.OWN:
            module, _, name = pages.OWN[cmd_name][0].partition(":")
            builtin: click.Command = getattr(importlib.import_module(module), name)
            return builtin
        if not ctx.resilient_parsing:
            self.lookup.prepare()
        return super().get_command(ctx, cmd_name)

    def words(self) -> dict[str, str]:
        """Return all first words, each with its summary."""
        return super().words() | {name: text for name, (_, text) in pages.OWN.items()}

    def get_help(self, ctx: click.Context) -> str:
        """Return the page of the program; ask the host in use first where nothing is cached."""
        self.lookup.prepare()
        self.lookup.note_failure()
        return super().get_help(ctx)

    def page(self, ctx: click.Context, width: int) -> str:
        """Lay out the page of the program, with the groups of the host in use."""
        return pages.root_page(ctx.info_name or "", self.lookup.below(()), width=width)

    def help_document(self, ctx: click.Context) -> dict[str, Any]:
        """Return the help as data."""
        return pages.describe_program(ctx.info_name or "", self.lookup.entries(()))


def store_served(context: Context, most: int) -> None:
    """Store the pages of the program, of every group and of the first ``most`` actions."""
    from callsheet.cli.help.storing import store_pages

    program = root(context)
    ctx = click.Context(program, info_name=context.prog, obj=context)
    texts = program.stored(ctx, ())
    nodes: list[Node] = [program]
    for node in nodes:
        for path in ((*node.path, word) for word in node.lookup.below(node.path)):
            if path[0] in pages.OWN or not (most or node.lookup.is_group(path)):
                continue
            command = node.get_command(ctx, path[-1])
            most -= isinstance(command, ActionCommand)
            if isinstance(command, Node):
                nodes.append(command)
            if isinstance(command, Helpful):
                texts |= command.stored(ctx, path)
    store_pages(context, texts)


def root(context: Context) -> Root:
    """Return the program of a run."""
    return Root(Lookup(context))
