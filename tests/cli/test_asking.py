"""What is missing is asked for on a terminal, and nowhere else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cli.odd import ODD
from cli.test_terminal import ended, terminal

if TYPE_CHECKING:
    from cli.conftest import BareProgram

WORDS = ("shop", "odd", "--dry-run", "--json")


@pytest.fixture(autouse=True)
def odd(ads: BareProgram) -> None:
    ads.server.add_action(ODD)


def test_each_required_field_is_asked_for_until_it_is_right(ads: BareProgram) -> None:
    child = terminal(ads, *WORDS)
    child.expect(r"What to look for \[2 or more characters\]\r\n--about: ")
    child.sendline("x")
    child.expect(r"--about: has 1 character, the least is 2 \(allowed: 2 or more characters\)")
    child.expect("--about: ")
    child.sendline("sea")
    child.expect("server default: medium")
    child.expect("--size: ")
    child.sendline("bg")
    child.expect(r"allowed: small, medium, big; did you mean big\?\r\n--size: ")
    child.sendline("big")
    code, screen = ended(child)

    assert code == 0
    assert json.loads(screen[screen.index("{") :])["body"] == {"about": "sea", "size": "big"}


def test_what_was_given_is_not_asked_for(ads: BareProgram) -> None:
    child = terminal(ads, *WORDS, "--size", "big", "--input", '{"about":"sea"}')
    code, screen = ended(child)

    assert code == 0
    assert json.loads(screen)["body"] == {"about": "sea", "size": "big"}


def test_a_required_object_is_asked_for_by_its_fields(ads: BareProgram) -> None:
    camera = ODD["input"]["properties"]["camera"]
    schema = {"type": "object", "required": ["camera"], "properties": {"camera": camera}}
    ads.server.add_action({**ODD, "id": "shop.film", "input": schema})
    child = terminal(ads, "shop", "film", "--dry-run", "--json")
    child.expect("--camera.pan: ")
    child.sendline("0.5")
    code, screen = ended(child)

    assert code == 0
    assert json.loads(screen[screen.index("{") :])["body"] == {"camera": {"pan": 0.5}}
    assert ads("shop", "film").error["message"] == "--camera.pan is needed"


def test_a_list_is_asked_for_item_by_item(ads: BareProgram) -> None:
    tags = {"type": "array", "items": {"enum": ["a", "b"]}}
    schema = {"type": "object", "required": ["tags"], "properties": {"tags": tags}}
    ads.server.add_action({**ODD, "id": "shop.tags", "input": schema})
    child = terminal(ads, "shop", "tags", "--dry-run", "--json")
    child.expect("--tags: ")
    child.sendline("a")
    child.expect(r"--tags \(Enter ends\): ")
    child.sendline("b")
    child.expect(r"--tags \(Enter ends\): ")
    child.sendline("")
    code, screen = ended(child)

    assert code == 0
    assert json.loads(screen[screen.index("{") :])["body"] == {"tags": ["a", "b"]}


def test_the_end_of_input_is_a_usage_error(ads: BareProgram) -> None:
    child = terminal(ads, "shop", "odd")
    child.expect("--about: ")
    child.sendeof()
    code, screen = ended(child)

    assert (code, "--about is needed" in screen) == (2, True)
    assert ads.posts() == []


def test_ctrl_c_at_a_question_sends_nothing(ads: BareProgram) -> None:
    child = terminal(ads, "shop", "odd")
    child.expect("--about: ")
    child.sendintr()
    code, screen = ended(child)

    assert (code, "interrupted; nothing was sent" in screen) == (130, True)
    assert ads.posts() == []


@pytest.mark.parametrize("words", [("--no-input",), ("--size", "bg")])
def test_nothing_is_asked_where_it_is_unwanted_or_in_vain(
    ads: BareProgram, words: tuple[str, ...]
) -> None:
    code, screen = ended(terminal(ads, "shop", "odd", *words))

    assert code == 2
    assert "What to look for" not in screen


def test_nothing_is_asked_without_a_terminal(ads: BareProgram) -> None:
    done = ads("shop", "odd", stdin="sea\nbig\n")

    assert (done.code, done.error["message"]) == (2, "--about, --size are needed")
    assert (done.error["flag"], done.err.count("\n")) == ("--about", 2)


def test_a_question_shows_nothing_that_moves_a_cursor(ads: BareProgram) -> None:
    bad = {"type": "string", "description": "a\x1b]0;gone\x07b\x1b[2J"}
    schema = {"type": "object", "required": ["x"], "properties": {"x": bad}}
    ads.server.add_action({**ODD, "id": "shop.evil", "input": schema})
    child = terminal(ads, "shop", "evil")
    child.expect("--x: ")
    shown = str(child.before)
    child.sendeof()
    ended(child)

    assert ("\x1b" in shown, "\x07" in shown) == (False, False)
    assert "ab" in shown


def test_call_asks_too(ads: BareProgram) -> None:
    child = terminal(ads, "call", "shop.odd", "--size", "big", "--dry-run", "--json")
    child.expect("--about: ")
    child.sendline("sea")
    code, screen = ended(child)

    assert code == 0
    assert json.loads(screen[screen.index("{") :])["body"] == {"about": "sea", "size": "big"}
    assert ads("call", "shop.odd").error["message"] == "--about, --size are needed"
