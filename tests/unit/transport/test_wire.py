"""Requests as they leave: the key for its origin alone, TLS always checked, failures in words."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path
from types import SimpleNamespace

import certifi
import httpx
import pytest

from callsheet.config.settings import Settings, is_loopback
from callsheet.errors import NetworkError, UsageError
from callsheet.secret import Secret
from callsheet.transport.auth import headers_for
from callsheet.transport.http import (
    Clients,
    client_options,
    kind_of,
    proxy_of,
    translate_errors,
    verify_for,
)

HOST = "https://ads.example/base"
ADS = Settings(
    command="ads", env="ADS", host=HOST, key=Secret("sk-1"), config_dir="", state_dir="",
    cache_dir="",
)  # fmt: skip


@pytest.mark.parametrize(
    ("auth", "name", "value"),
    [("bearer", "Authorization", "Bearer sk-1"), ("x-api-key", "X-Api-Key", "sk-1")],
)
def test_the_key_goes_to_its_origin_alone(auth: str, name: str, value: str) -> None:
    ads = ADS._replace(auth=auth)
    assert headers_for(ads, "https://ADS.example:443/any")[name] == value
    for other in (
        "http://ads.example/",
        "https://ads.example:444/",
        "https://ads.example.evil/",
        "https://evil/ads.example",
        "https://ads.example@evil/",
        "https://sub.ads.example/",
        "https://ads.example:x/",
        "",
    ):
        assert not {"Authorization", "X-Api-Key"} & set(headers_for(ads, other))


def test_without_a_host_no_place_is_the_right_one() -> None:
    assert "Authorization" not in headers_for(ADS._replace(host=""), "")


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_configured_proxy_is_seen(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    def proxied(url: str) -> bool:
        return proxy_of(url) is not None

    assert not proxied("https://ads.example")
    monkeypatch.setenv(variable, "http://proxy.example:3128")
    assert proxied("https://ads.example")
    assert not proxied("http://127.0.0.1:9")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8", "http://localhost", "https://[::1]:9/x"])
def test_loopback(url: str) -> None:
    assert is_loopback(url)
    assert client_options(url)["proxy"] is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1.evil", "http://localhost.evil", "http://[", "x", "https://1.1.1.1"]
)
def test_other_places(url: str) -> None:
    assert not is_loopback(url)


def test_one_client_serves_one_kind_of_place() -> None:
    urls = ("http://127.0.0.1", "HTTPS://a.example", "https://b.example", "http://a.example")
    assert len({kind_of(url) for url in urls}) == 3


@pytest.mark.parametrize("variable", ["SSL_VERIFY", "PYTHONHTTPSVERIFY", "CURL_CA_BUNDLE"])
def test_tls_is_always_checked(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "0")
    context = verify_for("HTTPS://ads.example")
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert client_options("https://ads.example")["follow_redirects"] is False


@pytest.fixture
def no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_certificates")
def test_the_authorities_of_the_system_are_trusted_too() -> None:
    usual = {*ssl.create_default_context(cafile=certifi.where()).get_ca_certs(binary_form=True)}
    system = {*ssl.create_default_context().get_ca_certs(binary_form=True)}
    assert {*verify_for("https://a.example").get_ca_certs(binary_form=True)} == usual | system


def test_a_named_file_of_certificates_is_the_only_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = Path(certifi.where()).read_text("utf-8")
    end = "-----END CERTIFICATE-----"
    (tmp_path / "one.pem").write_text(text.partition(end)[0] + end)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "one.pem"))
    monkeypatch.setattr(sys, "platform", "darwin")

    assert len(verify_for("https://a.example").get_ca_certs()) == 1


@pytest.mark.usefixtures("no_certificates")
@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_the_store_of_other_systems_is_asked_by_truststore(
    monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    class SSLContext(ssl.SSLContext):
        """A context as truststore's is."""

    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setitem(sys.modules, "truststore", SimpleNamespace(SSLContext=SSLContext))
    assert type(verify_for("https://a.example")) is SSLContext


@pytest.mark.usefixtures("no_certificates")
def test_without_truststore_certificates_are_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setitem(sys.modules, "truststore", None)
    assert verify_for("https://a.example").verify_mode == ssl.CERT_REQUIRED


def test_certificates_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(UsageError, match="certificates") as caught:
        verify_for("https://ads.example")
    assert "SSL_CERT_FILE" in caught.value.hint


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (httpx.ConnectError("refused"), False),
        (httpx.ConnectTimeout("slow"), False),
        (httpx.PoolTimeout("busy"), False),
        (httpx.ProxyError("407"), False),
        (httpx.InvalidURL("x"), False),
        (httpx.UnsupportedProtocol("x"), False),
        (httpx.ReadTimeout("slow"), True),
        (httpx.WriteTimeout("slow"), True),
        (httpx.ReadError("reset"), True),
        (httpx.WriteError("reset"), True),
        (httpx.RemoteProtocolError("short"), True),
        (httpx.DecodingError("gzip"), True),
        (httpx.LocalProtocolError("x"), True),
    ],
)
def test_what_left_and_what_did_not(error: Exception, sent: bool) -> None:
    with pytest.raises(NetworkError) as caught, translate_errors("https://ads.example/x"):
        raise error
    assert caught.value.sent is sent
    assert "https://ads.example" in caught.value.message
    assert caught.value.retryable is not isinstance(
        error, httpx.InvalidURL | httpx.UnsupportedProtocol
    )


def test_what_left_over_aiohttp() -> None:
    import aiohttp

    def sent(cause: Exception, mapped: Exception | None) -> bool:
        error = mapped or cause
        error.__cause__ = cause if mapped else None
        with pytest.raises(NetworkError) as caught, translate_errors("https://ads.example"):
            raise error
        return caught.value.sent

    late = httpx.ConnectTimeout("as the transport calls it")
    assert sent(aiohttp.ServerDisconnectedError(), late) is True
    assert sent(aiohttp.ClientOSError(104, "reset"), late) is True
    assert sent(aiohttp.ConnectionTimeoutError(), late) is False
    assert sent(aiohttp.SocketTimeoutError(), httpx.ReadTimeout("x")) is True
    assert sent(aiohttp.ClientPayloadError("cut"), httpx.ReadError("x")) is True
    assert sent(aiohttp.ClientError("unmapped"), None) is True


def test_other_exceptions_are_left_alone() -> None:
    with pytest.raises(KeyError), translate_errors("https://ads.example"):
        raise KeyError("x")


@pytest.mark.parametrize("scheme", ["socks5", "socks4", "gopher"])
def test_a_proxy_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:9")
    clients = Clients(ADS, lambda url, options: httpx.Client(**options))

    with pytest.raises(UsageError) as caught:
        clients.client_for("http://api.example.test")

    message = f"the proxy of ALL_PROXY cannot be used: {scheme} is not supported"
    assert caught.value.message == message
    assert "ALL_PROXY" in caught.value.hint
    assert caught.value.code == "configuration"
