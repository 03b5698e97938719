"""Run an action command: send, wait, save and print."""

from __future__ import annotations

import uuid
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from callsheet.cli import pricing
from callsheet.cli.input import prepare
from callsheet.cli.input.prepare import check_body, check_files
from callsheet.cli.input.request import (
    CommandRequest,
    build_request,
    local_files,
    member_of,
    role_of,
)
from callsheet.cli.output import formats as output
from callsheet.errors import (
    CallsheetError,
    Interrupted,
    SavedElsewhere,
    ServerError,
    StillRunning,
    TaskFailed,
    UsageError,
)
from callsheet.text import task_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import click

    from callsheet.cli.context import Context
    from callsheet.cli.input.options import Typed
    from callsheet.cli.output.progress import Progress
    from callsheet.engine.invoke import Invocation
    from callsheet.flows.effects import JobUpdate
    from callsheet.flows.invoke import ParsedReply
    from callsheet.flows.jobs import Job
    from callsheet.protocol.replies import ReplyFields
    from callsheet.spec import Action


def finish(context: Context, request: CommandRequest, outcome: Invocation) -> int:
    """Wait for the job of an answered request, save and print; return the exit code.

    A query and an action without a family are printed as they came, ``--no-wait`` the job alone.
    Raises ``StillRunning``, ``TaskFailed`` and the errors of waiting and saving.
    """
    action, reply = request.command_action, outcome.reply
    warn_evidence(context, reply.fields)
    if action.role == "query":
        return print_query(context, request, reply)
    family, task_ids = action.family, reply.fields.task_ids
    if family is None or not (task_ids or family.is_documented):
        return print_plain(context, request, outcome)
    if "no-wait" in context.flags:
        print_job(context, action, reply, None)
        if context.destination is not None and task_ids:
            context.console.note(f"save it later: {context.prog} {task_line('save', task_ids[0])}")
        return 0
    if request.blocking and reply.fields.state == "running":
        raise _still_running(request.action, reply)
    answer, job = follow(context, request, outcome)
    return conclude(context, action, answer, job)


def warn_evidence(context: Context, fields: ReplyFields) -> None:
    """Print with ``--debug`` why a reply is read as it is, on stderr."""
    for line in fields.why() if "debug" in context.flags else ():
        context.console.warn(f"?   {line}")


def follow(
    context: Context, request: CommandRequest, outcome: Invocation
) -> tuple[ParsedReply, Job | None]:
    """Wait for the job that a request started; return its last answer and the job.

    Without a job it is the answer itself and ``None``. A blocking request is not waited for: its
    answer is the last. Raises ``StillRunning`` where nothing asks about the job.
    """
    from callsheet.engine.jobs import require_job
    from callsheet.flows.jobs import ask_once

    job = context.run(require_job(context.engine, outcome))
    answer = context.run(ask_once(outcome.reply, job, context.engine.timing))
    if answer.fields.state in {"", "running"} and job is not None and not request.blocking:
        answer = wait(context, job, request.patience)
    return answer, job


@contextmanager
def _warning_evidence(
    context: Context, tell: Callable[[JobUpdate], object]
) -> Iterator[Callable[[JobUpdate], object]]:
    """Yield a ``tell`` for a wait; at its end, good or bad, print the last update's evidence."""
    last: list[JobUpdate] = []

    def remember(update: JobUpdate) -> None:
        last[:] = [update]
        tell(update)

    try:
        yield remember
    finally:
        for update in last:
            warn_evidence(context, update.fields)


def _still_running(action: Action, answer: ParsedReply) -> StillRunning:
    """Return the error for a blocking request that ended before its job."""
    task_id = answer.fields.task_ids[0] if answer.fields.task_ids else None
    return StillRunning(
        f"{action.id} stopped waiting; the job goes on",
        hint=task_line("wait", task_id) if task_id else "",
        task_id=task_id,
        action=action.id,
    )


