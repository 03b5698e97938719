"""List and recover tasks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from callsheet.cli.output import formats as output
from callsheet.cli.output.table import duration
from callsheet.errors import OutcomeUnknown, UsageError
from callsheet.flows.jobs import typical_duration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callsheet.cli.context import Context
    from callsheet.storage.ledger import Ledger, LedgerEntry


COLUMNS = ("ref", "state", "action", "taskId", "age", "file", "cost", "usually")


def row(ledger: Ledger, job: LedgerEntry) -> dict[str, Any]:
    """One job of the list."""
    expected = _expected(ledger, job)
    return {
        "ref": job.ref[:8],
        "state": "unknown" if ledger.is_unknown(job) else job.state,
        "action": job.action,
        "taskId": job.task_ids[0] if job.task_ids else None,
        "age": duration(time.time() - job.created),
        "file": job.files[0].path if job.files else None,
        "files": _files(job),
        "cost": _plain(job.cost),
        "usually": duration(expected) if expected is not None else None,
        "host": job.host,
        "created": job.created,
        "seconds": job.seconds,
        "error": job.error,
    }


def kept(context: Context, job: LedgerEntry) -> dict[str, Any]:
    """What the ledger adds to what the server says of a job."""
    found: dict[str, Any] = {}
    if job.files:
        found = {"localPath": job.files[0].path, "files": _files(job)}
    expected = _expected(context.ledger(), job)
    if expected is not None:
        found["usualSeconds"] = round(expected, 1)
    return found


def _expected(ledger: Ledger, job: LedgerEntry) -> float | None:
    """The seconds that such a job usually takes."""
    family = job.family or {}
    names = job.action, family.get("create", ""), family.get("wait", "")
    return typical_duration(ledger.durations(job.host, *names))


def _files(job: LedgerEntry) -> list[dict[str, Any]]:
    return [file._asdict() for file in job.files]


def _plain(cost: float | None) -> float | int | None:
    return int(cost) if cost is not None and cost == int(cost) else cost


def tell_cost(context: Context, jobs: Iterable[LedgerEntry]) -> None:
    """Say what the jobs cost together, as far as the server told."""
    told = [job.cost for job in jobs if job.cost is not None]
    if told:
        context.console.note(
            f"{_plain(sum(told))} credits in {len(told)} jobs that say what they cost"
        )


def show(context: Context, limit: int) -> None:
    """List the jobs that were started from here, newest first."""
    ledger = context.ledger()
    jobs = ledger.jobs(limit=limit)
    output.emit_list(context.console, [row(ledger, job) for job in jobs], COLUMNS)
    tell_cost(context, jobs)


RECOVERY_COLUMNS = ("ref", "state", "action", "taskId", "age", "next")


def recover(context: Context, name: str | None) -> int:
    """Find out what became of jobs whose outcome is unknown, and list those not yet saved.

    Nothing is sent again, unless --resend says so for one job.
    """
    from callsheet.engine.recovery import Recovery

    recovery = Recovery(context.engine)
    task_id, resend = context.flags.get("task-id"), "resend" in context.flags
    if (task_id or resend) and not name:
        raise UsageError("say which job: tasks recover TASK …", hint="tasks recover lists them")
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
        _tell(context, job)
    return OutcomeUnknown.exit_code if unknown else 0


def _next(context: Context, job: LedgerEntry) -> str | None:
    """The command line that goes on with a job."""
    from callsheet.cli.saving import resume_line

    place = "" if job.host == context.settings.host else f" --host {job.host}"
    head = f"{context.prog}{place} "
    if context.ledger().is_unknown(job):
        return f"{head}tasks recover {job.ref[:8]} --task-id ID"
    if job.state in {"running", "done"} and job.task_ids:
        return head + resume_line(job.task_ids[0], job.target or "")
    return None


def _tell(context: Context, job: LedgerEntry) -> None:
    from time import time

    known = f" ({job.error})" if job.error else ""
    context.console.warn(
        f"{job.ref[:8]} {job.action} was sent {duration(time() - job.created)} ago and no "
        f"answer tells what became of it{known}; look for it at {job.host}"
    )


def _resend(context: Context, row: LedgerEntry) -> None:
    """Send a request again with its own key; the ledger refuses where that could cost again."""
    if row.body is None:
        raise UsageError("the body is not kept here, so it cannot be sent again")
    if not context.ledger().is_unknown(row):
        known = "it is being sent" if row.state == "intent" else row.state
        raise UsageError(f"what becomes of {row.ref[:8]} is known: {known}")
    action = context.run(context.host.find(row.action))
    context.console.warn(f"→ {row.host} {action.id} again, with the key {row.ref}")
    flow = context.engine.invoke(
        action, row.body.encode(), key=row.ref, check=False, target=row.target or ""
    )
    context.run(flow)
