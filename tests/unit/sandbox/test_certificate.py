"""The self-signed certificate is one that a strict client accepts when told to trust it."""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING

from callsheet_sandbox.certificate import write_certificate

if TYPE_CHECKING:
    from pathlib import Path


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> str | None:
    """Shake hands in memory; return the protocol that both agree on."""
    ends = [(ssl.MemoryBIO(), ssl.MemoryBIO()) for _ in range(2)]
    both = [
        client.wrap_bio(*ends[0], server_hostname=host),
        server.wrap_bio(*ends[1], server_side=True),
    ]
    for _ in range(4):
        for number, side in enumerate(both):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
            ends[1 - number][0].write(ends[number][1].read())
    return both[0].version()


def test_a_strict_client_accepts_it(tmp_path: Path) -> None:
    path = tmp_path / "foreign.pem"
    for _ in range(3):
        write_certificate(path)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(path)
        client = ssl.create_default_context(cafile=path)
        client.verify_flags |= ssl.VERIFY_X509_STRICT
        assert handshake(server, client, "127.0.0.1") == "TLSv1.3"
        assert handshake(server, client, "localhost") == "TLSv1.3"
    assert path.stat().st_mode & 0o777 == 0o600