def wait(context: Context, job: Job, seconds: float) -> ParsedReply:
    """Wait for a job with progress on stderr, for ``seconds`` and no longer than the command may.

    Raises ``Interrupted`` at Ctrl-C, which leaves the job alive, and the errors of waiting.
    """
    from callsheet.cli import server_actions
    from callsheet.cli.output.progress import Progress
    from callsheet.cli.saving import resume_line
    from callsheet.flows.polling import typical_duration

    task_id = job.task_ids[0]
    try:
        context.console.note(f"task {task_id}")
        server_actions.refresh_in_background(context)
        job = context.engine.with_history(job)
        limit = min(seconds, context.seconds_left())
        with (
            Progress(context.console, job.action, typical_duration(job.past)) as progress,
            _warning_evidence(context, progress) as tell,
        ):
            answer: ParsedReply = context.run(
                context.engine.wait(job, limit), tell, has_deadline=True
            )
    except StillRunning as stop:
        if stop.hint == task_line("wait", task_id):
            stop.hint = resume_line(context, task_id)
        raise
    except KeyboardInterrupt as stop:
        raise Interrupted(
            f"stopped waiting; the job goes on as {task_id}",
            hint=resume_line(context, task_id),
            task_id=task_id,
            action=job.action,
        ) from stop
    return answer


def conclude(context: Context, action: Action, answer: ParsedReply, job: Job | None) -> int:
    """Save what a finished job made, upload and show it as the flags ask, and print it.

    Return the exit code: not 0 where the file got another name than was asked for, or its upload
    failed: a file that is saved is printed all the same. Raises ``TaskFailed`` and the errors of
    saving.
    """
    from callsheet.cli import saving
    from callsheet.engine.invoke import require_done
    from callsheet.engine.saving import wants_json_file

    require_done(answer, action.id, _task_id(answer, job))
    if wants_json_file(action, answer, context.flags.get("out") or ""):
        return write_document(context, action, answer)
    trouble: CallsheetError | None = None
    stored = None
    try:
        saved = saving.save(context, answer, action, job)
    except SavedElsewhere as error:
        saved, trouble = error.files, error
    first = saved[0] if saved else None
    if first is not None and "upload" in context.flags:
        try:
            stored = prepare.upload(context, prepare.find_store(context), first.path)
        except CallsheetError as error:
            trouble = after_request(context, error)
    if context.flags.get("out") != "-":
        view = describe_job(context, action, answer, job, saved=first, stored=stored)
        view["files"] = [file._asdict() for file in saved]
        _print_saved(context, view, trouble)
    if first is not None and "open" in context.flags:
        saving.show(first.path)
    if not context.flags.get("out"):
        note_stored(context, answer)
    if not context.flags.get("out") and job is not None and answer.fields.media:
        line = saving.save_line(view["taskId"] or job.ref)
        context.console.note(f"save it: {context.prog} {line}")
    return 0 if trouble is None else trouble.exit_code


def after_request(context: Context, error: CallsheetError) -> CallsheetError:
    """Return ``error``; once a request was answered, one that says so in the place of some.

    A ``UsageError`` and a limit of what may be spent would mean that nothing was sent.
    """
    is_silent = isinstance(error, UsageError) or error.code == "budget"
    if context.answered is None or not is_silent:
        return error
    action, task_id = context.answered
    return CallsheetError(
        f"{action} was sent and answered, then: {error.message}",
        hint=task_line("wait", task_id) if task_id else "tasks list",
        code="after_request",
        flag=error.flag,
        task_id=task_id,
        action=action,
    )


def _print_saved(context: Context, view: dict[str, Any], trouble: CallsheetError | None) -> None:
    """Print the object of a job, and what went wrong after its file was whole."""
    if trouble is not None:
        view["error"] = trouble.as_json()
        context.console.warn(f"{context.prog}: {trouble.message}")
    output.emit(context.console, view, lambda: output.job_lines(view))


def _task_id(answer: ParsedReply, job: Job | None) -> str | None:
    """Return the id that the last answer is about, else the first that the server gave."""
    return next(iter(answer.fields.task_ids or (job.task_ids if job else ())), None)


def print_job(
    context: Context, action: Action, answer: ParsedReply, job: Job | None, **more: Any
) -> None:
    """Print the one object of a job."""
    view = describe_job(context, action, answer, job, **more)
    output.emit(context.console, view, lambda: output.job_lines(view))


def describe_job(
    context: Context, action: Action, answer: ParsedReply, job: Job | None, **more: Any
) -> dict[str, Any]:
    """Return the one object of a job; ``more`` holds what was saved and uploaded."""
    links = () if answer.http.file else context.engine.media_links(answer)
    media = action.media or (job.media if job else ())
    return output.job_object(
        output.JobView(
            answer=answer,
            links=links,
            task_id=_task_id(answer, job),
            medium=output.medium_of(media, action.id),
            **more,
        )
    )


