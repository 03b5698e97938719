"""Break the connection under a reply, or let the reply trickle through it."""

import asyncio
import json

from callsheet_sandbox.faults.answers import reply_of_text
from callsheet_sandbox.faults.exchange import Exchange, Reply, leave
from callsheet_sandbox.faults.script import Fault

_STEP = 0.02


def _unmeant(status: int) -> Reply:
    """Return what stands in for a reply when nothing was accepted."""
    body = json.dumps({"error": {"code": "injected", "message": "Nothing was accepted."}})
    return reply_of_text(status, body, {"content-type": "application/json"})


async def drop(fault: Fault, exchange: Exchange) -> None:
    """Close the connection without a reply."""
    if fault.after:
        await exchange.carry_out()
    await exchange.close()


async def truncate(fault: Fault, exchange: Exchange) -> None:
    """Send the whole length and a part of the body."""
    reply = await exchange.carry_out() if fault.after else _unmeant(200)
    length = int(len(reply.body) * fault.number("keep"))
    await exchange.write(reply.head() + reply.body[:length])
    await exchange.close()


async def hang(fault: Fault, exchange: Exchange) -> None:
    """Keep the client waiting."""
    if fault.after:
        await exchange.carry_out()
    try:
        await asyncio.wait_for(leave(exchange.receive), fault.number("seconds"))
    except TimeoutError:
        await exchange.close()


async def garbage(fault: Fault, exchange: Exchange) -> None:
    """Answer with bytes that are no HTTP."""
    if fault.after:
        await exchange.carry_out()
    await exchange.write(b"\x00\xff\x15\x03 no HTTP here \r\n\r\n")
    await exchange.close()


async def reset(fault: Fault, exchange: Exchange) -> None:
    """Reset the connection before, within or after the reply."""
    at = fault.text("at")
    reply = _unmeant(503 if at == "body" else 200)
    if fault.after:
        reply = await exchange.carry_out()
    beginnings = {"headers": reply.head(), "body": reply.head() + reply.body}
    await exchange.write(beginnings.get(at, b""))
    await exchange.reset()


async def trickle(fault: Fault, exchange: Exchange) -> None:
    """Send the right reply slowly: in small pieces, or at a limited rate."""
    reply = await exchange.carry_out()
    if fault.kind == "slice":
        piece, pause = fault.count("bytes"), fault.number("pause")
    else:
        piece, pause = int(fault.number("rate") * _STEP), _STEP
    await exchange.write(reply.head() + reply.body, piece=max(piece, 1), pause=pause)
    await exchange.close()
