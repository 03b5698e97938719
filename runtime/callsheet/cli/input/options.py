"""Turn parameters and our own flags into click options."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import click

from callsheet.actions.naming import FAMILY_FLAGS, OWN_FLAGS, negative_flag
from callsheet.cli.context import PREFIX
from callsheet.spec import TIMEOUT_FIELD, Param
from callsheet.text import is_typable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from click.shell_completion import CompletionItem

    from callsheet.spec import Action


_SHORT = 24
_METAVARS = {
    "string": "TEXT",
    "integer": "INTEGER",
    "number": "NUMBER",
    "object": "JSON",
    "array": "VALUE",
    "any": "VALUE",
    "boolean": "",
}
# (name, what its value is called or "" for a switch, what it does)
Row = tuple[str, str, str]

# (flag without its dashes, a role of ``FieldOption``)
FlagRole = tuple[str, str]

ACTION_FLAGS: tuple[Row, ...] = (
    ("json", "", "Print one JSON object"),
    ("out", "PATH", "Save the result: file, folder/, template; - is stdout"),
    ("input", "FILE|-|JSON", "Give the whole body; flags override its fields"),
    ("dry-run", "[curl]", "Show the request and send nothing"),
)
ANY_FIELD: Row = ("input.NAME", "JSON", "Set a field by the name that it has in the body")
SHOWN_FLAGS: tuple[Row, ...] = (*ACTION_FLAGS[:3], ANY_FIELD, *ACTION_FLAGS[3:])
"""The flags that help lists. ``--input.NAME`` is not an option: any field may stand for NAME."""
JOB_FLAGS: tuple[Row, ...] = (
    ("timeout", "TIME", "Stop waiting after: milliseconds, or 90s, 10m"),
    ("no-wait", "", "Print the task id and do not wait"),
    ("blocking", "", "Wait inside one request instead of asking again and again"),
)
PAGE_FLAGS: tuple[Row, ...] = (
    ("all", "", "Print the entries of every page of the list, not the answer"),
    ("limit", "N", "Print the first N entries of the list, of as many pages as that takes"),
)
"""Flags of an action whose reply is a list; a field of that name goes before them."""
GLOBAL_FLAGS: tuple[Row, ...] = (
    ("host", "URL", "Talk to this server"),
    ("profile", "NAME", "Use this profile of the configuration"),
    ("auth", "WAY", "Key as bearer, x-api-key, header:NAME or scheme:WORD"),
    ("header", "NAME:VALUE", "Add a header to every request to this server"),
    ("insecure-http", "", "Allow plain http to a host that is not this machine"),
    ("refresh", "", "Ask the server first what it offers now"),
    ("set", "KEY=VALUE", "Force how replies are read (see probe)"),
    ("max-cost", "AMOUNT", "Send nothing whose price is above this"),
    ("assume-cost", "AMOUNT", "Count this where a price is not known"),
    ("force", "", "Overwrite files that exist"),
    ("open", "", "Show the saved file"),
    ("upload", "", "Store the saved picture on the server and print its link"),
    ("skeleton", "", "Print a body to fill in"),
    ("no-check", "", "Send a body that the schema refuses"),
    ("no-input", "", "Never ask questions"),
    ("format", "FORMAT", "json, jsonl, csv, table or raw"),
    ("jmespath", "EXPR", "Print this part of the result"),
    ("quiet", "", "No progress and no hints"),
    ("verbose", "", "Tell what is sent and received"),
    ("debug", "", "Tell everything, without secrets"),
)
REPEATED = frozenset({"set", "header", "vary"})


RESERVED = {False: OWN_FLAGS, True: OWN_FLAGS | FAMILY_FLAGS}
"""The flags that no field of an action may take, without and with a family.

