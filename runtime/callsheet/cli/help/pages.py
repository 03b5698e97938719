"""Describe commands, print their help and write the stored pages."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from callsheet.actions.naming import summary_line
from callsheet.cli.input import options
from callsheet.cli.output import formats as output
from callsheet.stored import BREAK, WIDTHS, screen_width
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from callsheet.cli.context import Context
    from callsheet.protocol.prices import Price
    from callsheet.spec import Action, Param


_HELP = ("--help", "-h")
HELP = {"help_option_names": list(_HELP)}
_LONGEST_NAME = 200
"""Longer file names fail on some systems; such a page is made when it is asked for."""
_LONGEST_LIST = 64
_LONGEST_DOC = 80
_HERE = "callsheet.cli.commands"
OWN: dict[str, tuple[str, str]] = {
    "login": (f"{_HERE}.login:login", "Save a server and its key"),
    "logout": (f"{_HERE}.login:logout", "Forget the saved key"),
    "whoami": (f"{_HERE}.config:whoami", "Show which server and key are in use"),
    "config": (f"{_HERE}.config:config", "Show settings and where each comes from"),
    "actions": (f"{_HERE}.actions:actions", "List and search what the server offers"),
    "call": (f"{_HERE}.call:call", "Send one request to any action by its id"),
    "api": (f"{_HERE}.call:api", "Send a raw request to the server"),
    "tasks": (f"{_HERE}.tasks:tasks", "Show, wait for and save jobs"),
    "spend": (f"{_HERE}.spend:spend", "Sum up what was spent"),
    "balance": (f"{_HERE}.spend:balance", "Ask what the account has left"),
    "batch": (f"{_HERE}.batch:batch", "Run the rows of a file, each sent at most once"),
    "probe": (f"{_HERE}.probe:probe", "Say how the server's replies are read"),
    "report": (f"{_HERE}.probe:report", "Write a case of a job, without what is private"),
    "doctor": (f"{_HERE}.doctor:doctor", "Check this installation"),
    "completion": (f"{_HERE}.completion:completion", "Set up or print the completion of a shell"),
    "version": (f"{_HERE}.config:version", "Print the version"),
}


class Helpful(click.Command, ABC):
    """A command that describes what it takes."""

    @abstractmethod
    def page(self, ctx: click.Context, width: int) -> str:
        """Lay out the help page for so many columns."""

    def get_help(self, ctx: click.Context) -> str:
        """Return the page as this terminal shows it."""
        return self.page(ctx, screen_width()).rstrip("\n")

    def stored(self, ctx: click.Context, path: Sequence[str]) -> dict[str, str]:
        """Return what is stored of the command for the launcher: file name → text."""
        return {file_name(path): BREAK.join(self.page(ctx, width) for width in WIDTHS)}

    @abstractmethod
    def help_document(self, ctx: click.Context) -> dict[str, Any]:
        """Return what ``--help --json`` prints."""

    def get_help_option(self, ctx: click.Context) -> click.Option:
        """Return ``--help``, which looks at nothing but the command line."""
        return click.Option(
            self.get_help_option_names(ctx),
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_on_help,
        )


class HelpfulGroup(Helpful, click.Group):
    """A group of commands that takes our own flags and shows its help where no word follows."""

    def __init__(self, name: str | None, **more: Any) -> None:
        super().__init__(
            name=name,
            params=list(options.own_options([*options.ACTION_FLAGS[:1], *options.GLOBAL_FLAGS])),
            context_settings=HELP,
            invoke_without_command=True,
            **more,
        )

    def invoke(self, ctx: click.Context) -> Any:
        """Take our flags, then go on; print the help where no word follows."""
        context: Context = ctx.obj
        context.flags.take(ctx.params)
        if not (ctx.args or ctx._protected_args):
            show(ctx)
            return 0
        return super().invoke(ctx)


def _on_help(ctx: click.Context, option: click.Parameter, requested: bool) -> None:
    if requested and not ctx.resilient_parsing:
        show(ctx)
        ctx.exit()


def show(ctx: click.Context) -> None:
    """Print the help of a context's command; store it where the launcher can print it next time."""
    context: Context | None = ctx.obj
    command = ctx.command
    if context is not None and "--json" in context.argv and isinstance(command, Helpful):
        output.write_json(command.help_document(ctx))
        return
    output.write(ctx.get_help().rstrip("\n") + "\n")
    words = ctx.command_path.split()[1:]
    is_plain = context is not None and [word for word in context.argv if word not in _HELP] == words
    if context is not None and is_plain and isinstance(command, Helpful):
        from callsheet.cli.help.storing import store_pages

        store_pages(context, command.stored(ctx, words))


