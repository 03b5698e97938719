"""``tasks``: the jobs that the ledger knows, and any job by its id."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from callsheet.cli import output, run, saving, view
from callsheet.cli.body import Body
from callsheet.cli.durations import milliseconds, spoken
from callsheet.cli.ownword import OUT, TIMEOUT, Word, Words, known_tasks
from callsheet.cli.request import Request
from callsheet.errors import OutcomeUnknown, UsageError

if TYPE_CHECKING:
    from callsheet.cli.session import Session
    from callsheet.flows import Answer, Job

_COLUMNS = ("ref", "state", "action", "taskId", "age", "file")


def _row(job: dict[str, Any], now: float) -> dict[str, Any]:
    return {
        "ref": job["ref"][:8],
        "state": job["state"],
        "action": job["action"],
        "taskId": (job["task_ids"] or [None])[0],
        "age": spoken(now - job["created"]),
        "file": job["files"][0]["path"] if job["files"] else None,
        "host": job["host"],
        "created": job["created"],
        "error": job["error"],
    }


def _list(session: Session, limit: int) -> None:
    """List the jobs that were started from here, newest first."""
    now = time.time()
    jobs = session.ledger().jobs(limit=limit)
    output.emit_list(session, [_row(job, now) for job in jobs], _COLUMNS)


def known(session: Session, name: str) -> Job:
    """The job of this task id or reference; raises ``UsageError`` where it is elsewhere."""
    row = session.ledger().find(name)
    if row is not None and row["host"] != session.settings.host:
        raise UsageError(
            f"that job is on {row['host']}, and this is {session.settings.host or 'no server'}",
            hint=f"add --host {row['host']}",
            flag="--host",
        )
    if row is not None and not row["task_ids"]:
        raise OutcomeUnknown(
            f"{row['action']} ({row['ref'][:8]}) is {row['state']}: no task id is known",
            hint=f"tasks recover {row['ref'][:8]}",
            action=row["action"],
        )
    job: Job = session.run(session.engine.known_job(name))
    return job


def _patience(session: Session, job: Job) -> float:
    said = session.flags.get("timeout")
    return (milliseconds(said) if said else job.family.timeout_ms) / 1000


def _show(session: Session, name: str) -> int:
    """Ask the server how a job stands and print it."""
    job = known(session, name)
    action = session.engine.action_of(job)
    answer: Answer = session.run(session.engine.ask(job))
    if answer.reading.state == "failed":
        return run.tell_failed(session, action, answer, job)
    shown = run.shown_job(session, action, answer, job)
    row = session.ledger().find(name)
    if row is not None and row["files"]:
        shown["localPath"], shown["files"] = row["files"][0]["path"], row["files"]
    output.emit(session, shown, lambda: view.job_lines(shown))
    return 0


def _wait(session: Session, name: str) -> None:
    """Wait for a job, then print it; with --out save what it made."""
    job = known(session, name)
    action = session.engine.action_of(job)
    saving.check(session, action)
    answer = run.wait(session, job, _patience(session, job))
    run.conclude(session, action, answer, job)


def _save(session: Session, name: str) -> None:
    """Save what a job made; waits where it is not over."""
    if not session.flags.get("out"):
        raise UsageError("--out is needed: where to save it", flag="--out")
    _wait(session, name)


def _forget(session: Session, name: str) -> None:
    """Drop a job from the list; its files and the job itself stay."""
    ledger = session.ledger()
    row = ledger.find(name)
    if row is None:
        raise UsageError(f"nothing here knows the job {name}", hint=f"{session.prog} tasks list")
    ledger.forget(row["ref"])
    session.note(f"{row['ref'][:8]} is forgotten")


def _cancel(session: Session, name: str) -> None:
    """Ask the server to stop a job, where it offers that."""
    job = known(session, name)
    raise UsageError(
        f"the server offers no action that cancels {job.action}",
        hint="stopping to wait leaves the job alive",
    )


def _rerun(session: Session, name: str) -> int:
    """Start the same job again, as a new one that may cost again."""
    row = session.ledger().find(name)
    if row is None or not row["body"]:
        raise UsageError(f"the body of {name} is not kept here", hint=f"{session.prog} tasks list")
    if row["host"] != session.settings.host:
        raise UsageError(f"that job ran on {row['host']}", hint=f"add --host {row['host']}")
    action = session.run(session.directory.find(row["action"]))
    saving.check(session, action)
    body = Body(None, row["body"].encode())
    seconds = (action.family.timeout_ms if action.family else 60_000) / 1000
    made = Request(action, action, body, seconds + 30 if action.role == "wait" else 60.0, seconds)
    return run.finish(session, made, run.send(session, made))


def _recover(session: Session, name: str | None) -> int:
    """Say what is known of jobs whose outcome is not."""
    jobs = [session.ledger().find(name)] if name else session.ledger().jobs(limit=1000)
    open_ones = [job for job in jobs if job and job["state"] in {"intent", "unknown"}]
    if name and jobs == [None]:
        raise UsageError(f"nothing here knows the job {name}", hint=f"{session.prog} tasks list")
    now = time.time()
    output.emit_list(session, [_row(job, now) for job in open_ones], _COLUMNS)
    for job in open_ones:
        session.warn(
            f"{job['ref'][:8]} {job['action']} was sent {spoken(now - job['created'])} ago and no "
            f"answer tells what became of it; look for it at {job['host']}"
        )
    return OutcomeUnknown.exit_code if open_ones else 0


def _named(name: str, function: Any, *ours: Any, data: bool = True, required: bool = True) -> Word:
    argument = click.Argument(
        ["name"], metavar="TASK", required=required, shell_complete=known_tasks
    )
    return Word(name, function, params=[argument], ours=ours, data=data)


_LIMIT = click.Option(["--limit"], type=click.IntRange(1), default=50, help="At most so many")

tasks = Words(
    "tasks",
    "The jobs that were started from here.",
    [
        Word("list", _list, params=[_LIMIT], data=False),
        _named("show", _show),
        _named("wait", _wait, OUT, TIMEOUT),
        _named("save", _save, OUT, TIMEOUT),
        _named("cancel", _cancel),
        _named("rerun", _rerun, OUT, TIMEOUT, ("no-wait", "", "Print the task id, do not wait")),
        _named("recover", _recover, data=False, required=False),
        _named("forget", _forget, data=False),
    ],
)
