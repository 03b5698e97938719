"""Faults of the connection, seen from raw sockets and from a client."""

from __future__ import annotations

import json
import math
import socket
import ssl
from typing import TYPE_CHECKING

import httpx
import pytest
from contract.conftest import wait_until

from callsheet_sandbox.pytest import sandbox
from callsheet_sandbox.server import serve

if TYPE_CHECKING:
    from contract.conftest import Gate

    from callsheet_sandbox.server import Running

__all__ = ["sandbox"]

ACTION = "ai.image.generate"
BODY = json.dumps({"prompt": "a cup", "options": {"sandboxSeconds": 0}}).encode()
RESET = "reset"
ENDED = "ended"


def connected(url: str) -> socket.socket:
    """Connect to a sandbox."""
    host, port = url.rsplit("/", 1)[1].split(":")
    return socket.create_connection((host, int(port)), timeout=60)


def request(running: Running, body: bytes = BODY, *, length: int | None = None) -> bytes:
    """Return the paid request as bytes."""
    head = (
        f"POST /api/actions/{ACTION} HTTP/1.1\r\nHost: x\r\nX-Api-Key: {running.key}\r\n"
        f"Idempotency-Key: ref\r\nContent-Length: {length or len(body)}\r\n\r\n"
    )
    return head.encode() + body


def read(link: socket.socket, limit: int = 10_000_000) -> tuple[bytes, str]:
    """Read to the end; return what came and how it ended."""
    reply = b""
    while len(reply) < limit:
        try:
            part = link.recv(65_536)
        except ConnectionResetError:
            return reply, RESET
        except TimeoutError:
            return reply, "open"
        if not part:
            return reply, ENDED
        reply += part
    return reply, "limit"


def exchange(running: Running, payload: bytes | None = None) -> tuple[bytes, bytes, str]:
    """Send the request on a fresh connection; return the reply's head, body and end."""
    with connected(running.url) as link:
        link.sendall(payload or request(running))
        reply, end = read(link)
    head, _, body = reply.partition(b"\r\n\r\n")
    return head, body, end


