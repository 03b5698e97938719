"""``actions``: what the server offers, from the server or from the cache."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from callsheet.cli.durations import spoken
from callsheet.cli.help import pages
from callsheet.cli.nearest import did_you_mean
from callsheet.cli.output import formats as output
from callsheet.cli.ownword import Word, Words, known_ids
from callsheet.errors import NetworkError, ServerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callsheet.catalog.live import Catalogue
    from callsheet.cli.session import Session
    from callsheet.spec import Action, Advertised

_COLUMNS = ("id", "command", "kind", "cost", "summary")
_KINDS = {"create": "job", "wait": "job, blocking", "query": "query", "": "call"}


def catalogue(session: Session, *, whole: bool = False) -> Catalogue:
    """What the server offers now; without a network what the cache holds, and how old that is."""
    known = session.directory.cached()
    try:
        found: Catalogue = session.run(session.directory.refresh(whole=whole))
    except NetworkError as error:
        if known is None:
            raise
        age = spoken(time.time() - known.fetched)
        session.warn(f"{error.message}; this is from the cache, {age} old")
        return known
    return found


def row(session: Session, action: Action) -> dict[str, Any]:
    """One line of the list."""
    return {
        "id": action.id,
        "command": " ".join([session.prog, *action.command]) if action.command else None,
        "kind": _KINDS[action.role],
        "cost": "may cost" if action.paid else "free",
        "summary": pages.summary_of(action),
        "schema": action.typed,
    }


def _show(session: Session, actions: Iterable[Action]) -> None:
    output.emit_list(session, [row(session, action) for action in actions], _COLUMNS)


def _list(session: Session, refresh: bool, cached: bool) -> None:
    """List every action of the server."""
    known = session.directory.cached() if cached and not refresh else None
    found = known or catalogue(session, whole=refresh)
    _show(session, session.directory.surface(found).actions)
    for note in found.notes:
        session.note(note)


def _search(session: Session, text: tuple[str, ...]) -> None:
    """List the actions whose id, title or description holds all of the words."""
    found = catalogue(session)
    wanted = [word.lower() for word in " ".join(text).split()]
    said = {one.id: f"{one.id} {one.title} {one.description}".lower() for one in found.actions}
    actions = session.directory.surface(found).actions
    _show(session, [a for a in actions if all(w in said.get(a.id, "") for w in wanted)])


def _schema(session: Session, action_id: str, answer: bool, raw: bool) -> None:
    """Print the input schema of an action; with --answer that of its answer."""
    action = _advertised(session, action_id)
    schema = action.output if answer else action.input
    if schema is None:
        what = "of its answer" if answer else "that can be read"
        raise ServerError(
            f"{action_id} has no schema {what}", hint=f"probe shows what {session.prog} was sent"
        )
    if raw:
        output.write(output.dumps(schema) + "\n")
    else:
        output.emit(session, schema)


def _advertised(session: Session, action_id: str) -> Advertised:
    known = session.directory.cached()
    found = known.get(action_id) if known is not None else None
    if found is None:
        fresh = catalogue(session)
        found = fresh.get(action_id)
        if found is None:
            ids = [one.id for one in fresh.actions]
            hint = did_you_mean(action_id, ids) or f"{session.prog} actions list"
            raise UsageError(f"the server offers no action {action_id}", hint=hint)
    return found


actions = Words(
    "actions",
    "What the server offers.",
    [
        Word(
            "list",
            _list,
            params=[
                click.Option(["--refresh"], is_flag=True, help="Ask for every schema anew"),
                click.Option(["--cached"], is_flag=True, help="As last heard, without asking"),
            ],
            data=False,
        ),
        Word(
            "schema",
            _schema,
            params=[
                click.Argument(["action_id"], metavar="ID", shell_complete=known_ids),
                click.Option(["--answer"], is_flag=True, help="The schema of the answer"),
                click.Option(["--raw"], is_flag=True, help="On one line"),
            ],
        ),
        Word(
            "search",
            _search,
            params=[click.Argument(["text"], metavar="WORD...", nargs=-1, required=True)],
            data=False,
        ),
    ],
)
