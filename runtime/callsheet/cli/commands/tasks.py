"""Show, await, save, cancel, rerun and forget tasks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from callsheet.cli import completion, dry_run, run, saving
from callsheet.cli.builtin import OUT, TIMEOUT, BuiltinCommand, BuiltinGroup
from callsheet.cli.commands import task_list
from callsheet.cli.commands.task_list import recover
from callsheet.cli.input.body import Body
from callsheet.cli.input.request import CommandRequest, parse_duration
from callsheet.cli.output import formats as output
from callsheet.cli.output import job_view
from callsheet.cli.run import send
from callsheet.engine import jobs
from callsheet.engine.recovery import Recovery
from callsheet.engine.saving import stored_answer
from callsheet.errors import OutcomeUnknown, UsageError
from callsheet.flows.invoke import deadline_of
from callsheet.spec import Action

if TYPE_CHECKING:
    from callsheet.cli.context import Context
    from callsheet.flows.invoke import ParsedReply
    from callsheet.flows.jobs import Job
    from callsheet.storage.kept_replies import Pruned
    from callsheet.storage.ledger import LedgerEntry


def find_job(context: Context, name: str) -> Job:
    """Return the job of this task id or reference; raises ``UsageError`` for an unknown one."""
    row = context.ledger().find(name)
    if row is not None and row.host == context.settings.host and not row.task_ids:
        reason = f": {row.error}" if row.error else ""
        raise OutcomeUnknown(
            f"{row.action} ({row.ref[:8]}) is {row.state}, no task id is known{reason}",
            hint=f"tasks recover {row.ref[:8]}",
            action=row.action,
        )
    return context.run(jobs.find_job(context.engine, name))


def _deadline(context: Context, job: Job) -> float:
    """Return the seconds that the wait may take."""
    timeout = context.flags.get("timeout")
    return (parse_duration(timeout) if timeout else job.family.timeout_ms) / 1000


def _show(context: Context, name: str) -> int:
    """Ask the server how a job stands and print it; --command prints the line that made it."""
    if "command" in context.flags:
        return _command(context, name)
    job = find_job(context, name)
    action = context.engine.action_of(job)
    answer: ParsedReply = context.run(context.engine.query_job(job))
    if answer.fields.state == "failed":
        return run.print_failed(context, action, answer, job)
    view = run.describe_job(context, action, answer, job)
    row = context.ledger().find(name)
    if row is not None:
        view |= task_list.ledger_fields(context, row)
    output.emit(context.console, view, lambda: job_view.job_lines(view))
    return 0


def _command(context: Context, name: str) -> int:
    row = Recovery(context.engine).row(name)
    _require_body(row, name)
    action = context.run(context.host.find(row.action))
    output.write(dry_run.line(context, action, row) + "\n")
    return 0


def _require_body(row: LedgerEntry, name: str) -> str:
    if row.body is None:
        digest = (row.body_digest or "")[:16]
        raise UsageError(f"the body of {name} is not in the ledger (its digest: {digest})")
    return row.body


def _wait(context: Context, name: str) -> None:
    """Wait for a job, then print it; with --out save what it made."""
    row = context.ledger().find(name)
    stored = stored_answer(context.ledger(), row) if row is not None else None
    if row is not None and stored is not None:
        action = Action(id=row.action, media=tuple(row.media or ()))
        saving.check(context, action)
        run.conclude(context, action, stored, None)
        return
    job = find_job(context, name)
    action = context.engine.action_of(job)
    saving.check(context, action)
    answer = run.wait(context, job, _deadline(context, job))
    run.conclude(context, action, answer, job)


def _save(context: Context, name: str) -> None:
    """Save what a job made to --out, now or as first given; wait for the job if need be."""
    if not context.flags.get("out"):
        row = context.ledger().find(name)
        if row is None or not row.target:
            raise UsageError("--out PATH is needed", flag="--out")
        context.flags["out"] = row.target
    _wait(context, name)


def _forget(context: Context, name: str) -> None:
    """Drop a job from the list; its files and the job itself stay."""
    ledger = context.ledger()
    row = ledger.find(name)
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

    job = find_job(context, name)
    context.run(cancel(context.engine, job))
    action = context.engine.action_of(job)
    answer: ParsedReply = context.run(context.engine.query_job(job))
    view = run.describe_job(context, action, answer, job)
    output.emit(context.console, view, lambda: job_view.job_lines(view))
    return 0


def _rerun(context: Context, name: str) -> int:
    """Start the same job again, as a new one that may cost again; ask first unless --yes."""
    row = Recovery(context.engine).row(name)
    stored = _require_body(row, name)
    action = context.run(context.host.find(row.action))
    saving.check(context, action)
    _confirm(context, f"start {action.id} again on {row.host}? It may spend credits")
    body = Body(json.loads(stored), stored.encode())
    request = CommandRequest(action, action, body, deadline_of(action, body.value))
    return run.finish(context, request, send(context, request))


def _confirm(context: Context, question: str) -> None:
    """Ask on a terminal; raises ``UsageError`` where nobody can be asked or the answer is no."""
    if "yes" in context.flags:
        return
    if not context.console.can_ask():
        raise UsageError("it may cost again, and nobody can be asked", hint="add --yes")
    if not click.confirm(f"{context.prog}: {question}", err=True):
        raise UsageError("nothing was sent")


def _named(
    name: str, function: Any, *ours: Any, emits_json: bool = True, required: bool = True
) -> BuiltinCommand:
    argument = click.Argument(
        ["name"], metavar="TASK", required=required, shell_complete=completion.tasks
    )
    return BuiltinCommand(name, function, params=[argument], ours=ours, emits_json=emits_json)


_LIMIT = click.Option(
    ["--limit"], type=click.IntRange(1), default=50, help="Print at most this many"
)
_MANIFEST = ("manifest", "", "Write PATH.json beside the file: where it came from")
_AGAIN = ("yes", "", "Do not ask"), ("no-wait", "", "Print the task id, do not wait")

tasks = BuiltinGroup(
    "tasks",
    "Show, wait for and save the jobs started from here.",
    [
        BuiltinCommand("list", task_list.list_jobs, params=[_LIMIT], emits_json=False),
        _named("show", _show, ("command", "", "Print the command line that starts it again")),
        _named("wait", _wait, OUT, TIMEOUT, _MANIFEST),
        _named("save", _save, OUT, TIMEOUT, _MANIFEST),
        _named("cancel", _cancel),
        _named("rerun", _rerun, OUT, TIMEOUT, *_AGAIN),
        _named(
            "recover",
            recover,
            ("task-id", "ID", "Record this task id for TASK"),
            ("resend", "", "Send TASK again with its key, if the server supports that"),
            emits_json=False,
            required=False,
        ),
        _named("forget", _forget, emits_json=False),
        BuiltinCommand("prune", _prune, ours=(("all", "", "Remove unsaved results too"),)),
    ],
)
