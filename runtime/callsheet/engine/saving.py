"""Save the media of a result to disk."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.config.settings import join_url, origin_of
from callsheet.errors import CallsheetError, DownloadError, OutcomeUnknown, StillRunning, WrongKind
from callsheet.flows.download import download
from callsheet.flows.effects import Flow, KeepReply, Record, record_leniently
from callsheet.flows.jobs import query_job
from callsheet.protocol.media import expected_media, select_media
from callsheet.storage.output_path import check_target, extension_of, takes_all, target_path
from callsheet.storage.partial_file import PartialFile, SavedFile
from callsheet.text import shell_word

if TYPE_CHECKING:
    from callsheet.flows.invoke import ParsedReply
    from callsheet.flows.jobs import Job
    from callsheet.flows.retry import Timing


_MOST_TRIED = 5  # links of one answer, where the first ones lead to another kind of medium


class SaveRequest(NamedTuple):
    """What is to be saved, and how.

    ``out`` is a path, a folder (ends in ``/``) or a template, see ``targets.target_path``: all
    media go into a folder or to a template with ``{index}``, else the first. ``manifest``
    asks for ``PATH.json`` beside each file, which says where it came from.
    """

    answer: ParsedReply
    out: str
    action: str
    host: str
    job: Job | None = None
    force: bool = False
    manifest: bool = False

    @property
    def task_id(self) -> str:
        """The id of the job that made the media; empty where there is none."""
        return next(iter(self.answer.fields.task_ids), "")


def media_links(answer: ParsedReply, host: str) -> tuple[str, ...]:
    """The media of an answer as absolute links; a relative one belongs to the host."""
    found = (join_url(host + "/", link) for link in answer.fields.media)
    return tuple(link for link in found if link)


def save(what: SaveRequest, timing: Timing) -> Flow[tuple[SavedFile, ...]]:
    """Fetch the media; a dead link is asked for anew.

    Raises ``UsageError`` for a path that cannot be written and ``DownloadError`` for a file that
    cannot be fetched. Where the answer names no medium of the action, the whole answer is kept:
    ``StillRunning`` while the job goes on, ``OutcomeUnknown`` where it is unknown what the
    answer means, ``DownloadError`` where the job is done.
    """
    expected = expected_media(what.action, what.out)
    media = select_media(what.answer.fields.candidates, expected)
    links = tuple(link for medium in media if (link := join_url(what.host + "/", medium.link)))[
        : _MOST_TRIED if not takes_all(what.out) else None
    ]
    if not links or what.answer.fields.state == "running":
        raise (yield from _without_medium(what))
    targets = [_target(what, link, index) for index, link in enumerate(links, 1)]
    for target in targets if takes_all(what.out) else targets[:1]:
        check_target(target, force=what.force)
    saved: list[SavedFile] = []
    refused: WrongKind | None = None
    for index, (link, target) in enumerate(zip(links, targets, strict=True)):
        try:
            saved.append((yield from _fetch(what, (index, link), target, timing)))
        except WrongKind as error:
            refused = error
        if saved and not takes_all(what.out):
            break
    if not saved:
        raise (yield from _without_medium(what, refused))
    if what.job is not None and what.job.ref:
        yield from record_leniently(Record("saved", what.job.ref, {"files": tuple(saved)}))
    return tuple(saved)


def _without_medium(what: SaveRequest, refused: WrongKind | None = None) -> Flow[CallsheetError]:
    """Keep the whole answer and return the error that says why nothing can be saved.

    ``refused`` is why the last link was no medium of the action, where there was a link.
    """
    reading = what.answer.fields
    name = (what.job.ref if what.job is not None else "") or what.task_id or what.action
    path = yield KeepReply(name, what.answer.http.body)
    task_id = what.task_id or None
    copy = f"the whole answer: {path}" if path else "--json shows the whole answer"
    if refused is not None:
        return DownloadError(
            f"{what.action} is done and its answer names no file of its own: {refused.message}",
            hint=copy, task_id=task_id, action=what.action,
        )  # fmt: skip
    if reading.state == "running" or (not reading.state and what.job is not None):
        return StillRunning(
            f"{what.action} is not over: there is nothing to save yet ({copy})",
            hint=f"tasks save {shell_word(task_id)}" if task_id and what.job else "",
            task_id=task_id,
            action=what.action,
        )
    if not reading.state:
        return OutcomeUnknown(
            f"the answer to {what.action} names no file, and what it means is unknown",
            hint=copy, task_id=task_id, action=what.action,
        )  # fmt: skip
    return DownloadError(
        f"{what.action} is done and its answer names no file",
        hint=copy, task_id=task_id, action=what.action,
    )  # fmt: skip


def _target(what: SaveRequest, link: str, index: int) -> str:
    return target_path(
        what.out,
        action=what.action,
        task_id=what.task_id,
        index=index,
        extension=extension_of(link),
    )


def _fetch(
    what: SaveRequest, candidate: tuple[int, str], target: str, timing: Timing
) -> Flow[SavedFile]:
    """Fetch one medium, complete and checked; what was fetched outlives a failure.

    ``candidate`` is the link and its place among the links of the answer.
    """
    index, link = candidate
    # The link of a job's file changes with every signature; the job and the place do not.
    identity = f"{what.host} {what.task_id} {index}" if what.job is not None else link
    part = PartialFile(target, force=what.force, identity=identity)
    job = what.job
    renew = (lambda: _fresh_link(what, job, index, timing)) if job is not None else None
    try:
        yield from download(link, part, timing, renew=renew)
        part.require_kind(expected_media(what.action, what.out))
        saved = part.commit()
    except BaseException as error:
        if _is_final(error):
            part.discard()
        else:
            part.suspend()
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


def _fresh_link(what: SaveRequest, job: Job, index: int, timing: Timing) -> Flow[str]:
    answer = yield from query_job(job, timing)
    media = select_media(answer.fields.candidates, expected_media(what.action, what.out))
    links = [link for medium in media if (link := join_url(what.host + "/", medium.link))]
    if len(links) <= index:
        raise DownloadError("the link expired and the server names no other")
    return links[index]


def _write_manifest(what: SaveRequest, saved: SavedFile, link: str) -> None:
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
    part = PartialFile(saved.path + ".json", force=what.force)
    try:
        part.write((json.dumps(facts, ensure_ascii=False, indent=2) + "\n").encode())
        part.commit()
    except BaseException:
        part.discard()
        raise
