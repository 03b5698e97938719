"""Show a job as one object."""

from __future__ import annotations

from typing import Any, NamedTuple, TYPE_CHECKING
from callsheet.cli.output.table import duration
from callsheet.cli.output.table import cell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from callsheet.storage.partial_file import SavedFile
    from callsheet.flows.invoke import ParsedReply


class JobView(NamedTuple):
    """What is known of a job when it is printed; ``links`` are absolute."""

    answer: ParsedReply
    links: Sequence[str] = ()
    task_id: str | None = None
    medium: str = "videoUrl"
    saved: SavedFile | None = None
    stored: str | None = None


def medium_of(media: Sequence[str], action_id: str) -> str:
    """The name under which a job's medium is printed."""
    if media:
        return media[0]
    return "imageUrl" if ".image." in f".{action_id}." else "videoUrl"


def job_object(seen: JobView) -> dict[str, Any]:
    """The documented fields in their order, then the files, then whatever else was sent."""
    reading = seen.answer.fields
    payload = reading.payload if isinstance(reading.payload, dict) else {}
    link = seen.links[0] if seen.links else None
    found: dict[str, Any] = {
        "taskId": seen.task_id or (reading.task_ids[0] if reading.task_ids else None),
        "status": reading.raw_state or None,
        seen.medium: link,
        "localPath": seen.saved.path if seen.saved else None,
        "url": seen.stored or payload.get("url") or link,
        "provider": payload.get("provider"),
        "model": payload.get("model"),
        "files": [seen.saved._asdict()] if seen.saved else [],
    }
    return found | {name: value for name, value in payload.items() if name not in found}


def job_lines(shown: dict[str, Any]) -> str:
    """The short view: what was saved, else where the job stands."""
    names = ("taskId", "status", "localPath", "url", "provider", "model")
    rows = [(name, cell(shown[name])) for name in names if shown.get(name) is not None]
    if shown.get("usualSeconds") is not None:
        rows.append(("usually", duration(shown["usualSeconds"])))
    return "".join(f"{name:10} {text}\n" for name, text in rows)
