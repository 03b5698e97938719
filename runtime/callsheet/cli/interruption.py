"""What an interruption leaves behind: the job that goes on, and the line that goes on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.cli.output.saving import resume_line
from callsheet.errors import Interrupted, UsageError
from callsheet.text import shell_word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.cli.session import Session

_NOTHING_DONE = ("unsent", "refused")


def told(session: Session) -> Interrupted:
    """What the ledger knows of the last paid request of this run, if it made one."""
    if session.paid is None:
        return Interrupted("interrupted")
    action, ref = session.paid
    try:
        row = session.ledger().find(ref)
    except UsageError as error:
        line = f"tasks recover {ref[:8]}"
        return Interrupted(f"interrupted; {error.message}", hint=line, action=action)
    if row is None or row["state"] in _NOTHING_DONE:
        before = f" before {action} was sent" if row is None else ""
        return Interrupted(f"interrupted{before}", action=action)
    task_id = next(iter(row["task_ids"] or ()), None)
    words, line = _meaning(row, task_id)
    return Interrupted(words, hint=line, task_id=task_id, action=action)


def _meaning(row: Mapping[str, Any], task_id: str | None) -> tuple[str, str]:
    """How the request stands, and the line that goes on from there."""
    action, state = row["action"], row["state"]
    if state in {"intent", "unknown"}:
        words = f"interrupted while {action} was out: what became of it is not known"
        return words, f"tasks recover {row['ref'][:8]}"
    if task_id and state == "running":
        return f"interrupted; the job goes on as {task_id}", f"tasks wait {shell_word(task_id)}"
    line = resume_line(task_id) if task_id and state == "done" else ""
    return f"interrupted; {action} is {state}", line
