"""Be the foreign origin: note every header that arrives there, and serve media."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from callsheet_sandbox.faulting import Faults
from callsheet_sandbox.recorder import again, credentials, read_body
from callsheet_sandbox.templates import Json
from callsheet_sandbox.world import World


class Foreign:
    """The foreign origin as tests see it; http and https lead to the same application."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def url(self) -> str:
        """Return the address over http: another port of the host."""
        return self._world.ports.url("foreign")

    @property
    def tls_url(self) -> str:
        """Return the address over https, with a self-signed certificate."""
        return self._world.ports.url("foreign_tls")

    @property
    def certificate(self) -> Path:
        """Return the PEM file of that certificate, for clients that shall trust it."""
        return self._world.ports.certificate

    def requests(self) -> list[dict[str, Json]]:
        """Return what arrived, in order: method, origin, path, query, auth, headers, body.

        Headers are whole, so that a test can look for a key in them.
        """
        return list(self._world.foreign_log)


class Canary:
    """An ASGI application that keeps what it gets, keys included, in memory only.

    Media are served as by the sandbox, under the same faults; anything else is told of a job.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._media = Faults(self._answer, world, media_only=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI scope."""
        if scope["type"] == "http":
            body = await read_body(receive)
            self._note(Request(scope), body)
            await self._media(scope, again(body, receive), send)

    def _note(self, request: Request, body: bytes) -> None:
        entry: dict[str, Json] = {
            "method": request.method,
            "origin": f"{request.url.scheme}://{request.url.netloc}",
            "path": request.url.path,
            "query": request.url.query,
            "auth": credentials(request.headers.keys()),
            "headers": dict(request.headers),
            "body": body.decode("utf-8", "replace"),
        }
        self._world.foreign_log.append(entry)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        world, path = self._world, scope["path"]
        realm, local = world.realms.get(world.realm_name(path)), world.local_path(path)
        reply: Response = JSONResponse({"taskId": "foreign", "status": "pending"})
        if local.startswith("/media/"):
            file = await world.media(realm, local.removeprefix("/media/")) if realm else None
            reply = FileResponse(file) if file else Response(status_code=404)
        await reply(scope, receive, send)
