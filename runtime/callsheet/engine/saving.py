"""Save the media of a result to disk."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.config.settings import join_url, origin_of
from callsheet.errors import (
    CallsheetError,
    DownloadError,
    OutcomeUnknown,
    SavedElsewhere,
    StillRunning,
    WrongKind,
)
from callsheet.flows.download import download
from callsheet.flows.effects import Block, Flow, KeepReply, Record, record_leniently
from callsheet.flows.jobs import query_job
from callsheet.masking import masked
from callsheet.protocol.inline_data import shorten
from callsheet.protocol.media import (
    expected_media,
    expects_medium,
    kind_of_name,
    makes_text,
    prefer_format,
    select_media,
    texts_of,
)
from callsheet.storage.output_path import (
    Destination,
    check_out,
    check_target,
    extension_of,
    target_path,
)
from callsheet.storage.partial_file import PartialFile, SavedFile, StreamedFile
from callsheet.text import dumps, one_line, task_line

if TYPE_CHECKING:
    from callsheet.flows.invoke import ParsedReply
    from callsheet.flows.jobs import Job
    from callsheet.flows.retry import Timing
    from callsheet.spec import Action
    from callsheet.storage.kept_replies import SpooledBody
    from callsheet.storage.ledger import Ledger
    from callsheet.storage.ledger_entry import LedgerEntry


_STORAGE = re.compile(r"(?:s3|gs|oss|cos|abfss?|wasbs?|sftp|ftp)://")  # no http: not fetched
_LINK_LIMIT = 5  # links of one reply to try, where the first ones lead to another kind of medium


class SaveRequest(NamedTuple):
    """The media to be saved, and where.

    A folder and a template with ``{index}`` take all media, else only the first is saved. With
    ``checked`` the destination was accepted before the job was made: a name that cannot be had
    any more refuses nothing, the file gets a free name beside it.
    ``manifest`` writes ``PATH.json`` with its origin beside each file. ``only`` is the link of
    the one medium that is wanted. ``recorded`` says that the job counts as saved afterwards.
    """

    reply: ParsedReply
    to: Destination
    action: str
    host: str
    job: Job | None = None
    force: bool = False
    manifest: bool = False
    only: str = ""
    recorded: bool = True
    checked: bool = False

    @property
    def out(self) -> str:
        """Return the path, folder or template."""
        return self.to.path

    @property
    def task_id(self) -> str:
        """Return the id of the job that made the media, or ``""``."""
        known = self.job.task_ids if self.job is not None else ()
        return next(iter(self.reply.fields.task_ids or known), "")

    @property
    def ref(self) -> str:
        """Return the client reference under which the ledger has the result, or ``""``."""
        return self.job.ref if self.job is not None else self.reply.ref

    def links(self, reply: ParsedReply) -> list[str]:
        """Return the absolute links of the media in ``reply`` that the action may have made.

        Where every medium gets a name, variants of a result are left out if it is there itself.
        """
        media = select_media(reply.fields.candidates, expected_media(self.action, self.out))
        if self.to.takes_all:
            media = tuple(medium for medium in media if not medium.is_second) or media
        else:
            media = prefer_format(media, self.out)
        links = (join_url(self.host + "/", medium.link) for medium in media)
        return [link for link in links if link]


def stored_answer(ledger: Ledger, row: LedgerEntry) -> ParsedReply | None:
    """Return the reply to a finished call that was a medium and was not saved, or ``None``."""
    from callsheet.flows.bodies import medium_fields
    from callsheet.flows.effects import HttpReply
    from callsheet.flows.invoke import ParsedReply
    from callsheet.storage.kept_replies import stored_medium

    file = stored_medium(ledger.folder, row.ref) if row.state == "done" else None
    if file is None:
        return None
    fields = medium_fields(file, expected_media(row.action, row.target or ""))
    return ParsedReply(HttpReply(200, {}, b"", "", file), file.describe(), fields, row.ref)


def wants_json_file(action: Action, reply: ParsedReply, out: str) -> bool:
    """Tell whether the JSON of a reply is to be written to ``out``, instead of its media.

    Never under the name of a medium, nor where a medium is expected, nor while a job runs.
    """
    kind, reading = kind_of_name(out), reply.fields
    if not out or out == "-" or kind not in {"", "other"}:
        return False
    if not action.paid and not action.family:
        return kind == "other" or not (reading.media and extension_of(reading.media[0]))
    over = reading.state in {"", "done"} and not (action.family and not reading.state)
    medium = expects_medium(action.id, is_job=action.family is not None, names=action.media)
    return over and not reading.media and not medium


def write_document(
    document: Any, out: str | Destination, *, action: str, force: bool = False
) -> Flow[SavedFile]:
    """Write a result that is not a medium as JSON, with keys masked; raise as ``save`` does."""
    to = out if isinstance(out, Destination) else check_out(out, action=action, force=force)
    part = _part(to, target_path(to.path, action=action, extension="json"), force=force)
    try:
        part.write(masked(dumps(document, 2) + "\n").encode())
        saved = yield from _commit(part, to)
    except BaseException:
        part.discard()
        raise
    if part.moved and not to.is_folder:
        raise _saved_elsewhere((saved,), part.moved, action)
    return saved


def _commit(part: PartialFile, to: Destination) -> Flow[SavedFile]:
    """Give a whole file its name; into a stream it goes once somebody reads that."""
    saved: SavedFile = (yield Block(part.commit)) if to.is_stream else part.commit()
    return saved


def _part(to: Destination, target: str, *, force: bool, identity: str = "") -> PartialFile:
    kind = StreamedFile if to.is_stream else PartialFile
    return kind(target, force=force, identity=identity)


def _saved_elsewhere(saved: tuple[SavedFile, ...], why: str, action: str) -> SavedElsewhere:
    names = ", ".join(file.path for file in saved)
    error = SavedElsewhere(f"{why}: the result is saved as {names}", action=action)
    error.files = saved
    return error


def save(request: SaveRequest, timing: Timing) -> Flow[tuple[SavedFile, ...]]:
    """Fetch the media of a result; an expired link is renewed by a query.

    Raises ``UsageError`` for a path that cannot be written, ``SavedElsewhere`` for one that is lost
    since it was checked, and ``DownloadError`` for a file that cannot be fetched.
    Where the reply names no medium of the action, the whole reply is stored;
    raises ``StillRunning`` while the job goes on, ``OutcomeUnknown`` for a reply whose meaning is
    unknown, and ``DownloadError`` when the job is done.
    """
    try:
        return (yield from _save(request, timing))
    except CallsheetError as error:
        error.task_id = error.task_id or request.task_id or None
        error.action = error.action or request.action
        raise


def _save(request: SaveRequest, timing: Timing) -> Flow[tuple[SavedFile, ...]]:
    file = request.reply.http.file
    moved: list[str] = []
    if file is not None and file.is_medium:
        saved = yield from _save_body(request, file, moved)
    else:
        saved = yield from _save_links(request, timing, moved)
    if request.ref and request.recorded and not request.to.is_stream:
        yield from record_leniently(Record("saved", request.ref, {"files": saved}))
    if moved:
        raise _saved_elsewhere(saved, moved[0], request.action)
    return saved


def _save_links(
    request: SaveRequest, timing: Timing, moved: list[str]
) -> Flow[tuple[SavedFile, ...]]:
    """Fetch the media that a reply names; raise as ``save`` does.

    Why a file has another name is appended to ``moved``.
    """
    wants_all = request.to.takes_all and not request.only
    links = list(enumerate(request.links(request.reply)))
    links = [pair for pair in links if request.only in {"", pair[1]}]
    links = links[: None if wants_all else _LINK_LIMIT]
    if not links or request.reply.fields.state == "running":
        raise (yield from _without_medium(request))
    targets = [_target(request, link, index + 1) for index, link in links]
    for target in targets if wants_all else targets[:1]:
        _check(request, target)
    saved: list[SavedFile] = []
    refused: WrongKind | None = None
    for candidate, target in zip(links, targets, strict=True):
        try:
            part = yield from _fetch(request, candidate, target, timing)
            saved.append((yield from _name(request, part, moved, candidate[1])))
        except WrongKind as error:
            refused = error
        except DownloadError as error:
            copy = yield from _keep_reply(request)
            error.message += f" ({copy})" if copy else ""
            raise
        if saved and not wants_all:
            break
    if not saved:
        raise (yield from _without_medium(request, refused))
    return tuple(saved)


def _check(request: SaveRequest, target: str) -> None:
    if not request.checked and not request.to.is_stream:
        check_target(target, force=request.force)


def _save_body(
    request: SaveRequest, file: SpooledBody, moved: list[str]
) -> Flow[tuple[SavedFile, ...]]:
    """Give the medium that was the body of the reply its name; raise as ``save`` does."""
    target = _target(request, file.path, 1)
    _check(request, target)
    part = _part(request.to, target, force=request.force)
    try:
        file.copy_to(part)
        part.require_kind(expected_media(request.action, request.out))
        saved = yield from _name(request, part, moved, "")
    except BaseException as error:
        part.discard()
        if isinstance(error, WrongKind):
            raise (yield from _without_medium(request, error)) from None
        if isinstance(error, CallsheetError):
            error.hint = error.hint or f"the whole answer: {file.path}"
        raise
    if request.recorded and not request.to.is_stream:
        file.move_to(saved)
    return (saved,)


def _without_medium(request: SaveRequest, refused: WrongKind | None = None) -> Flow[CallsheetError]:
    """Store the whole reply and return the error that says why nothing can be saved.

    ``refused`` says why the last link was no medium of the action, where there was a link.
    """
    state = request.reply.fields.state
    task_id = request.task_id or None
    copy = (yield from _keep_reply(request)) or "--json shows the whole answer"
    if refused is not None:
        return DownloadError(
            f"{request.action} is done and its answer names no file of its own: {refused.message}",
            hint=copy, task_id=task_id, action=request.action,
        )  # fmt: skip
    is_text = makes_text(request.action)
    if state == "running" or (not state and request.job is not None and not is_text):
        return StillRunning(
            f"{request.action} is not over: there is nothing to save yet ({copy})",
            hint=task_line("save", task_id) if task_id and request.job else "",
            task_id=task_id,
            action=request.action,
        )
    if not state and not is_text:
        return OutcomeUnknown(
            f"the answer to {request.action} names no file, and what it means is unknown",
            hint=copy, task_id=task_id, action=request.action,
        )  # fmt: skip
    return DownloadError(
        f"{request.action} is done and its answer names no file{_reason(request.reply)}",
        hint=copy, task_id=task_id, action=request.action,
    )  # fmt: skip


def _reason(reply: ParsedReply) -> str:
    """Return ``": "`` and why the server withholds the result, or ``""``."""
    from callsheet.protocol.reasons import FAULT, find_reasons, reason_of

    origin, raw_state = reply.fields.origin, reply.fields.raw_state
    found = find_reasons(origin.layers, raw_state, origin.overrides) if origin is not None else []
    reason = reason_of([reason for reason in found if reason.rule <= FAULT])
    if not reason and origin is not None:
        links = (text for text in texts_of(origin.layers[0]) if _STORAGE.match(text))
        reason = next((f"{one_line(link, 200)} is not an http link" for link in links), "")
    return f": {reason}" if reason else ""


def _keep_reply(request: SaveRequest) -> Flow[str]:
    """Store the whole reply; return the sentence that names the copy, ``""`` without a ledger."""
    name = request.ref or request.task_id or request.action
    file = request.reply.http.file
    keep = KeepReply(name, request.reply.http.body, request.reply.fields.why())
    path = file.path if file else (yield keep)
    return f"the whole answer: {path}" if path else ""


def _target(request: SaveRequest, link: str, index: int) -> str:
    return target_path(
        request.out,
        action=request.action,
        task_id=request.task_id,
        index=index,
        extension=extension_of(link),
    )


def _fetch(
    request: SaveRequest, candidate: tuple[int, str], target: str, timing: Timing
) -> Flow[PartialFile]:
    """Fetch one medium and check its kind; a part that a later run can resume stays.

    ``candidate`` is the link and its index among the links of the reply.
    """
    index, link = candidate
    # The link of a job's file changes with every signature; the job and the index do not.
    identity = f"{request.host} {request.task_id} {index}" if request.job is not None else link
    part = _part(request.to, target, force=request.force, identity=identity)
    job = request.job
    renew = (lambda: _renew_link(request, job, index, timing)) if job is not None else None
    try:
        yield from download(link, part, timing, renew=renew)
        part.require_kind(expected_media(request.action, request.out))
    except BaseException as error:
        if _is_final(error):
            part.discard()
        else:
            part.suspend()
        raise
    return part


def _name(request: SaveRequest, part: PartialFile, moved: list[str], link: str) -> Flow[SavedFile]:
    """Give a whole file its name, and its manifest; append to ``moved`` why it is another name.

    In a folder the names are ours: a free one is as good as any.
    """
    try:
        saved = yield from _commit(part, request.to)
    except BaseException:
        part.discard()
        raise
    if part.moved and not request.to.is_folder:
        moved.append(part.moved)
    if request.manifest:
        _write_manifest(request, saved, link)
    return saved


def _is_final(error: BaseException) -> bool:
    """Tell whether a later attempt cannot resume the part."""
    return isinstance(error, DownloadError) and not (error.retryable or error.http_status)


def _renew_link(request: SaveRequest, job: Job, index: int, timing: Timing) -> Flow[str]:
    links = request.links((yield from query_job(job, timing)))
    if len(links) <= index:
        raise DownloadError("the link expired and the server names no other")
    return links[index]


def _write_manifest(request: SaveRequest, saved: SavedFile, link: str) -> None:
    """Write ``PATH.json`` beside a file: its origin, digest and link without the signed part."""
    manifest: dict[str, Any] = {
        "file": os.path.basename(saved.path),
        "bytes": saved.bytes,
        "sha256": saved.sha256,
        "action": request.action,
        "taskId": request.task_id or None,
        "reference": request.ref or None,
        "host": request.host,
        "link": origin_of(link) + "/…" if "?" in link else shorten(link),
    }
    part = PartialFile(saved.path + ".json", force=request.force)
    try:
        part.write((json.dumps(manifest, ensure_ascii=False, indent=2) + "\n").encode())
        part.commit()
    except BaseException:
        part.discard()
        raise
