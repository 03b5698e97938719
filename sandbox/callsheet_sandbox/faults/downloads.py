"""Serve media as bad servers do: cut, changed, in the wrong range or coding, without a length."""

import gzip
import re
from dataclasses import replace

from callsheet_sandbox.faults.answers import reply_of_text
from callsheet_sandbox.faults.exchange import Exchange, Reply
from callsheet_sandbox.faults.script import Fault

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_CONDITIONS = (b"range", b"if-range")
# The minor version of an MP4's first box: a player does not care.
_MINOR_VERSION = slice(12, 16)


async def cut(fault: Fault, exchange: Exchange) -> None:
    """End the connection after so many bytes of the body."""
    reply, framing = await exchange.carry_out(), fault.text("framing")
    sent = reply.body[: fault.count("bytes")]
    if framing == "chunked":
        sent = b"%x\r\n%s\r\n" % (len(sent), sent) if sent else b""
    await exchange.write(reply.head(framing) + sent)
    await (exchange.reset if fault.text("end") == "reset" else exchange.close)()


async def ignore_range(_: Fault, exchange: Exchange) -> None:
    """Ignore the range."""
    await exchange.answer(await exchange.carry_out(without=_CONDITIONS))


async def unsatisfiable(_: Fault, exchange: Exchange) -> None:
    """Refuse any range."""
    file = await exchange.carry_out(without=_CONDITIONS)
    await exchange.answer(reply_of_text(416, "", {"content-range": f"bytes */{len(file.body)}"}))


async def changed(fault: Fault, exchange: Exchange) -> None:
    """Serve another version of the file, in ranges too."""
    file = await exchange.carry_out(without=_CONDITIONS)
    tag = fault.text("etag")
    condition = exchange.header("if-range")
    wanted = exchange.header("range") if condition in {"", tag} else ""
    await exchange.answer(_ranged(replace(file, body=another(file.body)), wanted, {"etag": tag}))


def another(body: bytes) -> bytes:
    """Return a different file that is as good: other bytes at the start of an MP4, a longer end."""
    content = bytearray(body)
    if body[4:8] == b"ftyp":
        content[_MINOR_VERSION] = b"\x00\x00\x7f\x7f"
    return bytes(content) + b"\x00\x00\x00\x10freechanged."


async def misrange(fault: Fault, exchange: Exchange) -> None:
    """Serve a range that nobody asked for, and say so."""
    match = _RANGE.match(exchange.header("range"))
    if match is None:
        await exchange.answer(await exchange.carry_out())
        return
    file = await exchange.carry_out(without=_CONDITIONS)
    start = min(max(int(match[1]) + fault.count("shift"), 0), len(file.body) - 1)
    await exchange.answer(_ranged(file, f"bytes={start}-", {}))


async def zipped(_: Fault, exchange: Exchange) -> None:
    """Send the whole file gzip-encoded."""
    file = await exchange.carry_out(without=_CONDITIONS)
    body = gzip.compress(file.body, 1, mtime=0)
    coding = {"content-encoding": "gzip", "content-length": str(len(body))}
    weak = {"etag": f"W/{file.headers['etag']}"} if "etag" in file.headers else {}
    await exchange.answer(replace(file, headers={**file.headers, **coding, **weak}, body=body))


async def unsized(fault: Fault, exchange: Exchange) -> None:
    """Send the right reply without its length."""
    reply = await exchange.carry_out()
    if fault.text("framing") == "close":
        await exchange.write(reply.head("close") + reply.body)
        await exchange.close()
        return
    headers = {key: text for key, text in reply.headers.items() if key != "content-length"}
    await exchange.answer(replace(reply, headers=headers))


def _ranged(file: Reply, wanted: str, headers: dict[str, str]) -> Reply:
    """Return the part of a whole file that a Range header asks for."""
    size = len(file.body)
    file_headers = {**file.headers, **headers, "content-length": str(size)}
    match = _RANGE.fullmatch(wanted)
    if file.status != 200 or match is None:
        return replace(file, headers=file_headers)
    start, end = int(match[1]), min(int(match[2] or size - 1), size - 1)
    if start > end:
        return reply_of_text(416, "", {"content-range": f"bytes */{size}"})
    part = file.body[start : end + 1]
    file_headers |= {
        "content-length": str(len(part)),
        "content-range": f"bytes {start}-{end}/{size}",
    }
    return Reply(206, file_headers, part)
