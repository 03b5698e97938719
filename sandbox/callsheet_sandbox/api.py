"""Answer the three documented routes and the media of a realm over HTTP."""

import asyncio
import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path

from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)

from callsheet_sandbox import shapes
from callsheet_sandbox.handlers import Call, carry_out, resume
from callsheet_sandbox.judging import judge
from callsheet_sandbox.realm import Realm
from callsheet_sandbox.refusals import RefusedError
from callsheet_sandbox.templates import Json
from callsheet_sandbox.throttling import throttled
from callsheet_sandbox.world import address, realm_of, world_of


async def list_actions(request: Request) -> Response:
    """GET /api/actions"""
    realm = realm_of(request)
    if moved := _moved(request, realm, "list"):
        return moved
    _admit(request, realm, public=realm.dialect.auth.public)
    actions = list(realm.actions.values())
    page = shapes.list_page(realm.dialect, actions, request.query_params)
    headers = {}
    wanted = realm.dialect.list.page
    if page.following and wanted and wanted.link:
        headers["Link"] = f'<{address(request)}/api/actions?{page.following}>; rel="next"'
    return _cached(request, realm, page.body, headers, beside=realm.advertised)


async def show_schema(request: Request) -> Response:
    """GET /api/actions/{id}/schema"""
    realm = realm_of(request)
    _admit(request, realm, public=realm.dialect.auth.public)
    action = realm.action(request.path_params["action"])
    return _cached(request, realm, shapes.schema_document(realm.dialect, action), {})


async def list_prices(request: Request) -> Response:
    """GET /api/v1/models: what each model, and each action, costs."""
    realm = realm_of(request)
    _admit(request, realm, public=False)
    prices: dict[str, int] = {}
    for action in realm.actions.values():
        models = [scene for scene in action.models.values() if isinstance(scene, dict)]
        names = [action.id, *(scene["model"] for scene in models if "model" in scene)]
        prices |= dict.fromkeys(names, action.cost) if action.cost else {}
    rows = [{"id": name, "creditCost": cost} for name, cost in prices.items()]
    return JSONResponse({"code": 200, "msg": "success", "data": rows})


async def show_credits(request: Request) -> Response:
    """GET /api/v1/chat/credit: the credits that are left."""
    realm = realm_of(request)
    _admit(request, realm, public=False)
    realm.settle()
    remaining = realm.setting.store.credits(realm.name)
    return JSONResponse({"code": 200, "msg": "success", "data": remaining})


async def invoke(request: Request) -> Response:
    """POST /api/actions/{id}"""
    realm = realm_of(request)
    if moved := _moved(request, realm, "invoke"):
        return moved
    _admit(request, realm, public=False)
    if not realm.admits_post():
        raise throttled(realm, seconds=1)
    action = realm.action(request.path_params["action"])
    body = _object(await request.body())
    judge(shapes.advertised_input(realm.dialect, action), body)
    call = Call(
        realm=realm,
        action=action,
        body=body,
        reference=request.headers.get("idempotency-key") or str(uuid.uuid4()),
        base=address(request),
        folder=world_of(request).studio.folder,
        render=world_of(request).media,
        forced=request.scope.get("state", {}).get("forced"),
    )
    reply, replayed = await _once(call, keyed="idempotency-key" in request.headers)
    headers = dict(realm.dialect.headers)
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    if realm.dialect.idempotency.echo:
        headers["Idempotency-Key"] = call.reference
    if isinstance(reply, Path):
        return FileResponse(reply, headers=headers)
    if isinstance(reply, AsyncIterator):
        events = _event_lines(realm, reply)
        return StreamingResponse(events, headers=headers, media_type="text/event-stream")
    return JSONResponse(shapes.enveloped(realm.dialect, "reply", reply), headers=headers)


async def _event_lines(realm: Realm, replies: AsyncIterator[Json]) -> AsyncIterator[str]:
    """Yield each reply as a server-sent event."""
    async for reply in replies:
        yield f"data: {json.dumps(shapes.enveloped(realm.dialect, 'reply', reply))}\n\n"
    yield "data: [DONE]\n\n"


