"""List, search, show and compare actions."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from callsheet.cli.builtin import BuiltinCommand, BuiltinGroup, many
from callsheet.cli.output import formats as output
from callsheet.errors import DriftFound, ServerError, UsageError
from callsheet.text import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from click.shell_completion import CompletionItem

    from callsheet.cli.context import Context
    from callsheet.cli.offer import AvailableActions
    from callsheet.diff.change import Change
    from callsheet.spec import Action, Advertised


Rows = list[dict[str, Any]]


class StoredList(NamedTuple):
    """A list that was made before: ``piped`` is what a pipe is given of it."""

    piped: str
    stored: str

    def rows(self) -> Rows:
        """The same as data; raises ``ValueError``."""
        import json

        return [dict(row) for row in json.loads(self.stored)]


def stored_list(context: Context) -> StoredList | None:
    """The list, where catalogue, configuration and program are still those of then."""
    import json

    mark = _list_mark(context)
    try:
        with open(_list_path(context), encoding="utf-8") as file:
            text = file.read()
        head, _, rest = text.partition("\n")
        said, size = json.loads(head)
        return StoredList(rest[:size], rest[size:]) if mark is not None and said == mark else None
    except (OSError, ValueError, TypeError):
        return None


def store_list(context: Context, rows: Rows, piped: str) -> None:
    """Keep a list; a cache that cannot be written is no error."""
    import json
    from contextlib import suppress

    from callsheet.storage.atomic_file import replace_file

    mark, path = _list_mark(context), _list_path(context)
    if mark is None:
        return
    with suppress(OSError):
        replace_file(path, f"{json.dumps([mark, len(piped)])}\n{piped}{json.dumps(rows)}")


def _list_path(context: Context) -> str:
    return f"{_catalogue_path(context)}.rows"


def _catalogue_path(context: Context) -> str:
    from callsheet.catalog.store import CatalogueCache

    return CatalogueCache(context.settings.cache_dir).path(context.settings.host)


def _list_mark(context: Context) -> list[Any] | None:
    """What the rows depend on: the files of catalogue and bindings, the program's name, ours."""
    from callsheet.version import __version__

    if context.flags.get("set"):
        return None
    package = context.bindings.package
    found: list[Any] = [__version__, context.prog, context.settings.host, package]
    try:
        paths = [_catalogue_path(context)]
        if package:
            module = __import__(package)
            paths.append(os.path.join(os.path.dirname(module.__file__ or ""), "overlay.json"))
        for path in paths:
            said = os.stat(path)
            found += [said.st_mtime_ns, said.st_size]
    except OSError:
        return None
    return found


_COLUMNS = ("id", "command", "kind", "cost", "group", "source", "summary")
_CHANGES = ("severity", "kind", "action", "text")
_KINDS = {"create": "job", "wait": "job, blocking", "query": "query", "": "call"}


def row(context: Context, action: Action, offer: AvailableActions) -> dict[str, Any]:
    """One line of the list; a member of a family stands in the family's group."""
    from callsheet.actions.naming import summary_line

    leader = action
    if action.family is not None and not action.command:
        leader = offer.surface(context).by_id.get(action.family.create, action)
    words = leader.command or tuple(action.id.split("."))
    return {
        "id": action.id,
        "command": " ".join([context.prog, *action.command]) if action.command else None,
        "kind": _KINDS[action.role],
        "cost": "may cost" if action.paid else "free",
        "group": " ".join(words[:-1]) or None,
        "source": offer.source,
        "summary": summary_line(action),
        "schema": action.typed,
    }


def _show(context: Context, found: AvailableActions, actions: Iterable[Action]) -> None:
    output.emit_list(context.console, [row(context, one, found) for one in actions], _COLUMNS)


def _list(context: Context, refresh: bool, cached: bool) -> None:
    """List every action of the server; without a network what the cache holds."""
    if cached and not refresh and context.settings.host:
        kept = stored_list(context)
        if kept is not None:
            _again(context, kept)
            return
    from callsheet.cli.offer import known, offered

    found = (cached and not refresh and known(context)) or offered(context, whole=refresh)
    rows = [row(context, one, found) for one in found.surface(context).actions]
    if found.source != "bindings":
        later = [{**one, "source": "cached"} for one in rows]
        store_list(context, later, output.tab_separated(later, _COLUMNS))
    output.emit_list(context.console, rows, _COLUMNS)
    for note in found.catalogue.notes:
        context.console.note(note)


def _again(context: Context, kept: StoredList) -> None:
    """Print a list that was kept; for a pipe it lies ready."""
    if output.is_tab_separated(context.console):
        output.write(kept.piped)
    else:
        output.emit_list(context.console, kept.rows(), _COLUMNS)


