"""Define the flags that every command takes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import click

from callsheet.actions.naming import FAMILY_FLAGS, OWN_FLAGS
from callsheet.cli.context import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from click.shell_completion import CompletionItem


# (name, what its value is called or "" for a switch, what it does)
Row = tuple[str, str, str]

ACTION: tuple[Row, ...] = (
    ("json", "", "Print one JSON object"),
    ("out", "PATH", "Save the result: a file, a folder/, a template; - is stdout"),
    ("input", "FILE|-|JSON", "Give the whole body; flags override its fields"),
    ("dry-run", "[curl]", "Show the request and send nothing"),
)
ANY_FIELD: Row = ("input.NAME", "JSON", "Set a field by the name that it has in the body")
SHOWN: tuple[Row, ...] = (*ACTION[:3], ANY_FIELD, *ACTION[3:])
"""What help tells of: any word may stand for ``NAME``, so that one is no option by itself."""
FAMILY: tuple[Row, ...] = (
    ("timeout", "TIME", "Stop waiting after: milliseconds, or 90s, 10m"),
    ("no-wait", "", "Print the task id and do not wait"),
    ("blocking", "", "Wait inside one request instead of asking again and again"),
)
PAGES: tuple[Row, ...] = (
    ("all", "", "Print the entries of every page of the list, not the answer"),
    ("limit", "N", "Print the first N entries of the list, of as many pages as that takes"),
)
"""Flags of an action whose reply is a list; a field of that name goes before them."""
ANYWHERE: tuple[Row, ...] = (
    ("host", "URL", "Talk to this server"),
    ("profile", "NAME", "Use this profile of the configuration"),
    ("auth", "SCHEME", "Send the key as bearer or x-api-key"),
    ("insecure-http", "", "Allow plain http to a host that is not this machine"),
    ("refresh", "", "Ask the server first what it offers now"),
    ("set", "KEY=VALUE", "Force how replies are read (see probe)"),
    ("force", "", "Overwrite files that exist"),
    ("open", "", "Show the saved file"),
    ("upload", "", "Store the saved picture on the server and print its link"),
    ("skeleton", "", "Print a body to fill in"),
    ("no-check", "", "Send a body that the schema refuses"),
    ("no-input", "", "Never ask questions"),
    ("format", "FORMAT", "json, jsonl, table or raw"),
    ("jmespath", "EXPR", "Print this part of the result"),
    ("quiet", "", "No progress and no hints"),
    ("verbose", "", "Tell what is sent and received"),
    ("debug", "", "Tell everything, without secrets"),
)
REPEATED = frozenset({"set"})


RESERVED = {False: OWN_FLAGS, True: OWN_FLAGS | FAMILY_FLAGS}
"""The flags that no field of an action may take, without and with a family.

Such a field is set by ``--input.NAME``."""


def key(name: str) -> str:
    """Return the name under which click stores the value of our flag ``name``."""
    return PREFIX + name.replace("-", "_")


@cache
def option(row: Row, *, hidden: bool = False) -> click.Option:
    """Return one of our flags as a click option, shared by every command that takes it."""
    name, meta, doc = row
    if not meta:
        return click.Option([key(name), f"--{name}"], is_flag=True, help=doc, hidden=hidden)
    optional: dict[str, Any] = (
        {"is_flag": False, "flag_value": "yes"} if meta.startswith("[") else {}
    )
    return click.Option(
        [key(name), f"--{name}"],
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


def options(rows: Iterable[Row], *, except_names: Iterable[str] = ()) -> list[click.Option]:
    """Return the rows as options, without those whose name a field has."""
    in_use = set(except_names)
    return [option(row) for row in rows if row[0] not in in_use]
