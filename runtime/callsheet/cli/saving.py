"""``--out``: checked before anything is sent, filled when the result is there."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from callsheet.errors import UsageError
from callsheet.files import check_target, target_path

if TYPE_CHECKING:
    from callsheet.cli.session import Session
    from callsheet.files import SavedFile
    from callsheet.flows import Answer, Job
    from callsheet.spec import Action

_LATE = re.compile(r"\{(task_id|index|ext)\}")


def check(session: Session, action: Action) -> None:
    """Refuse an ``--out`` that could not be written; raises ``UsageError``."""
    out = session.flags.get("out")
    if not out:
        if "out" in session.flags:
            raise UsageError("--out: no file is named", flag="--out")
        return
    if out == "-":
        return
    target = target_path(out, action=action.id, task_id="task")
    unknown_yet = out != target and (_LATE.search(out) or os.path.isdir(out) or out.endswith("/"))
    if (
        unknown_yet
    ):  # the name holds what only the answer tells: the folder is all there is to check
        check_target(os.path.join(os.path.dirname(target), ".callsheet-check"), force=True)
    else:
        check_target(target, force="force" in session.flags)


def save(session: Session, answer: Answer, action: Action, job: Job | None) -> SavedFile | None:
    """Fetch the first medium of an answer to ``--out``; ``None`` where that was not asked for."""
    out = session.flags.get("out")
    if not out:
        return None
    if out == "-":
        _to_stdout(session, answer, action, job)
        return None
    force = "force" in session.flags
    saved: SavedFile = session.run(
        session.engine.save(answer, out, action=action.id, job=job, force=force)
    )
    return saved


def _to_stdout(session: Session, answer: Answer, action: Action, job: Job | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "medium")
        session.run(session.engine.save(answer, path, action=action.id, job=job, force=True))
        sys.stdout.flush()
        with open(path, "rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def show(path: str) -> None:
    """Open a saved file with whatever the desktop uses for it."""
    import subprocess

    opener = "open" if sys.platform == "darwin" else "xdg-open"
    if shutil.which(opener) is None:
        raise UsageError(f"--open: there is no {opener} here", flag="--open")
    subprocess.Popen(  # noqa: S603 - a fixed program and a path that we have written
        [opener, os.path.abspath(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def write_document(session: Session, value: Any, action: Action) -> str:
    """Write a result that is no medium to ``--out`` as JSON; returns the path."""
    from callsheet.cli.output import dumps
    from callsheet.files import Part

    target = target_path(session.flags.get("out") or "", action=action.id, extension="json")
    part = Part(target, force="force" in session.flags)
    part.write((dumps(value, 2) + "\n").encode())
    return part.commit().path
