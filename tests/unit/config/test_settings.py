"""Flag, environment, profile, default, in this order; a key serves one origin."""

from __future__ import annotations

import json
import os
from traceback import TracebackException
from typing import TYPE_CHECKING, Any

import pytest

from callsheet.config.bindings import Bindings
from callsheet.config.profiles import ProfileFile
from callsheet.config.settings import (
    Settings,
    folder,
    is_loopback,
    join_url,
    load,
    origin_of,
    parse_host,
)
from callsheet.errors import UsageError
from callsheet.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path

ADS = Bindings(command="ads", env="ADS")
HOST, OTHER = "https://ads.example", "https://other.example"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home in which somebody logged in to ``HOST`` with ``sk-stored``."""
    store = ProfileFile(str(tmp_path / ".config/ads"))
    store.save("default", {"host": HOST, "auth": "x-api-key"}, origin=HOST, key="sk-stored")
    return tmp_path


def settings(home: Path, *, flags: dict[str, Any] | None = None, **variables: str) -> Settings:
    environ = {"HOME": str(home), **{f"ADS_{k.upper()}": v for k, v in variables.items()}}
    return load(ADS, flags=flags or {}, environ=environ)


def key(loaded: Settings) -> str | None:
    return loaded.key.reveal() if loaded.key is not None else None


def test_the_profile_is_used_where_nothing_else_is_said(home: Path) -> None:
    loaded = settings(home)
    assert (loaded.host, key(loaded), loaded.auth) == (HOST, "sk-stored", "x-api-key")
    assert loaded.origins["host"] == loaded.origins["auth"] == "profile default"
    assert loaded.origins["api_key"] == f"profile default, stored for {HOST}"
    assert loaded.origins["profile"] == "default"


def test_the_environment_wins_over_the_profile_and_a_flag_over_both(home: Path) -> None:
    loaded = settings(home, auth="bearer", api_key="sk-env")
    assert (loaded.auth, loaded.origins["auth"]) == ("bearer", "ADS_AUTH")
    assert (key(loaded), loaded.origins["api_key"]) == ("sk-env", "ADS_API_KEY")
    loaded = settings(home, flags={"auth": "x-api-key", "api_key": "sk-flag"}, auth="bearer")
    assert (loaded.auth, loaded.origins["auth"]) == ("x-api-key", "--auth")
    assert (key(loaded), loaded.origins["api_key"]) == ("sk-flag", "--api-key")


def test_an_empty_variable_says_nothing(home: Path) -> None:
    assert settings(home, host="", api_key="").host == HOST


def test_nothing_is_known_at_first(tmp_path: Path) -> None:
    loaded = settings(tmp_path)
    assert (loaded.host, loaded.key, loaded.auth, loaded.profile) == ("", None, "bearer", "default")
    assert set(loaded.origins.values()) == {"default"}
    assert loaded.origin == ""
    with pytest.raises(UsageError) as caught:
        loaded.require_host()
    assert "ADS_HOST" in caught.value.hint


@pytest.mark.parametrize(
    "host",
    [
        OTHER,
        f"{HOST}:8443",
        "https://sub.ads.example",
        "http://127.0.0.1:9",
        "https://ads.example.",
    ],
)
@pytest.mark.parametrize("by_flag", [False, True])
def test_a_stored_key_is_never_used_elsewhere(home: Path, host: str, by_flag: bool) -> None:
    loaded = settings(home, flags={"host": host}) if by_flag else settings(home, host=host)
    assert loaded.key is None


@pytest.mark.parametrize("host", [HOST, f"{HOST}/", f"{HOST}:443", f"{HOST}/v2", "ads.example"])
def test_the_same_origin_has_its_key(home: Path, host: str) -> None:
    assert key(settings(home, host=host)) == "sk-stored"


def test_a_key_written_beside_the_host_serves_nobody(home: Path) -> None:
    path = home / ".config/ads/config.json"
    document = json.loads(path.read_text())
    document["profiles"]["default"] = {"host": HOST, "api_key": "sk-loose"}
    path.write_text(json.dumps(document))
    assert settings(home, host=OTHER).key is None
    assert settings(home).key is None


def test_profiles_are_apart(home: Path) -> None:
    store = ProfileFile(str(home / ".config/ads"))
    store.save("work", {"host": OTHER}, origin=OTHER, key="sk-work")
    assert key(settings(home)) == "sk-work"
    assert key(settings(home, profile="default")) == "sk-stored"
    assert settings(home, profile="default", host=OTHER).key is None
    with pytest.raises(UsageError, match="there is no profile typo"):
        settings(home, profile="typo").require_host()


def test_nothing_is_read_from_the_working_directory(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trap = tmp_path / "trap"
    for name in ("config.json", ".config/ads/config.json", "ads.json", ".ads.json", ".env"):
        (trap / name).parent.mkdir(parents=True, exist_ok=True)
        (trap / name).write_text(json.dumps({"profiles": {"default": {"host": OTHER}}}))
    monkeypatch.chdir(trap)
    assert settings(home).host == HOST


@pytest.mark.parametrize("host", ["http://ads.example", "http://10.0.0.1", "http://127.0.0.1.x.io"])
def test_plain_http_leaves_this_machine_by_flag_alone(home: Path, host: str) -> None:
    for switch in ("1", "yes", "true"):
        with pytest.raises(UsageError, match="unencrypted"):
            settings(home, host=host, insecure_http=switch)
    loaded = settings(home, flags={"insecure_http": True}, host=host)
    assert (loaded.insecure_http, loaded.origins["insecure_http"]) == (True, "--insecure-http")


def test_a_stored_allowance_holds_for_the_stored_host_alone(home: Path) -> None:
    plain = "http://ads.lan"
    store = ProfileFile(str(home / ".config/ads"))
    store.save("lan", {"host": plain, "insecure_http": "yes"}, origin=plain, key="sk-lan")
    assert key(settings(home)) == "sk-lan"
    with pytest.raises(UsageError, match="unencrypted"):
        settings(home, host="http://evil.lan", api_key="sk-env")


@pytest.mark.parametrize("host", ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:80"])
def test_plain_http_to_loopback(host: str) -> None:
    assert parse_host(host).startswith("http://")


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("ads.example", HOST),
        (" HTTPS://ADS.Example:443/ ", HOST),
        ("ads.example:8443", f"{HOST}:8443"),
        (f"{HOST}/api/actions/", HOST),
        (f"{HOST}/api", HOST),
        (f"{HOST}/gateway/api/", f"{HOST}/gateway"),
        (f"{HOST}/actions", f"{HOST}/actions"),
        ("http://localhost:80", "http://localhost"),
        ("https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
    ],
)
def test_a_host_as_people_type_it(text: str, host: str) -> None:
    assert parse_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        "", "https://", "https:///x", "ftp://ads.example", "file:///etc", "https://ads.example:x",
        "https://ads.example:99999", "https://[::1", "https://u:p@ads.example", "https://a/?q=1",
        "https://a/#f", "https://a b", "https://a\nb", "https://a\\b", "https://a%2fb",
        "https://good\\@evil.example", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_what_is_no_host(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_host(text)
    assert caught.value.flag == "--host"


@pytest.mark.parametrize("stored", [5, None, ["https://x"], {}])
def test_a_profile_that_holds_no_text(home: Path, stored: object) -> None:
    path = home / ".config/ads/config.json"
    path.write_text(json.dumps({"profiles": {"default": {"host": stored}}}))
    with pytest.raises(UsageError, match="host in profile default"):
        settings(home)


def test_an_auth_that_does_not_exist(home: Path) -> None:
    with pytest.raises(UsageError, match="bearer, x-api-key"):
        settings(home, auth="basic")


def test_a_malformed_key_is_refused_without_echo(home: Path) -> None:
    with pytest.raises(UsageError) as caught:
        settings(home, api_key="sk-secret with space")
    assert "secret" not in caught.value.message


def test_the_key_is_masked_in_the_settings(home: Path) -> None:
    assert "sk-stored" not in repr(settings(home))
    assert key(settings(home, flags={"api_key": Secret("sk-object")})) == "sk-object"


@pytest.mark.parametrize(
    ("switch", "stored"),
    [("0", False), ("false", False), ("No", False), ("1", True), ("yes", True)],
)
def test_bodies_are_stored_unless_told_otherwise(home: Path, switch: str, stored: bool) -> None:
    assert settings(home).store_input is True
    assert settings(home, store_input=switch).store_input is stored


def test_folders() -> None:
    environ = {"HOME": "/people/u"}
    assert folder("config", "ads", "ADS", environ) == "/people/u/.config/ads"
    assert folder("state", "ads", "ADS", environ) == "/people/u/.local/state/ads"
    assert folder("cache", "ads", "ADS", environ) == "/people/u/.cache/ads"
    environ["XDG_STATE_HOME"] = "/xdg"
    assert folder("state", "ads", "ADS", environ) == "/xdg/ads"
    environ["ADS_STATE_DIR"] = "/own"
    assert folder("state", "ads", "ADS", environ) == "/own"
    assert folder("cache", "ads", "ADS", {}) == os.path.expanduser("~/.cache/ads")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://A.example:443/x?y", "https://a.example"),
        ("http://a.example:80", "http://a.example"),
        ("https://a.example:80", "https://a.example:80"),
        ("https://u:p@a.example/", "https://a.example"),
        ("http://[::1]:8/", "http://[::1]:8"),
        ("//a.example", ""),
        ("a.example", ""),
        ("https://a:b", ""),
        ("http://[", ""),
    ],
)
def test_origins(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def test_links() -> None:
    assert join_url(f"{HOST}/", "/v.mp4") == f"{HOST}/v.mp4"
    assert join_url(f"{HOST}/", " https://cdn.example/v ") == "https://cdn.example/v"
    assert join_url(f"{HOST}/", "http://[") == ""


def test_a_traceback_with_variables_shows_no_key(tmp_path: Path) -> None:
    key = "sk-0123456789abcdef"
    environ = {"ADS_API_KEY": key, "ADS_HOST": "http://plain.example", "HOME": str(tmp_path)}
    with pytest.raises(UsageError) as caught:
        load(ADS, environ=environ)
    error = caught.value
    while error.__traceback__ and error.__traceback__.tb_frame.f_code.co_name != "load":
        error.__traceback__ = error.__traceback__.tb_next
    report = "".join(TracebackException.from_exception(error, capture_locals=True).format())
    assert "3 variables" in report
    assert key not in report


PLAIN = [
    f"{scheme}://{name}{port}{path}"
    for scheme in ("http", "https")
    for name in ("a", "a.example", "127.0.0.1", "a..b", "-")
    for port in ("", ":1", ":80", ":443", ":8787", ":65535", ":65536", ":99999", ":080")
    for path in ("", "/", "/api/v1", "//", "/../x")
]


def test_a_plain_address_is_read_as_urllib_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    read = [(origin_of(url), is_loopback(url)) for url in PLAIN]
    monkeypatch.setattr("callsheet.config.settings._COMMON_URL", "(?!)")

    assert read == [(origin_of(url), is_loopback(url)) for url in PLAIN]