Such a field is set by ``--input.NAME``."""


class FieldOption(click.Option):
    """An option that fills a field; ``role`` says how its text is read.

    Roles: ``value``, ``json`` (``--input.NAME``), ``file`` (``--NAME-file``), ``yes`` and ``no``.
    """

    def __init__(self, name: str, flag: str, param: Param, role: str) -> None:
        extra: dict[str, Any] = {"is_flag": True} if role == "no" else {}
        # The value of a boolean may be left out, which click decides by these two.
        if role == "yes" or (role == "json" and param.kind == "boolean"):
            extra = {"is_flag": False, "flag_value": "true"}
        super().__init__(
            [name, "--flag"],
            multiple=_collects(param, role),
            metavar=metavar(param),
            help=param.doc,
            hidden=role == "file",
            shell_complete=self._complete,
            **extra,
        )
        self.opts = [f"--{flag}"]  # click would part a name at a slash
        self.flag = flag
        self.param = param
        self.role = role

    def _complete(
        self, ctx: click.Context, option: click.Parameter, text: str
    ) -> list[CompletionItem]:
        from callsheet.cli import completion

        if self.role == "file" or (self.param.media and "://" not in text):
            return completion.paths(text)
        family = getattr(ctx.command, "asks_about", None)
        if family is not None and self.param.path == (family.task_key,):
            return completion.task_ids(ctx, option, text)
        return completion.matching((c for c in self.param.choices if isinstance(c, str)), text)


def _collects(param: Param, role: str) -> bool:
    """Tell whether every use of a flag counts: on a list, and on a field that also takes a list."""
    return (role == "value" and takes_many(param)) or (role == "json" and param.kind == "any")


def takes_many(param: Param) -> bool:
    """Tell whether a field takes a list: always, or beside other kinds of values."""
    is_open = param.kind == "any" and (not param.reads or "array" in param.reads)
    return param.kind == "array" or is_open


def metavar(param: Param) -> str:
    """Return the name of a flag's value in help; a few short choices stand for themselves."""
    if few := short_choices(param):
        return "|".join(few)
    if param.kind == "array" and param.items in _METAVARS and param.items != "any":
        return _METAVARS[param.items] or "true|false"
    return _METAVARS[param.kind]


def short_choices(param: Param) -> tuple[str, ...]:
    """Return the choices as texts, or ``()`` where they are too long to stand after the flag."""
    texts = tuple(c if isinstance(c, str) else json.dumps(c) for c in param.choices)
    fit = len("|".join(texts)) <= _SHORT and all(map(is_typable, texts))
    return texts if fit and len(texts) > 1 else ()


def is_job(action: Action) -> bool:
    """Tell whether the command of the action starts a job and waits for it."""
    return action.family is not None and action.role in {"create", "wait"}


def job_or_page_rows(action: Action) -> tuple[Row, ...]:
    """Return our flags that only a job takes, or only a list that is free; else ``()``."""
    if is_job(action):
        return JOB_FLAGS
    return () if action.paid else _page_rows(action)


def _hidden_rows(action: Action) -> tuple[Row, ...]:
    """Return flags that help leaves out: ``--timeout`` may fit, as any action may start a job."""
    pages = _page_rows(action)
    return pages if is_job(action) else (*pages, JOB_FLAGS[0])


def _page_rows(action: Action) -> tuple[Row, ...]:
    taken = {param.flag for param in params_with_flag(action)}
    rows = PAGE_FLAGS if not action.role else ()
    return tuple(row for row in rows if row[0] not in taken)


def is_deadline(param: Param, action: Action) -> bool:
    """Tell whether this is the ``timeoutMs`` of a job, which our ``--timeout`` sets."""
    return is_job(action) and param.path == (TIMEOUT_FIELD,)


def params_with_flag(action: Action) -> list[Param]:
    """Return the parameters of an action that have a flag."""
    return [p for p in action.params if not p.hidden and not is_deadline(p, action)]


def flag_name(param: Param, action: Action) -> str:
    """Return the flag of a field without dashes: its own, or ``input.NAME`` where ours has it.

    ``actions.naming`` derives a field's own flag from its wire name.
    """
    ours = RESERVED[is_job(action)]
    return f"input.{param.flag}" if param.flag in ours else param.flag


