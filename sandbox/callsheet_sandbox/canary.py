"""Be the foreign origin: note every header that arrives there, and serve media."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from callsheet_sandbox.recorder import credentials
from callsheet_sandbox.templates import Json
from callsheet_sandbox.world import World


class Foreign:
    """The foreign origin as tests see it; http and https lead to the same application."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def url(self) -> str:
        """The address over http: another port of the host."""
        return self._world.ports.url("foreign")

    @property
    def tls_url(self) -> str:
        """The address over https, with a self-signed certificate."""
        return self._world.ports.url("foreign_tls")

    @property
    def certificate(self) -> Path:
        """The PEM file of that certificate, for clients that shall trust it."""
        return self._world.ports.certificate

    def requests(self) -> list[dict[str, Json]]:
        """Return what arrived, in order: method, origin, path, query, auth, headers, body.

        Headers are whole, so that a test can look for a key in them.
        """
        return list(self._world.foreign_log)


class Canary:
    """An ASGI application that keeps what it gets, keys included, in memory only."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI scope."""
        if scope["type"] == "http":
            request = Request(scope, receive)
            await self._note(request)
            await (await self._answer(request))(scope, receive, send)

    async def _note(self, request: Request) -> None:
        entry: dict[str, Json] = {
            "method": request.method,
            "origin": f"{request.url.scheme}://{request.url.netloc}",
            "path": request.url.path,
            "query": request.url.query,
            "auth": credentials(request.headers.keys()),
            "headers": dict(request.headers),
            "body": (await request.body()).decode("utf-8", "replace"),
        }
        self._world.foreign_log.append(entry)

    async def _answer(self, request: Request) -> Response:
        world, path = self._world, request.url.path
        realm = world.realms.get(world.realm_name(path))
        local = world.local_path(path)
        if realm is not None and local.startswith("/media/"):
            file = await world.media(realm, local.removeprefix("/media/"))
            return FileResponse(file) if file else Response(status_code=404)
        return JSONResponse({"taskId": "foreign", "status": "pending"})
