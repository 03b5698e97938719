"""How many requests leave: for a refresh, for a call, for a wait."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from callsheet.client import Client

if TYPE_CHECKING:
    from pathlib import Path

    from callsheet_sandbox.server import Running


def client(sandbox: Running) -> Client:
    return Client(host=sandbox.url, api_key=sandbox.key, auth="bearer")


def sent(sandbox: Running) -> Counter[str]:
    """The requests so far, without ids."""
    seen = Counter[str]()
    for one in sandbox.requests():
        kind = "schema" if one["path"].endswith("/schema") else "list"
        action = one["path"].rpartition("/")[2]
        seen[f"{one['method']} {action if one['method'] == 'POST' else kind}"] += 1
    return seen


def test_a_cold_refresh_asks_once_for_the_list_and_once_for_each_schema(
    sandbox: Running, home: Path
) -> None:
    with client(sandbox) as ads:
        actions = ads.actions(refresh=True).actions

    assert sent(sandbox) == {"GET list": 1, "GET schema": len(actions)}


def test_a_call_is_one_request_where_the_catalogue_is_known(sandbox: Running, home: Path) -> None:
    with client(sandbox) as ads:
        ads.actions(refresh=True)
    before = sent(sandbox)
    with client(sandbox) as ads:
        ads.call("material.search", {"query": "sea"})
        ads.call("material.search", {"query": "sea"})

    assert sent(sandbox) - before == {"POST material.search": 2}


def test_a_job_is_one_submission_and_polls_alone(sandbox: Running, home: Path) -> None:
    with client(sandbox) as ads:
        ads.actions(refresh=True)
        before = sent(sandbox)
        ads.submit("ai.video.generate", {"prompt": "sea"}).wait()
    more = sent(sandbox) - before
    polls = more.pop("POST ai.video.query")

    assert more == {"POST ai.video.generate": 1}
    assert 1 <= polls <= 60
