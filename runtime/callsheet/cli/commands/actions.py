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

    from callsheet.cli.offer import AvailableActions
    from callsheet.cli.session import Session
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


def stored_list(session: Session) -> StoredList | None:
    """The list, where catalogue, configuration and program are still those of then."""
    import json

    mark = _list_mark(session)
    try:
        with open(_list_path(session), encoding="utf-8") as file:
            text = file.read()
        head, _, rest = text.partition("\n")
        said, size = json.loads(head)
        return StoredList(rest[:size], rest[size:]) if mark is not None and said == mark else None
    except (OSError, ValueError, TypeError):
        return None


def store_list(session: Session, rows: Rows, piped: str) -> None:
    """Keep a list; a cache that cannot be written is no error."""
    import json

    mark, path = _list_mark(session), _list_path(session)
    if mark is None:
        return
    part = f"{path}.{os.getpid()}.part"
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{json.dumps([mark, len(piped)])}\n{piped}{json.dumps(rows)}")
        os.replace(part, path)
    except OSError:
        return


def _list_path(session: Session) -> str:
    return f"{_catalogue_path(session)}.rows"


def _catalogue_path(session: Session) -> str:
    from callsheet.catalog.store import CatalogueCache

    return CatalogueCache(session.settings.cache_dir).path(session.settings.host)


def _list_mark(session: Session) -> list[Any] | None:
    """What the rows depend on: the files of catalogue and bindings, the program's name, ours."""
    from callsheet.version import __version__

    if session.flags.get("set"):
        return None
    package = session.bindings.package
    found: list[Any] = [__version__, session.prog, session.settings.host, package]
    try:
        paths = [_catalogue_path(session)]
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


def row(session: Session, action: Action, offer: AvailableActions) -> dict[str, Any]:
    """One line of the list; a member of a family stands in the family's group."""
    from callsheet.actions.naming import summary_of

    leader = action
    if action.family is not None and not action.command:
        leader = offer.surface(session).by_id.get(action.family.create, action)
    words = leader.command or tuple(action.id.split("."))
    return {
        "id": action.id,
        "command": " ".join([session.prog, *action.command]) if action.command else None,
        "kind": _KINDS[action.role],
        "cost": "may cost" if action.paid else "free",
        "group": " ".join(words[:-1]) or None,
        "source": offer.source,
        "summary": summary_of(action),
        "schema": action.typed,
    }


def _show(session: Session, found: AvailableActions, actions: Iterable[Action]) -> None:
    output.emit_list(session, [row(session, one, found) for one in actions], _COLUMNS)


def _list(session: Session, refresh: bool, cached: bool) -> None:
    """List every action of the server; without a network what the cache holds."""
    if cached and not refresh and session.settings.host:
        kept = stored_list(session)
        if kept is not None:
            _again(session, kept)
            return
    from callsheet.cli.offer import known, offered

    found = (cached and not refresh and known(session)) or offered(session, whole=refresh)
    rows = [row(session, one, found) for one in found.surface(session).actions]
    if found.source != "bindings":
        later = [{**one, "source": "cached"} for one in rows]
        store_list(session, later, output.tab_separated(later, _COLUMNS))
    output.emit_list(session, rows, _COLUMNS)
    for note in found.catalogue.notes:
        session.note(note)


def _again(session: Session, kept: StoredList) -> None:
    """Print a list that was kept; for a pipe it lies ready."""
    if output.is_tab_separated(session):
        output.write(kept.piped)
    else:
        output.emit_list(session, kept.rows(), _COLUMNS)


def _search(session: Session, text: tuple[str, ...]) -> None:
    """List the actions whose id, title or description holds all of the words."""
    from callsheet.cli.offer import offered

    found = offered(session)
    wanted = [word.lower() for word in " ".join(text).split()]
    entries = found.catalogue.actions
    said = {one.id: f"{one.id} {one.title} {one.description}".lower() for one in entries}
    actions = found.surface(session).actions
    held = [a for a in actions if all(w in said.get(a.id, "") for w in wanted)]
    _show(session, found, held)
    if not held:
        session.note(f"no action holds {' and '.join(wanted)}; all: {session.prog} actions list")


def _schema(session: Session, action_id: str, answer: bool, raw: bool) -> None:
    """Print the input schema of an action; with --answer that of its answer."""
    action = _advertised(session, action_id)
    schema = action.output if answer else action.input
    if schema is None:
        what = "of its answer" if answer else "that can be read"
        raise ServerError(
            f"{action_id} has no schema {what}", hint=f"{session.prog} probe shows what was sent"
        )
    if raw and not session.flags.get("jmespath"):
        output.write(dumps(schema) + "\n")
    else:
        output.emit(session, schema)


def _advertised(session: Session, action_id: str) -> Advertised:
    known = session.host.cached()
    found = known.get(action_id) if known is not None else None
    if found is None:
        from callsheet.cli.offer import offered
        from callsheet.suggest import did_you_mean

        fresh = offered(session).catalogue
        found = fresh.get(action_id)
        if found is None:
            ids = [one.id for one in fresh.actions]
            hint = did_you_mean(action_id, ids) or f"{session.prog} actions list"
            raise UsageError(f"the server offers no action {action_id}", hint=hint)
    return found


def changes(session: Session, found: AvailableActions) -> tuple[Change, ...]:
    """How an offer differs from what the bindings were made from, what breaks callers first.

    BuiltinGroup are not compared: a package keeps neither titles nor marks as the server sent them.
    """
    from callsheet.catalog import bound
    from callsheet.catalog.snapshot import Snapshot
    from callsheet.diff.compare import LockedNames, diff

    bindings, entries = session.bindings, {one.id: one for one in found.catalogue.actions}
    told = [bound.as_known(a, entries.get(a.id)) for a in found.surface(session).actions]
    all_of_them = diff(
        bound.snapshot(bindings),
        Snapshot(session.settings.origin, tuple(told)),
        overlay=bindings.overlay(),
        program=session.prog,
        old_names=LockedNames(bindings.names()),
    )
    return tuple(one for one in all_of_them if one.severity != "text")


def _diff(session: Session) -> int:
    """Compare what the server offers with the bindings; 8 where they differ."""
    bindings = session.bindings
    if not bindings.package:
        raise UsageError(f"{session.prog} has no bindings: all its commands are the server's own")
    from callsheet.cli.offer import offered

    session.settings.require_host()
    found = offered(session)
    rows = [change.as_json() for change in changes(session, found)]
    output.emit_list(session, rows, _CHANGES)
    made = f"{bindings.package} (made from {bindings.source or 'an unknown source'})"
    said = f"{many(len(rows), 'change')} since" if rows else "nothing changed since"
    session.note(f"{session.settings.host}: {said} {made}")
    if rows:
        session.note("the new schemas are in force already; `make generate` brings the types")
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
            data=False,
        ),
        BuiltinCommand(
            "search",
            _search,
            params=[click.Argument(["text"], metavar="WORD...", nargs=-1, required=True)],
            data=False,
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
        BuiltinCommand("diff", _diff, data=False),
    ],
)
