"""Show a job as one object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.cli.output.table import cell, duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callsheet.flows.invoke import ParsedReply
    from callsheet.storage.partial_file import SavedFile


class JobView(NamedTuple):
    """What is known of a job when it is printed; ``links`` are absolute."""

    answer: ParsedReply
    links: Sequence[str] = ()
    task_id: str | None = None
    medium: str = "videoUrl"
    saved: SavedFile | None = None
    stored: str | None = None


def medium_of(media: Sequence[str], action_id: str) -> str:
    """Return the name under which a job's medium is printed."""
    if media:
        return media[0]
    return "imageUrl" if ".image." in f".{action_id}." else "videoUrl"


def job_object(view: JobView) -> dict[str, Any]:
    """Return the documented fields in their order, the files, then whatever else was sent."""
    reading = view.answer.fields
    payload = reading.payload if isinstance(reading.payload, dict) else {}
    link = view.links[0] if view.links else None
    file = view.answer.http.file
    document: dict[str, Any] = {
        "taskId": view.task_id or (reading.task_ids[0] if reading.task_ids else None),
        "status": reading.raw_state or reading.state or None,
        view.medium: link,
        "localPath": view.saved.path if view.saved else file.path if file else None,
        "url": view.stored or payload.get("url") or link,
        "provider": payload.get("provider"),
        "model": payload.get("model"),
        "files": [view.saved._asdict()] if view.saved else [],
    }
    return document | {name: field for name, field in payload.items() if name not in document}


def job_lines(document: dict[str, Any]) -> str:
    """Return the short view: what was saved, else the state of the job."""
    names = ("taskId", "status", "localPath", "url", "provider", "model")
    rows = [(name, cell(document[name])) for name in names if document.get(name) is not None]
    if document.get("usualSeconds") is not None:
        rows.append(("usually", duration(document["usualSeconds"])))
    return "".join(f"{name:10} {text}\n" for name, text in rows)
