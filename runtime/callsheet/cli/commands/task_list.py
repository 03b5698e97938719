"""List and recover tasks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from callsheet.cli.output import formats as output
from callsheet.cli.output.table import duration
from callsheet.errors import OutcomeUnknown, UsageError
from callsheet.flows.patience import typical_duration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callsheet.cli.context import Context
    from callsheet.storage.ledger import Ledger, LedgerEntry


COLUMNS = ("ref", "state", "action", "taskId", "age", "file", "cost", "usually")


def row(ledger: Ledger, job: LedgerEntry) -> dict[str, Any]:
    """Return one row of the list."""
    expected = _expected(ledger, job)
    return {
        "ref": job.ref[:8],
        "state": "unknown" if ledger.is_unknown(job) else job.state,
        "action": job.action,
        "taskId": job.task_ids[0] if job.task_ids else None,
        "age": duration(time.time() - job.created),
        "file": job.files[0].path if job.files else None,
        "files": _files(job),
        "cost": _whole_number(job.cost),
        "usually": duration(expected) if expected is not None else None,
        "host": job.host,
        "created": job.created,
        "seconds": job.seconds,
        "error": job.error,
    }


def ledger_fields(context: Context, job: LedgerEntry) -> dict[str, Any]:
    """Return what the ledger adds to the server's view of a job."""
    fields: dict[str, Any] = {}
    if job.files:
        fields = {"localPath": job.files[0].path, "files": _files(job)}
    expected = _expected(context.ledger(), job)
    if expected is not None:
        fields["usualSeconds"] = round(expected, 1)
    return fields


def _expected(ledger: Ledger, job: LedgerEntry) -> float | None:
    """Return the seconds that such a job usually takes."""
    family = job.family or {}
    names = job.action, family.get("create", ""), family.get("wait", "")
    return typical_duration(ledger.durations(job.host, *names))


def _files(job: LedgerEntry) -> list[dict[str, Any]]:
    return [file._asdict() for file in job.files]


def _whole_number(cost: float | None) -> float | int | None:
    return int(cost) if cost is not None and cost == int(cost) else cost


def note_cost(context: Context, jobs: Iterable[LedgerEntry]) -> None:
    """Note what the jobs cost together, as far as the server said."""
    costs = [job.cost for job in jobs if job.cost is not None]
    if costs:
        total = _whole_number(sum(costs))
        context.console.note(f"{total} credits in {len(costs)} jobs that say what they cost")


def list_jobs(context: Context, limit: int) -> None:
    """List the jobs that were started from here, newest first."""
    ledger = context.ledger()
    jobs = ledger.jobs(limit=limit)
    output.emit_list(context.console, [row(ledger, job) for job in jobs], COLUMNS)
    note_cost(context, jobs)


RECOVERY_COLUMNS = ("ref", "state", "action", "taskId", "age", "next")


def recover(context: Context, name: str | None) -> int:
    """Find out what became of jobs whose outcome is unknown, and list those not yet saved.

    Nothing is sent again, unless --resend says so for one job.
    """
    from callsheet.engine.recovery import Recovery

    recovery = Recovery(context.engine)
    task_id, resend = context.flags.get("task-id"), "resend" in context.flags
    if (task_id or resend) and not name:
        raise UsageError(
            f"a job is needed: {context.prog} tasks recover TASK …",
            hint=f"{context.prog} tasks recover lists them",
        )
    if resend and name:
        _resend(context, recovery.row(name))
    if task_id and name:
        jobs = [context.run(recovery.supply(name, task_id))]
    else:
        jobs = context.run(recovery.recover(name or ""))
    for note in recovery.notes:
        context.console.warn(note)
    ledger = recovery.ledger
    unknown = [job for job in jobs if ledger.is_unknown(job)]
    rows = [{**row(ledger, job), "next": _next(context, job)} for job in jobs]
    output.emit_list(context.console, rows, RECOVERY_COLUMNS)
    for job in unknown:
        _warn_unknown(context, job)
    return OutcomeUnknown.exit_code if unknown else 0


def _next(context: Context, job: LedgerEntry) -> str | None:
    """Return the command line that goes on with a job."""
    from callsheet.cli.saving import resume_line

    host = "" if job.host == context.settings.host else f" --host {job.host}"
    head = f"{context.prog}{host} "
    if context.ledger().is_unknown(job):
        return f"{head}tasks recover {job.ref[:8]} --task-id ID"
    if job.state in {"running", "done"} and job.task_ids:
        return head + resume_line(job.task_ids[0], job.target or "")
    return None


def _warn_unknown(context: Context, job: LedgerEntry) -> None:
    reason = f" ({job.error})" if job.error else ""
    age = duration(time.time() - job.created)
    context.console.warn(
        f"{job.ref[:8]} {job.action} was sent {age} ago and its outcome is unknown{reason}; "
        f"look for it at {job.host}"
    )


def _resend(context: Context, row: LedgerEntry) -> None:
    """Send a request again with its own key; the ledger refuses where it could cost again."""
    if row.body is None:
        raise UsageError("the body is not in the ledger, so it cannot be sent again")
    if not context.ledger().is_unknown(row):
        state = "being sent" if row.state == "intent" else row.state
        raise UsageError(f"the outcome of {row.ref[:8]} is known: {state}")
    action = context.run(context.host.find(row.action))
    context.console.warn(f"→ {row.host} {action.id} again, with the key {row.ref}")
    flow = context.engine.invoke(
        action, row.body.encode(), key=row.ref, check=False, target=row.target or ""
    )
    context.run(flow)
