"""The program's own words on a terminal: questions, colour, tables that fit the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cli.test_terminal_person import typed
from cli.test_words import NOBODY

if TYPE_CHECKING:
    from cli.conftest import BareProgram

BOLD, RED, GREEN = "\x1b[1m", "\x1b[1;31m", "\x1b[32m"


def test_login_asks_for_what_was_not_said(ads: BareProgram) -> None:
    seen = typed(ads, "login", **NOBODY)
    seen.until("Server: ")
    seen.type(ads.server.url)
    seen.until("API key: ")
    seen.type(ads.server.key)

    assert seen.end() == 0
    assert ads.server.key not in seen.seen
    assert ads("whoami", **NOBODY).json["host"] == ads.server.url


@pytest.mark.parametrize("words", [["login"], ["tasks", "rerun", "nosuch"]])
def test_nobody_is_asked_with_no_input(ads: BareProgram, words: list[str]) -> None:
    seen = typed(ads, *words, "--no-input", **NOBODY)

    assert seen.end() == 2
    assert ": \r\n" not in seen.seen.replace("above", "")


def test_marks_and_heads_have_colour_unless_forbidden(ads: BareProgram) -> None:
    ill = typed(ads, "doctor", ADS_API_KEY="")
    plain = typed(ads, "doctor", ADS_API_KEY="", NO_COLOR="1")
    listed = typed(ads, "actions", "list")

    assert (ill.end(), plain.end(), listed.end()) == (1, 1, 0)
    assert f"{RED}FAIL\x1b[0m  catalogue " in ill.seen
    assert f"{GREEN}ok  \x1b[0m  python " in ill.seen
    assert "FAIL  catalogue " in plain.seen
    assert "\x1b[" not in plain.seen
    assert f"{BOLD}ID " in listed.seen


def test_doctor_says_what_to_do_below_what_is_wrong(ads: BareProgram) -> None:
    seen = typed(ads, "doctor", NO_COLOR="1", ADS_API_KEY="")
    seen.end()
    lines = seen.seen.splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith("FAIL  catalogue"))

    assert any(line.endswith("none: requests leave without one") for line in lines)
    assert f"{ads.server.url} refused access (HTTP 401" in lines[place]
    assert any("make a key at " in line for line in lines[place + 1 : place + 4])


def test_probe_ends_each_finding_with_the_line_to_type(ads: BareProgram) -> None:
    seen = typed(ads, "probe", NO_COLOR="1")

    assert seen.end() == 0
    lines = [line.strip() for line in seen.seen.splitlines() if line.startswith("  type ")]
    assert len(lines) == 8
    assert lines[2:4] == [
        f"type     ads login --host {ads.server.url} --auth bearer",
        "type     ads probe --set list=actions --set id-key=id",
    ]


def test_the_line_of_a_finding_can_be_typed(ads: BareProgram) -> None:
    found = {one["topic"]: one["line"] for one in ads("probe").json["findings"]}
    words = found["schemas"].split()[1:]
    again = ads(*words)

    assert words[:2] == ["probe", "--set"]
    assert again.code == 0
    assert again.json["actions"] == 10
