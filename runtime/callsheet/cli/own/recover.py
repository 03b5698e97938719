"""``tasks recover``: what became of jobs that are unknown, and how to go on with unsaved ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.cli.output import formats as output
from callsheet.cli.output.saving import resume_line
from callsheet.cli.own import tasklist
from callsheet.engine.recovery import Recovery
from callsheet.errors import OutcomeUnknown, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.cli.session import Session

COLUMNS = ("ref", "state", "action", "taskId", "age", "next")


def recover(session: Session, name: str | None) -> int:
    """Find out what became of jobs whose outcome is unknown, and list those not yet saved.

    Nothing is sent again, unless --resend says so for one job.
    """
    recovery = Recovery(session.engine)
    task_id, resend = session.flags.get("task-id"), "resend" in session.flags
    if (task_id or resend) and not name:
        raise UsageError("say which job: tasks recover TASK …", hint="tasks recover lists them")
    if resend and name:
        _resend(session, recovery.row(name))
    if task_id and name:
        jobs = [session.run(recovery.supply(name, task_id))]
    else:
        jobs = session.run(recovery.recover(name or ""))
    for note in recovery.notes:
        session.warn(note)
    ledger = recovery.ledger
    unknown = [job for job in jobs if ledger.is_unknown(job)]
    rows = [{**tasklist.row(ledger, job), "next": _next(session, job)} for job in jobs]
    output.emit_list(session, rows, COLUMNS)
    for job in unknown:
        _tell(session, job)
    return OutcomeUnknown.exit_code if unknown else 0


def _next(session: Session, job: Mapping[str, Any]) -> str | None:
    """The command line that goes on with a job."""
    place = "" if job["host"] == session.settings.host else f" --host {job['host']}"
    head = f"{session.prog}{place} "
    if session.ledger().is_unknown(job):
        return f"{head}tasks recover {job['ref'][:8]} --task-id ID"
    if job["state"] in {"running", "done"} and job["task_ids"]:
        return head + resume_line(job["task_ids"][0], job["target"] or "")
    return None


def _tell(session: Session, job: Mapping[str, Any]) -> None:
    from time import time

    from callsheet.cli.durations import spoken

    known = f" ({job['error']})" if job["error"] else ""
    session.warn(
        f"{job['ref'][:8]} {job['action']} was sent {spoken(time() - job['created'])} ago and no "
        f"answer tells what became of it{known}; look for it at {job['host']}"
    )


def _resend(session: Session, row: Mapping[str, Any]) -> None:
    """Send a request again with its own key; the ledger refuses where that could cost again."""
    if row["body"] is None:
        raise UsageError("the body is not kept here, so it cannot be sent again")
    if not session.ledger().is_unknown(row):
        known = "it is being sent" if row["state"] == "intent" else row["state"]
        raise UsageError(f"what becomes of {row['ref'][:8]} is known: {known}")
    action = session.run(session.directory.find(row["action"]))
    session.warn(f"→ {row['host']} {action.id} again, with the key {row['ref']}")
    flow = session.engine.call(
        action, row["body"].encode(), key=row["ref"], check=False, target=row["target"] or ""
    )
    session.run(flow)