def print_query(context: Context, request: CommandRequest, answer: ParsedReply) -> int:
    """Print how a job stands, and save what it made to ``--out``.

    Return the exit code: 6 where the job failed, else that of ``conclude``.
    """
    action, state = request.command_action, answer.fields.state
    if state == "failed":
        return print_failed(context, action, answer, None)
    if context.flags.get("out") or (state == "done" and answer.fields.media):
        return conclude(context, action, answer, _job_asked_about(context, answer))
    print_job(context, action, answer, None)
    return 0


def _job_asked_about(context: Context, answer: ParsedReply) -> Job | None:
    """Return the job that a query was about; ``None`` where the ledger has none of this host."""
    name = next(iter(answer.fields.task_ids), "")
    row = context.ledger().find(name, host=context.settings.host) if name else None
    if row is None or row.host != context.settings.host or not row.family:
        return None
    from callsheet.engine.jobs import find_job

    return context.run(find_job(context.engine, row.ref))


def print_failed(context: Context, action: Action, answer: ParsedReply, job: Job | None) -> int:
    """Print a failed job: its object with the error in it, and a line; return the exit code."""
    words = answer.fields.message or answer.fields.raw_state
    view = describe_job(context, action, answer, job)
    error = TaskFailed(f"the job failed on the server: {words}", task_id=view["taskId"])
    view["error"] = error.as_json()
    output.emit(context.console, view, lambda: output.job_lines(view))
    context.console.warn(f"{context.prog}: {error.message}")
    return error.exit_code


def print_plain(context: Context, request: CommandRequest, outcome: Invocation) -> int:
    """Print the answer of an action without a family, as it came; ``--out`` takes its medium.

    Where it started a job, ``--out`` waits for that.
    """
    from callsheet.engine.saving import wants_json_file

    action, answer = request.command_action, outcome.reply
    if not context.flags.get("out"):
        from callsheet.engine.jobs import started_job

        output.emit(context.console, answer.json)
        note_stored(context, answer)
        if job := context.run(started_job(context.engine, outcome)):
            line = task_line("wait", job.task_ids[0])
            context.console.note(f"it started a job: {context.prog} {line}")
        return 0
    if wants_json_file(action, answer, context.flags.get("out") or ""):
        return write_document(context, action, answer)
    return conclude(context, action, *follow(context, request, outcome))


def note_stored(context: Context, answer: ParsedReply) -> None:
    """Note where the medium lies that was the body of an answer and has no other name yet."""
    file = answer.http.file
    if file is not None and file.is_medium:
        context.console.note(f"the answer is a file ({file.media_type}), stored as {file.path}")
        if answer.ref:
            context.console.note(f"save it: {context.prog} tasks save {answer.ref[:8]} --out PATH")


def write_document(context: Context, action: Action, answer: ParsedReply) -> int:
    """Write a result that is JSON to ``--out``; print its path where a format was asked for.

    Return the exit code as ``conclude`` does.
    """
    from callsheet.engine import saving

    to = context.destination or context.flags.get("out") or ""
    try:
        force = "force" in context.flags
        flow = saving.write_document(answer.json, to, action=action.id, force=force)
        saved = context.run(flow)
    except SavedElsewhere as error:
        view = describe_job(context, action, answer, None, saved=error.files[0])
        _print_saved(context, view, error)
        return error.exit_code
    context.console.note(f"saved {saved.path}")
    if output.chosen_format(context.console):
        print_job(context, action, answer, None, saved=saved)
    return 0


def run_action(action: Action, ctx: click.Context, values: Sequence[Typed]) -> int:
    """Run one action with the fields that were typed; return the exit code.

    Raises any of ``callsheet.errors``; nothing was sent where it is a ``UsageError``.
    """
    context: Context = ctx.obj
    if "skeleton" in context.flags:
        from callsheet.cli import dry_run

        dry_run.print_skeleton(
            context, action, member_of(context, action, role_of(context, action))
        )
        return 0
    if context.drift is not None:
        from callsheet.cli import server_actions

        server_actions.note_changes(context, context.drift)
    output.check(context.console)
    request = build_request(context, action, values)
    if not values and "input" not in context.flags:
        request = prepare.ask_text(context, request)
    request = prepare.ask_missing(context, request)
    if wants_list(context):
        return print_list(context, request)
    outcome = check_and_send(context, request)
    return 0 if outcome is None else finish(context, request, outcome)


