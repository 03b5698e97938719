"""Requests as httpx gets them: the key for its origin, one client a kind of URL, no cookies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from unit.servers import Said, said, serving

from callsheet.config.settings import Settings
from callsheet.flows.effects import Send
from callsheet.secret import Secret
from callsheet.spec import Action, Family
from callsheet.transport.auth import OriginAuth
from callsheet.transport.http import Clients

if TYPE_CHECKING:
    from pathlib import Path

    from unit.surroundings import Runner

HOST = "https://ads.example/base"
KEY = "sk-0123456789abcdef"
ADS = Settings(
    command="ads", env="ADS", host=HOST, key=Secret(KEY), config_dir="", state_dir="", cache_dir=""
)
JOB = Action(id="v.job", role="create", family=Family(create="v.job", query="v.query"))
SEND = Send("POST", "/api/actions/x", b"{}", {"Content-Type": "application/json"}, 3.0)


def clients_of(settings: Settings, created: list[str] | None = None) -> Clients[httpx.Client]:
    def create(url: str, options: dict[str, Any]) -> httpx.Client:
        (created if created is not None else []).append(url)
        return httpx.Client(**{**options, "verify": False})

    return Clients(settings, create)


def build(send: Send, url: str = f"{HOST}/api/actions/x") -> httpx.Request:
    return clients_of(ADS).build(send, url)[1]


@pytest.mark.parametrize(("method", "length"), [("GET", None), ("POST", "0")])
def test_a_request_without_a_body(method: str, length: str | None) -> None:
    request = build(Send(method, "/api/actions/x"))
    assert (request.headers.get("content-length"), request.content) == (length, b"")


def test_a_header_of_the_request_wins_in_any_case() -> None:
    request = build(SEND._replace(headers={"accept": "text/html", "accept-encoding": "identity"}))
    assert request.headers.get_list("accept") == ["text/html"]
    assert request.headers.get_list("accept-encoding") == ["identity"]


def test_connecting_takes_ten_seconds_at_most() -> None:
    timeouts = build(SEND._replace(timeout=60.0)).extensions["timeout"]
    assert timeouts == {"connect": 10.0, "read": 60.0, "write": 60.0, "pool": 60.0}


@pytest.mark.parametrize(
    ("auth", "name", "header"),
    [("bearer", "Authorization", f"Bearer {KEY}"), ("x-api-key", "X-Api-Key", KEY)],
)
def test_the_key_goes_to_its_origin_alone(auth: str, name: str, header: str) -> None:
    place_key = OriginAuth(ADS._replace(auth=auth))
    assert place_key(httpx.Request("GET", "https://ADS.example:443/any")).headers[name] == header
    for other in (
        "http://ads.example/",
        "https://ads.example:444/",
        "https://ads.example.evil/",
        "https://ads.example@evil/",
        "https://sub.ads.example/",
    ):
        request = place_key(httpx.Request("GET", other))
        assert KEY not in str(request.headers.multi_items())


def test_a_name_in_other_letters_is_the_same_origin() -> None:
    place_key = OriginAuth(ADS._replace(host="https://bücher.example"))
    assert "Authorization" in place_key(httpx.Request("GET", "https://bücher.example/x")).headers


def test_without_a_host_the_key_goes_nowhere() -> None:
    request = OriginAuth(ADS._replace(host=""))(httpx.Request("GET", "https://ads.example"))
    assert "Authorization" not in request.headers


def test_a_link_with_a_password_is_fetched_with_it() -> None:
    request = OriginAuth(ADS)(httpx.Request("GET", "https://me:pw@cdn.example/a.png"))
    assert request.headers["Authorization"].startswith("Basic ")


def test_the_clients_show_no_key() -> None:
    clients = clients_of(ADS)
    client, request = clients.build(SEND, HOST)
    assert KEY not in repr(vars(clients)) + repr(vars(client)) + repr(request.headers)


def test_a_kind_of_url_has_one_client() -> None:
    created: list[str] = []
    clients = clients_of(ADS, created)
    for url in (f"https://{number}.example" for number in range(3)):
        clients.client_for(url)
    clients.client_for("http://127.0.0.1:1")
    assert created == ["https://0.example", "http://127.0.0.1:1"]
    assert len(clients.drain()) == 2
    assert clients.drain() == []


def test_a_configured_proxy_is_asked(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def steps(client: Any, wait: Any) -> Any:
        return await wait(client.call(Action(id="v.free", paid=False), {}, check=False))

    with serving(said({"items": [1]})) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        options = {"host": "http://ads.invalid", "insecure_http": True, "api_key": KEY}
        result = runner({**options, "ledger": None}, steps)
        assert [request.path for request in proxy.seen] == ["http://ads.invalid/api/actions/v.free"]
        assert KEY in proxy.seen[0].headers["authorization"]
    assert result.response.status == 200


def test_what_may_cost_leaves_on_a_connection_of_its_own(runner: Runner, tmp_path: Path) -> None:
    """Only calls that cost nothing follow each other on one."""

    async def steps(client: Any, wait: Any) -> None:
        await wait(client.actions())
        for name in ("v.free", "v.free", "v.make", "v.make", "v.free"):
            await wait(client.call(Action(id=name, paid=name == "v.make"), {}, check=False))
        task = await wait(client.submit(JOB, {}, check=False))
        await wait(task.refresh())

    with serving(said({"taskId": "t", "status": "running", "items": [1]})) as server:
        options = {"host": server.url, "api_key": KEY, "ledger": str(tmp_path)}
        runner(options, steps)
        free = [post.port for post in server.posts() if post.path.endswith("v.free")]
        others = [post.port for post in server.posts() if not post.path.endswith("v.free")]
    assert len(set(free)) == 1
    assert len({*free, *others}) == 1 + len(others) == 5


def test_no_cookie_is_stored(runner: Runner, tmp_path: Path) -> None:
    async def steps(client: Any, wait: Any) -> None:
        for _ in range(2):
            await wait(client.call(Action(id="v.free", paid=False), {}, check=False))

    answer = Said(200, b'{"items": [1]}', {"Set-Cookie": "a=b; Path=/"})
    with serving(answer) as server:
        runner({"host": server.url, "api_key": KEY, "ledger": None}, steps)
        assert ["cookie" in request.headers for request in server.seen] == [False, False]
