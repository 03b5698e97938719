"""A local file goes out as the configuration says, once, and is recorded without its bytes."""

from __future__ import annotations

import base64
from email.parser import BytesParser
from typing import TYPE_CHECKING, Any

import pytest
from unit.servers import Seen, said, serving
from unit.transport.test_transport import options

from callsheet import Client
from callsheet.config.overlay import Overlay
from callsheet.engine.uploading import UploadAction, find_upload_action, upload
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
            client.engine.host.overlay = Overlay()
            link = client.run(upload(client.engine, store, str(tmp_path / name)))
            (row,) = client.tasks.list()
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
    assert (row["state"], row["body"], request.headers["idempotency-key"]) == (
        "done",
        None,
        row["ref"],
    )


@pytest.mark.parametrize(("encoding", "start"), [("base64", b""), ("data-uri", b"data:image/png;")])
def test_json_carries_the_bytes(tmp_path: Path, encoding: str, start: bytes) -> None:
    _, request, row = sent(tmp_path, UploadAction("s.put", "file", encoding))
    assert start + b"" in request.body
    assert base64.b64encode(b"\x89PNG\r\n\0\xff") in request.body
    assert row["body"] is None


def test_an_action_that_plainly_takes_a_file_is_found(tmp_path: Path) -> None:
    with serving(said({})) as server, Client(**options(server.url, tmp_path)) as client:
        client.engine.host.overlay = Overlay()
        with pytest.raises(UsageError, match="wants a URL"):
            client.run(find_upload_action(client.engine))
        server.listed = LISTED
        client.actions(refresh=True)
        assert client.run(find_upload_action(client.engine)) == UploadAction(
            "s.put", "file", "base64"
        )
        said_so = {"action": "s.put", "field": "f", "encoding": "multipart", "result": "link"}
        client.engine.host.overlay = Overlay(upload=said_so)
        assert client.run(find_upload_action(client.engine)) == UploadAction(
            "s.put", "f", "multipart", "link"
        )


def test_what_cannot_be_uploaded_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    with open(tmp_path / "large.png", "wb") as file:
        file.truncate(32 * 1024 * 1024 + 1)
    with serving(said({})) as server, Client(**options(server.url, tmp_path)) as client:
        for name, words in (("large.png", "larger than 32 MiB"), ("none.png", "cannot be read")):
            with pytest.raises(UsageError, match=words):
                client.run(upload(client.engine, UploadAction("s.put", "f"), str(tmp_path / name)))
        assert server.seen == []


@pytest.mark.parametrize(
    ("answer", "error"), [(said({"id": 1}), ServerError), (said({}, 502), OutcomeUnknown)]
)
def test_an_answer_without_the_link(tmp_path: Path, answer: Any, error: type[Exception]) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    with serving(answer) as server, Client(**options(server.url, tmp_path)) as client:
        server.listed = LISTED
        with pytest.raises(error):
            client.run(
                upload(client.engine, UploadAction("s.put", "file"), str(tmp_path / "a.png"))
            )
        assert len(server.posts()) == 1
