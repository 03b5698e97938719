"""The bindings beside the server: compared, and shown where no server is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functional.test_new_action import SPEAK

if TYPE_CHECKING:
    from program import Program

    from callsheet_sandbox.server import Running


def test_what_was_just_generated_does_not_differ(ads: Program) -> None:
    done = ads.run("actions", "diff")

    assert (done.code, done.stdout) == (0, "")
    assert ": nothing changed since " in done.stderr


def test_a_new_and_a_lost_action_are_drift(ads: Program, sandbox: Running) -> None:
    sandbox.add_action(SPEAK)
    sandbox.remove_action("material.queries")
    done = ads.run("actions", "diff")
    rows = ads.run("actions", "diff", "--json").json
    table = [line.split("\t") for line in done.stdout.splitlines()]
    ill = {row["check"]: row for row in ads.run("doctor").json}["bindings"]

    assert done.code == 8
    assert table == [
        [
            "breaking",
            "removed",
            "material.queries",
            "`ads material queries` is gone (material.queries)",
        ],
        ["additive", "added", "ai.voice.speak", "`ads voice speak` is new (ai.voice.speak)"],
    ]
    assert [row["severity"] for row in rows] == ["breaking", "additive"]
    assert (ill["ok"], ill["hint"]) == (False, "ads actions diff")
    assert "2 changes since, 1 of them breaking" in ill["detail"]


def test_without_a_server_the_bindings_answer(cli: Program) -> None:
    rows = cli.run("actions", "list", "--json")
    schema = cli.run("actions", "schema", "ai.video.query")
    compared = cli.run("actions", "diff")

    assert rows.code == 0, rows.stderr
    assert {row["source"] for row in rows.json} == {"bindings"}
    assert [row["command"] for row in rows.json if row["id"] == "ai.video.query"] == [
        "ads video query"
    ]
    assert schema.json["required"] == ["taskId"]
    assert rows.stderr == "no server is configured; this is from ads_client\n"
    assert compared.code == 2
