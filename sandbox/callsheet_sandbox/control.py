"""Let tests read and change a running sandbox over HTTP."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from callsheet_sandbox.catalogue import read_action
from callsheet_sandbox.faults.script import Script, read_script
from callsheet_sandbox.refusals import RefusedError
from callsheet_sandbox.stats import stats
from callsheet_sandbox.world import realm_of, world_of


async def _log(request: Request) -> Response:
    realm = realm_of(request)
    return JSONResponse(realm.setting.store.requests(realm.name))


async def _charges(request: Request) -> Response:
    realm = realm_of(request)
    realm.settle()
    return JSONResponse(realm.setting.store.charges(realm.name))


async def _reset(request: Request) -> Response:
    realm_of(request).reset()
    return Response(status_code=204)


async def _put_action(request: Request) -> Response:
    try:
        action = read_action(await request.json())
    except ValueError as error:
        raise RefusedError("malformed", str(error)) from error
    realm_of(request).put_action(action)
    return JSONResponse({"id": action.id}, 201)


async def _remove_action(request: Request) -> Response:
    realm_of(request).remove_action(request.path_params["action"])
    return Response(status_code=204)


async def _number(request: Request, key: str) -> float:
    try:
        return float((await request.json())[key])
    except (ValueError, KeyError, TypeError) as error:
        raise RefusedError("malformed", f'expected {{"{key}": number}}') from error


async def _credits(request: Request) -> Response:
    realm = realm_of(request)
    realm.setting.store.set_credits(realm.name, int(await _number(request, "credits")))
    return JSONResponse({"credits": realm.setting.store.credits(realm.name)})


async def _clock(request: Request) -> Response:
    clock = world_of(request).clock
    clock.advance(await _number(request, "advance"))
    return JSONResponse({"now": clock()})


async def _stats(request: Request) -> Response:
    return JSONResponse(stats(world_of(request), realm_of(request).name))


async def _faults(request: Request) -> Response:
    return JSONResponse(world_of(request).plan.report())


async def _set_faults(request: Request) -> Response:
    try:
        script = read_script((await request.body()).decode())
    except ValueError as error:
        raise RefusedError("malformed", str(error)) from error
    await request.app.state.open_ports()
    world_of(request).set_faults(script)
    return JSONResponse(world_of(request).plan.report())


async def _clear_faults(request: Request) -> Response:
    world_of(request).set_faults(Script())
    return Response(status_code=204)


def routes() -> list[BaseRoute]:
    """Return the control routes; they need no key and are not in the log."""
    return [
        Route("/__log", _log, methods=["GET"]),
        Route("/__charges", _charges, methods=["GET"]),
        Route("/__reset", _reset, methods=["POST"]),
        Route("/__actions", _put_action, methods=["POST"]),
        Route("/__actions/{action:path}", _remove_action, methods=["DELETE"]),
        Route("/__credits", _credits, methods=["POST"]),
        Route("/__clock", _clock, methods=["POST"]),
        Route("/__stats", _stats, methods=["GET"]),
        Route("/__faults", _faults, methods=["GET"]),
        Route("/__faults", _set_faults, methods=["POST"]),
        Route("/__faults", _clear_faults, methods=["DELETE"]),
    ]