async def _once(call: Call, *, keyed: bool) -> tuple[Json, bool]:
    """Return the reply and whether it answers a request that was made before."""
    if not (keyed and call.realm.dialect.idempotency.honoured and call.action.billable):
        return await carry_out(call), False
    store, name, digest = call.realm.setting.store, call.realm.name, _digest(call)
    earlier = store.reply(name, call.reference)
    if earlier is not None:
        if earlier[0] != digest:
            raise RefusedError("reference_reused", "This Idempotency-Key was used otherwise.")
        lock = call.realm.answering.get(call.reference)
        if lock is not None and not store.tasks(name, call.reference):
            async with lock:  # until the first request is answered
                earlier = store.reply(name, call.reference) or earlier
        return (await resume(call) if earlier[1] is None else earlier[1]), True
    store.keep_reply(name, call.reference, request=digest)
    lock = call.realm.answering.setdefault(call.reference, asyncio.Lock())
    try:
        async with lock:
            reply = await carry_out(call)
            store.keep_reply(name, call.reference, request=digest, body=reply)
    except RefusedError:
        store.drop_reply(name, call.reference)
        raise
    finally:
        call.realm.answering.pop(call.reference, None)
    return reply, False


def _digest(call: Call) -> str:
    text = json.dumps([call.action.id, dict(call.body)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


async def send_media(request: Request) -> Response:
    """GET /media/{name}: whole or in ranges, rendered when first asked for; needs no key."""
    realm = realm_of(request)
    path = await world_of(request).media(realm, request.path_params["name"])
    if path is None:
        raise RefusedError("not_found", "There is no such file.")
    return FileResponse(path)


async def refuse(request: Request, error: Exception) -> Response:
    """Answer a refusal, or a route that does not exist, as the dialect says errors."""
    realm = realm_of(request, strict=False)
    refusal = error if isinstance(error, RefusedError) else _routing(error)
    reply = shapes.error_reply(realm.dialect, refusal)
    headers = {**realm.dialect.headers, **refusal.headers}
    if reply.text is not None:
        return Response(reply.text, reply.status, headers, reply.content_type)
    return JSONResponse(reply.body, reply.status, headers, reply.content_type)


def _routing(error: Exception) -> RefusedError:
    status = getattr(error, "status_code", 500)
    headers = getattr(error, "headers", None)
    kind = {404: "not_found", 405: "method_not_allowed"}.get(status, "internal")
    return RefusedError(kind, HTTPStatus(status).phrase, headers=headers)


def _admit(request: Request, realm: Realm, *, public: bool) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else None
    if not public and not realm.accepts(bearer, request.headers.get("x-api-key")):
        raise RefusedError(
            "unauthorized",
            "The API key is missing or not valid.",
            headers={"WWW-Authenticate": "Bearer"},
        )


def _object(content: bytes) -> Mapping[str, Json]:
    try:
        body = json.loads(content, parse_constant=_no_number)
        # Half a surrogate pair can be neither stored nor sent back.
        json.dumps(body, ensure_ascii=False).encode()
    except ValueError as error:
        raise RefusedError("malformed", f"The body is not JSON: {error}.") from error
    if not isinstance(body, dict):
        raise RefusedError("malformed", "The body must be a JSON object.")
    return body


def _no_number(text: str) -> Json:
    raise ValueError(f"{text} is no JSON number")


def _moved(request: Request, realm: Realm, part: str) -> Response | None:
    status = realm.dialect.redirects.get(part)
    if status is None or request.path_params.get("version"):
        return None
    path = request.url.path.replace("/api/actions", "/api/v2/actions", 1)
    return RedirectResponse(str(request.url.replace(path=path)), status)


def _cached(
    request: Request,
    realm: Realm,
    body: Json,
    headers: dict[str, str],
    *,
    beside: Callable[[], bytes] = bytes,
) -> Response:
    """Answer with a validator of the body, and of what else it stands for (`beside`)."""
    response = JSONResponse(body, headers={**realm.dialect.headers, **headers})
    if realm.dialect.caching == "etag":
        tag = f'"{hashlib.sha256(bytes(response.body) + beside()).hexdigest()[:32]}"'
        response.headers["ETag"] = tag
        tags = request.headers.get("if-none-match", "")
        fresh = tags == "*" or tag in [part.strip().removeprefix("W/") for part in tags.split(",")]
    elif realm.dialect.caching == "last-modified":
        response.headers["Last-Modified"] = formatdate(realm.modified, usegmt=True)
        fresh = _since(request.headers.get("if-modified-since")) >= realm.modified
    else:
        return response
    if not fresh:
        return response
    headers_304 = {
        key: header for key, header in response.headers.items() if not key.startswith("content-")
    }
    return Response(status_code=304, headers=headers_304)


def _since(text: str | None) -> float:
    try:
        return parsedate_to_datetime(text or "").timestamp()
    except ValueError:
        return 0.0
