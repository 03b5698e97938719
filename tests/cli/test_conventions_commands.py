"""What users of other command lines expect of the commands, each rule by a run of its own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from cli.tree_of import own

from callsheet.cli.callsheet import SUBCOMMANDS
from callsheet.cli.help.pages import OWN

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import BareProgram
    from program import BareProgram as Generated

    from callsheet_sandbox.server import Running

TEXT = {"type": "string"}
WAITING = {"prompt": TEXT, "style": TEXT, "timeoutMs": {"type": "integer", "default": 300_000}}
LISTED = {
    *("login", "logout", "whoami", "call", "api", "probe", "report", "doctor"),
    *("completion", "version"),
    *(f"config {word}" for word in ("get", "list", "path", "set")),
    *(f"actions {word}" for word in ("list", "schema", "search")),
    *(
        f"tasks {word}"
        for word in ("list", "show", "wait", "save", "cancel", "rerun", "recover", "forget")
    ),
    *("spend", "balance"),
    *(f"batch {word}" for word in ("run", "list", "status", "failed", "retry", "save", "cancel")),
}


def action(name: str, properties: dict[str, Any], **facts: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties}
    about = {"id": name, "title": name, "description": f"About {name}.", "does": "reply"}
    return {**about, "input": schema, **facts}


def test_the_two_programs_share_no_word() -> None:
    assert set(OWN) & set(SUBCOMMANDS) == set()


def test_the_words_of_the_program_are_the_listed_ones() -> None:
    found = {" ".join(path[1:]) for path in own()}

    assert LISTED - found == set()
    assert found - LISTED <= {"actions diff", "tasks prune"}


def test_a_group_named_like_a_word_of_ours_is_reached_by_call(ads: BareProgram) -> None:
    for name in ("tasks.run", "shop", "shop.buy"):
        ads.server.add_action(action(name, {"amount": {"type": "integer"}}, readOnly=True))
    ours, group = ads("tasks", "run"), ads("shop", "--amount", "1")
    called = [ads("call", name, "--amount", "1") for name in ("tasks.run", "shop")]

    assert (ours.code, group.code) == (2, 2)
    assert ads("shop", "buy", "--amount", "2").json["received"] == {"amount": 2}
    assert [done.json["action"] for done in called] == ["tasks.run", "shop"]


def test_a_blocking_action_alone_is_called_that_way_unasked(ads: BareProgram) -> None:
    ads.server.add_action(action("ai.song.make_and_wait", WAITING, cost=1))
    first = ads("song", "make", "--prompt", "x", "--json")
    ads("song", "make", "--prompt", "x", "--timeout", "20s")
    refused = ads("song", "make", "--prompt", "x", "--no-wait")

    assert ads.posts() == [
        ("ai.song.make_and_wait", {"prompt": "x", "timeoutMs": 300_000}),
        ("ai.song.make_and_wait", {"prompt": "x", "timeoutMs": 20_000}),
    ], first.err
    assert (refused.code, refused.error["flag"]) == (2, "--no-wait")


def test_a_field_of_the_blocking_form_alone_needs_it(ads: BareProgram) -> None:
    ads.server.add_action(action("ai.song.make", {"prompt": TEXT}, cost=1))
    ads.server.add_action(action("ai.song.make_and_wait", WAITING, cost=1))
    asked = {"taskId": TEXT}
    query = action("ai.song.query", asked, readOnly=True)
    query["input"]["required"] = ["taskId"]
    ads.server.add_action(query)
    alone = ads("song", "make", "--prompt", "x", "--style", "jazz")
    both = ads("song", "make", "--prompt", "x", "--style", "jazz", "--blocking", "--dry-run")

    assert (alone.code, alone.error["flag"]) == (2, "--style")
    assert "--blocking" in alone.error["hint"]
    assert both.json["url"].endswith("/ai.song.make_and_wait")
    assert both.json["body"] == {"prompt": "x", "style": "jazz", "timeoutMs": 300_000}
    assert ads.posts() == []


def test_the_profile_may_stand_before_any_command(ads: BareProgram) -> None:
    assert ads("--profile", "other", "config", "get", "profile").out == "other\n"
    assert ads("config", "get", "profile", "--profile", "other").out == "other\n"


def test_a_new_action_renames_nothing(login: Path, cli: Generated, sandbox: Running) -> None:
    sandbox.reset()
    shutil.copytree(login, cli.home)

    def named() -> dict[str, Any]:
        rows = cli.run("actions", "list", "--json").json
        return {row["id"]: row["command"] for row in rows}

    before = named()
    for name in ("video.generate", "ai.video.generate.now", "ai.video", "material.search.deep"):
        sandbox.add_action(action(name, {}, readOnly=True))
    after = named()

    assert {name: after[name] for name in before} == before
    assert len(after) == len(before) + 4
    assert cli.run("video", "generate", "--help").code == 0
