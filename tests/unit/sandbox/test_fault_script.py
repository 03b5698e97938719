"""Fault scripts are read from words and from JSON, and what is wrong in them is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from callsheet_sandbox.faulting import EFFECTS
from callsheet_sandbox.faults.kinds import KINDS, described
from callsheet_sandbox.faults.script import Fault, Script, open_script, read_script

if TYPE_CHECKING:
    from pathlib import Path


def non_default(text: str) -> dict[str, Any]:
    """Return the only fault of a script, without what is left as usual."""
    [fault] = read_script(text).faults
    usual = Fault(fault.kind, KINDS[fault.kind].takes).describe()
    return {key: setting for key, setting in fault.describe().items() if usual.get(key) != setting}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("503", {}),
        ("301 to=host", {"code": 301, "to": "host"}),
        ("429 retry-after=2", {"code": 429, "retry-after": "2"}),
        (
            '429 retry-after="Wed, 21 Oct 2015 07:28:00 GMT"',
            {"code": 429, "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"},
        ),
        ("429 retry-after=", {"code": 429, "retry-after": ""}),
        (
            "drop POST ai.video.* after",
            {"method": "POST", "action": "ai.video.*", "phase": "after"},
        ),
        ("drop /media/* @3", {"path": "/media/*", "nth": 3}),
        ("drop /a?b=c", {"path": "/a?b=c"}),
        ("drop @2-4", {"nth": 2, "times": 3}),
        ("drop @2-", {"nth": 2, "times": "*"}),
        ("drop x5 12.5%", {"times": 5, "chance": 0.125}),
        ("drop x*", {"times": "*"}),
        ("slow seconds=1", {"seconds": 1.0}),
        ("misrange shift=-3", {"method": "GET", "path": "/media/*", "shift": -3}),
        ("stuck", {"action": "*", "times": "*"}),
        ("stuck ai.image.* x2", {"action": "ai.image.*", "times": 2}),
        ("drop # and a remark; 503", {}),
    ],
)
def test_words(text: str, expected: dict[str, Any]) -> None:
    assert non_default(text) == expected


def test_faults_are_separated_by_semicolons_and_lines() -> None:
    script = read_script("# bad day\ndrop after; 503 x2\n\nseed=7 ;; cut bytes=9\n")
    assert [fault.kind for fault in script.faults] == ["drop", "status", "cut"]
    assert script.seed == 7


def test_words_and_json_say_the_same() -> None:
    words = read_script("seed=3; 429 retry-after=2 POST ai.* @2-4 50%; cut bytes=5 /media/*")
    document = {
        "seed": 3,
        "faults": [
            {"kind": 429, "retry-after": 2, "method": "POST", "action": "ai.*", "nth": 2}
            | {"times": 3, "chance": 0.5},
            {"kind": "cut", "bytes": 5, "path": "/media/*"},
        ],
    }
    assert read_script(document) == words
    assert read_script(json.dumps(document)) == words
    assert read_script([fault.describe() for fault in words.faults]) == Script(words.faults)


def test_a_file_or_the_text_itself(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text('[{"kind": "drop"}]', encoding="utf-8")
    assert open_script(str(path)) == open_script("drop")
    assert open_script("drop" + " " * 5000) == open_script("drop")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("explode", "no kind or file 'explode'; known: status, redirect, "),
        ("drop speed=1", "drop has no 'speed'; it takes method, action or path"),
        ("cut bytes=many", "cut: bytes: expected a number, not 'many'"),
        ("reset at=noon", "reset: at is one of body, connect, headers, request, sent"),
        ("reset at=request after", "reset: nothing can have been accepted, so no `after`"),
        ("slice after", "slice: nothing can have been accepted, so no `after`"),
        ("reset at=connect POST", "reset at=connect meets connections: no method"),
        ("drop @0", "drop: nth is 1 or more"),
        ("drop 120%", "drop: nth is 1 or more, chance 0 to 1"),
        ('drop "', "No closing quotation in 'drop \"'"),
        ("[{", "not JSON: "),
        ("[3]", 'expected {"seed": number, "faults": '),
        ('{"faults": [], "sed": 3}', "unknown key 'sed'; known: faults, seed"),
        ('[{"kind": "drop", "phase": "later"}]', "drop: phase is before or after, not 'later'"),
        ('[{"kind": "drop", "times": "often"}]', "drop: times: expected a number, not 'often'"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^faults: ") as raised:
        read_script(text)
    assert message in str(raised.value)


def test_every_kind_has_an_effect_and_a_line_of_help() -> None:
    assert set(KINDS) == {*EFFECTS, "expired"}
    heads = [line for line in described().splitlines() if not line.startswith("      ")]
    assert [line.split()[0] for line in heads] == list(KINDS)
    assert max(map(len, described().splitlines())) <= 100
