"""Note every request that arrives, with its body, before anything answers it."""

import json
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from callsheet_sandbox.faults.exchange import leave, reset
from callsheet_sandbox.faults.plan import ask_of
from callsheet_sandbox.templates import Json
from callsheet_sandbox.world import World

_SECRET = {"authorization", "x-api-key"}


class Recorder:
    """ASGI middleware; control requests (``/__…``) are not noted."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI scope."""
        if scope["type"] != "http" or self._controls(scope):
            await self._app(scope, receive, send)
            return
        store, realm = self._world.setting.store, self._world.realm_name(scope["path"])
        ask = ask_of(scope["method"], self._world.local_path(scope["path"]))
        if self._world.plan.pick("headers", ask):
            store.log(realm, self._entry(scope, b""))
            reset(scope["state"]["transport"])
            await leave(receive)
            return
        body = await read_body(receive)
        number = store.log(realm, self._entry(scope, body))

        async def send_recorded(message: Message) -> None:
            if message["type"] == "http.response.start":
                store.log_status(number, message["status"])
            await send(message)

        await self._app(scope, again(body, receive), send_recorded)

    def _controls(self, scope: Scope) -> bool:
        return self._world.local_path(scope["path"]).startswith("/__")

    def _entry(self, scope: Scope, body: bytes) -> dict[str, Json]:
        headers = Headers(scope=scope)
        return {
            "method": scope["method"],
            "path": self._world.local_path(scope["path"]),
            "query": scope["query_string"].decode("latin-1"),
            "auth": credentials(headers.keys()),
            "headers": {k: f"<{k}>" if k in _SECRET else text for k, text in headers.items()},
            "body": _readable(body),
        }


async def read_body(receive: Receive) -> bytes:
    """Read a request's body to its end."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def again(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives a body again which was read, and then what else comes."""
    unread = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return unread.pop() if unread else await receive()

    return receive_again


def credentials(names: Iterable[str]) -> str | None:
    """Return which kinds of key headers of these names carry."""
    sent = _SECRET & set(names)
    words = {"authorization": "bearer", "x-api-key": "x-api-key"}
    return " and ".join(words[name] for name in sorted(sent)) or None


def _readable(body: bytes) -> Json:
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
