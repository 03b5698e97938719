"""Brings the media of an answer to disk, as a flow, and notes what was saved."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.errors import CallsheetError, DownloadError
from callsheet.files.parts import Part, SavedFile
from callsheet.files.targets import check_target, extension_of, takes_all, target_path
from callsheet.flows import Flow, Record, Timing, noted
from callsheet.flows.ask import ask
from callsheet.flows.download import download
from callsheet.settings import joined, origin_of

if TYPE_CHECKING:
    from callsheet.flows import Answer, Job


class Save(NamedTuple):
    """What is to be saved, and how.

    ``out`` is a path, a folder (ends in ``/``) or a template, see ``targets.target_path``: all
    media go into a folder or to a template with ``{index}``, else the first. ``manifest``
    asks for ``PATH.json`` beside each file, which says where it came from.
    """

    answer: Answer
    out: str
    action: str
    host: str
    job: Job | None = None
    force: bool = False
    manifest: bool = False

    @property
    def task_id(self) -> str:
        """The id of the job that made the media; empty where there is none."""
        return next(iter(self.answer.reading.task_ids), "")


def links_of(answer: Answer, host: str) -> tuple[str, ...]:
    """The media of an answer as absolute links; a relative one belongs to the host."""
    found = (joined(host + "/", link) for link in answer.reading.media)
    return tuple(link for link in found if link)


def save(what: Save, timing: Timing) -> Flow[tuple[SavedFile, ...]]:
    """Fetch the media; a dead link is asked for anew. Raises ``DownloadError``, ``UsageError``."""
    links = links_of(what.answer, what.host)
    if not links:
        raise DownloadError(
            f"{what.action} is done and its answer names no file",
            hint="--json shows the whole answer",
            task_id=what.task_id or None,
        )
    wanted = links if takes_all(what.out) else links[:1]
    targets = [_target(what, link, index) for index, link in enumerate(wanted, 1)]
    for target in targets:
        check_target(target, force=what.force)
    saved: list[SavedFile] = []
    for index, target in enumerate(targets):
        saved.append((yield from _fetch(what, index, target, timing)))
    if what.job is not None and what.job.ref:
        yield from noted(Record("saved", what.job.ref, {"files": tuple(saved)}))
    return tuple(saved)


def _target(what: Save, link: str, index: int) -> str:
    return target_path(
        what.out,
        action=what.action,
        task_id=what.task_id,
        index=index,
        extension=extension_of(link),
    )


def _fetch(what: Save, index: int, target: str, timing: Timing) -> Flow[SavedFile]:
    """One medium, complete and checked under its name; what was fetched outlives a failure."""
    link = links_of(what.answer, what.host)[index]
    # The link of a job's file changes with every signature; the job and the place do not.
    identity = f"{what.host} {what.task_id} {index}" if what.job is not None else link
    part = Part(target, force=what.force, identity=identity)
    job = what.job
    renew = (lambda: _fresh_link(job, what.host, index, timing)) if job is not None else None
    try:
        yield from download(link, part, timing, renew=renew)
        part.require_kind()
        saved = part.commit()
    except BaseException as error:
        if _is_final(error):
            part.discard()
        else:
            part.keep()
        if isinstance(error, CallsheetError):
            error.task_id = error.task_id or what.task_id or None
            error.action = error.action or what.action
        raise
    if what.manifest:
        _write_manifest(what, saved, link)
    return saved


def _is_final(error: BaseException) -> bool:
    """Whether a later try could not go on with what was fetched."""
    return isinstance(error, DownloadError) and not (error.retryable or error.http_status)


def _fresh_link(job: Job, host: str, index: int, timing: Timing) -> Flow[str]:
    links = links_of((yield from ask(job, timing)), host)
    if len(links) <= index:
        raise DownloadError("the link expired and the server names no other")
    return links[index]


def _write_manifest(what: Save, saved: SavedFile, link: str) -> None:
    """Say beside a file where it came from; a link's signature is nobody's business."""
    facts: dict[str, Any] = {
        "file": os.path.basename(saved.path),
        "bytes": saved.bytes,
        "sha256": saved.sha256,
        "action": what.action,
        "taskId": what.task_id or None,
        "reference": what.job.ref if what.job is not None else None,
        "host": what.host,
        "link": origin_of(link) + "/…" if "?" in link else link,
    }
    part = Part(saved.path + ".json", force=what.force)
    try:
        part.write((json.dumps(facts, ensure_ascii=False, indent=2) + "\n").encode())
        part.commit()
    except BaseException:
        part.discard()
        raise
