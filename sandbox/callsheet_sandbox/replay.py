"""Serve recorded replies: a folder of them, or the file of a case."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from callsheet_sandbox.cases.case import load
from callsheet_sandbox.cases.script import CaseScript
from callsheet_sandbox.templates import Json

_OWN_HEADERS = {"content-length", "content-encoding", "transfer-encoding", "connection", "date"}


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded reply."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    body: Json


class Replay:
    """An ASGI application that answers from a folder of JSON files.

    Each file holds one reply: ``{"method": "GET", "path": "/api/actions", "status": 200,
    "headers": {…}, "body": …}``. A text body is sent as it is, anything else as JSON. A path may
    carry a query; one without answers any query. Files are read in the order of their names: the
    first that matches method and path answers first, the next one the next time, and the last
    one answers for ever. ``{origin}`` in a body is the address of this server. What was not
    recorded is a 404. ValueError names a file that cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._recorded: dict[tuple[str, str], list[Recording]] = {}
        paths = sorted(folder.glob("*.json"))
        if not paths:
            raise ValueError(f"{folder}: no recorded replies here (*.json)")
        for path in paths:
            reply = _read(path)
            self._recorded.setdefault((reply.method, reply.path), []).append(reply)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI scope."""
        if scope["type"] == "http":
            await self._answer(Request(scope))(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        path, query = request.url.path, request.url.query
        replies = self._recorded.get((request.method, f"{path}?{query}"))
        replies = replies or self._recorded.get((request.method, path))
        if not replies:
            return JSONResponse({"error": f"{request.method} {path} was not recorded"}, 404)
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        return _response(reply, f"{request.url.scheme}://{request.url.netloc}")


class CaseReplay:
    """An ASGI application that answers as the first case of a file says, POSTs included.

    Links of the case lead to this server, where ``/f/`` holds small real media. ValueError names
    a file that holds no case.
    """

    def __init__(self, file: Path) -> None:
        from callsheet_sandbox.media import samples  # it loads what renders

        try:
            self._case = load([file])[0]
            self._case.data["server"].keys()
        except (ValueError, LookupError, AttributeError, TypeError) as error:
            raise ValueError(f"{file}: no case: {error!r}") from error
        self._media = samples.make()
        self._script: CaseScript | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI scope."""
        if scope["type"] == "http":
            request = Request(scope, receive)
            response = await self._answer(request)
            await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        origin = f"{request.url.scheme}://{request.url.netloc}"
        script = self._script = self._script or CaseScript(self._case, self._media, origin, origin)
        target = f"{request.url.path}?{request.url.query}".rstrip("?")
        if request.method == "POST":
            content = await request.body()
            body = _json_or_text(content)
            answer = script.post(target, body, request.headers.get("idempotency-key"))
        else:
            answer = script.get(target)
        return Response(answer.body, answer.status, dict(answer.headers))


def open_replay(path: Path) -> ASGIApp:
    """Return the application for a folder of recorded replies, or for the file of a case."""
    return CaseReplay(path) if path.is_file() else Replay(path)


def _json_or_text(content: bytes) -> Json:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")


def _response(reply: Recording, origin: str) -> Response:
    headers = {key: text for key, text in reply.headers.items() if key.lower() not in _OWN_HEADERS}
    if reply.body is None and not any(key.lower() == "content-type" for key in headers):
        return Response(status_code=reply.status, headers=headers)
    if isinstance(reply.body, str):
        return Response(reply.body.replace("{origin}", origin), reply.status, headers)
    text = json.dumps(reply.body, ensure_ascii=False).replace("{origin}", origin)
    return Response(text, reply.status, {"content-type": "application/json", **headers})


def _read(path: Path) -> Recording:
    try:
        recording = json.loads(path.read_text(encoding="utf-8"))
        return Recording(
            method=recording.get("method", "GET").upper(),
            path=recording["path"],
            status=recording.get("status", 200),
            headers=recording.get("headers") or {},
            body=recording.get("body"),
        )
    except (ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"{path}: no recorded reply: {error!r}") from error
