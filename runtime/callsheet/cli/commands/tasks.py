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
from callsheet.engine.recovery import Recovery
from callsheet.errors import OutcomeUnknown, UsageError
from callsheet.flows.invoke import deadline_of

if TYPE_CHECKING:
    from callsheet.cli.context import Context
    from callsheet.flows.invoke import ParsedReply
    from callsheet.flows.jobs import Job
    from callsheet.storage.ledger import LedgerEntry


def known(context: Context, name: str) -> Job:
    """The job of this task id or reference; raises ``UsageError`` where it is elsewhere."""
    row = context.ledger().find(name)
    if row is not None and row.host == context.settings.host and not row.task_ids:
        why = f": {row.error}" if row.error else ""
        raise OutcomeUnknown(
            f"{row.action} ({row.ref[:8]}) is {row.state}, no task id is known{why}",
            hint=f"tasks recover {row.ref[:8]}",
            action=row.action,
        )
    job: Job = context.run(context.engine.find_job(name))
    return job


def _patience(context: Context, job: Job) -> float:
    said = context.flags.get("timeout")
    return (parse_duration(said) if said else job.family.timeout_ms) / 1000


def _show(context: Context, name: str) -> int:
    """Ask the server how a job stands and print it; --command prints the line that made it."""
    if "command" in context.flags:
        return _command(context, name)
    job = known(context, name)
    action = context.engine.action_of(job)
    answer: ParsedReply = context.run(context.engine.query_job(job))
    if answer.fields.state == "failed":
        return run.tell_failed(context, action, answer, job)
    shown = run.shown_job(context, action, answer, job)
    row = context.ledger().find(name)
    if row is not None:
        shown |= task_list.ledger_fields(context, row)
    output.emit(context.console, shown, lambda: job_view.job_lines(shown))
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
        raise UsageError(f"the body of {name} is not kept here (its digest: {digest})")
    return row.body


def _wait(context: Context, name: str) -> None:
    """Wait for a job, then print it; with --out save what it made."""
    job = known(context, name)
    action = context.engine.action_of(job)
    saving.check(context, action)
    answer = run.wait(context, job, _patience(context, job))
    run.conclude(context, action, answer, job)


def _save(context: Context, name: str) -> None:
    """Save what a job made, where --out says or was said at first; waits for it if need be."""
    if not context.flags.get("out"):
        row = context.ledger().find(name)
        if row is None or not row.target:
            raise UsageError("--out is needed: where to save it", flag="--out")
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


def _cancel(context: Context, name: str) -> int:
    """Ask the server to stop a job, where it offers that; then print how the job stands."""
    from callsheet.engine.recovery import cancel

    job = known(context, name)
    context.run(cancel(context.engine, job))
    action = context.engine.action_of(job)
    answer: ParsedReply = context.run(context.engine.query_job(job))
    shown = run.shown_job(context, action, answer, job)
    output.emit(context.console, shown, lambda: job_view.job_lines(shown))
    return 0


def _rerun(context: Context, name: str) -> int:
    """Start the same job again, as a new one that may cost again; asks first unless --yes."""
    row = Recovery(context.engine).row(name)
    stored = _require_body(row, name)
    action = context.run(context.host.find(row.action))
    saving.check(context, action)
    _confirm(context, f"start {action.id} again on {row.host}? It may spend credits")
    body = Body(json.loads(stored), stored.encode())
    made = CommandRequest(action, action, body, deadline_of(action, body.value))
    return run.finish(context, made, send(context, made))


def _confirm(context: Context, question: str) -> None:
    """Ask on a terminal; raises ``UsageError`` where nobody can be asked or the answer is no."""
    import sys

    if "yes" in context.flags:
        return
    if "no-input" in context.flags or not (sys.stdin.isatty() and sys.stderr.isatty()):
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


_LIMIT = click.Option(["--limit"], type=click.IntRange(1), default=50, help="At most so many")
_MANIFEST = ("manifest", "", "Write PATH.json beside the file: where it came from")
_AGAIN = ("yes", "", "Do not ask"), ("no-wait", "", "Print the task id, do not wait")

tasks = BuiltinGroup(
    "tasks",
    "The jobs that were started from here.",
    [
        BuiltinCommand("list", task_list.list_jobs, params=[_LIMIT], emits_json=False),
        _named("show", _show, ("command", "", "Print the line that would do it again")),
        _named("wait", _wait, OUT, TIMEOUT, _MANIFEST),
        _named("save", _save, OUT, TIMEOUT, _MANIFEST),
        _named("cancel", _cancel),
        _named("rerun", _rerun, OUT, TIMEOUT, *_AGAIN),
        _named(
            "recover",
            recover,
            ("task-id", "ID", "The task id of TASK, known from elsewhere"),
            ("resend", "", "Send TASK again with its key, where the server honours it"),
            emits_json=False,
            required=False,
        ),
        _named("forget", _forget, emits_json=False),
    ],
)
