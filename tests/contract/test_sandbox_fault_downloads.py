"""Bad servers of media: each as the client sees it, and what it may find out."""

from __future__ import annotations

import gzip
import hashlib
import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from callsheet_sandbox.pytest import sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callsheet_sandbox.server import Running

__all__ = ["sandbox"]

REST = {"Range": "bytes=100-"}


@pytest.fixture(scope="module")
def web() -> Iterator[httpx.Client]:
    """Give one client without a key for all links."""
    with httpx.Client() as opened:
        yield opened


@pytest.fixture
def client(sandbox: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.url, headers={"X-Api-Key": sandbox.key}) as opened:
        yield opened


def ask(client: httpx.Client, task_id: str) -> str:
    """Return the link that the query action gives."""
    path = "/api/actions/ai.image.query"
    return str(client.post(path, json={"taskId": task_id}).json()["imageUrl"])


@pytest.fixture
def task_id(client: httpx.Client) -> str:
    body = {"prompt": "a cup", "options": {"sandboxSeconds": 0}}
    return str(client.post("/api/actions/ai.image.generate", json=body).json()["taskId"])


@pytest.fixture
def link(client: httpx.Client, task_id: str) -> str:
    return ask(client, task_id)


@pytest.fixture
def file(web: httpx.Client, link: str) -> bytes:
    return web.get(link).content


def received(
    web: httpx.Client, link: str, **headers: str
) -> tuple[httpx.Headers, bytes, str | None]:
    """Read what comes; return headers, the raw body, and the error it ended with."""
    body = b""
    sent = {"Accept-Encoding": "identity", **headers}
    with web.stream("GET", link, headers=sent) as answer:
        try:
            for part in answer.iter_raw():
                body += part
        except httpx.TransportError as error:
            return answer.headers, body, type(error).__name__
    return answer.headers, body, None


@pytest.mark.parametrize("count", [0, 1, 1000])
@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("", "RemoteProtocolError"),
        ("end=reset", "ReadError"),
        ("framing=chunked", "RemoteProtocolError"),
        ("framing=close", None),
    ],
)
def test_cut(
    web: httpx.Client,
    sandbox: Running,
    link: str,
    file: bytes,
    *,
    count: int,
    how: str,
    error: str | None,
) -> None:
    sandbox.set_faults(f"cut bytes={count} {how}")
    headers, body, ended = received(web, link)
    assert (body, ended) == (file[:count], error)
    assert headers.get("content-length") == (None if "framing" in how else str(len(file)))
    assert received(web, link, **REST)[1:] == (file[100:], None)


def test_cut_within_a_range(web: httpx.Client, sandbox: Running, link: str, file: bytes) -> None:
    sandbox.set_faults("cut bytes=50 @1-2")
    cuts = [received(web, link, Range=f"bytes={start}-")[1] for start in (0, 50, 100)]
    assert cuts == [file[:50], file[50:100], file[100:]]


def test_the_whole_instead_of_a_range(
    web: httpx.Client, sandbox: Running, link: str, file: bytes
) -> None:
    sandbox.set_faults("whole")
    answer = web.get(link, headers=REST)
    assert (answer.status_code, answer.content) == (200, file)
    assert "content-range" not in answer.headers


def test_unsatisfiable(web: httpx.Client, sandbox: Running, link: str, file: bytes) -> None:
    sandbox.set_faults("unsatisfiable")
    answer = web.get(link, headers=REST)
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(file)}")


def test_another_version_of_the_file(
    web: httpx.Client, sandbox: Running, link: str, file: bytes
) -> None:
    tag = web.head(link).headers["etag"]
    sandbox.set_faults("changed x*")
    new = web.get(link)
    resumed = [web.get(link, headers={**REST, "If-Range": etag}) for etag in (tag, '"changed"')]
    blind = web.get(link, headers=REST)
    assert (new.status_code, new.headers["etag"]) == (200, '"changed"')
    assert hashlib.sha256(new.content).digest() != hashlib.sha256(file).digest()
    assert (resumed[0].status_code, resumed[0].content) == (200, new.content)
    assert (resumed[1].status_code, resumed[1].content) == (206, new.content[100:])
    assert (blind.status_code, blind.content) == (206, new.content[100:])
    beyond = web.get(link, headers={"Range": f"bytes={len(new.content)}-"})
    assert beyond.status_code == 416


@pytest.mark.parametrize(("shift", "start"), [(7, 107), (-1, 99), (-500, 0), (10**9, -1)])
def test_a_range_that_nobody_asked_for(
    web: httpx.Client, sandbox: Running, link: str, file: bytes, *, shift: int, start: int
) -> None:
    sandbox.set_faults(f"misrange shift={shift} x*")
    answer = web.get(link, headers=REST)
    first = start % len(file)
    assert answer.headers["content-range"] == f"bytes {first}-{len(file) - 1}/{len(file)}"
    assert (answer.status_code, answer.content) == (206, file[first:])
    assert web.get(link).content == file


