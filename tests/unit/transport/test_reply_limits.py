"""A reply is counted as it is decoded: what is packed ends at the limit, with flat memory."""

from __future__ import annotations

import errno
import gzip
import json
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from unit.servers import Said, serving
from unit.transport.test_bodies import drawing, stored
from unit.transport.test_transport import BODY, failing, options

from callsheet.errors import NetworkError, OutcomeUnknown
from callsheet.spec import Action
from callsheet.storage import kept_replies
from callsheet.transport.reply_body import Decoder

if TYPE_CHECKING:
    from pathlib import Path

    from unit.surroundings import Runner

MIB = 1 << 20
FREE, MAKE = Action(id="v.free"), Action(id="v.make")
TEXT = json.dumps({"text": "héllo " * 40_000}).encode()


def bomb(gibibytes: int) -> bytes:
    """Return that much of nothing as a stream of gzip, without its end."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = deflate.compress(bytes(MIB)) + deflate.flush(zlib.Z_FULL_FLUSH)
    return gzip.compress(b"")[:10] + block * (gibibytes << 10)


def raw_deflate(body: bytes) -> bytes:
    return zlib.compress(body)[2:-4]


def reading(action: Action) -> Any:
    async def steps(client: Any, wait: Any) -> Any:
        return await wait(client.call(action.id, BODY))

    return steps


@pytest.mark.parametrize("coding", ["gzip", "gzip, gzip", "deflate, gzip", "x-gzip,  GZIP,gzip"])
@pytest.mark.parametrize("kind", ["application/json", "text/html"])
def test_a_bomb_ends_at_the_limit_with_flat_memory(
    runner: Runner, tmp_path: Path, coding: str, kind: str
) -> None:
    body = bomb(4)[10:] if coding.startswith("deflate") else bomb(4)
    for _ in coding.split(",")[1:]:
        body = gzip.compress(body)
    head = {"Content-Encoding": coding, "Content-Type": kind}
    with serving(Said(200, body, head)) as server:
        tracemalloc.start()
        try:
            error = failing(runner, server.url, tmp_path, reading(FREE))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert len(server.posts()) == 1
    assert isinstance(error, NetworkError)
    assert "16 MiB" in error.message
    assert peak < 80 * MIB


def test_a_packed_error_page_ends_at_the_limit_too(runner: Runner, tmp_path: Path) -> None:
    with serving(Said(500, gzip.compress(bomb(4)), {"Content-Encoding": "gzip, gzip"})) as server:
        error = failing(runner, server.url, tmp_path, drawing)
        assert len(server.posts()) == 1
    assert isinstance(error, OutcomeUnknown)


def test_a_large_answer_is_refused_where_it_is_free_and_read_where_it_was_paid_for(
    runner: Runner, tmp_path: Path
) -> None:
    body = json.dumps({"text": "x" * (17 * MIB)}).encode()
    with serving(Said(200, body, {"Content-Type": "application/json"})) as server:
        error = failing(runner, server.url, tmp_path, reading(FREE))
        assert "16 MiB" in error.message
        assert stored(tmp_path) == []
        result = runner(options(server.url, tmp_path), reading(MAKE))
    assert len(result.json["text"]) == 17 * MIB
    (path,) = stored(tmp_path)
    assert path.read_bytes() == body


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("gzip", gzip.compress(TEXT[:999], mtime=0) + gzip.compress(TEXT[999:], mtime=0)),
        ("gzip", gzip.compress(TEXT, mtime=0) + b"\0\0padding"),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
        ("deflate, gzip", gzip.compress(zlib.compress(TEXT), mtime=0)),
        ("identity", TEXT),
        ("", TEXT),
        ("br", TEXT),
    ],
)
@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_what_is_packed_is_read_whatever_the_chunks(coding: str, body: bytes, step: int) -> None:
    decoder = Decoder(coding)
    chunks = (body[start : start + step] for start in range(0, len(body), step))
    pieces = [piece for chunk in chunks for piece in decoder.feed(chunk)]
    assert b"".join(pieces) == TEXT


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", TEXT),
        ("deflate", TEXT),
        ("gzip, gzip, gzip, gzip, gzip", gzip.compress(TEXT, mtime=0)),
    ],
)
def test_a_body_that_is_not_packed_as_it_says_is_no_answer(
    runner: Runner, tmp_path: Path, coding: str, body: bytes
) -> None:
    with serving(Said(200, body, {"Content-Encoding": coding})) as server:
        error = failing(runner, server.url, tmp_path, drawing)
        assert len(server.posts()) == 1
    assert isinstance(error, OutcomeUnknown)


LARGE = Said(200, json.dumps({"text": "x" * (17 * MIB)}).encode(), {"Content-Type": "text/plain"})


def test_a_large_answer_goes_to_another_disk_where_this_one_has_no_room(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def require_room(path: str, size: int = 0) -> None:
        asked.append(size)
        if path.startswith(str(tmp_path / "ledger")):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(kept_replies, "_require_room", require_room)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with serving(LARGE) as server:
        result = runner(options(server.url, tmp_path), reading(MAKE))
    assert len(result.json["text"]) == 17 * MIB
    assert asked[:2] == [len(LARGE.body)] * 2
    assert stored(tmp_path) == []


def test_a_disk_without_room_leaves_the_outcome_unknown_and_room_for_others(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_replies, "RESERVE", 1 << 60)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with serving(LARGE) as server:
        error = failing(runner, server.url, tmp_path, reading(MAKE))
        assert len(server.posts()) == 1
    assert isinstance(error, OutcomeUnknown)
    assert "No space left" in error.message
