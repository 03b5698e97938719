"""List, search, show and compare actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from callsheet.cli.builtin import BuiltinCommand, BuiltinGroup, format_count
from callsheet.cli.completion import ids
from callsheet.cli.output import formats as output
from callsheet.errors import DriftFound, ServerError, UsageError
from callsheet.text import did_you_mean, dumps, listing

if TYPE_CHECKING:
    from callsheet.catalog.cached import CachedRow
    from callsheet.cli.context import Context
    from callsheet.cli.server_actions import AvailableActions
    from callsheet.diff.change import Change
    from callsheet.spec import Advertised


Rows = list[dict[str, Any]]

_LIMIT = click.Option(["--limit"], metavar="N", type=click.IntRange(min=1), help="Only the first N")
_COLUMNS = ("id", "command", "kind", "cost", "group", "source", "summary")
_SPARE = ("source", "group", "kind", "cost", "command")
_CHANGES = ("severity", "kind", "action", "text")
_KINDS = {"create": "job", "wait": "job, blocking", "query": "query", "": "call"}


def row(context: Context, listed: CachedRow, leader: CachedRow, source: str) -> dict[str, Any]:
    """Return one line of the list; an action without a command stands in the group of ``leader``.

    That is the action that starts its jobs, or itself.
    """
    words = leader.command or tuple(listed.id.split("."))
    return {
        "id": listed.id,
        "command": " ".join([context.prog, *listed.command]) if listed.command else None,
        "kind": _KINDS[listed.role],
        "cost": "free" if not listed.paid else str(listed.price or "may cost"),
        "group": " ".join(words[:-1]) or None,
        "source": source,
        "summary": listed.summary,
        "schema": listed.typed,
        "price": listed.price.as_json() if listed.price is not None else None,
    }


def rows_of(context: Context, offer: AvailableActions) -> Rows:
    """Return the lines of all actions of an offer, ordered by id."""
    listed = offer.rows(context)
    by_id = {other.id: other for other in listed}
    rows = []
    for one in listed:
        is_member = one.family is not None and not one.command
        leader = by_id.get(one.family.create, one) if is_member and one.family else one
        rows.append(row(context, one, leader, offer.source))
    return rows


def _list(
    context: Context, refresh: bool, cached: bool, group: str | None, limit: int | None
) -> None:
    """List every action of the server; without a network what the cache holds."""
    from callsheet.cli.server_actions import cached_actions, fetch_available

    offer = cached_actions(context) if cached and not refresh else None
    offer = offer or fetch_available(context, complete=refresh)
    rows = rows_of(context, offer)
    _print(context, _in_group(rows, group) if group is not None else rows, limit)
    for note in offer.catalogue.notes:
        context.console.note(note)


def _in_group(rows: Rows, group: str) -> Rows:
    """Return the rows of a group and the groups inside it; dots may stand between its words.

    Raises ``UsageError`` for a group that does not exist.
    """
    words = group.replace(".", " ").strip()
    chosen = [row for row in rows if f"{row['group'] or ''} ".startswith(f"{words} ")]
    if not chosen:
        groups = sorted({row["group"] for row in rows if row["group"]})
        hint = did_you_mean(words, groups) or f"one of {listing(groups)}"
        raise UsageError(f"there is no group {words}", hint=hint, flag="--group")
    return chosen


def _print(context: Context, rows: Rows, limit: int | None) -> None:
    """Print the first ``limit`` rows, or all of them; note how many are left."""
    output.emit_list(context.console, rows[:limit], _COLUMNS, _SPARE)
    if limit is not None and len(rows) > limit:
        context.console.note(f"{len(rows) - limit} more; --limit {len(rows)} lists them too")


def _search(context: Context, text: tuple[str, ...], limit: int | None) -> None:
    """List the actions that match the words, the best first; misspellings are forgiven."""
    from callsheet.actions.ranking import Searchable, rank
    from callsheet.cli.server_actions import fetch_available

    offer = fetch_available(context)
    rows = {listed["id"]: listed for listed in rows_of(context, offer)}
    entries = [
        Searchable(entry.id, entry.title, entry.description, rows[entry.id]["group"] or "")
        for entry in offer.catalogue.outlines()
        if entry.id in rows
    ]
    query = " ".join(text)
    ranked = [rows[action_id] for action_id in rank(query, entries)]
    _print(context, ranked, limit)
    if not ranked:
        context.console.note(f"no action matches {query}; all: {context.prog} actions list")


def _schema(context: Context, action_id: str, answer: bool, raw: bool) -> None:
    """Print the input schema of an action; with --answer that of its answer."""
    action = _advertised(context, action_id)
    schema = action.output if answer else action.input
    if schema is None:
        kind = "schema of its answer" if answer else "readable schema"
        raise ServerError(
            f"{action_id} has no {kind}", hint=f"{context.prog} probe shows what was sent"
        )
    if raw and not context.flags.get("jmespath"):
        output.write(dumps(schema) + "\n")
    else:
        output.emit(context.console, schema)


def _advertised(context: Context, action_id: str) -> Advertised:
    """Return the catalogue's entry; ask the server where the cache lacks it.

    Raises ``UsageError`` for an action that the server does not offer, and the errors of asking.
    """
    cached = context.host.cached()
    entry = cached.get(action_id) if cached is not None else None
    if entry is None:
        from callsheet.cli.server_actions import fetch_available

        catalogue = fetch_available(context).catalogue
        entry = catalogue.get(action_id)
        if entry is None:
            hint = did_you_mean(action_id, catalogue.ids()) or f"{context.prog} actions list"
            raise UsageError(f"the server offers no action {action_id}", hint=hint)
    return entry


def unused_bindings(context: Context) -> str:
    """Return why no bindings count for the host in use."""
    program = context.program
    if not program.package:
        return f"{context.prog} has no bindings: all its commands are the server's own"
    return f"{program.package} was made from {program.source or 'an unknown source'}: not used here"


def bindings_changes(context: Context, offer: AvailableActions) -> tuple[Change, ...]:
    """Return how an offer differs from what the bindings were made from, breaking changes first.

    Texts are not compared: a package keeps neither titles nor hints as the server sent them.
    """
    from callsheet.catalog.lock import Snapshot
    from callsheet.cli.server_actions import bound_snapshot, reduce_to_generated
    from callsheet.diff.compare import LockedNames, diff

    bindings, entries = context.bindings, {entry.id: entry for entry in offer.catalogue.actions}
    advertised = [
        reduce_to_generated(action, entries.get(action.id))
        for action in offer.surface(context).actions
    ]
    all_changes = diff(
        bound_snapshot(bindings),
        Snapshot(context.settings.origin, tuple(advertised)),
        overlay=bindings.overlay(),
        program=context.prog,
        old_names=LockedNames(bindings.names()),
    )
    return tuple(change for change in all_changes if change.severity != "text")


def _diff(context: Context) -> int:
    """Compare what the server offers with the bindings; exit with 8 where they differ."""
    bindings, console = context.bindings, context.console
    if not bindings.package:
        raise UsageError(unused_bindings(context))
    from callsheet.cli.server_actions import fetch_available

    context.settings.require_host()
    rows = [change.as_json() for change in bindings_changes(context, fetch_available(context))]
    output.emit_list(console, rows, _CHANGES)
    package = f"{bindings.package} (made from {bindings.source or 'an unknown source'})"
    count = format_count(len(rows), "change") if rows else "nothing changed"
    console.note(f"{context.settings.host}: {count} since {package}")
    if rows:
        console.note(f"the new schemas are used already; `{bindings.renewal()}` adds types")
    return DriftFound.exit_code if rows else 0


actions = BuiltinGroup(
    "actions",
    "List and search what the server offers.",
    [
        BuiltinCommand(
            "list",
            _list,
            params=[
                click.Option(["--refresh"], is_flag=True, help="Ask for every schema anew"),
                click.Option(["--cached"], is_flag=True, help="As last fetched, without asking"),
                click.Option(["--group"], metavar="GROUP", help="Only this group, such as video"),
                _LIMIT,
            ],
            emits_json=False,
        ),
        BuiltinCommand(
            "search",
            _search,
            params=[click.Argument(["text"], metavar="WORD...", nargs=-1, required=True), _LIMIT],
            emits_json=False,
        ),
        BuiltinCommand(
            "schema",
            _schema,
            params=[
                click.Argument(["action_id"], metavar="ID", shell_complete=ids),
                click.Option(["--answer"], is_flag=True, help="Print the schema of the answer"),
                click.Option(["--raw"], is_flag=True, help="Print it on one line"),
            ],
        ),
        BuiltinCommand("diff", _diff, emits_json=False),
    ],
)
