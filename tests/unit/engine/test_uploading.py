"""A local file goes out as the configuration says, once, and is recorded without its bytes."""

from __future__ import annotations

import base64
import os
from email.parser import BytesParser
from typing import TYPE_CHECKING, Any

import pytest
from unit.servers import Seen, said, serving
from unit.transport.test_transport import options

from callsheet import Client
from callsheet.config.overlay import Overlay
from callsheet.engine.file_fields import UploadAction
from callsheet.engine.uploading import (
    UploadCache,
    end_of_link,
    find_upload_action,
    read_local,
    store_file,
)
from callsheet.errors import OutcomeUnknown, ServerError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = {
    "type": "object",
    "properties": {"file": {"type": "string", "contentEncoding": "base64"}},
    "required": ["file"],
}
LISTED = said({"actions": [{"id": "s.put", "inputSchema": PLAIN}]})


def sent(
    tmp_path: Path, store: UploadAction, name: str = "a.png"
) -> tuple[str, Seen, dict[str, Any]]:
    (tmp_path / name).write_bytes(b"\x89PNG\r\n\0\xff")
    with serving(said({"url": "https://cdn.example/a.png"})) as server:
        server.listed = LISTED
        with Client(**options(server.url, tmp_path)) as client:
            client._engine.host.overlay = Overlay()
            link = client._run(store_file(client._engine, store, read_local(str(tmp_path / name))))
            (row,) = client.ledger.jobs()
        return link, server.posts()[0], row


@pytest.mark.parametrize("name", ["a.png", 'a";\r\n b.png', "ä.jpg"])
def test_a_form_carries_the_bytes(tmp_path: Path, name: str) -> None:
    link, request, row = sent(tmp_path, UploadAction("s.put", "file", "multipart"), name)
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    form = BytesParser().parsebytes(head + request.body)
    (part,) = form.get_payload()
    assert link == "https://cdn.example/a.png"
    assert part.get_payload(decode=True) == b"\x89PNG\r\n\0\xff"
    assert part.get_param("name", header="content-disposition") == "file"
    assert len(part.keys()) == 2
    assert (row.state, row.body, request.headers["idempotency-key"]) == (
        "done",
        None,
        row.ref,
    )


@pytest.mark.parametrize(("encoding", "start"), [("base64", b""), ("data-uri", b"data:image/png;")])
def test_json_carries_the_bytes(tmp_path: Path, encoding: str, start: bytes) -> None:
    _, request, row = sent(tmp_path, UploadAction("s.put", "file", encoding))
    assert start + b"" in request.body
    assert base64.b64encode(b"\x89PNG\r\n\0\xff") in request.body
    assert row.body is None


def test_an_action_that_plainly_takes_a_file_is_found(tmp_path: Path) -> None:
    with serving(said({})) as server, Client(**options(server.url, tmp_path)) as client:
        client._engine.host.overlay = Overlay()
        with pytest.raises(UsageError, match="wants a URL"):
            client._run(find_upload_action(client._engine))
        server.listed = LISTED
        client.actions(refresh=True)
        assert client._run(find_upload_action(client._engine)) == UploadAction(
            "s.put", "file", "base64"
        )
        said_so = {"action": "s.put", "field": "f", "encoding": "multipart", "result": "link"}
        client._engine.host.overlay = Overlay(upload=said_so)
        assert client._run(find_upload_action(client._engine)) == UploadAction(
            "s.put", "f", "multipart", "link"
        )


def test_what_cannot_be_uploaded_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    with open(tmp_path / "large.png", "wb") as file:
        file.truncate(32 * 1024 * 1024 + 1)
    with serving(said({})) as server, Client(**options(server.url, tmp_path)) as client:
        for name, words in (("large.png", "larger than 32 MiB"), ("none.png", "cannot be read")):
            with pytest.raises(UsageError, match=words):
                client._run(
                    store_file(
                        client._engine, UploadAction("s.put", "f"), read_local(str(tmp_path / name))
                    )
                )
        assert server.seen == []


