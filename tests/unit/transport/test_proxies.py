"""NO_PROXY is obeyed in every form, and a proxy that fails is named without its password."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from unit.servers import Said, serving

from callsheet.client.client import Client
from callsheet.errors import NetworkError
from callsheet.transport.http import network_error
from callsheet.transport.proxies import is_exempt, proxy_for

if TYPE_CHECKING:
    from unit.surroundings import Runner


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("https://ads.example/x", "ads.example"),
        ("https://a.ads.example", ".ads.example"),
        ("https://ads.example", ".ads.example"),
        ("https://a.ads.example", "*.ads.example"),
        ("https://ADS.example:444", "other, ads.EXAMPLE:444"),
        ("https://ads.example", "ads.example:443"),
        ("https://ads.example", "*"),
        ("https://10.1.2.3", "10.0.0.0/8"),
        ("https://10.1.2.3:8443", "10.1.2.3:8443"),
        ("https://[fd00::1]:8443/x", "fd00::/8"),
        ("https://[fd00::1]", "[fd00::1]"),
        ("https://[fd00::1]:8443", "[fd00::1]:8443"),
        ("https://[fd00:0:0::1]", "fd00::1"),
        ("https://[fd00::1]", "[fd00::]/8"),
        ("https://ads.example.", "ads.example"),
        ("https://ads.example", "https://ads.example"),
    ],
)
def test_an_exempt_host(url: str, entry: str) -> None:
    assert is_exempt(url, f"first.example,{entry} last.example")


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("https://bads.example", "ads.example"),
        ("https://ads.example", "ads.example:444"),
        ("https://ads.example.evil", "ads.example"),
        ("https://11.1.2.3", "10.0.0.0/8"),
        ("https://10.1.2.3", "0.1.2.3"),
        ("https://[fe00::1]", "fd00::/8"),
        ("https://[fd00::1]:8443", "[fd00::1]:443"),
        ("https://ads.example", ""),
        ("https://ads.example", ",., ,"),
        ("https://ads.example", "10.0.0.0/99"),
    ],
)
def test_a_host_that_is_not_exempt(url: str, entry: str) -> None:
    assert not is_exempt(url, entry)


def test_the_proxy_of_a_scheme_comes_before_that_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://user:secret@all.example:1080")
    monkeypatch.setenv("HTTPS_PROXY", "web.example:3128")
    proxy, other = proxy_for("https://ads.example"), proxy_for("http://ads.example")
    assert str(proxy) == "the proxy http://web.example:3128 of HTTPS_PROXY"
    assert other is not None
    assert (other.variable, "secret" in str(other)) == ("ALL_PROXY", False)
    monkeypatch.setenv("NO_PROXY", "ads.example")
    assert proxy_for("https://ads.example") is None


def _client(host: str) -> Client:
    return Client(host=host, api_key="sk-0123456789", auth="bearer", ledger=None)


def test_a_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        address = f"http://user:secret@127.0.0.1:{busy.getsockname()[1]}"
        monkeypatch.setenv("HTTPS_PROXY", address)
        with _client("https://ads.invalid") as client, pytest.raises(NetworkError) as caught:
            client.actions()
    assert "through the proxy http://127.0.0.1:" in caught.value.message
    assert "HTTPS_PROXY" in caught.value.message
    assert "secret" not in caught.value.message
    assert not caught.value.sent


def test_a_proxy_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Said(407)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with _client("https://ads.invalid") as client, pytest.raises(NetworkError) as caught:
            client.actions()
    assert f"the proxy {proxy.url} of HTTPS_PROXY refuses" in caught.value.message


def test_the_refusal_of_a_proxy_for_plain_http_is_not_that_of_the_server(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Said(407)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)

        async def steps(client: Any, wait: Any) -> Any:
            with pytest.raises(NetworkError) as caught:
                await wait(client.actions())
            return caught.value

        facts = {"host": "http://ads.invalid", "api_key": "sk-0123456789", "auth": "bearer"}
        error = runner({**facts, "ledger": None, "insecure_http": True}, steps)
    assert error.message.startswith(f"the proxy {proxy.url} of HTTP_PROXY refuses: 407")
    assert not error.sent


def test_a_socks_proxy_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    error = network_error(httpx.ProxyError("no route"), "https://ads.example")
    assert error.message == "the proxy socks5://127.0.0.1:1080 of ALL_PROXY refuses: no route"
