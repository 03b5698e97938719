"""A generated command takes fields of any name, by the flags that a cached one has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.odd import NAMES, NEEDED, ODD, STRANGE
from program import Program, generate

if TYPE_CHECKING:
    from pathlib import Path

    from callsheet_sandbox.server import Running


def test_every_name_reaches_the_wire(sandbox: Running, tmp_path: Path) -> None:
    sandbox.add_action(ODD)
    ads = Program(generate(sandbox.url, sandbox.key, tmp_path / "made"), tmp_path, tmp_path)
    stored = ads.run("shop", "odd", "--help")
    rows = ads.run("shop", "odd", "--help", "--json").json["flags"]
    flags = {row["field"][0]: row for row in rows if row["field"][0] in (*NAMES, *STRANGE)}
    typed = [row["flag"] + ('="v"' if row.get("as_json") else "=v") for row in flags.values()]
    login = {"ADS_HOST": sandbox.url, "ADS_API_KEY": sandbox.key}
    dry = ads.run("shop", "odd", *NEEDED, *typed, "--input.more", "1", "--dry-run", env=login)
    wrong = ads.run("shop", "odd", *NEEDED, "--size", "bgi", env=login)

    assert "Not in the bindings" not in stored.stdout
    assert dry.json["body"] == {
        **{"about": "sea", "size": "big", "more": 1},
        **dict.fromkeys((*NAMES, *STRANGE), "v"),
    }
    assert wrong.code == 2
    assert wrong.json["error"]["message"].endswith("did you mean big?")