@pytest.mark.parametrize(("phase", "charged"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize(
    ("kind", "end", "parts"),
    [
        ("drop", ENDED, (False, False)),
        ("hang seconds=0.05", ENDED, (False, False)),
        ("reset", RESET, (False, False)),
        ("reset at=sent", RESET, (False, False)),
        ("reset at=headers", RESET, (True, False)),
        ("reset at=body", RESET, (True, True)),
        ("truncate", ENDED, (True, True)),
    ],
)
def test_a_lost_reply(
    sandbox: Running, kind: str, end: str, parts: tuple[bool, bool], *, phase: str, charged: int
) -> None:
    sandbox.set_faults(f"{kind} {ACTION} {phase}")
    head, body, ended = exchange(sandbox)
    assert (ended, (bool(head), bool(body))) == (end, parts)
    assert len(sandbox.charges()) == charged
    assert [entry["path"] for entry in sandbox.requests()] == [f"/api/actions/{ACTION}"]
    assert sandbox.faults()[0]["fired"] == 1


@pytest.mark.parametrize("keep", [0.0, 0.25, 0.9])
def test_a_truncated_body_has_the_whole_length(sandbox: Running, keep: float) -> None:
    sandbox.set_faults([{"kind": "truncate", "keep": keep, "phase": "after"}])
    head, body, _ = exchange(sandbox)
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    assert len(body) == int(length * keep)


def test_before_a_reset_no_reply_claims_success(sandbox: Running) -> None:
    sandbox.set_faults("reset at=body")
    head, _, _ = exchange(sandbox)
    assert head.startswith(b"HTTP/1.1 503 ")


def test_reset_on_connecting(sandbox: Running) -> None:
    sandbox.set_faults("reset at=connect @2")
    ends = []
    for _ in range(3):
        # The reset may come while the client connects, while it sends, or after that.
        try:
            with connected(sandbox.url) as link:
                link.sendall(request(sandbox))
                ends.append(read(link, limit=1)[1])
        except OSError:
            ends.append(RESET)
    assert ends == ["limit", RESET, "limit"]
    assert len(sandbox.requests()) == 2


def test_reset_before_the_body_is_read(sandbox: Running) -> None:
    sandbox.set_faults(f"reset at=request {ACTION}")
    with connected(sandbox.url) as link:
        link.sendall(request(sandbox, b'{"prompt"', length=5000))
        assert read(link) == (b"", RESET)
    [entry] = sandbox.requests()
    assert (entry["path"], entry["body"], entry["status"]) == (f"/api/actions/{ACTION}", None, None)
    assert sandbox.charges() == []


def test_a_client_that_leaves_a_hang(sandbox: Running) -> None:
    sandbox.set_faults(f"hang {ACTION} after")
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{sandbox.url}/api/actions/{ACTION}",
            content=BODY,
            headers={"X-Api-Key": sandbox.key},
            timeout=httpx.Timeout(60, read=0.1),
        )
    wait_until(sandbox.charges)
    [entry] = sandbox.requests()
    assert (len(sandbox.charges()), entry["status"]) == (1, None)


def test_garbage(sandbox: Running) -> None:
    sandbox.set_faults("garbage")
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{sandbox.url}/api/actions")


def test_slices_are_sent_apart_and_make_the_whole(sandbox: Running, gate: Gate) -> None:
    gate.open()
    sandbox.set_faults("slice bytes=40 pause=0.002")
    head, body, _ = exchange(sandbox)
    size = len(head) + len(b"\r\n\r\n") + len(body)
    pauses = [seconds for seconds in gate.seconds if seconds]  # another reply's may be 0
    assert pauses == [0.002] * math.ceil(size / 40)
    assert json.loads(body)["status"] == "success"


def test_bandwidth(sandbox: Running, gate: Gate) -> None:
    gate.open()
    sandbox.set_faults("slice bytes=4000")  # whole, and the connection ends
    size = sum(map(len, exchange(sandbox)[:2]))
    gate.seconds.clear()
    sandbox.set_faults([{"kind": "bandwidth", "rate": size * 5}])
    _, body, end = exchange(sandbox)
    assert end == ENDED  # the last pause lies before the end
    assert json.loads(body)["taskId"]
    assert 0.2 <= round(sum(gate.seconds), 6) < 0.3


def test_the_server_serves_on_after_every_fault(sandbox: Running) -> None:
    kinds = ["drop", "reset", "truncate", "garbage", "reset at=headers", "hang seconds=0.01"]
    with httpx.Client(base_url=sandbox.url, headers={"X-Api-Key": sandbox.key}) as client:
        for kind in kinds:
            sandbox.set_faults(kind)
            with pytest.raises(httpx.TransportError):
                client.get("/api/actions")
            assert client.get("/api/actions").status_code == 200


def test_a_port_that_refuses_until_it_opens() -> None:
    with serve() as other:
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError):
                connected(other.refused_url)
        other.open_refused()
        listed = httpx.get(f"{other.refused_url}/api/actions", headers={"X-Api-Key": other.key})
        assert listed.status_code == 200
        assert list(other.stats()["credentials"]) == [other.refused_url.removeprefix("http://")]


def test_a_port_without_tls(sandbox: Running) -> None:
    with pytest.raises(httpx.ConnectError, match="SSL"):
        httpx.get(sandbox.garbage_url)


def test_the_sandbox_over_tls(sandbox: Running) -> None:
    trusting = ssl.create_default_context(cafile=sandbox.foreign.certificate)
    sandbox.set_faults("reset at=headers")
    with httpx.Client(verify=trusting, headers={"X-Api-Key": sandbox.key}) as client:
        with pytest.raises(httpx.TransportError):
            client.get(f"{sandbox.secure_url}/api/actions")
        assert client.get(f"{sandbox.secure_url}/api/actions").json()["actions"]


def test_a_foreign_origin_over_tls(sandbox: Running) -> None:
    with pytest.raises(httpx.ConnectError, match="self-signed"):
        httpx.get(sandbox.foreign.tls_url)
    trusting = ssl.create_default_context(cafile=sandbox.foreign.certificate)
    answer = httpx.get(f"{sandbox.foreign.tls_url}/x?y=1", verify=trusting)
    [entry] = sandbox.foreign.requests()
    assert answer.json()["taskId"] == "foreign"
    assert (entry["origin"], entry["path"], entry["query"]) == (
        sandbox.foreign.tls_url,
        "/x",
        "y=1",
    )
    assert (entry["auth"], sandbox.foreign.requests()[0]["headers"]["host"]) == (
        None,
        sandbox.foreign.tls_url.removeprefix("https://"),
    )
