"""Stand before the application and commit the faults of the plan."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from callsheet_sandbox.faults import answers, breaks, downloads
from callsheet_sandbox.faults.exchange import Exchange
from callsheet_sandbox.faults.links import moved
from callsheet_sandbox.faults.plan import Ask, ask_of
from callsheet_sandbox.faults.script import Fault
from callsheet_sandbox.tasks import Standing
from callsheet_sandbox.world import World

_MEDIA = "/media/"


class Faults:
    """ASGI middleware; control requests (``/__…``) meet no fault."""

    def __init__(self, app: ASGIApp, world: World, *, media_only: bool = False) -> None:
        self._app = app
        self._world = world
        self._media_only = media_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI scope."""
        world = self._world
        if scope["type"] != "http" or self._exempt(world.local_path(scope["path"])):
            await self._app(scope, receive, send)
            return
        exchange = Exchange(
            app=self._app,
            scope=scope,
            receive=receive,
            send=send,
            origins=world.ports.origins,
            rewrite=world.links.freshened,
        )
        ask = ask_of(scope["method"], world.local_path(scope["path"]))
        fault = world.plan.pick("request", ask)
        if ask.path.startswith(_MEDIA) and await self._refused(ask, fault, exchange):
            return
        if fault is not None and fault.kind in EFFECTS:
            await EFFECTS[fault.kind](fault, exchange)
        elif ask.action is not None and world.links.any:
            await exchange.answer(await exchange.carry_out())
        else:
            await self._app(scope, receive, send)

    def _exempt(self, path: str) -> bool:
        return path.startswith("/__") or (self._media_only and not path.startswith(_MEDIA))

    async def _refused(self, ask: Ask, fault: Fault | None, exchange: Exchange) -> bool:
        links, query = self._world.links, exchange.scope["query_string"].decode("latin-1")
        code = links.refusal(ask.path, query)
        if code is None and fault is not None and fault.kind == "expired":
            code = fault.count("code")
            links.expire(ask.path, code)
        if code is None:
            return False
        await exchange.answer(answers.reply_of_text(code, "This link has expired.", {}))
        return True


async def _foreign_links(fault: Fault, exchange: Exchange) -> None:
    origin = answers.origin_of(fault.text("to"), exchange)
    await exchange.answer(moved(await exchange.carry_out(), origin or ""))


async def _standing(fault: Fault, exchange: Exchange) -> None:
    forced = Standing("pending", 0.0)
    if fault.kind != "backwards":
        word = fault.text("word") if fault.kind == "state" else "processing"
        forced = Standing(word, fault.number("progress"))
    await exchange.answer(await exchange.carry_out(forced=forced))


EFFECTS: Mapping[str, Callable[[Fault, Exchange], Awaitable[None]]] = {
    **dict.fromkeys(("status", "redirect", "malformed", "wrong", "html", "empty"), answers.instead),
    "slow": answers.slow,
    "drop": breaks.drop,
    "truncate": breaks.truncate,
    "hang": breaks.hang,
    "garbage": breaks.garbage,
    "reset": breaks.reset,
    "slice": breaks.trickle,
    "bandwidth": breaks.trickle,
    "cut": downloads.cut,
    "whole": downloads.ignore_range,
    "unsatisfiable": downloads.unsatisfiable,
    "changed": downloads.changed,
    "misrange": downloads.misrange,
    "gzip": downloads.zipped,
    "unsized": downloads.unsized,
    "foreign-links": _foreign_links,
    "stuck": _standing,
    "backwards": _standing,
    "state": _standing,
}
