"""Put routes, errors and middleware together into one ASGI application."""

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route

from callsheet_sandbox import api, control
from callsheet_sandbox.faulting import Faults
from callsheet_sandbox.recorder import Recorder
from callsheet_sandbox.refusals import RefusedError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from callsheet_sandbox.world import World


def _routes() -> list[BaseRoute]:
    served: list[BaseRoute] = []
    for start in ("/api/actions", "/api/{version}/actions"):
        served += [
            Route(start, api.list_actions, methods=["GET"]),
            Route(start + "/{action:path}/schema", api.show_schema, methods=["GET"]),
            Route(start + "/{action:path}", api.invoke, methods=["POST"]),
        ]
    served += [
        Route("/api/v1/models", api.list_prices, methods=["GET"]),
        Route("/api/v1/chat/credit", api.show_credits, methods=["GET"]),
        Route("/media/{name}", api.send_media, methods=["GET"]),
    ]
    return [*served, *control.routes()]


def build_app(world: "World", replay: "ASGIApp | None" = None) -> Starlette:
    """Return the application: the root realm at ``/``, every realm under ``/d/NAME``.

    With a replay, its recorded replies take the place of all but the control routes.
    """
    realm_routes = _routes()
    routes = [Mount("/d/{dialect}", routes=realm_routes), *realm_routes]
    if replay is not None:
        routes = [*control.routes(), Mount("/", app=replay)]
    # Faults belong inside the recorder: it notes what arrived.
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Recorder, world=world), Middleware(Faults, world=world)],
        exception_handlers={RefusedError: api.refuse, HTTPException: api.refuse},
    )
    app.state.world = world
    return app
