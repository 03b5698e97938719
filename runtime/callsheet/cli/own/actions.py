"""``actions``: what the server offers, searched, shown and compared with the bindings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from callsheet.cli.output import formats as output
from callsheet.cli.own import listed
from callsheet.cli.ownword import Word, Words, many
from callsheet.errors import DriftFound, ServerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from click.shell_completion import CompletionItem

    from callsheet.cli.own.offer import Offer
    from callsheet.cli.session import Session
    from callsheet.diff import Change
    from callsheet.spec import Action, Advertised

_COLUMNS = ("id", "command", "kind", "cost", "group", "source", "summary")
_CHANGES = ("severity", "kind", "action", "text")
_KINDS = {"create": "job", "wait": "job, blocking", "query": "query", "": "call"}


def row(session: Session, action: Action, offer: Offer) -> dict[str, Any]:
    """One line of the list; a member of a family stands in the family's group."""
    from callsheet.cli.help.pages import summary_of

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


def _show(session: Session, found: Offer, actions: Iterable[Action]) -> None:
    output.emit_list(session, [row(session, one, found) for one in actions], _COLUMNS)


def _list(session: Session, refresh: bool, cached: bool) -> None:
    """List every action of the server; without a network what the cache holds."""
    if cached and not refresh and session.settings.host:
        kept = listed.kept(session)
        if kept is not None:
            _again(session, kept)
            return
    from callsheet.cli.own.offer import known, offered

    found = (cached and not refresh and known(session)) or offered(session, whole=refresh)
    rows = [row(session, one, found) for one in found.surface(session).actions]
    if found.source != "bindings":
        later = [{**one, "source": "cached"} for one in rows]
        listed.keep(session, later, output.tab_separated(later, _COLUMNS))
    output.emit_list(session, rows, _COLUMNS)
    for note in found.catalogue.notes:
        session.note(note)


def _again(session: Session, kept: listed.Kept) -> None:
    """Print a list that was kept; for a pipe it lies ready."""
    if output.is_tab_separated(session):
        output.write(kept.piped)
    else:
        output.emit_list(session, kept.rows(), _COLUMNS)


def _search(session: Session, text: tuple[str, ...]) -> None:
    """List the actions whose id, title or description holds all of the words."""
    from callsheet.cli.own.offer import offered

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
        output.write(output.dumps(schema) + "\n")
    else:
        output.emit(session, schema)


def _advertised(session: Session, action_id: str) -> Advertised:
    known = session.directory.cached()
    found = known.get(action_id) if known is not None else None
    if found is None:
        from callsheet.cli.nearest import did_you_mean
        from callsheet.cli.own.offer import offered

        fresh = offered(session).catalogue
        found = fresh.get(action_id)
        if found is None:
            ids = [one.id for one in fresh.actions]
            hint = did_you_mean(action_id, ids) or f"{session.prog} actions list"
            raise UsageError(f"the server offers no action {action_id}", hint=hint)
    return found


def changes(session: Session, found: Offer) -> tuple[Change, ...]:
    """How an offer differs from what the bindings were made from, what breaks callers first.

    Words are not compared: a package keeps neither titles nor marks as the server sent them.
    """
    from callsheet.cli import locked
    from callsheet.diff import diff
    from callsheet.snapshot import Snapshot

    bindings, entries = session.bindings, {one.id: one for one in found.catalogue.actions}
    told = [locked.as_known(a, entries.get(a.id)) for a in found.surface(session).actions]
    all_of_them = diff(
        locked.snapshot(bindings),
        Snapshot(session.settings.origin, tuple(told)),
        overlay=bindings.overlay(),
        program=session.prog,
        given=bindings.names(),
    )
    return tuple(one for one in all_of_them if one.severity != "text")


def _diff(session: Session) -> int:
    """Compare what the server offers with the bindings; 8 where they differ."""
    bindings = session.bindings
    if not bindings.package:
        raise UsageError(f"{session.prog} has no bindings: all its commands are the server's own")
    from callsheet.cli.own.offer import offered

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
    from callsheet.cli.completing import ids

    return ids(ctx, param, begun)


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
            "search",
            _search,
            params=[click.Argument(["text"], metavar="WORD...", nargs=-1, required=True)],
            data=False,
        ),
        Word(
            "schema",
            _schema,
            params=[
                click.Argument(["action_id"], metavar="ID", shell_complete=_ids),
                click.Option(["--answer"], is_flag=True, help="The schema of the answer"),
                click.Option(["--raw"], is_flag=True, help="On one line"),
            ],
        ),
        Word("diff", _diff, data=False),
    ],
)
