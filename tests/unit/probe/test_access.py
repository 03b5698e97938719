"""Hosts that send a request on, that are no API, or that refuse the key."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from unit.servers import LISTED, Said, Seen, said, serving
from unit.surroundings import asker

from callsheet import Client
from callsheet.probe.probe import probe
from callsheet_sandbox.options import Options
from callsheet_sandbox.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callsheet.probe.report import Report
    from callsheet_sandbox.server import Running

KEY = "sk-0123456789abcdef0123"
PAGE = "<!doctype html><html><head><title>Sign in</title></head></html>"


@contextmanager
def answering(folder: Path, **reply: Any) -> Iterator[Running]:
    """Serve one answer to everybody who asks for the list."""
    (folder / "replies").mkdir()
    record = {"method": "GET", "path": "/api/actions", **reply}
    (folder / "replies" / "list.json").write_text(json.dumps(record), "utf-8")
    with serve(Options(replay=folder / "replies")) as server:
        yield server


def look(server: Running, key: str | None = KEY) -> Report:
    with Client(host=server.url, api_key=key, ledger=None) as ads:
        return probe(asker(ads))


def test_a_silent_host_is_told_at_each_way_to_send_the_key(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callsheet.transport.sync.REPORT_AFTER", 0.1)
    asked: list[None] = []
    heard, notes = threading.Event(), []

    def answer(_request: Seen) -> Said:
        asked.append(None)
        if len(asked) > 1:
            heard.wait(20)
        return said({"actions": list(LISTED)})

    def tell(sentence: str) -> None:
        notes.append(sentence)
        heard.set()

    with serving(said({})) as server, Client(host=server.url, ledger=None) as ads:
        server.listed = answer
        probe(asker(ads), tell=tell)
    assert notes[0] == f"still waiting for {server.url}"


def test_a_redirect_elsewhere_is_not_followed(home: Path, sandbox: Running) -> None:
    headers = {"location": f"{sandbox.url}/api/actions"}
    with answering(home, status=302, headers=headers) as server:
        report = look(server)

    assert sandbox.requests() == []
    assert report["redirects"].came == f"HTTP 302 from /api/actions to {sandbox.url}"
    assert report["redirects"].read == "not followed: the key was not sent there"
    assert report["redirects"].setting == f"--host {sandbox.url}"


def test_a_page_is_no_api(home: Path) -> None:
    headers = {"content-type": "text/html; charset=utf-8"}
    with answering(home, headers=headers, body=PAGE) as server:
        report = look(server)

    assert report["host"].came == "HTTP 200, text/html"
    assert "something in front of the API answered" in report["host"].unclear
    assert "Sign in" in report["host"].unclear
    assert report["key"].read == "the key is sent as bearer"


def test_text_is_no_json(home: Path) -> None:
    headers = {"content-type": "text/plain"}
    with answering(home, headers=headers, body="hello") as server:
        report = look(server)

    assert report["host"].unclear == "the answer is not JSON"
    assert report["list"].came == "nothing that could be read"


def test_a_refusal_is_told_in_the_servers_words(home: Path) -> None:
    body = {"code": 401, "message": f"no auth for {KEY[:6]}, please sign in"}
    with answering(home, body=body) as server:
        report = look(server)

    assert "bearer: HTTP 200, refused; x-api-key: HTTP 200, refused" in report["key"].came
    assert "please sign in" in report["key"].unclear


@pytest.mark.parametrize("list_", [[], {"items": []}])
def test_an_empty_list_is_a_list(home: Path, list_: Any) -> None:
    with answering(home, body=list_) as server:
        report = look(server)

    assert report["list"].read.startswith("0 actions")
    assert report["families"].read == "no family"


def test_without_a_key_the_list_is_asked_for_as_it_is(sandbox: Running, home: Path) -> None:
    report = look(sandbox, None)

    assert home.is_dir()
    assert report["key"].came == "no key: HTTP 401, refused"
    assert report["key"].read == "no key is configured"
