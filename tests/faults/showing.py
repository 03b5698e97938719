"""Shows all that a process of a client could show of its key: objects, pickles, tracebacks."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import sys
import traceback
from typing import TYPE_CHECKING, Any

import httpx
from faults.stage import BINDINGS

from callsheet import AsyncClient, Client
from callsheet.transport.auth import headers_for

if TYPE_CHECKING:
    from collections.abc import Callable

REFUSED = "http://127.0.0.1:9"


def _say(*words: object) -> None:
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")


def _show_failure(work: Callable[[], Any]) -> None:
    """Show the traceback of a failure with the values of all variables in it."""
    try:
        work()
    except BaseException as error:
        report = traceback.TracebackException.from_exception(error, capture_locals=True)
        _say("".join(report.format()))
        _say(repr(error), error.args, vars(error))
        try:
            _say(repr(pickle.dumps(error)))
        except Exception as unpicklable:
            _say(repr(unpicklable))
    else:
        _say("no failure")


def _call(action: str, **options: Any) -> None:
    with Client(bindings=BINDINGS, **options) as client:
        client.call(action, {"prompt": "a cup", "taskId": "x"})


async def _call_awaited(action: str, **options: Any) -> None:
    async with AsyncClient(bindings=BINDINGS, **options) as client:
        await client.call(action, {"prompt": "a cup", "taskId": "x"})


def _objects() -> None:
    with Client(bindings=BINDINGS) as client:
        client.actions()
        own = (
            client,
            client._settings,
            client._settings.key,
            client._transport,
            client._engine.host,
        )
        for subject in own:
            _say(repr(subject), str(subject), f"{subject}")
        for subject in (client._settings, client._settings.key):
            _say(repr(pickle.dumps(subject)), repr(copy.deepcopy(subject)), vars_of(subject))


def vars_of(subject: object) -> str:
    """Return the fields of an object, as a debugger shows them."""
    names = (
        getattr(subject, "_fields", ())
        or getattr(type(subject), "__slots__", None)
        or vars(subject)
    )
    return ", ".join(f"{name}={getattr(subject, name, None)!r}" for name in names)


def _headers() -> None:
    with Client(bindings=BINDINGS) as client:
        url = client._settings.host + "/api/actions"
        _say(repr(headers_for(client._settings, url)))
        _say(repr(httpx.Request("GET", url, headers=headers_for(client._settings, url))))


SHOWN: dict[str, Callable[[], None]] = {
    "objects": _objects,
    "refused": lambda: _show_failure(lambda: _call("ai.image.generate", host=REFUSED)),
    "not found": lambda: _show_failure(lambda: _call("ai.image.query")),
    "unknown action": lambda: _show_failure(lambda: _call("no.such.action")),
    "plain http": lambda: _show_failure(lambda: _call("x", host="http://plain.example")),
    "bad auth": lambda: _show_failure(lambda: _call("x", auth="nonsense")),
    "interrupted": lambda: _show_failure(_interrupted),
    "awaited, refused": lambda: _show_failure(
        lambda: asyncio.run(_call_awaited("ai.image.generate", host=REFUSED))
    ),
    "awaited, not found": lambda: _show_failure(
        lambda: asyncio.run(_call_awaited("ai.image.query"))
    ),
    "headers": _headers,
}
KINDS = tuple(SHOWN)


def _interrupted() -> None:
    """Press Ctrl-C while a request is out: the traceback goes through the HTTP library."""
    import signal

    signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    with Client(bindings=BINDINGS) as client:
        client.call("ai.image.generate_and_wait", {"prompt": "x", "options": {"sandboxSeconds": 3}})


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def show(kind: str) -> int:
    """Print everything of one kind."""
    os.environ.setdefault("ADS_API_KEY", "")
    SHOWN[kind]()
    return 0
