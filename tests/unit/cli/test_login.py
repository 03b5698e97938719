"""How a login finds the way of a key, and what goes out for a server without keys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from unit.servers import LISTED, Said, Seen, said, serving
from unit.surroundings import own_home

from callsheet.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from unit.servers import Server

__all__ = ["own_home"]

KEY = "sk-canary-0123456789-f3a9"
REFUSED = {"error": {"code": "unauthorized", "message": "no"}}


class Done(NamedTuple):
    """What a run left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return the one JSON document on standard output."""
        return json.loads(self.out)


class Ads:
    """``ads`` in this process against a server; ``requests`` has the headers of its list."""

    def __init__(self, server: Server, capfd: pytest.CaptureFixture[str], home: Path) -> None:
        self.server, self.capfd, self.home = server, capfd, home
        self.requests: list[Mapping[str, str]] = []
        self.wants: Callable[[Mapping[str, str]], bool] = lambda headers: True
        self.refusal = said(REFUSED, 401)
        server.listed = self._list

    def _list(self, request: Seen) -> Said:
        self.requests.append(request.headers)
        return said({"actions": list(LISTED)}) if self.wants(request.headers) else self.refusal

    def __call__(self, *words: str) -> Done:
        """Run the program with these words."""
        code = main.run("", "ads", "ADS", words)
        return Done(code, *self.capfd.readouterr())

    def login(self, *words: str) -> Done:
        """Log in to the server."""
        return self("login", "--host", self.server.url, *words)

    def stored(self) -> Any:
        """Return the profile that was stored; ``None`` where none is."""
        file = self.home / ".config" / "ads" / "config.json"
        return json.loads(file.read_text())["profiles"]["default"] if file.exists() else None


@pytest.fixture
def ads(capfd: pytest.CaptureFixture[str], own_home: Path) -> Iterator[Ads]:
    """Give the program and a server that answers its GET and POST with a job that is done."""
    with serving(said({"data": {"text": "made"}})) as server:
        yield Ads(server, capfd, own_home)


def wants(name: str, content: str) -> Callable[[Mapping[str, str]], bool]:
    """Return what tells whether a request has exactly this header."""
    return lambda headers: headers.get(name) == content


WAYS = [
    ("Key", "authorization", f"Key {KEY}", "scheme:Key"),
    ('Token realm="a, b=c", charset="UTF-8"', "authorization", f"Token {KEY}", "scheme:Token"),
    ('Basic realm="x", ApiKey', "authorization", f"ApiKey {KEY}", "scheme:ApiKey"),
    ('ApiKey header="xi-api-key"', "xi-api-key", KEY, "header:xi-api-key"),
    ('Bearer realm="x"', "authorization", f"Bearer {KEY}", "bearer"),
    ("", "x-api-key", KEY, "x-api-key"),
]


@pytest.mark.parametrize(("challenge", "name", "content", "way"), WAYS)
def test_login_takes_the_way_that_the_server_names(
    ads: Ads, challenge: str, name: str, content: str, way: str
) -> None:
    ads.wants = wants(name, content)
    ads.refusal = said(REFUSED, 401, **({"www_authenticate": challenge} if challenge else {}))

    done = ads.login("--api-key", KEY)
    assert (done.code, done.err) == (0, "")
    assert ads.stored() == {
        "host": ads.server.url, "auth": way, "keys": {ads.server.url: KEY},
    }  # fmt: skip
    assert ads("call", "v.make").code == 0
    assert ads.server.posts()[0].headers[name] == content
    assert KEY not in done.out + done.err


@pytest.mark.parametrize("way", ["header:xi-api-key", "scheme:Key"])
def test_a_way_that_is_typed_is_the_only_one(ads: Ads, way: str) -> None:
    ads.wants = lambda headers: False

    done = ads.login("--api-key", KEY, "--auth", way)
    assert done.code == 3
    assert ads.stored() is None
    assert len(ads.requests) == 2
    assert "--auth header:NAME or scheme:WORD" in done.err


def test_a_refusal_that_names_a_header_is_passed_on(ads: Ads) -> None:
    ads.wants = lambda headers: False
    message = "Neither authorization header nor xi-api-key received, please provide one."
    ads.refusal = said({"detail": {"message": message}}, 401)

    done = ads.login("--api-key", KEY)
    assert "its refusal names a header: --auth header:xi-api-key" in done.err
    assert [request for request in ads.server.seen if request.method == "POST"] == []


@pytest.mark.parametrize(
    "way", ["", "basic", "header:", "header:Host", "header:a b", "scheme:`id`", "header:User-Agent"]
)
def test_a_way_that_cannot_be_is_refused_before_anything_is_sent(ads: Ads, way: str) -> None:
    done = ads.login("--api-key", KEY, "--auth", way)

    assert done.code == 2
    assert ads.requests == []


def test_a_server_without_keys_needs_none(ads: Ads) -> None:
    done = ads.login()

    assert (done.code, done.err) == (
        0, "this server lists its actions without a key: none is saved\n",
    )  # fmt: skip
    assert ads.stored() == {"host": ads.server.url, "auth": "bearer"}
    assert ads("call", "v.make").code == 0
    assert "none: requests leave without one" in ads("doctor").out
    assert [request.headers.get("authorization") for request in ads.server.posts()] == [None]


def test_a_refusal_without_a_key_comes_from_the_server(ads: Ads) -> None:
    ads.login()
    ads.server.answer = lambda request: said(REFUSED, 401)

    done = ads("call", "v.make")
    assert (done.code, len(ads.server.posts())) == (3, 1)
    assert "refused access (HTTP 401" in done.err
    assert f"ads login --host {ads.server.url}" in done.err


def test_a_server_with_keys_asks_for_one(ads: Ads) -> None:
    ads.wants = lambda headers: False

    done = ads.login()
    assert (done.code, done.err.splitlines()[0]) == (2, "ads: no key was given")
    assert ads.stored() is None


SECRET = "cs-0123456789-headers"


def test_headers_go_to_their_server_and_are_masked(ads: Ads) -> None:
    added = ["--header", "X-Team: film", "--header", f"X-Client-Secret:{SECRET}"]
    ads.wants = wants("x-client-secret", SECRET)

    done = ads.login(*added)
    assert done.code == 0, done.err
    assert ads.stored()["headers"] == {
        ads.server.url: {"X-Team": "film", "X-Client-Secret": SECRET}
    }
    runs = [ads(*words) for words in [("whoami",), ("config", "list"), ("-h",)]]
    traced = ads("--debug", "call", "v.make", "--json")
    sent = ads.server.posts()[0].headers
    assert (sent["x-team"], sent["x-client-secret"]) == ("film", SECRET)
    assert "X-Team: film" in traced.err
    assert "X-Client-Secret: cs-…ders" in traced.err
    assert SECRET not in "".join(run.out + run.err for run in [*runs, traced])
    for file in (ads.home / ".local").rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes()


def test_a_header_of_one_run_replaces_the_stored_one(ads: Ads) -> None:
    ads.login("--header", "X-Team: film")
    ads("call", "v.make", "--header", "x-team: sound")
    ads("--header", "X-Other: 1", "call", "v.make")

    first, second = (request.headers for request in ads.server.posts())
    assert first["x-team"] == "sound"
    assert (second["x-team"], second["x-other"]) == ("film", "1")


def test_headers_of_one_server_go_to_no_other(ads: Ads) -> None:
    ads.login("--header", f"X-Client-Secret:{SECRET}")
    with serving(said({"data": {"text": "made"}})) as other:
        assert ads("--host", other.url, "call", "v.make").code == 0
        assert "x-client-secret" not in other.posts()[0].headers


def test_a_redirect_leads_no_header_away(ads: Ads) -> None:
    with serving(said({"data": {}})) as stranger:
        ads.server.answer = lambda request: said({}, 307, location=f"{stranger.url}/x")
        ads("--header", f"X-Client-Secret:{SECRET}", "--host", ads.server.url, "call", "v.free")
        ads("--header", "X-Team:film", "--host", ads.server.url, "api", "GET", "/x")
        assert all("x-team" not in r.headers for r in stranger.seen)
        assert all("x-client-secret" not in r.headers for r in stranger.seen)


@pytest.mark.parametrize(
    "line",
    [
        *("Host: a.example", "content-length: 5", "Transfer-Encoding: chunked", "Connection: x"),
        *("User-Agent: me", "Idempotency-Key: 1", "Content-Type: text/plain", "no colon"),
        *("X-A: b\nX B: c", "X-A: b\rX-B: c", "X-A:", "X A: b", "X-A: é", ": b"),
    ],
)
def test_a_header_that_cannot_be_is_refused(ads: Ads, line: str) -> None:
    done = ads("--host", ads.server.url, "--header", line, "call", "v.make")

    assert done.code == 2
    assert [*ads.requests, *ads.server.seen] == []


def test_a_header_may_not_hold_what_the_key_does(ads: Ads) -> None:
    typed = ("--header", f"Authorization: Basic {SECRET}")
    alone = ads("--host", ads.server.url, *typed, "call", "v.make")
    ads.login("--api-key", KEY)
    both = ads(*typed, "call", "v.make")

    assert alone.code == 0
    assert ads.server.posts()[0].headers["authorization"] == f"Basic {SECRET}"
    assert (both.code, "Authorization holds the key already" in both.err) == (2, True)
    assert SECRET not in alone.err + alone.out + both.err + both.out


def test_logout_forgets_the_headers_too(ads: Ads) -> None:
    ads.login("--header", f"X-Client-Secret:{SECRET}")
    assert ads("logout").code == 0
    assert SECRET not in json.dumps(ads.stored())


@pytest.mark.parametrize(
    "host", ["htp://a.example", "http:/a.example", "ftp://a.example", "https:a"]
)
def test_a_wrong_scheme_is_named(ads: Ads, host: str) -> None:
    done = ads("--host", host, "whoami")

    assert (done.code, "a server's address begins with https:// or http://" in done.err) == (
        2,
        True,
    )


def test_a_profile_that_does_not_exist_is_named(ads: Ads) -> None:
    ads.login("--profile", "work")
    near, far = ads("--profile", "wrok", "doctor"), ads("--profile", "other", "call", "x")

    assert (far.code, "there is no profile other" in far.err) == (2, True)
    assert "ads login --profile other --host https://… makes it; there are: work" in far.err
    assert "there is no profile wrok" in near.out + near.err


def test_a_proxy_that_is_down_is_named(ads: Ads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    done = ads("--host", "https://a.example", "actions", "list")

    assert done.code == 1
    assert "cannot be reached through the proxy http://127.0.0.1:9 of HTTPS_PROXY" in done.err
    assert "check the proxy" in done.err
