"""Check --out before a call and fill it afterwards."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from callsheet.errors import CallsheetError, Interrupted, UsageError
from callsheet.storage.output_path import WORDS, check_target, target_path
from callsheet.text import did_you_mean, listing, shell_word

if TYPE_CHECKING:
    from callsheet.cli.context import Context
    from callsheet.flows.invoke import ParsedReply
    from callsheet.flows.jobs import Job
    from callsheet.spec import Action
    from callsheet.storage.partial_file import SavedFile


_LATE = r"\{(task_id|index|ext)\}"


def check(context: Context, action: Action) -> None:
    """Refuse an ``--out`` that could not be written; raises ``UsageError``."""
    out = context.flags.get("out")
    if "open" in context.flags:
        _opener(out)
    if not out:
        if "out" in context.flags:
            raise UsageError("--out: a path is needed", flag="--out")
        return
    if out == "-":
        return
    _check_template(out)
    target = target_path(out, action=action.id, task_id="task")
    unknown_yet = out != target and (
        re.search(_LATE, out) or os.path.isdir(out) or out.endswith("/")
    )
    if (
        unknown_yet
    ):  # the name holds what only the answer tells: the folder is all there is to check
        check_target(os.path.join(os.path.dirname(target), ".callsheet-check"), force=True)
    else:
        check_target(target, force="force" in context.flags)


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
    words = listing(f"{{{word}}}" for word in WORDS)
    for word in re.findall(r"\{([A-Za-z_]+)\}", out):
        if word not in WORDS:
            raise UsageError(
                f"--out: there is no {{{word}}}",
                hint=did_you_mean(word, WORDS) or f"one of {words}",
                flag="--out",
            )


def save(
    context: Context, answer: ParsedReply, action: Action, job: Job | None
) -> tuple[SavedFile, ...]:
    """Fetch the media of an answer to ``--out``; nothing where that was not asked for.

    An interruption leaves what was fetched for the next try.
    """
    out = context.flags.get("out")
    if not out:
        return ()
    if out == "-":
        _to_stdout(context, answer, action, job)
        return ()
    force, manifest = "force" in context.flags, "manifest" in context.flags
    flow = context.engine.save(
        answer, out, action=action.id, job=job, force=force, manifest=manifest
    )
    task_id = next(iter(answer.fields.task_ids), None)
    again = resume_line(task_id, out) if task_id else ""
    try:
        saved: tuple[SavedFile, ...] = context.run(flow)
    except KeyboardInterrupt as stop:
        raise Interrupted(
            f"stopped while the result of {action.id} was fetched; it is still there",
            hint=again,
            task_id=task_id,
            action=action.id,
        ) from stop
    except CallsheetError as error:
        error.hint = error.hint or again
        raise
    for file in saved:
        _note_kind(context, file)
    return saved


def _note_kind(context: Context, file: SavedFile) -> None:
    """Note where a name promises another container than the file holds."""
    from callsheet.magic import HEAD, container_of
    from callsheet.storage.containers import expected_kind

    wanted = expected_kind(file.path)
    with open(file.path, "rb") as opened:
        kind = container_of(opened.read(HEAD))
    if wanted and kind and wanted != kind:
        context.console.note(f"{file.path} holds {kind}, not {wanted}")


def resume_line(task_id: str, out: str = "") -> str:
    """Return the command line that saves what a job made."""
    return f"tasks save {shell_word(task_id)} --out {shell_word(out) if out else 'PATH'}"


def absolute_out(context: Context) -> str:
    """Return the absolute path of ``--out``, so that it holds in any folder; empty for none."""
    out = context.flags.get("out") or ""
    if out in {"", "-"}:
        return ""
    return os.path.abspath(out) + ("/" if out.endswith("/") else "")


def _to_stdout(context: Context, answer: ParsedReply, action: Action, job: Job | None) -> None:
    import tempfile
    from shutil import copyfileobj

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "medium")
        context.run(context.engine.save(answer, path, action=action.id, job=job, recorded=False))
        sys.stdout.flush()
        with open(path, "rb") as file:
            copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def show(path: str) -> None:
    """Open a saved file with whatever the desktop uses for it."""
    import subprocess

    opener = _opener(path)
    subprocess.Popen(  # noqa: S603 - a fixed program and a path that we have written
        [opener, os.path.abspath(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