def test_gzip_that_nobody_asked_for(
    web: httpx.Client, sandbox: Running, link: str, file: bytes
) -> None:
    sandbox.set_faults("gzip")
    headers, body, _ = received(web, link, **REST)
    assert headers["content-encoding"] == "gzip"
    assert int(headers["content-length"]) == len(body)
    assert gzip.decompress(body) == file


@pytest.mark.parametrize(("framing", "coding"), [("chunked", "chunked"), ("close", None)])
def test_no_length(
    web: httpx.Client, sandbox: Running, link: str, file: bytes, *, framing: str, coding: str | None
) -> None:
    sandbox.set_faults(f"unsized framing={framing}")
    headers, body, ended = received(web, link, **REST)
    assert (headers.get("content-length"), headers.get("transfer-encoding")) == (None, coding)
    assert (body, ended) == (file[100:], None)


def test_head_refused(web: httpx.Client, sandbox: Running, link: str, file: bytes) -> None:
    sandbox.set_faults("405 HEAD /media/* x*")
    assert web.head(link).status_code == 405
    assert web.get(link).content == file


@pytest.mark.parametrize("code", [403, 404, 410])
def test_an_expired_link(
    web: httpx.Client,
    client: httpx.Client,
    sandbox: Running,
    task_id: str,
    file: bytes,
    *,
    code: int,
) -> None:
    old = ask(client, task_id)
    sandbox.set_faults([{"kind": "expired", "code": code, "nth": 2}])
    statuses = [web.get(old).status_code for _ in range(3)]
    fresh = ask(client, task_id)
    assert statuses == [200, code, code]
    assert (fresh, web.get(fresh).content) == (f"{old}?fresh=1", file)
    assert web.get(old).status_code == code
    sandbox.clear_faults()
    assert web.get(old).status_code == 200


def test_links_that_expire_again(
    web: httpx.Client, client: httpx.Client, sandbox: Running, task_id: str
) -> None:
    link = ask(client, task_id)
    sandbox.set_faults("expired x2")
    for number in (1, 2):
        assert web.get(link).status_code == 403
        link = ask(client, task_id)
        assert link.endswith(f"?fresh={number}")
    assert web.get(link).status_code == 200


def test_media_on_a_foreign_host(
    web: httpx.Client, client: httpx.Client, sandbox: Running, task_id: str, file: bytes
) -> None:
    sandbox.set_faults("foreign-links; cut bytes=10 @2")
    link = ask(client, task_id)
    assert link == f"{sandbox.foreign_url}/media/{task_id}.png"
    assert web.get(link, headers={"X-Api-Key": "sk-leaked"}).content == file
    assert received(web, link)[1] == file[:10]
    assert [entry["auth"] for entry in sandbox.foreign.requests()] == ["x-api-key", None]


def test_links_of_another_scheme_and_host(
    client: httpx.Client, sandbox: Running, task_id: str
) -> None:
    sandbox.set_faults("foreign-links to=scheme x1; foreign-links to=host @2 x1")
    own = sandbox.url.replace("127.0.0.1", "localhost")
    links = [ask(client, task_id).partition("/media/")[0] for _ in range(3)]
    assert links == [sandbox.foreign.tls_url, own, sandbox.url]


def test_a_reset_download_is_one_for_a_raw_socket_too(sandbox: Running, link: str) -> None:
    sandbox.set_faults("cut bytes=5 end=reset")
    host, port = sandbox.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as raw:
        raw.sendall(f"GET {link.removeprefix(sandbox.url)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        with pytest.raises(ConnectionResetError):
            list(iter(lambda: raw.recv(65_536), b""))


def test_a_refused_foreign_link_still_notes_the_key(web: httpx.Client, sandbox: Running) -> None:
    sandbox.set_faults("403 /media/*")
    assert web.get(f"{sandbox.foreign_url}/media/x.png", headers={"X-Api-Key": "k"}).is_error
    assert sandbox.stats()["credentials"] == {
        sandbox.foreign_url.removeprefix("http://"): {"x-api-key": 1}
    }


def test_relative_links_become_foreign(client: httpx.Client, sandbox: Running) -> None:
    sandbox.set_faults("foreign-links")
    bearer = {"Authorization": f"Bearer {sandbox.key}"}
    names = [
        name for name in sandbox.dialects() if sandbox.world.realms[name].dialect.links.relative
    ]
    assert names
    for name in names:
        body = {"prompt": "a", "options": {"sandboxSeconds": 0}}
        start = f"/d/{name}/api/actions/ai.image.generate_and_wait"
        answer = client.post(start, json=body, headers=bearer, follow_redirects=True)
        assert f"{sandbox.foreign_url}/d/{name}/media/" in answer.text
