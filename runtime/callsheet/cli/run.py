"""Run an action command and conclude it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from callsheet.cli.input import uploads
from callsheet.cli.input.request import CommandRequest, check_files, judge, member, request, role_of
from callsheet.cli.output import formats as output
from callsheet.errors import Interrupted, ServerError, StillRunning, TaskFailed
from callsheet.text import shell_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    import click

    from callsheet.cli.input.options import Typed
    from callsheet.cli.session import Session
    from callsheet.engine.invoke import Invocation
    from callsheet.flows.invoke import ParsedReply
    from callsheet.flows.jobs import Job
    from callsheet.spec import Action


def finish(session: Session, made: CommandRequest, outcome: Invocation) -> int:
    """Wait where that is wanted, save, print; returns the exit code."""
    from callsheet.flows.jobs import fetch_missing_media

    if made.asked.role == "query":
        return tell_query(session, made, outcome.reply)
    if made.asked.family is None:
        return tell_plain(session, made.asked, outcome.reply)
    job = session.engine.job_of(outcome)
    if "no-wait" in session.flags:
        print_job(session, made.asked, outcome.reply, job)
        return 0
    answer = outcome.reply
    if made.blocking and answer.fields.state == "running":
        raise _still_running(made.action, answer)
    answer = session.run(fetch_missing_media(answer, job, session.engine.timing))
    if answer.fields.state in {"", "running"} and job is not None and not made.blocking:
        answer = wait(session, job, made.patience)
    conclude(session, made.asked, answer, job)
    return 0


def _still_running(action: Action, answer: ParsedReply) -> StillRunning:
    task_id = answer.fields.task_ids[0] if answer.fields.task_ids else None
    return StillRunning(
        f"{action.id} stopped waiting; the job goes on",
        hint=f"tasks wait {shell_word(task_id)}" if task_id else "",
        task_id=task_id,
        action=action.id,
    )


def wait(session: Session, job: Job, seconds: float) -> ParsedReply:
    """Wait for a job with progress on stderr; an interruption leaves it alive."""
    from callsheet.cli import drift_notice
    from callsheet.cli.output.progress import Progress
    from callsheet.flows.jobs import typical_duration

    try:
        session.note(f"task {job.task_ids[0]}")
        drift_notice.refresh_aside(session)
        job = session.engine.with_history(job)
        with Progress(session, job.action, typical_duration(job.past)) as progress:
            answer: ParsedReply = session.run(session.engine.wait(job, seconds), progress)
    except KeyboardInterrupt as stop:
        raise Interrupted(
            f"stopped waiting; the job goes on as {job.task_ids[0]}",
            hint=f"tasks wait {shell_word(job.task_ids[0])}",
            task_id=job.task_ids[0],
            action=job.action,
        ) from stop
    return answer


def conclude(session: Session, action: Action, answer: ParsedReply, job: Job | None) -> None:
    """A job is over: save what it made and print it; raises ``TaskFailed``."""
    from callsheet.cli.output import job_view, saving
    from callsheet.engine.invoke import require_done

    require_done(answer, action.id, _task_id(answer, job))
    if saving.is_document(session, action, answer):
        write_document(session, action, answer)
        return
    saved = saving.save(session, answer, action, job)
    first = saved[0] if saved else None
    stored = uploads.store(session, first) if "upload" in session.flags else None
    if session.flags.get("out") != "-":
        shown = shown_job(session, action, answer, job, saved=first, stored=stored)
        shown["files"] = [file._asdict() for file in saved]
        output.emit(session, shown, lambda: job_view.job_lines(shown))
    if first is not None and "open" in session.flags:
        saving.show(first.path)
    if not session.flags.get("out") and job is not None and answer.fields.media:
        line = saving.resume_line(shown["taskId"] or job.ref)
        session.note(f"save it: {session.prog} {line}")


def _task_id(answer: ParsedReply, job: Job | None) -> str | None:
    """The id that the last answer is about, else the first that the server gave."""
    return next(iter(answer.fields.task_ids or (job.task_ids if job else ())), None)


def print_job(
    session: Session, action: Action, answer: ParsedReply, job: Job | None, **more: Any
) -> None:
    """Print the one object of a job."""
    from callsheet.cli.output import job_view

    shown = shown_job(session, action, answer, job, **more)
    output.emit(session, shown, lambda: job_view.job_lines(shown))


def shown_job(
    session: Session, action: Action, answer: ParsedReply, job: Job | None, **more: Any
) -> dict[str, Any]:
    """The one object of a job; ``more`` holds what was saved and stored."""
    from callsheet.cli.output import job_view

    links = session.engine.media_links(answer)
    media = action.media or (job.media if job else ())
    return job_view.job_object(
        job_view.JobView(
            answer=answer,
            links=links,
            task_id=_task_id(answer, job),
            medium=job_view.medium_of(media, action.id),
            **more,
        )
    )


def tell_query(session: Session, made: CommandRequest, answer: ParsedReply) -> int:
    """Print how a job stands; 6 where it failed."""
    action, state = made.asked, answer.fields.state
    if state == "failed":
        return tell_failed(session, action, answer, None)
    if session.flags.get("out") or (state == "done" and answer.fields.media):
        conclude(session, action, answer, _known(session, answer))
        return 0
    print_job(session, action, answer, None)
    return 0


def _known(session: Session, answer: ParsedReply) -> Job | None:
    """The job that a query was about, where it was started from here."""
    name = next(iter(answer.fields.task_ids), "")
    row = session.ledger().find(name) if name else None
    if row is None or row.host != session.settings.host or not row.family:
        return None
    job: Job = session.run(session.engine.find_job(row.ref))
    return job


def tell_failed(session: Session, action: Action, answer: ParsedReply, job: Job | None) -> int:
    """Print a failed job: its object with the error in it, and the line."""
    from callsheet.cli.output import job_view

    words = answer.fields.message or answer.fields.raw_state
    shown = shown_job(session, action, answer, job)
    error = TaskFailed(f"the job failed on the server: {words}", task_id=shown["taskId"])
    shown["error"] = error.as_json()
    output.emit(session, shown, lambda: job_view.job_lines(shown))
    session.warn(f"{session.prog}: {error.message}")
    return error.exit_code


def tell_plain(session: Session, action: Action, answer: ParsedReply) -> int:
    """Print the answer of an action that is no job, as it came; ``--out`` takes its medium."""
    from callsheet.cli.output import saving

    if not session.flags.get("out"):
        output.emit(session, answer.json)
    elif saving.is_document(session, action, answer):
        write_document(session, action, answer)
    else:
        conclude(session, action, answer, None)
    return 0


def write_document(session: Session, action: Action, answer: ParsedReply) -> None:
    """Write a result that is JSON to ``--out``."""
    from callsheet.cli.output import saving

    session.note(f"saved {saving.write_document(session, answer.json, action)}")


def run_action(action: Action, ctx: click.Context, values: Sequence[Typed]) -> int:
    """Run one action with the fields that were typed; returns the exit code.

    Raises any of ``callsheet.errors``; nothing was sent where it is a ``UsageError``.
    """
    session: Session = ctx.obj
    if "skeleton" in session.flags:
        from callsheet.cli import dry_run

        dry_run.skeleton(session, action, member(session, action, role_of(session, action)))
        return 0
    if session.drift is not None:
        from callsheet.cli import drift_notice

        drift_notice.tell(session, session.drift)
    output.check(session)
    made = request(session, action, values)
    check_files(session, made)
    if "dry-run" in session.flags:
        if not uploads.pending(made.body):
            judge(session, made)
        from callsheet.cli import dry_run

        dry_run.dry_run(session, made)
        return 0
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
    if session.host.is_sandbox():
        session.note(f"→ sandbox {host} {action.id} (free)")
    else:
        session.note(f"→ {host} {action.id} (may spend credits)")


def send(session: Session, made: CommandRequest) -> Invocation:
    """Make the one POST; whatever interrupts the run from now on is told by its reference."""
    from callsheet.cli.output import saving
    from callsheet.transport.http import require_key

    action = session.run(session.host.on_terms_of_host(made.action))
    if action.paid:
        require_key(session.settings)
    announce(session, action)
    ref = str(uuid.uuid4())
    session.paid = (action.id, ref) if action.paid else session.paid
    data = made.body.encoded()
    flow = session.engine.invoke(
        action, data, key=ref, timeout=made.silence, check=False, target=saving.meant(session)
    )
    try:
        outcome: Invocation = session.run(flow)
    except ServerError as error:
        from callsheet.cli import drift_notice
        from callsheet.cli.input.request import by_server

        named = by_server(made.asked, error)
        drift_notice.after_refusal(session, made.asked, named)
        raise named from None
    return outcome
