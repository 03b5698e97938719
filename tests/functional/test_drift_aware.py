"""A command of yesterday meets the server of today: its new fields, its refusals, its gaps."""

from __future__ import annotations

import json
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from callsheet_sandbox.catalogue import BUILT_IN

if TYPE_CHECKING:
    from program import Program

    from callsheet_sandbox.server import Running

SEARCH = json.loads((BUILT_IN / "material.search.json").read_text("utf-8"))
WORDS = ("material", "search", "--query", "sea")


def search(required: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """Return the search action with more fields."""
    schema = SEARCH["input"]
    fields = {**schema["properties"], **more}
    needed = [*schema.get("required", ()), *required]
    return {**SEARCH, "input": {**schema, "properties": fields, "required": needed}}


@pytest.fixture
def quick(ads: Program, sandbox: Running) -> Program:
    """Give the program with a fresh cache of the server as it was."""
    assert ads.run("--refresh", *WORDS).code == 0
    return ads


def test_a_new_field_is_a_flag_at_once_and_told_once(quick: Program, sandbox: Running) -> None:
    sandbox.add_action(search(colour={"enum": ["red", "blue"]}))
    done = quick.run("--refresh", *WORDS, "--colour", "red")
    wrong = quick.run(*WORDS, "--colour", "green")

    assert done.code == 0, done.stderr
    assert [request["body"] for request in sandbox.requests() if request["method"] == "POST"][
        -1
    ] == {
        "query": "sea",
        "colour": "red",
    }
    assert done.stderr.count("material.search has changed on the server") == 1
    assert "`--colour`" in done.stderr
    assert wrong.code == 2
    assert "red" in wrong.stderr


def test_a_refusal_says_what_has_changed(quick: Program, sandbox: Running) -> None:
    sandbox.add_action(search(("colour",), colour={"enum": ["red", "blue"]}))
    before = len(sandbox.requests())
    done = quick.run(*WORDS)

    assert done.code == 1
    assert "material.search has changed on the server" in done.stderr
    assert "`--colour`" in done.stderr
    assert len(sandbox.requests()) - before == 3


def test_a_removed_action_says_so(quick: Program, sandbox: Running) -> None:
    sandbox.remove_action("material.search")
    done = quick.run(*WORDS, "--json")

    assert done.code == 1
    assert done.json["error"]["code"] == "removed"
    assert "`ads material search` is gone" in done.stderr


def test_the_catalogue_is_renewed_in_the_pauses_of_a_wait(quick: Program, sandbox: Running) -> None:
    (path,) = (quick.home / "cache").glob("*.sqlite3")

    def fetched() -> float:
        with closing(sqlite3.connect(path)) as db:
            return float(
                json.loads(db.execute("SELECT document FROM head").fetchone()[0])["fetched"]
            )

    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE head SET document = json_set(document, '$.fetched', 5.0)")
        db.commit()
    body = {"prompt": "sea", "options": {"sandboxSeconds": 3600}}
    with ThreadPoolExecutor() as pool:
        running = pool.submit(quick.run, "video", "generate", "--input", json.dumps(body))
        while fetched() == 5.0:
            assert not running.done(), running.result().stderr
            time.sleep(0.01)
        sandbox.advance(3600)

    assert running.result().code == 0, running.result().stderr
