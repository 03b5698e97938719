"""Answer with something else than the request deserved: errors, pages, redirects, nonsense."""

import asyncio
import json
import re
import time
from email.utils import formatdate
from http import HTTPStatus

from callsheet_sandbox.faults.exchange import Exchange, Reply
from callsheet_sandbox.faults.script import Fault

_DATE = re.compile(r"date([+-]\d+)")
_PAGE = (
    "<!doctype html><html><head><title>{title}</title></head>"
    "<body><h1>{title}</h1><p>{text}</p></body></html>"
)
_TYPES = {
    "json": "application/json",
    "problem": "application/problem+json",
    "html": "text/html; charset=utf-8",
    "text": "text/plain; charset=utf-8",
}


def reply_of(fault: Fault, exchange: Exchange) -> Reply:
    """Return the reply that a fault gives in place of the right one."""
    code = fault.count("code")
    if fault.kind == "status":
        return _status(fault, code)
    if fault.kind == "redirect":
        return reply_of_text(code, "", {"location": _elsewhere(fault.text("to"), exchange)})
    if fault.kind == "html":
        return reply_of_text(
            code, _page(code, "Please stand by."), {"content-type": _TYPES["html"]}
        )
    text = fault.text("text") if "text" in fault.values else ""
    return reply_of_text(code, text, {"content-type": _TYPES["json"]} if text else {})


def reply_of_text(status: int, text: str, headers: dict[str, str]) -> Reply:
    """Return a reply with this body and its length."""
    body = text.encode()
    return Reply(status, {**headers, "content-length": str(len(body))}, body)


def _status(fault: Fault, code: int) -> Reply:
    form, message = fault.text("type"), fault.text("message") + "x" * fault.count("size")
    headers = {"content-type": _TYPES[form]} if form in _TYPES else {}
    if fault.values["retry-after"] is not None:
        headers["retry-after"] = _when(fault.text("retry-after"))
    bodies = {
        "json": json.dumps({"error": {"code": "injected", "message": message}}),
        "problem": json.dumps({"title": _title(code), "status": code, "detail": message}),
        "html": _page(code, message),
        "text": message,
    }
    return reply_of_text(code, bodies.get(form, ""), headers)


def _when(text: str) -> str:
    match = _DATE.fullmatch(text)
    return formatdate(time.time() + int(match[1]), usegmt=True) if match else text


def _title(code: int) -> str:
    return HTTPStatus(code).phrase if code in set(HTTPStatus) else "Unknown"


def _page(code: int, text: str) -> str:
    return _PAGE.format(title=f"{code} {_title(code)}", text=text)


def origin_of(name: str, exchange: Exchange) -> str | None:
    """Return the address of another origin: same, port, scheme or host; None for other words."""
    own = exchange.header("host")
    host, _, port = own.rpartition(":")
    other = {"127.0.0.1": "localhost"}.get(host, "127.0.0.1")
    origins = {"same": f"{exchange.scope['scheme']}://{own}", "host": f"http://{other}:{port}"}
    return (origins | dict(exchange.origins)).get(name)


def _elsewhere(to: str, exchange: Exchange) -> str:
    origin = origin_of(to, exchange)
    if origin is None:
        return to
    query = exchange.scope["query_string"].decode("latin-1")
    if to == "same":
        query = f"{query}&moved=1" if query else "moved=1"
    return f"{origin}{exchange.scope['path']}" + (f"?{query}" if query else "")


async def instead(fault: Fault, exchange: Exchange) -> None:
    """Send the fault's own reply."""
    if fault.after:
        await exchange.carry_out()
    await exchange.answer(reply_of(fault, exchange))


async def slow(fault: Fault, exchange: Exchange) -> None:
    """Wait before the request is carried out, or before it is answered."""
    if not fault.after:
        await asyncio.sleep(fault.number("seconds"))
    reply = await exchange.carry_out()
    if fault.after:
        await asyncio.sleep(fault.number("seconds"))
    await exchange.answer(reply)