def _search(context: Context, text: tuple[str, ...]) -> None:
    """List the actions whose id, title or description holds all of the words."""
    from callsheet.cli.offer import offered

    found = offered(context)
    wanted = [word.lower() for word in " ".join(text).split()]
    entries = found.catalogue.actions
    said = {one.id: f"{one.id} {one.title} {one.description}".lower() for one in entries}
    actions = found.surface(context).actions
    held = [a for a in actions if all(w in said.get(a.id, "") for w in wanted)]
    _show(context, found, held)
    if not held:
        context.console.note(
            f"no action holds {' and '.join(wanted)}; all: {context.prog} actions list"
        )


def _schema(context: Context, action_id: str, answer: bool, raw: bool) -> None:
    """Print the input schema of an action; with --answer that of its answer."""
    action = _advertised(context, action_id)
    schema = action.output if answer else action.input
    if schema is None:
        what = "of its answer" if answer else "that can be read"
        raise ServerError(
            f"{action_id} has no schema {what}", hint=f"{context.prog} probe shows what was sent"
        )
    if raw and not context.flags.get("jmespath"):
        output.write(dumps(schema) + "\n")
    else:
        output.emit(context.console, schema)


def _advertised(context: Context, action_id: str) -> Advertised:
    known = context.host.cached()
    found = known.get(action_id) if known is not None else None
    if found is None:
        from callsheet.cli.offer import offered
        from callsheet.suggest import did_you_mean

        fresh = offered(context).catalogue
        found = fresh.get(action_id)
        if found is None:
            ids = [one.id for one in fresh.actions]
            hint = did_you_mean(action_id, ids) or f"{context.prog} actions list"
            raise UsageError(f"the server offers no action {action_id}", hint=hint)
    return found


def changes(context: Context, found: AvailableActions) -> tuple[Change, ...]:
    """How an offer differs from what the bindings were made from, what breaks callers first.

    BuiltinGroup are not compared: a package keeps neither titles nor marks as the server sent them.
    """
    from callsheet.catalog import bound
    from callsheet.catalog.snapshot import Snapshot
    from callsheet.diff.compare import LockedNames, diff

    bindings, entries = context.bindings, {one.id: one for one in found.catalogue.actions}
    told = [bound.as_known(a, entries.get(a.id)) for a in found.surface(context).actions]
    all_of_them = diff(
        bound.snapshot(bindings),
        Snapshot(context.settings.origin, tuple(told)),
        overlay=bindings.overlay(),
        program=context.prog,
        old_names=LockedNames(bindings.names()),
    )
    return tuple(one for one in all_of_them if one.severity != "text")


def _diff(context: Context) -> int:
    """Compare what the server offers with the bindings; 8 where they differ."""
    bindings = context.bindings
    if not bindings.package:
        raise UsageError(f"{context.prog} has no bindings: all its commands are the server's own")
    from callsheet.cli.offer import offered

    context.settings.require_host()
    found = offered(context)
    rows = [change.as_json() for change in changes(context, found)]
    output.emit_list(context.console, rows, _CHANGES)
    made = f"{bindings.package} (made from {bindings.source or 'an unknown source'})"
    said = f"{many(len(rows), 'change')} since" if rows else "nothing changed since"
    context.console.note(f"{context.settings.host}: {said} {made}")
    if rows:
        context.console.note(
            "the new schemas are in force already; `make generate` brings the types"
        )
    return DriftFound.exit_code if rows else 0


def _ids(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    from callsheet.cli.completion import ids

    return ids(ctx, param, begun)


actions = BuiltinGroup(
    "actions",
    "What the server offers.",
    [
        BuiltinCommand(
            "list",
            _list,
            params=[
                click.Option(["--refresh"], is_flag=True, help="Ask for every schema anew"),
                click.Option(["--cached"], is_flag=True, help="As last heard, without asking"),
            ],
            emits_json=False,
        ),
        BuiltinCommand(
            "search",
            _search,
            params=[click.Argument(["text"], metavar="WORD...", nargs=-1, required=True)],
            emits_json=False,
        ),
        BuiltinCommand(
            "schema",
            _schema,
            params=[
                click.Argument(["action_id"], metavar="ID", shell_complete=_ids),
                click.Option(["--answer"], is_flag=True, help="The schema of the answer"),
                click.Option(["--raw"], is_flag=True, help="On one line"),
            ],
        ),
        BuiltinCommand("diff", _diff, emits_json=False),
    ],
)