def wants_list(context: Context) -> bool:
    """Tell whether the entries of a list were asked for, instead of the answer."""
    return "all" in context.flags or "limit" in context.flags


def print_list(context: Context, request: CommandRequest) -> int:
    """Print the entries of all pages as one list, or of as many as ``--limit`` asks for.

    Return 1 where the list has more than could be read. Raises ``UsageError``, before anything is
    sent, for an action that may cost money.
    """
    from callsheet.engine.result_list import ResultList

    limit = _limit(context)
    if context.flags.get("out"):
        raise UsageError(
            "--out saves one result, and --all prints many", hint="drop --out", flag="--out"
        )
    body = request.body.value if isinstance(request.body.value, dict) else {}
    pages = ResultList(context.engine, request.action, body, limit)
    if "dry-run" not in context.flags:
        context.run(pages.require_free())
    outcome = check_and_send(context, request)
    if outcome is None:
        return 0
    entries: list[Any] = context.run(pages.take_first(outcome.reply))
    for number in count(2):
        if pages.is_over:
            break
        context.console.note(f"{len(entries)} entries; asking for page {number}")
        entries += context.run(pages.following())
    output.emit(context.console, entries)
    if pages.missing:
        context.console.warn(f"{context.prog}: {pages.missing}")
    return int(bool(pages.missing))


def _limit(context: Context) -> int | None:
    """Return the number of ``--limit``, ``None`` without it; raise ``UsageError`` for no number."""
    text = context.flags.get("limit")
    if text is None:
        return None
    if not text.isdecimal() or not int(text[:9]) > 0:
        raise UsageError(f"--limit: {text!r} is not a number of entries", flag="--limit")
    return int(text)


def check_and_send(context: Context, request: CommandRequest) -> Invocation | None:
    """Check files, body and ``--out``, upload local files, then send.

    With ``--dry-run`` print the request and return ``None``. Raises ``UsageError`` before anything
    is sent, and the errors of ``send``.
    """
    check_files(context, request)
    if "dry-run" in context.flags:
        check_body(context, request)
        from callsheet.cli import dry_run

        dry_run.dry_run(context, request)
        return None
    from callsheet.cli import saving

    saving.check(context, request.command_action)
    if "upload" in context.flags:
        prepare.find_store(context)
    if any(local_files(request.body.value)):
        from callsheet.engine.body_files import require_budget

        context.run(require_budget(context.engine, request.action, request.body.value))
    request = prepare.upload_files(context, request)
    check_body(context, request)
    return send(context, request)


def send(context: Context, request: CommandRequest) -> Invocation:
    """Make the one POST; an interruption from now on is reported by its reference.

    Set ``context.paid`` before it where it may cost, ``context.answered`` after it. Raises the
    errors of ``engine.invoke``; one of the server names the flags that it refused.
    """
    from callsheet.cli import saving

    action = context.run(context.engine.apply_terms(request.action))
    pricing.announce(context, action, request.body.value)
    ref = str(uuid.uuid4())
    context.paid = (action.id, ref) if action.paid else context.paid
    try:
        with ExitStack() as stack:
            flow = prepare.invocation(
                context,
                request._replace(action=action),
                key=ref,
                timeout=request.silence,
                target=saving.absolute_out(context),
                tell=partial(_show_update, context, action, stack, []),
            )
            outcome: Invocation = context.run(flow)
    except ServerError as error:
        from callsheet.cli import server_actions
        from callsheet.cli.input.prepare import name_refused_flags

        named = name_refused_flags(request.command_action, error)
        server_actions.explain_refusal(context, request.command_action, named)
        raise named from None
    context.answered = (action.id, next(iter(outcome.reply.fields.task_ids), None))
    return outcome


def _show_update(
    context: Context, action: Action, stack: ExitStack, screen: list[Progress], update: JobUpdate
) -> None:
    """Show an update that came within the reply itself; the first one starts the display."""
    if not screen:
        from callsheet.cli.output.progress import Progress

        screen.append(stack.enter_context(Progress(context.console, action.id)))
    screen[0](update)
