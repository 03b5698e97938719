"""The one body of every action's command: check, send, and hand the answer on."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from callsheet.cli.input import uploads
from callsheet.cli.input.request import Request, check_files, judge, member, request, role_of
from callsheet.cli.output import formats as output
from callsheet.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import click

    from callsheet.cli.input.options import Typed
    from callsheet.cli.session import Session
    from callsheet.engine.work import Outcome
    from callsheet.spec import Action


def run_action(action: Action, ctx: click.Context, values: Sequence[Typed]) -> int:
    """Run one action with the fields that were typed; returns the exit code.

    Raises any of ``callsheet.errors``; nothing was sent where it is a ``UsageError``.
    """
    session: Session = ctx.obj
    if "skeleton" in session.flags:
        from callsheet.cli import preview

        preview.skeleton(session, action, member(session, action, role_of(session, action)))
        return 0
    if session.drift is not None:
        session.drift.tell(session)
    output.check(session)
    made = request(session, action, values)
    check_files(session, made)
    if "dry-run" in session.flags:
        if not uploads.pending(made.body):
            judge(session, made)
        from callsheet.cli import preview

        preview.dry_run(session, made)
        return 0
    from callsheet.cli.conclusion import finish
    from callsheet.cli.output import saving

    saving.check(session, action)
    made = uploads.resolved(session, made)
    judge(session, made)
    outcome = send(session, made)
    return finish(session, made, outcome)


def announce(session: Session, action: Action) -> None:
    """Say where a request goes that may cost money."""
    if not action.paid:
        return
    host = session.settings.require_host()
    if session.directory.is_sandbox():
        session.note(f"→ sandbox {host} {action.id} (free)")
    else:
        session.note(f"→ {host} {action.id} (may spend credits)")


def send(session: Session, made: Request) -> Outcome:
    """Make the one POST; whatever interrupts the run from now on is told by its reference."""
    from callsheet.cli.output import saving
    from callsheet.wire import require_key

    action = session.run(session.directory.on_terms_of_host(made.action))
    if action.paid:
        require_key(session.settings)
    announce(session, action)
    ref = str(uuid.uuid4())
    session.paid = (action.id, ref) if action.paid else session.paid
    data = made.body.encoded()
    flow = session.engine.call(
        action, data, key=ref, timeout=made.silence, check=False, target=saving.meant(session)
    )
    try:
        outcome: Outcome = session.run(flow)
    except ServerError as error:
        from callsheet.cli import drift
        from callsheet.cli.input.blame import by_server

        named = by_server(made.asked, error)
        drift.after_refusal(session, made.asked, named)
        raise named from None
    return outcome
