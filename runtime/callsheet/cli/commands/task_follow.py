"""Wait for jobs and save what they made: one, several together, or all that are done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.cli import run, saving
from callsheet.cli.context import parse_duration
from callsheet.cli.output import formats as output
from callsheet.cli.output.progress import Progress
from callsheet.engine.invoke import require_done
from callsheet.engine.jobs import find_job, refresh_running, wait_for_all
from callsheet.engine.saving import stored_answer, wants_json_file, write_document
from callsheet.errors import CallsheetError, Interrupted, SavedElsewhere, StillRunning, UsageError
from callsheet.flows.jobs import Job
from callsheet.spec import Action
from callsheet.storage.ledger_search import JobFilter
from callsheet.text import shell_word

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from callsheet.cli.context import Context
    from callsheet.flows.effects import JobUpdate
    from callsheet.flows.invoke import ParsedReply
    from callsheet.storage.ledger_entry import LedgerEntry
    from callsheet.storage.partial_file import SavedFile


WORST_FIRST = (5, 6, 3, 7, 1, 2, 4, 0)
"""Exit codes of several jobs: the first of these that one of them ends with is that of all."""
_MOST_ASKED, _SECONDS_ASKED = 100, 60.0


class Followed(NamedTuple):
    """A job to be waited for, or the reply of a finished call that was the medium itself.

    ``row`` is its row in the ledger, where there is one, ``out`` the path that waits there.
    """

    name: str
    row: LedgerEntry | None
    work: Job | ParsedReply
    action: Action
    out: str = ""


def wait(context: Context, names: Sequence[str]) -> int:
    """Wait for jobs, then print them; save what they made to --out or the path that waits for it.

    Several are waited for together and printed as a list; the exit code is that of the worst:
    5, 6, 3, 7, 1, 2, 4, 0 in this order.
    """
    if len(names) == 1:
        return _follow_one(context, names[0], must_save=False)
    _require_folder(context, names)
    return _follow_all(context, _find_all(context, names), context.flags.get("out", ""))


def save(context: Context, names: Sequence[str]) -> int:
    """Save what jobs made to --out, now or as first given; wait for them if need be.

    With --all every job that is done and was not saved, in --out DIR/ those without a path of
    their own.
    """
    if "all" in context.flags:
        if names:
            raise UsageError("--all saves every job: name none", flag="--all")
        _require_folder(context, ("--all",))
        return _follow_all(context, _unsaved(context, context.flags.get("out", "")), "")
    if len(names) == 1:
        return _follow_one(context, names[0], must_save=True)
    if not names:
        raise UsageError("TASK is needed", hint=f"{context.prog} tasks save --all --out DIR/")
    _require_folder(context, names)
    folder = context.flags.get("out", "")
    jobs = _find_all(context, names)
    for job in jobs if not folder else ():
        if not job.out:
            raise UsageError(
                f"no path is stored for {job.name}: --out DIR/ is needed", flag="--out"
            )
    return _follow_all(context, jobs, folder)


def _find(context: Context, name: str) -> Followed:
    """Return the job of this name; raise as ``engine.jobs.find_job`` does."""
    ledger = context.ledger()
    row = ledger.resolve(name, host=context.settings.host)
    out = row.target or "" if row is not None and row.state != "saved" else ""
    answer = stored_answer(ledger, row) if row is not None else None
    if row is not None and answer is not None:
        action = Action(id=row.action, media=tuple(row.media or ()))
        return Followed(name, row, answer, action, out)
    job = context.run(find_job(context.engine, name))
    return Followed(name, row, job, context.engine.action_of(job), out)


def _find_all(context: Context, names: Sequence[str]) -> list[Followed]:
    """Return the jobs of these names, each once."""
    jobs = [_find(context, name) for name in names]
    return list({job.row.ref if job.row else job.name: job for job in jobs}.values())


def _follow_one(context: Context, name: str, *, must_save: bool) -> int:
    """Wait for a job, save it where a path was given now or before, and print it."""
    if must_save and not context.flags.get("out"):
        row = context.ledger().resolve(name, host=context.settings.host)
        if row is None or not row.target:
            raise UsageError("--out PATH is needed", flag="--out")
        context.flags["out"] = row.target
    followed = _find(context, name)
    work, action = followed.work, followed.action
    _check_path(context, followed)
    if isinstance(work, Job):
        answer = run.wait(context, work, _patience(context, work))
        return run.conclude(context, action, answer, work)
    return run.conclude(context, action, work, None)


def _check_path(context: Context, followed: Followed) -> None:
    """Check ``--out``, else the path that waits; go on without that where it cannot be had now."""
    is_typed = bool(context.flags.get("out"))
    if followed.out and not is_typed:
        context.flags["out"] = followed.out
    try:
        saving.check(context, followed.action)
    except UsageError as error:
        if is_typed or not followed.out:
            raise
        context.console.note(f"it is not saved: {error.message}")
        del context.flags["out"]
        context.destination = None


def _patience(context: Context, *jobs: Job) -> float:
    """Return the seconds of ``--timeout``, else the longest that one of the jobs may take."""
    timeout = context.flags.get("timeout")
    limits = [parse_duration(timeout)] if timeout else [job.family.timeout_ms for job in jobs]
    return min(max(limits, default=0) / 1000, context.seconds_left())


def _require_folder(context: Context, names: Sequence[str]) -> None:
    """Raise ``UsageError`` for an ``--out`` that has no name for each of several files."""
    import os

    out = context.flags.get("out", "")
    if out and os.path.isdir(out) and not out.endswith("/"):
        context.flags["out"] = out = f"{out}/"
    if out and not _has_name_for_each(out):
        raise UsageError(
            f"--out: {out} is one file, and {' '.join(names[:3])} may be several",
            hint="name a folder/, or a path with {task_id} in it",
            flag="--out",
        )
    for name in ("open", "upload"):
        if name in context.flags:
            raise UsageError(f"--{name} takes one job", flag=f"--{name}")


def _has_name_for_each(out: str) -> bool:
    """Tell whether a folder or template gives each of several jobs a name of its own."""
    return out.endswith("/") or "{task_id}" in out


def _unsaved(context: Context, folder: str) -> list[Followed]:
    """Return the jobs of this host that are done and not saved, with the path of each.

    Those that still run are asked about first. What has no path is noted and left out.
    """
    ledger, host = context.ledger(), context.settings.require_host()
    running = ledger.jobs(limit=_MOST_ASKED, only=JobFilter(state="running", host=host))
    if reason := context.run(refresh_running(context.engine, running, _SECONDS_ASKED)):
        context.console.note(f"not every running job was asked about: {reason}")
    jobs: list[Followed] = []
    pathless = 0
    for row in ledger.jobs(limit=-1, only=JobFilter(state="done", host=host)):
        if not (row.family or stored_answer(ledger, row)):
            continue
        followed = _find(context, row.ref)
        out = followed.out or folder
        pathless += not out
        jobs += [followed._replace(out=out)] if out else []
    if pathless:
        context.console.warn(f"{pathless} done, but without a path: add --out DIR/")
    return jobs


def _follow_all(context: Context, jobs: Sequence[Followed], out: str) -> int:
    """Wait for jobs together, save each and print the list; return the worst exit code.

    ``out`` goes before the path of a job.
    """
    replies = iter(_wait_together(context, [j.work for j in jobs if isinstance(j.work, Job)]))
    typed, going_on = context.flags.get("out", ""), []
    views, codes = [], [0]
    written: set[str] = set()
    for followed in jobs:
        answer = next(replies) if isinstance(followed.work, Job) else followed.work
        to = out or followed.out
        if to in written and "force" in context.flags:
            answer = UsageError(
                f"{to} has the result of another of these jobs by now", hint="name another --out"
            )
        view, code = _settle(context, followed, answer, to)
        written |= {to} if view["files"] and not _has_name_for_each(to) else set()
        views.append(view)
        codes.append(code)
        if code == StillRunning.exit_code and isinstance(followed.work, Job):
            going_on.append(followed.work)
    output.emit(context.console, views, lambda: "\n".join(map(output.job_lines, views)))
    if going_on:
        context.flags["out"] = typed
        context.console.warn(f"  {context.prog} {_line_for(context, going_on)}")
    return next(code for code in WORST_FIRST if code in codes)


def _wait_together(context: Context, jobs: list[Job]) -> list[ParsedReply | CallsheetError]:
    """Wait for all of the jobs; raise ``Interrupted`` at Ctrl-C, which leaves them alive."""
    if not jobs:
        return []
    flow = wait_for_all(context.engine, jobs, _patience(context, *jobs))
    try:
        with Progress(context.console, f"{len(jobs)} jobs") as moving:
            tell = _tell_each(context, jobs, moving)
            replies: list[ParsedReply | CallsheetError] = context.run(flow, tell, has_deadline=True)
    except KeyboardInterrupt as stop:
        line = _line_for(context, jobs)
        raise Interrupted(f"stopped waiting; {len(jobs)} jobs go on", hint=line) from stop
    return replies


def _line_for(context: Context, jobs: Sequence[Job]) -> str:
    """Return the command line that goes on with these jobs; a path that waits is not repeated."""
    out = context.flags.get("out")
    words = ["tasks wait", *(["--out", shell_word(out)] if out else []), "--"]
    names = [job.task_ids[0] for job in jobs]
    if not any(name.startswith("-") for name in names):
        words.remove("--")
    return " ".join([*words, *map(shell_word, names)])


def _tell_each(
    context: Context, jobs: Sequence[Job], moving: Progress
) -> Callable[[JobUpdate], object]:
    """Return what shows an update: the moving line of a terminal, else a line a change of a job."""
    titles = {job.task_ids[0]: f"{job.action} {job.task_ids[0][:8]}" for job in jobs}
    lines = {task_id: Progress(context.console, title) for task_id, title in titles.items()}
    over: set[str] = set()

    def tell(update: JobUpdate) -> None:
        if update.state != "running":
            over.add(update.task_id)
        if moving.moves:
            moving.title = f"{len(over)} of {len(jobs)} over; {titles[update.task_id]}"
            moving(update)
        else:
            lines[update.task_id](update)

    return tell


def _settle(
    context: Context, followed: Followed, answer: ParsedReply | CallsheetError, out: str
) -> tuple[dict[str, Any], int]:
    """Save one of several jobs; return its object, with ``error`` in it, and its exit code."""
    action = followed.action
    job = followed.work if isinstance(followed.work, Job) else None
    trouble: CallsheetError | None = None
    saved: Sequence[SavedFile] = ()
    if isinstance(answer, CallsheetError):
        trouble = answer
        task_id = job.task_ids[0] if job is not None else None
        view: dict[str, Any] = {"taskId": task_id, "status": None}
    else:
        try:
            require_done(answer, action.id, next(iter(answer.fields.task_ids), None))
            saved = _save_to(context, followed, answer, out) if out else ()
        except SavedElsewhere as error:
            saved, trouble = error.files, error
        except CallsheetError as error:
            trouble = error
        view = run.describe_job(context, action, answer, job, saved=saved[0] if saved else None)
    view["files"] = [file._asdict() for file in saved]
    if trouble is not None:
        view["error"] = trouble.as_json()
        context.console.warn(f"{context.prog}: {followed.name}: {trouble.message}")
    return view, trouble.exit_code if trouble is not None else 0


def _save_to(
    context: Context, followed: Followed, answer: ParsedReply, out: str
) -> Sequence[SavedFile]:
    """Save a finished job to ``out``: its media, or a result that is JSON; record the latter."""
    action = followed.action
    context.flags["out"] = out
    saving.check(context, action)
    if not wants_json_file(action, answer, out):
        job = followed.work if isinstance(followed.work, Job) else None
        return saving.save(context, answer, action, job)
    to = context.destination or out
    flow = write_document(answer.json, to, action=action.id, force="force" in context.flags)
    saved = (context.run(flow),)
    if followed.row is not None:
        context.ledger().saved(followed.row.ref, saved)
    return saved
