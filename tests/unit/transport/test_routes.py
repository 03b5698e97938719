"""Requests as httpx gets them: common parts once, the key for its origin, proxies obeyed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from unit.servers import Said, said, serving

from callsheet.config.settings import Settings
from callsheet.flows.effects import Send
from callsheet.secret import Secret
from callsheet.spec import Action
from callsheet.transport.routes import KEPT, Pool, Routes, request_of

if TYPE_CHECKING:
    from pathlib import Path

    from unit.surroundings import Runner

HOST = "https://ads.example/base"
KEY = "sk-0123456789abcdef"
ADS = Settings(
    command="ads", env="ADS", host=HOST, key=Secret(KEY), config_dir="", state_dir="", cache_dir=""
)
SEND = Send("POST", "/api/actions/x", b"{}", {"Content-Type": "application/json"}, 3.0)


def routes_of(settings: Settings, opened: list[str] | None = None) -> Routes:
    def opening(url: str, options: dict[str, Any]) -> Pool:
        (opened if opened is not None else []).append(url)
        return Pool(httpx.Client(verify=False), lambda request: httpx.Response(200))

    return Routes(settings, opening)


def made(send: Send, url: str = f"{HOST}/api/actions/x", settings: Settings = ADS) -> httpx.Request:
    return request_of(routes_of(settings).route(send.method, url), send, url)


def test_a_request_has_what_httpx_gives_it() -> None:
    """The parts that are made once come to the same as the request that httpx builds at once."""
    headers = {
        "User-Agent": made(SEND).headers["user-agent"],
        "Accept": "application/json",
        "Content-Type": "application/json",
        "Authorization": f"Bearer {KEY}",
    }
    with httpx.Client() as client:
        whole = client.build_request(
            "POST", f"{HOST}/api/actions/x", content=b"{}", headers=headers,
            timeout=httpx.Timeout(3.0),
        )  # fmt: skip
    request = made(SEND)
    assert sorted(request.headers.raw) == sorted(whole.headers.raw)
    assert (request.method, request.url, request.content) == ("POST", whole.url, b"{}")
    assert request.extensions == whole.extensions


@pytest.mark.parametrize(("method", "length"), [("GET", None), ("POST", "0")])
def test_a_request_without_a_body(method: str, length: str | None) -> None:
    request = made(Send(method, "/api/actions/x"))
    assert (request.headers.get("content-length"), request.content) == (length, b"")


def test_a_header_of_the_request_wins_in_any_case() -> None:
    request = made(SEND._replace(headers={"accept": "text/html", "accept-encoding": "identity"}))
    assert request.headers.get_list("accept") == ["text/html"]
    assert request.headers.get_list("accept-encoding") == ["identity"]


def test_connecting_takes_ten_seconds_at_most() -> None:
    waits = made(SEND._replace(timeout=60.0)).extensions["timeout"]
    assert waits == {"connect": 10.0, "read": 60.0, "write": 60.0, "pool": 60.0}


@pytest.mark.parametrize(
    ("auth", "name", "value"),
    [("bearer", "Authorization", f"Bearer {KEY}"), ("x-api-key", "X-Api-Key", KEY)],
)
def test_the_key_goes_to_its_origin_alone(auth: str, name: str, value: str) -> None:
    ads = ADS._replace(auth=auth)
    assert made(SEND, "https://ADS.example:443/any", ads).headers[name] == value
    for other in ("http://ads.example/", "https://ads.example:444/", "https://ads.example.evil/"):
        assert KEY not in str(made(SEND, other, ads).headers.multi_items())


@pytest.mark.parametrize("auth", ["bearer", "x-api-key"])
def test_what_is_kept_shows_no_key(auth: str) -> None:
    routes = routes_of(ADS._replace(auth=auth))
    route = routes.route("POST", HOST)
    request_of(route, SEND, HOST)
    kept = {name: getattr(route, name) for name in route.__slots__}
    assert KEY not in repr(kept) + repr(vars(routes))


def test_an_origin_has_one_route_and_a_kind_of_place_one_pool() -> None:
    opened: list[str] = []
    routes = routes_of(ADS, opened)
    urls = [f"https://{number}.example" for number in range(KEPT + 1)]
    found = routes.route("GET", urls[0])
    for end in ("/", "/a/b", "?c=://d/", "#e"):
        assert routes.route("GET", urls[0] + end) is found
    assert routes.route("POST", urls[0]) is not found
    assert routes.route("GET", f"{urls[0]}:444") is not found
    for url in urls:
        routes.route("GET", url)
    assert len(vars(routes)["_known"]) <= KEPT
    assert opened == urls[:1]


def test_a_configured_proxy_is_asked(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def steps(client: Any, wait: Any) -> Any:
        return await wait(client.call(Action(id="v.free", paid=False), {}, check=False))

    with serving(said({"items": [1]})) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        options = {"host": "http://ads.invalid", "insecure_http": True, "api_key": KEY}
        result = runner({**options, "ledger": None}, steps)
        assert [seen.path for seen in proxy.seen] == ["http://ads.invalid/api/actions/v.free"]
        assert KEY in proxy.seen[0].headers["authorization"]
    assert result.response.status == 200


def test_no_cookie_is_kept(runner: Runner, tmp_path: Path) -> None:
    async def steps(client: Any, wait: Any) -> None:
        for _ in range(2):
            await wait(client.call(Action(id="v.free", paid=False), {}, check=False))

    answer = Said(200, b'{"items": [1]}', {"Set-Cookie": "a=b; Path=/"})
    with serving(answer) as server:
        runner({"host": server.url, "api_key": KEY, "ledger": None}, steps)
        assert ["cookie" in seen.headers for seen in server.seen] == [False, False]
