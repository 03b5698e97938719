"""Carry out the actions: what each `does` word of the catalogue means."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from callsheet_sandbox.catalogue import Action
from callsheet_sandbox.realm import EXTENSION, Realm, timed_out
from callsheet_sandbox.refusals import RefusedError
from callsheet_sandbox.store import TaskRow
from callsheet_sandbox.tasks import NO_MEDIA, THROTTLE, Standing, new_task
from callsheet_sandbox.templates import Json, fill
from callsheet_sandbox.throttling import throttled

_MATERIAL = Path(__file__).parent / "data" / "material.json"
_IMAGE_TYPES: Mapping[str, str] = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
}
_WAIT_STEP = 0.02
_PAGE = 10


@dataclass(frozen=True, slots=True)
class Call:
    """One accepted request: where, what, with which body, reference, and own address.

    `render` returns the file of a finished job by its media name. `forced` is the standing that
    a fault gives every job in the reply.
    """

    realm: Realm
    action: Action
    body: Mapping[str, Json]
    reference: str
    base: str
    folder: Path
    render: Callable[[Realm, str], Awaitable[Path | None]]
    forced: Standing | None = None

    def standing(self, row: TaskRow) -> Standing:
        """Return where a job stands, as far as this request is told."""
        return self.forced or self.realm.standing(row)


async def carry_out(call: Call) -> Json:
    """Do what the action does, charge for it, and return the reply without its envelope.

    The reply is a `Path` where a finished file is the whole body, and an asynchronous iterator
    where several replies follow one another as events.
    """
    return await _DEEDS[call.action.does](call)


async def resume(call: Call) -> Json:
    """Answer a repeated request whose first reply is not known yet, without a new charge."""
    rows = call.realm.setting.store.tasks(call.realm.name, call.reference)
    if not rows:
        return await carry_out(call)
    return await (_waited if call.action.does == "wait" else _created)(call, rows[0])


def _charge(call: Call, task: str | None) -> None:
    cost = call.action.cost
    if cost <= 0:
        return
    store, name = call.realm.setting.store, call.realm.name
    if task is not None and call.realm.dialect.charges == "success":
        call.realm.settle()
        is_paid = store.credits(name) >= cost
    else:
        is_paid = store.charge(
            name, reference=call.reference, action=call.action.id, cost=cost, task=task
        )
    if not is_paid:
        balance = store.credits(name)
        raise RefusedError(
            "insufficient_credits",
            f"Insufficient credits: this costs {cost}, the balance is {balance}.",
            details={"required": cost, "available": balance},
        )


def _new(call: Call) -> TaskRow:
    setting = call.realm.setting
    if THROTTLE in str(call.body.get("prompt")):
        raise throttled(call.realm, seconds=30)
    row = new_task(
        call.realm.name,
        call.action,
        call.body,
        speed=setting.speed,
        reference=call.reference,
        now=setting.clock(),
    )
    _charge(call, row.id)
    setting.store.add_task(row)
    return row


async def _create(call: Call) -> Json:
    return await _created(call, _new(call))


async def _created(call: Call, row: TaskRow) -> Json:
    if call.realm.dialect.task.deliver == "events":
        return _events(call, row)
    return await _told(call, row, call.standing(row), created=True)


async def _told(call: Call, row: TaskRow, standing: Standing, *, created: bool = False) -> Json:
    """Return the reply about a job, with its file inside where the dialect delivers it so."""
    deliver = call.realm.dialect.task.deliver
    content = b""
    if standing.state == "success" and NO_MEDIA not in row.prompt:
        name = f"{row.id}.{EXTENSION[row.media]}"
        path = None if deliver in {"link", "events"} else await call.render(call.realm, name)
        if path and deliver == "body":
            return path
        content = await asyncio.to_thread(path.read_bytes) if path else b""
    return call.realm.task_reply(row, call.base, standing, created=created, content=content)


async def _events(call: Call, row: TaskRow) -> AsyncIterator[Json]:
    """Yield the replies about a job until it has ended."""
    standing = call.standing(row)
    yield await _told(call, row, standing, created=True)
    while not standing.finished:
        await asyncio.sleep(_WAIT_STEP)
        standing = call.standing(row)
        yield await _told(call, row, standing)


async def _wait(call: Call) -> Json:
    return await _waited(call, _new(call))


async def _waited(call: Call, row: TaskRow) -> Json:
    clock = call.realm.setting.clock
    limit = call.body.get("timeoutMs")
    deadline = row.created + (limit if isinstance(limit, int | float) else 600_000) / 1000
    while True:
        now = clock()
        standing = call.standing(row)
        if standing.finished:
            return await _told(call, row, standing)
        if now >= deadline:
            return call.realm.task_reply(row, call.base, timed_out(standing))
        await asyncio.sleep(max(min(_WAIT_STEP, deadline - now), 0.001))


async def _query(call: Call) -> Json:
    row = _row(call, str(call.body.get(call.realm.dialect.task.ask)))
    call.realm.setting.store.count_query(row.id)
    if row.asked < call.realm.dialect.throttle.queries:
        raise throttled(call.realm, seconds=call.realm.setting.speed.retry_after)
    return await _told(call, row, call.standing(row))


def _row(call: Call, task_id: str) -> TaskRow:
    row = call.realm.setting.store.task(call.realm.name, task_id)
    if row is None:
        raise RefusedError("unknown_task", f"Task not found: {task_id}")
    return row


async def _tasks(call: Call) -> Json:
    wanted = call.body.get("clientReference")
    rows = call.realm.setting.store.tasks(call.realm.name, wanted)
    tasks = []
    for row in rows[: int(call.body.get("limit", 50))]:
        reply = call.realm.task_reply(row, call.base, call.standing(row))
        tasks.append({**reply, "action": row.action, "clientReference": row.reference})
    return {"tasks": tasks}


async def _upload(call: Call) -> Json:
    head, comma, text = str(call.body.get("data", "")).partition(",")
    kind = head.removeprefix("data:").removesuffix(";base64")
    if not comma or kind not in _IMAGE_TYPES or not head.endswith(";base64"):
        kinds = ", ".join(_IMAGE_TYPES)
        raise RefusedError("invalid_input", f"`data` is a base64 data URI of one of: {kinds}.")
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise RefusedError("invalid_input", f"`data` is not base64: {error}.") from error
    _charge(call, None)
    digest = hashlib.sha256(content).hexdigest()
    name = f"upload-{digest[:32]}.{_IMAGE_TYPES[kind]}"
    await asyncio.to_thread((call.folder / name).write_bytes, content)
    reply = {
        "url": call.realm.link(call.base, name),
        "filename": call.body.get("filename"),
        "contentType": kind,
        "bytes": len(content),
        "sha256": digest,
    }
    return {key: entry for key, entry in reply.items() if entry is not None}


def material() -> dict[str, dict[str, Json]]:
    """Return the stock material by id."""
    pictures = json.loads(_MATERIAL.read_text(encoding="utf-8"))
    return {picture["id"]: picture for picture in pictures}


async def _search(call: Call) -> Json:
    words = str(call.body.get("query", "")).lower().split()
    call.realm.setting.store.add_search(
        call.realm.name, str(call.body.get("query", "")), call.realm.setting.clock()
    )
    matches = [
        {**picture, "imageUrl": call.realm.link(call.base, f"material-{picture['id']}.png")}
        for picture in material().values()
        if all(word in f"{picture['title']} {' '.join(picture['tags'])}".lower() for word in words)
    ]
    page, size = int(call.body.get("page", 1)), int(call.body.get("pageSize", _PAGE))
    selection = matches[(page - 1) * size : page * size]
    return {"items": selection, "page": page, "total": len(matches)}


async def _searches(call: Call) -> Json:
    rows = call.realm.setting.store.searches(call.realm.name)
    queries = [{"id": number, "query": words, "at": at} for number, words, at in rows]
    return {"queries": queries}


async def _reply(call: Call) -> Json:
    _charge(call, None)
    template = call.action.reply
    if template is None:
        template = {"ok": True, "action": "$action", "received": "$body"}
    return fill(template, {**call.body, "action": call.action.id, "body": dict(call.body)})


_DEEDS: Mapping[str, Callable[[Call], Awaitable[Json]]] = {
    "create": _create,
    "wait": _wait,
    "query": _query,
    "tasks": _tasks,
    "upload": _upload,
    "search": _search,
    "searches": _searches,
    "reply": _reply,
}