def file_name(path: Iterable[str], kind: str = "txt") -> str:
    """Return the name of the file about a command path: its words joined by dots."""
    return f"{'.'.join(path) or '_'}.{kind}"


def entries(actions: Iterable[Action], path: tuple[str, ...]) -> dict[str, str]:
    """Return the words that may follow ``path``, each with a summary, in the order of the alphabet.

    The summary of a group lists its words.
    """
    summaries: dict[str, str] = {}
    groups: dict[str, list[str]] = {}
    for action in actions:
        command = action.command
        if len(command) <= len(path) or command[: len(path)] != path:
            continue
        word = command[len(path)]
        if len(command) == len(path) + 1:
            summaries[word] = summary_line(action)
        else:
            groups.setdefault(word, []).append(command[len(path) + 1])
    for word, names in groups.items():
        summaries.setdefault(word, listing(list(dict.fromkeys(names))))
    return dict(sorted(summaries.items()))


def listing(names: Sequence[str]) -> str:
    """List the words of a group, as many as fit on a line."""
    for count in range(len(names), 0, -1):
        more = f", … ({len(names)} in all)" if count < len(names) else ""
        line = ", ".join(names[:count]) + more
        if len(line) <= _LONGEST_LIST:
            return line
    return f"{len(names)} commands"


def root_page(prog: str, groups: Mapping[str, str], *, width: int = 80) -> str:
    """Lay out the page of the program itself."""
    from callsheet.cli.help import layout

    tables = {
        "Actions of the server": [(name, layout.one_line(text)) for name, text in groups.items()],
        "Commands": [(name, text) for name, (_, text) in OWN.items()],
        "Flags, before a command or after it": layout.own_rows(),
    }
    parts = [layout.table(title, rows, width=width) for title, rows in tables.items() if rows]
    head = f"Usage: {prog} [FLAGS] COMMAND [OPTIONS]"
    more = f"{prog} COMMAND --help says more.\n"
    more += (
        f"What else the server offers: {prog} actions list"
        if groups
        else f"The actions of a server come with `{prog} login --host https://… --api-key …`"
    )
    return "\n\n".join([head, *parts, layout.paragraph(more, "", width=width)]) + "\n"


def flag_rows(action: Action) -> str:
    """Return a line ``--flag<TAB>description`` for each flag that completion offers.

    The forms ``--NAME-file`` are left out.
    """
    from callsheet.cli.help import layout

    rows: dict[str, str] = {}
    for param, form in options.flags_by_param(action):
        for flag, _ in (pair for pair in form if pair[1] != "file"):
            rows.setdefault(flag, param.doc)
    some = options.job_or_page_rows(action)
    for name, _, doc in (*options.ACTION_FLAGS, *some, *options.GLOBAL_FLAGS):
        rows.setdefault(name, doc)
    flag, doc = layout.HELP
    pairs = [*((f"--{name}", doc) for name, doc in rows.items()), (flag, doc)]
    return "".join(f"{name}\t{one_line(doc, _LONGEST_DOC)}\n" for name, doc in pairs)


