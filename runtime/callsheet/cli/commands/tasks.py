"""Show, list, await, save, cancel, rerun, recover and forget tasks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from callsheet.cli import completion, run, saving
from callsheet.cli.builtin import OUT, TIMEOUT, BuiltinCommand, BuiltinGroup
from callsheet.cli.commands import task_follow
from callsheet.cli.commands.task_list import LIST_OPTIONS, files_of, list_jobs, row, usual_duration
from callsheet.cli.commands.task_rerun import rerun, stored_body
from callsheet.cli.output import formats as output
from callsheet.cli.output.formats import duration
from callsheet.engine.jobs import find_job
from callsheet.engine.recovery import Recovery
from callsheet.errors import OutcomeUnknown, UsageError

if TYPE_CHECKING:
    from callsheet.cli.context import Context
    from callsheet.engine.invoke import Invocation
    from callsheet.flows.invoke import ParsedReply
    from callsheet.storage.kept_replies import Pruned
    from callsheet.storage.ledger_entry import LedgerEntry


RECOVERY_COLUMNS = ("ref", "state", "action", "taskId", "age", "next")


def ledger_fields(context: Context, job: LedgerEntry) -> dict[str, Any]:
    """Return what the ledger adds to the server's view: the files and the usual duration."""
    fields: dict[str, Any] = {}
    if job.files:
        fields = {"localPath": job.files[0].path, "files": files_of(job)}
    expected = usual_duration(context.ledger(), job)
    if expected is not None:
        fields["usualSeconds"] = round(expected, 1)
    return fields


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
    """Return the command line that goes on with a job; ``None`` where there is nothing to do."""
    host = "" if job.host == context.settings.host else f" --host {job.host}"
    head = f"{context.prog}{host} "
    if context.ledger().is_unknown(job):
        return f"{head}tasks recover {job.ref[:8]} --task-id ID"
    if job.state in {"running", "done"} and job.task_ids:
        return head + saving.save_line(job.task_ids[0], "" if job.target else "PATH")
    return None


def _warn_unknown(context: Context, job: LedgerEntry) -> None:
    """Warn that the outcome of a job is unknown, and where to look for it."""
    reason = f" ({job.error})" if job.error else ""
    age = duration(time.time() - job.created)
    context.console.warn(
        f"{job.ref[:8]} {job.action} was sent {age} ago and its outcome is unknown{reason}; "
        f"look for it at {job.host}"
    )


def _resend(context: Context, row: LedgerEntry) -> None:
    """Send a request again with its own key; the ledger refuses where it could cost again.

    Raises ``UsageError`` for a request without a stored body, or whose outcome is known.
    """
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
    context.paid = (action.id, row.ref)
    outcome: Invocation = context.run(flow)
    context.answered = (action.id, next(iter(outcome.reply.fields.task_ids), None))


def _find(context: Context, name: str) -> LedgerEntry | None:
    """Return the job of the ledger that ``name`` means, on the host in use first."""
    return context.ledger().resolve(name, host=context.settings.host)


def _show(context: Context, name: str) -> int:
    """Ask the server how a job stands and print it; --command prints the line that made it."""
    if "command" in context.flags:
        return _command(context, name)
    job = context.run(find_job(context.engine, name))
    action = context.engine.action_of(job)
    answer: ParsedReply = context.run(context.engine.query_job(job))
    if answer.fields.state == "failed":
        return run.print_failed(context, action, answer, job)
    view = run.describe_job(context, action, answer, job)
    row = _find(context, name)
    if row is not None:
        view |= ledger_fields(context, row)
    output.emit(context.console, view, lambda: output.job_lines(view))
    return 0


def _command(context: Context, name: str) -> int:
    """Print the command line that starts a job again; raise ``UsageError`` without its body."""
    from callsheet.cli import dry_run

    row = Recovery(context.engine).row(name)
    stored_body(row, name)
    action = context.run(context.host.find(row.action))
    output.write(dry_run.rerun_line(context, action, row) + "\n")
    return 0


def _forget(context: Context, name: str) -> None:
    """Drop a job from the list; its files and the job itself stay."""
    ledger = context.ledger()
    row = _find(context, name)
    if row is None:
        raise UsageError(f"no job {name} in this ledger", hint=f"{context.prog} tasks list")
    ledger.forget(row.ref)
    context.console.note(f"{row.ref[:8]} is forgotten")


def _prune(context: Context) -> None:
    """Remove stored replies above 200 MB, those of saved jobs first.

    A result that was not saved stays, unless --all removes it too.
    """
    ledger = context.ledger()
    pruned = ledger.prune_replies(all_results="all" in context.flags)
    output.emit(context.console, pruned._asdict(), lambda: _pruned_lines(pruned))
    if pruned.unsaved:
        context.console.note(
            f"results that were not saved stay: {pruned.unsaved} in {ledger.replies}"
        )


def _pruned_lines(pruned: Pruned) -> str:
    mega = 1_000_000
    return (
        f"removed   {pruned.removed} ({pruned.freed / mega:.1f} MB)\n"
        f"stored    {pruned.files} ({pruned.bytes / mega:.1f} MB)\n"
    )


def _cancel(context: Context, name: str) -> int:
    """Ask the server to stop a job, where it offers that; then print how the job stands."""
    from callsheet.engine.recovery import cancel

    job = context.run(find_job(context.engine, name))
    context.run(cancel(context.engine, job))
    action = context.engine.action_of(job)
    answer: ParsedReply = context.run(context.engine.query_job(job))
    run.print_job(context, action, answer, job)
    return 0


def _task_command(
    name: str,
    function: Any,
    *ours: Any,
    emits_json: bool = True,
    required: bool = True,
    several: bool = False,
) -> BuiltinCommand:
    """Make a command whose argument names a job, or ``several``."""
    argument = click.Argument(
        ["names" if several else "name"],
        metavar="TASK..." if several else "TASK",
        nargs=-1 if several else 1,
        required=required,
        shell_complete=completion.tasks,
    )
    return BuiltinCommand(name, function, params=[argument], ours=ours, emits_json=emits_json)


_MANIFEST = ("manifest", "", "Write PATH.json beside the file: where it came from")

tasks = BuiltinGroup(
    "tasks",
    "Show, wait for and save the jobs started from here.",
    [
        BuiltinCommand("list", list_jobs, params=LIST_OPTIONS, emits_json=False),
        _task_command(
            "show", _show, ("command", "", "Print the command line that starts it again")
        ),
        _task_command("wait", task_follow.wait, OUT, TIMEOUT, _MANIFEST, several=True),
        _task_command(
            *("save", task_follow.save, OUT, TIMEOUT, _MANIFEST),
            ("all", "", "Save every job that is done and was not saved"),
            several=True,
            required=False,
        ),
        _task_command("cancel", _cancel),
        rerun,
        _task_command(
            "recover",
            recover,
            ("task-id", "ID", "Record this task id for TASK"),
            ("resend", "", "Send TASK again with its key, if the server supports that"),
            emits_json=False,
            required=False,
        ),
        _task_command("forget", _forget, emits_json=False),
        BuiltinCommand("prune", _prune, ours=(("all", "", "Remove unsaved results too"),)),
    ],
)