def _flags_of(param: Param, flag: str, used: frozenset[str]) -> list[FlagRole]:
    """Return the flags of one parameter with their roles, the main flag first."""
    if flag.startswith("input."):
        return [(flag, "json")]
    if param.kind == "boolean":
        negative = negative_flag(flag, used)
        return [(flag, "yes"), *([(negative, "no")] if negative else [])]
    text = param.kind == "string" or (param.kind == "any" and "string" in param.reads)
    if text and f"{flag}-file" not in used:
        return [(flag, "value"), (f"{flag}-file", "file")]
    return [(flag, "value")]


def flags_by_param(action: Action) -> list[tuple[Param, list[FlagRole]]]:
    """Return each parameter with its flags and their roles, the main flag of each first.

    A further flag (``NAME-file``, ``no-NAME``) is left out where another field has that name.
    """
    named = [(param, flag_name(param, action)) for param in params_with_flag(action)]
    ours = RESERVED[is_job(action)]
    used = ours | {flag for _, flag in named}
    return [(param, _flags_of(param, flag, used)) for param, flag in named]


# A flag and what was typed for it, in the order in which they were typed.
Typed = tuple[FieldOption, Any]


_NAMED = "--input."


def is_nameable(name: str) -> bool:
    """Tell whether ``--input.NAME`` can name the field: what follows ``=`` is the value."""
    return "=" not in name and "\0" not in name


def undeclared_options(args: Sequence[str], declared: Sequence[FieldOption]) -> list[FieldOption]:
    """Make an option for each ``--input.NAME`` of the command line that no field has declared.

    ``NAME`` is the wire name, as it stands in the body.
    """
    used = {option.flag for option in declared}
    flags_typed = [w.partition("=")[0].removeprefix("--") for w in args if w.startswith(_NAMED)]
    return [
        FieldOption(f"named_{index}", flag, Param((flag.removeprefix("input."),), flag), "json")
        for index, flag in enumerate(dict.fromkeys(flags_typed))
        if flag not in used
    ]


def field_options(action: Action) -> list[FieldOption]:
    """Make the options of an action's fields."""
    by_flag: dict[str, FieldOption] = {}
    for param, form in flags_by_param(action):
        for flag, role in form:
            if flag not in by_flag:
                by_flag[flag] = FieldOption(f"field_{len(by_flag)}", flag, param, role)
    return list(by_flag.values())


def options_of(action: Action) -> list[click.Parameter]:
    """Make every option of an action's command: its fields', then ours whose name is not taken."""
    own = field_options(action)
    used = {option.flag for option in own}
    hidden = _hidden_rows(action) if action.paid else ()
    ours: Iterable[click.Option] = [
        *own_options(ACTION_FLAGS, except_names=used),
        *own_options(job_or_page_rows(action), except_names=used),
        *(own_option(row, hidden=True) for row in hidden if row[0] not in used),
        *own_options(GLOBAL_FLAGS, except_names=used),
    ]
    return [*own, *ours]


def own_key(name: str) -> str:
    """Return the name under which click stores the value of our flag ``name``."""
    return PREFIX + name.replace("-", "_")


@cache
def own_option(row: Row, *, hidden: bool = False) -> click.Option:
    """Return one of our flags as a click option, shared by every command that takes it."""
    name, meta, doc = row
    if not meta:
        return click.Option([own_key(name), f"--{name}"], is_flag=True, help=doc, hidden=hidden)
    optional: dict[str, Any] = (
        {"is_flag": False, "flag_value": "yes"} if meta.startswith("[") else {}
    )
    return click.Option(
        [own_key(name), f"--{name}"],
        metavar=meta,
        help=doc,
        hidden=hidden,
        multiple=name in REPEATED,
        shell_complete=_complete,
        **optional,
    )


def _complete(ctx: click.Context, param: click.Parameter, prefix: str) -> list[CompletionItem]:
    from callsheet.cli.completion import flag_values

    return flag_values(ctx, param, prefix)


def own_options(rows: Iterable[Row], *, except_names: Iterable[str] = ()) -> list[click.Option]:
    """Return the rows as options, without those named in ``except_names``."""
    in_use = set(except_names)
    return [own_option(row) for row in rows if row[0] not in in_use]