def page_paths(commands: Iterable[tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Map the name of every stored file to its command path: pages, and flags of the commands."""
    commands = list(commands)
    paths = {path[:depth] for path in commands for depth in range(1, len(path) + 1)} | {()}
    named = {file_name(path): path for path in paths}
    named |= {file_name(path, "flags"): path for path in commands}
    return {name: named[name] for name in sorted(named) if len(name) <= _LONGEST_NAME}


def pages(
    prog: str,
    actions: Iterable[Action],
    resolved: Mapping[tuple[str, ...], Action] | None = None,
    wanted: Container[str] | None = None,
    *,
    width: int = 80,
) -> dict[str, str]:
    """Make the stored files of a generated program: file name → text, in the order of the names.

    ``wanted`` names the files to make (all of them otherwise). For those of actions ``resolved``
    holds what was read of them, by their commands; ``actions`` may then be without parameters.
    """
    from callsheet.cli.help import layout

    commands = [action for action in actions if action.command]
    by_command = {action.command: action for action in commands} | dict(resolved or {})
    texts: dict[str, str] = {}
    for name, path in page_paths(action.command for action in commands).items():
        if wanted is not None and name not in wanted:
            continue
        if name.endswith(".flags"):
            texts[name] = flag_rows(by_command[path])
        elif path in by_command:
            texts[name] = layout.action_help(by_command[path], prog, width=width)
        elif path:
            rows = list(entries(commands, path).items())
            texts[name] = layout.group_help((prog, *path), rows, width=width)
        else:
            texts[name] = root_page(prog, entries(commands, ()), width=width)
    return texts


def describe_action(
    action: Action,
    prog: str,
    note: str = "",
    more: Iterable[options.Row] = (),
    price: Price | None = None,
) -> dict[str, Any]:
    """Describe one action as data: its id, its cost, each field with its flag, and our flags."""
    from callsheet.cli.help.example import example_line

    kind = "job" if options.is_job(action) else action.role or "call"
    rows = [*options.SHOWN_FLAGS, *options.job_or_page_rows(action), *more]
    return _without_blanks(
        command=" ".join([prog, *action.command]),
        action=action.id,
        description=action.doc or action.summary,
        kind=kind,
        paid=action.paid,
        price=price.as_json() if price is not None and action.paid else None,
        untyped=not action.typed or None,
        flags=[_describe_field(param, form) for param, form in options.flags_by_param(action)],
        own_flags=[f"--{name} {meta}".rstrip() for name, meta, _ in rows],
        example=example_line(action, prog),
        note=note,
    )


def _without_blanks(**facts: Any) -> dict[str, Any]:
    """Return the facts that are given: a reader takes what is not there for null or false."""
    return {name: fact for name, fact in facts.items() if fact not in (None, "", {})}


def _describe_field(param: Param, form: list[options.FlagRole]) -> dict[str, Any]:
    """Describe one field by its flags; ``field`` is its path in the body."""
    roles = {role: f"--{flag}" for flag, role in form}
    return _without_blanks(
        flag=f"--{form[0][0]}",
        negative=roles.get("no"),
        file_flag=roles.get("file"),
        field=list(param.path),
        type=param.kind if param.kind != "any" else "|".join(param.reads),
        items=param.items if param.kind == "array" else None,
        as_json=(form[0][1] == "json") or None,
        required=param.required or None,
        nullable=param.nullable or None,
        choices=list(param.choices) or None,
        constraints=dict(param.limits),
        default=_value(param.default),
        example=_value(param.example),
        media=param.media or None,
        comma_list=param.comma or None,
        repeatable=(options.takes_many(param) and form[0][1] == "value") or None,
        only=param.only,
        description=param.doc,
    )


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _describe_flags(rows: Iterable[options.Row]) -> list[dict[str, Any]]:
    return [
        _without_blanks(flag=f"--{name}", value=meta.strip("[]"), description=doc)
        for name, meta, doc in rows
    ]


class Entry(NamedTuple):
    """A word that may follow, and the id of its action where it is one."""

    name: str
    summary: str
    action: str | None = None


def describe_group(words: Iterable[str], entries: Iterable[Entry]) -> dict[str, Any]:
    """Describe a group as data: the words that may follow, each with its summary."""
    return {
        "command": " ".join(words),
        "commands": [_without_blanks(**entry._asdict()) for entry in entries],
        "own_flags": _describe_flags(options.GLOBAL_FLAGS),
    }


def describe_program(prog: str, entries: Iterable[Entry]) -> dict[str, Any]:
    """Describe the program as data: the server's commands and its own."""
    group = describe_group([prog], entries)
    own = [{"name": name, "summary": text} for name, (_, text) in OWN.items()]
    return {**group, "own_commands": own}


def describe_builtin(command: click.Command, path: str) -> dict[str, Any]:
    """Describe a built-in command as data; ``path`` are the words that run it."""
    options = [
        param for param in command.params if isinstance(param, click.Option) and not param.hidden
    ]
    arguments = [param for param in command.params if isinstance(param, click.Argument)]
    return {
        "command": path,
        "description": cleandoc(command.help or ""),
        "arguments": [
            {
                "name": param.metavar or param.name,
                "required": param.required,
                "many": param.nargs == -1,
            }
            for param in arguments
        ],
        "own_flags": [
            _without_blanks(
                flag=param.opts[0],
                value=None if param.is_flag else param.metavar or "VALUE",
                description=param.help,
            )
            for param in options
        ],
    }
