"""Check --out before a call and fill it afterwards."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from callsheet.errors import (
    CallsheetError,
    Interrupted,
    OutOfTime,
    SavedElsewhere,
    StillRunning,
    UsageError,
)
from callsheet.text import did_you_mean, listing, shell_word, task_line

if TYPE_CHECKING:
    from callsheet.cli.context import Context
    from callsheet.flows.invoke import ParsedReply
    from callsheet.flows.jobs import Job
    from callsheet.spec import Action
    from callsheet.storage.partial_file import SavedFile


_STDOUT = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


def check(context: Context, action: Action) -> None:
    """Refuse an ``--out`` that could not be written, or that another process writes to.

    Claim the path in the ledger, and set ``context.destination`` and the flag to where it leads:
    later changes of the disk do not alter it. Raises ``UsageError``.
    """
    out, flags = context.flags.get("out"), context.flags
    needs_file = [name for name in ("manifest", "open", "upload") if name in flags]
    if "no-wait" in flags:
        _require_later_file(out, needs_file)
    if "open" in flags:
        _opener(out)
    if "upload" in flags and (not out or out in _STDOUT):
        raise UsageError("--upload stores the saved file: --out is needed too", flag="--upload")
    if not out:
        if "out" in flags:
            raise UsageError("--out: a path is needed", flag="--out")
        return
    if out in _STDOUT:
        flags["out"] = "-"
        return
    from callsheet.storage.output_path import check_out

    _check_template(out)
    to = check_out(out, action=action.id, force="force" in flags, manifest="manifest" in flags)
    needs_file += ["no-wait"] if "no-wait" in flags else []
    if to.is_stream and needs_file:
        raise UsageError(f"--{needs_file[0]} needs a file, and {out} is not one", flag="--out")
    flags["out"], context.destination = to.path, to
    path = "" if to.is_folder or "{task_id}" in to.path else absolute_out(context)
    if path and not context.ledger().claim(path):
        raise UsageError(
            f"another running process saves to {out}; nothing was sent",
            hint="choose another path",
            flag="--out",
        )


def _require_later_file(out: str | None, needs_file: list[str]) -> None:
    """Raise ``UsageError`` for what ``--no-wait`` cannot do, as there is no file before it ends."""
    if out in _STDOUT:
        raise UsageError("--no-wait leaves nothing to print", hint="name a file", flag="--out")
    if needs_file:
        flag = f"--{needs_file[0]}"
        raise UsageError(f"--no-wait leaves no file for {flag}", hint="drop one of them", flag=flag)


def _opener(out: str | None) -> str:
    """Return the program that shows a file; raises ``UsageError`` where there is none."""
    if out in {None, "", "-"}:
        raise UsageError("--open shows a saved file: --out is needed", flag="--open")
    opener = "open" if sys.platform == "darwin" else "xdg-open"
    from shutil import which

    if which(opener) is None:
        raise UsageError(f"--open: {opener} is not installed", flag="--open")
    return opener


def _check_template(out: str) -> None:
    """Raise ``UsageError`` for a placeholder in ``out`` that does not exist."""
    from callsheet.storage.output_path import PLACEHOLDERS

    words = listing(f"{{{word}}}" for word in PLACEHOLDERS)
    for word in re.findall(r"\{([A-Za-z_]+)\}", out):
        if word not in PLACEHOLDERS:
            raise UsageError(
                f"--out: there is no {{{word}}}",
                hint=did_you_mean(word, PLACEHOLDERS) or f"one of {words}",
                flag="--out",
            )


def save(
    context: Context, answer: ParsedReply, action: Action, job: Job | None
) -> tuple[SavedFile, ...]:
    """Fetch the media of an answer to ``--out``; nothing where that was not asked for.

    An interruption, and the end of the time of the command, leave what was fetched for the next
    try; raises ``StillRunning`` for the latter. Raises ``SavedElsewhere`` where the path was lost
    since it was checked.
    """
    out = context.flags.get("out")
    if not out:
        return ()
    if out == "-":
        _to_stdout(context, answer, action, job)
        return ()
    force, manifest = "force" in context.flags, "manifest" in context.flags
    to = context.destination or out
    flow = context.engine.save(
        answer, to, action=action.id, job=job, force=force, manifest=manifest
    )
    task_id = next(iter(answer.fields.task_ids), None)
    again = resume_line(context, task_id) if task_id else ""
    try:
        saved: tuple[SavedFile, ...] = context.run(flow)
    except (KeyboardInterrupt, OutOfTime) as stop:
        kind = StillRunning if isinstance(stop, OutOfTime) else Interrupted
        words = f"stopped while the result of {action.id} was fetched; it is still there"
        raise kind(words, hint=again, task_id=task_id, action=action.id) from stop
    except SavedElsewhere as error:
        _note_kinds(context, error.files)
        raise
    except CallsheetError as error:
        if task_id and isinstance(error.__cause__, OSError):  # the disk: that path will not do
            error.hint = f"{error.hint}: {save_line(task_id)}"
        error.hint = error.hint or again
        raise
    _note_kinds(context, saved)
    return saved


def _note_kinds(context: Context, saved: tuple[SavedFile, ...]) -> None:
    """Note where a name promises another container than the file holds; a stream holds nothing."""
    from callsheet.magic import HEAD, container_of
    from callsheet.storage.containers import expected_kind

    for file in saved:
        wanted = expected_kind(file.path)
        if not wanted or not os.path.isfile(file.path):
            continue
        with open(file.path, "rb") as opened:
            kind = container_of(opened.read(HEAD))
        if kind and wanted != kind:
            context.console.note(f"{file.path} holds {kind}, not {wanted}")


def save_line(task_id: str, out: str = "PATH") -> str:
    """Return the command line that saves what a job made; ``out`` is "" where a path waits."""
    return task_line("save", task_id, f"--out {out}" if out else "")


def resume_line(context: Context, task_id: str) -> str:
    """Return the command line that goes on with a job after this process.

    It saves where a path was given, and names that path unless it waits in the ledger.
    """
    out = context.flags.get("out")
    if not out:
        return task_line("wait", task_id)
    row = None
    with suppress(UsageError):  # a ledger that fails now must not hide the line
        row = context.ledger().find(task_id, host=context.settings.host)
    waits = row is not None and row.target and row.target == absolute_out(context)
    return save_line(task_id, "" if waits else shell_word(out))


def absolute_out(context: Context) -> str:
    """Return the absolute path of ``--out``, so that it holds in any folder.

    Return ``""`` where a later run could not save there: for no path and for a stream.
    """
    to = context.destination
    if to is None or to.is_stream:
        return ""
    folder, name = os.path.split(to.path)
    return os.path.join(os.path.realpath(folder), name)


def _to_stdout(context: Context, answer: ParsedReply, action: Action, job: Job | None) -> None:
    """Fetch the medium of an answer to a temporary file, and write it to stdout."""
    import tempfile
    from shutil import copyfileobj

    from callsheet.cli.output import formats as output

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "medium")
        context.run(context.engine.save(answer, path, action=action.id, job=job, recorded=False))
        with open(path, "rb") as file, output.open_stdout() as stream:
            copyfileobj(file, stream)


def show(path: str) -> None:
    """Open a saved file in the desktop's program for it; raise ``UsageError`` without one."""
    import subprocess

    opener = _opener(path)
    subprocess.Popen(  # noqa: S603 - a fixed program and a path that we have written
        [opener, os.path.abspath(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