@pytest.mark.parametrize(
    ("answer", "error"), [(said({"id": 1}), ServerError), (said({}, 502), OutcomeUnknown)]
)
def test_an_answer_without_the_link(tmp_path: Path, answer: Any, error: type[Exception]) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    with serving(answer) as server, Client(**options(server.url, tmp_path)) as client:
        server.listed = LISTED
        with pytest.raises(error):
            client._run(
                store_file(
                    client._engine,
                    UploadAction("s.put", "file"),
                    read_local(str(tmp_path / "a.png")),
                )
            )
        assert len(server.posts()) == 1


@pytest.mark.parametrize(
    ("answer", "link"),
    [
        ({"url": "https://cdn.example/a.png"}, "https://cdn.example/a.png"),
        ({"fileUrl": "https://cdn.example/a.png"}, "https://cdn.example/a.png"),
        ({"file": {"download_url": "https://cdn.example/a"}}, "https://cdn.example/a"),
        ({"code": 0, "data": {"files": [{"src": "https://c.example/a"}]}}, "https://c.example/a"),
        ({"data": "https://cdn.example/a.png"}, "https://cdn.example/a.png"),
        (["https://cdn.example/a.png"], "https://cdn.example/a.png"),
    ],
)
def test_the_link_is_found_wherever_it_stands(tmp_path: Path, answer: Any, link: str) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    with serving(said(answer)) as server, Client(**options(server.url, tmp_path)) as client:
        server.listed = LISTED
        store = UploadAction("s.put", "file", "base64")
        assert (
            client._run(store_file(client._engine, store, read_local(str(tmp_path / "a.png"))))
            == link
        )


def test_the_same_bytes_are_uploaded_once_while_their_link_lives(tmp_path: Path) -> None:
    for name in ("a.png", "copy.png", "other.png"):
        (tmp_path / name).write_bytes(b"other" if name == "other.png" else b"x")
    store = UploadAction("s.put", "file", "base64")
    with serving(said({"url": "https://cdn.example/a.png"})) as server:
        server.listed = LISTED
        for name in ("a.png", "copy.png", "other.png", "a.png"):
            with Client(**options(server.url, tmp_path)) as client:
                client._run(store_file(client._engine, store, read_local(str(tmp_path / name))))
                cache = client._settings.cache_dir
        assert len(server.posts()) == 2
        os.unlink(os.path.join(cache, "uploads.json"))
        with Client(**options(server.url, tmp_path)) as client:
            client._run(store_file(client._engine, store, read_local(str(tmp_path / "a.png"))))
        assert len(server.posts()) == 3


@pytest.mark.parametrize(
    ("link", "answer", "end"),
    [
        ("https://c.example/a", {}, 1_000_000_000 + 86_400),
        ("https://c.example/a?Expires=1000003600", {}, 1_000_003_000),
        ("https://c.example/a?X-Amz-Date=20010909T014640Z&X-Amz-Expires=3600", {}, 1_000_003_000),
        ("https://c.example/a", {"expires_in": 3600}, 1_000_003_000),
        ("https://c.example/a", {"expiresAt": "2001-09-09T02:46:40Z"}, 1_000_003_000),
        ("https://c.example/a?X-Amz-Date=soon", {"expiresAt": "never"}, 1_000_000_000 + 86_400),
    ],
)
def test_a_link_is_used_as_long_as_it_says(link: str, answer: Any, end: float) -> None:
    assert end_of_link(link, answer, 1_000_000_000) == end


@pytest.mark.parametrize("content", ["", "[]", "{", '{"https://h d": ["x"]}', '{"https://h d": 1}'])
def test_a_damaged_cache_counts_as_none(tmp_path: Path, content: str) -> None:
    cache = UploadCache(str(tmp_path))
    (tmp_path / "uploads.json").write_text(content)

    assert cache.find("https://h", "d", 0) is None
    cache.keep("https://h", "d", "https://c.example/a", 10.0)
    assert (cache.find("https://h", "d", 9), cache.find("https://h", "d", 10)) == (
        "https://c.example/a",
        None,
    )
