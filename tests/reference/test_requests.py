"""Every request, route and kind of key of the document, over plain HTTP and from the client."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from reference.cases import CASES, fill, params, words
from reference.jobs import start

from callsheet_sandbox.options import Options
from callsheet_sandbox.server import serve

if TYPE_CHECKING:
    from program import Program
    from reference.cases import Case

    from callsheet_sandbox.server import Running


def sent_by_curl(line: list[str]) -> httpx.Request:
    """Return the request that a curl line makes."""
    assert line[0] == "curl"
    headers: dict[str, str] = {}
    method, url, body = "GET", "", ""
    rest = iter(line[1:])
    for word in rest:
        if word == "-H":
            name, _, header = next(rest).partition(":")
            headers[name] = header.strip()
        elif word == "-X":
            method = next(rest)
        elif word == "-d":
            body = next(rest)
        else:
            url = word
    return httpx.Request(method, url, headers=headers, content=body)


def variables_of(case: Case, sandbox: Running) -> dict[str, str | None]:
    task = start(sandbox, running=False) if case.get("task") else None
    return {"host": sandbox.url, "key": sandbox.key, "task": task}


@pytest.mark.parametrize("case", params("request"))
def test_the_request_is_answered(case: Case, sandbox: Running) -> None:
    variables = variables_of(case, sandbox)
    with httpx.Client() as plain:
        reply = plain.send(sent_by_curl(words(case["curl"], variables)))

    assert reply.status_code == 200
    expected = fill(case["answer"], variables)
    assert {key: reply.json()[key] for key in expected} == expected


@pytest.mark.parametrize("case", params("request"))
def test_the_command_makes_the_same_request(case: Case, ads: Program, sandbox: Running) -> None:
    variables = variables_of(case, sandbox)
    with httpx.Client() as plain:
        plain.send(sent_by_curl(words(case["curl"], variables)))
    by_hand = documented(sandbox.requests()[-1])
    completed = ads.run(*words(case["same"], variables)[1:])

    assert completed.code == 0, completed.stderr
    posts = [entry for entry in sandbox.requests() if entry["method"] == "POST"]
    assert documented(posts[-1]) == by_hand


def documented(logged: dict[str, Any]) -> dict[str, Any]:
    """Return what the document says of a request; the body with its order and its length."""
    headers = logged["headers"]
    return {
        "method": logged["method"],
        "path": logged["path"],
        "query": logged["query"],
        "auth": logged["auth"],
        "type": headers["content-type"],
        "length": headers["content-length"],
        "body": json.dumps(logged["body"]),
    }


@pytest.mark.parametrize("key", CASES["key"], ids=lambda key: key["scheme"])
@pytest.mark.parametrize("case", params("route"))
def test_route(case: Case, key: Case, sandbox: Running) -> None:
    variables = variables_of(case, sandbox)
    name, _, header = fill(key["header"], variables).partition(": ")
    body = {"json": fill(case["body"], variables)} if "body" in case else {}
    url = sandbox.url + case["path"]
    refused = httpx.request(case["method"], url, **body)
    reply = httpx.request(case["method"], url, headers={name: header}, **body)

    assert refused.status_code == 401
    assert reply.status_code == 200
    assert [text for text in fill(case["has"], variables) if f'"{text}"' not in reply.text] == []


@pytest.mark.parametrize("case", params("key"))
def test_a_server_that_takes_one_kind_of_key(case: Case, cli: Program) -> None:
    with serve(Options(auth=case["scheme"])) as server:
        login = cli.run("login", "--host", server.url, "--api-key", server.key)
        generated = cli.run("video", "generate", "--prompt", "kites", "--out", "kites.mp4")
        used = {entry["auth"] for entry in server.requests() if entry["method"] == "POST"}

    assert (login.code, generated.code) == (0, 0), login.stderr + generated.stderr
    assert used == {case["scheme"]}
    assert generated.json["status"] == "success"
    assert (cli.folder / "kites.mp4").stat().st_size > 1000


@pytest.mark.parametrize("case", params("key"))
def test_the_kind_of_key_can_be_said(case: Case, cli: Program, sandbox: Running) -> None:
    env = {"ADS_HOST": sandbox.url, "ADS_API_KEY": sandbox.key, "ADS_AUTH": case["scheme"]}
    completed = cli.run("video", "generate", "--prompt", "x", "--no-wait", env=env)

    assert completed.code == 0, completed.stderr
    assert sandbox.requests()[-1]["auth"] == case["scheme"]
