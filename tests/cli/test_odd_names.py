"""A field may have any name and any text: none stops the program or is taken for a flag of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cli.odd import LINK, NAMES, NEEDED, ODD, STRANGE

if TYPE_CHECKING:
    from cli.conftest import BareProgram


@pytest.fixture(autouse=True)
def odd(ads: BareProgram) -> None:
    ads.server.add_action(ODD)


def test_every_name_has_a_flag_and_reaches_the_wire(ads: BareProgram) -> None:
    rows = ads("shop", "odd", "--help", "--json").json["flags"]
    flags = {row["field"][0]: row for row in rows if row["field"][0] in (*NAMES, *STRANGE)}
    typed = [row["flag"] + ('="v"' if row.get("as_json") else "=v") for row in flags.values()]
    done = ads("shop", "odd", *NEEDED, *typed)

    assert (done.err, done.code, len(set(typed))) == ("", 0, len(NAMES) + len(STRANGE))
    ((_, body),) = ads.posts()
    assert body == {"about": "sea", "size": "big", **dict.fromkeys(flags, "v")}


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        (["--note", "hello"], "hello"),
        (["--note", "5"], "5"),
        (["--note", "true"], "true"),
        (["--note", "@home"], "@home"),
        (["--note", ""], ""),
        (["--note", "null"], None),
        (["--note", LINK], LINK),
        (["--note", '{"a": 1}'], '{"a": 1}'),
    ],
)
def test_a_plain_text_for_an_optional_one(
    ads: BareProgram, typed: list[str], value: object
) -> None:
    done = ads("shop", "odd", *NEEDED, *typed, "--dry-run")

    assert done.json["body"]["note"] == value


def test_a_plain_number_for_an_optional_one(ads: BareProgram) -> None:
    done = ads("shop", "odd", *NEEDED, "--seed", "5", "--dry-run")

    assert done.json["body"]["seed"] == 5


HELP = "ads shop odd --help"
REFUSED = [
    (["--size", "bgi"], "--size", '"bgi", allowed: small, medium, big; did you mean big?', HELP),
    (["--count", "0"], "--count", "is 0, the least is 1", "allowed: 1 to 10"),
    (["--count", "11"], "--count", "is 11, the most is 10", "allowed: 1 to 10"),
    (["--count", "two"], "--count", 'is "two", wanted a whole number', "allowed: 1 to 10"),
    (["--focal", "36"], "--focal", "is 36, allowed: 35, 50, 85; did you mean 35?", HELP),
    (["--tags", "a,d"], "--tags", 'at /1: is "d", allowed: a, b, c', HELP),
    (
        ["--about", "x"],
        "--about",
        "has 1 character, the least is 2",
        "allowed: 2 or more characters",
    ),
    (["--camera.pan", "2"], "--camera.pan", "is 2, the most is 1", "allowed: -1 to 1"),
    (["--camera.pna", "1"], "--camera.pna", "there is no flag", "did you mean --camera.pan?"),
    (["--input.count", "99"], "--count", "is 99, the most is 10", "allowed: 1 to 10"),
    (["--dry-run=wget"], "--dry-run", "'wget' is not 'curl'", "ads shop odd --help"),
]


@pytest.mark.parametrize(("typed", "flag", "says", "hint"), REFUSED)
def test_each_refusal_has_one_line_and_one_hint(
    ads: BareProgram, typed: list[str], flag: str, says: str, hint: str
) -> None:
    done = ads("shop", "odd", *NEEDED, *typed)

    assert (done.code, done.error["flag"], done.error["hint"]) == (2, flag, hint)
    assert says in done.error["message"]
    assert done.err == f"ads: {done.error['message']}\n  {hint}\n"
    assert ads.posts() == []


def test_any_field_is_said_by_its_wire_name(ads: BareProgram) -> None:
    typed = [
        "--input.a/b c",
        "[1.50]",
        "--input.größe",
        '"XL"',
        "--input.more=x",
        "--input.host",
        "1",
    ]
    done = ads("shop", "odd", *NEEDED, *typed, "--dry-run=curl", "--no-check")

    assert '"a/b c":[1.50],"größe":"XL","more":"x","host":1' in done.out


def test_links_and_json_in_a_page_are_whole(ads: BareProgram) -> None:
    page = ads("shop", "odd", "--help").out

    assert LINK in page
    assert '`{"a": 1, "b": 2}`' in page
    assert '  ads shop odd --about "sea shells" --size big --count 3\n' in page
