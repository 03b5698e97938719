"""Equal catalogues have one text and one digest, and the lock gives back what it was given."""

from __future__ import annotations

import json

import pytest

from callsheet.catalog.lock import Lock, Snapshot, dump_lock, load_lock
from callsheet.errors import UsageError
from callsheet.jsonio import canonical, digest
from callsheet.spec import Advertised

FIRST = Advertised(
    id="ai.video.generate",
    title="Video",
    description="Make a video.\nSlowly.",
    input={"type": "object", "properties": {"b": {}, "a": {"default": 1.0}}},
    output={"type": "object"},
    hints={"billable": True},
)
SECOND = Advertised(id="ai.video.query", input=None)
LOCK = Lock(
    Snapshot("sandbox", (SECOND, FIRST)),
    {"ai.video.generate": ("video", "generate")},
    {"package": "ads_client"},
)


def test_canonical_text_ignores_order_and_keeps_numbers_apart() -> None:
    assert canonical({"b": [1, 1.0], "a": "é\u2028"}) == '{"a":"\\u00e9\\u2028","b":[1,1.0]}'
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": 1}) != digest({"a": 1.0})
    assert len(digest(None)) == 64


def test_a_snapshot_is_ordered_by_id() -> None:
    assert Snapshot("x", (SECOND, FIRST)) == Snapshot("x", (FIRST, SECOND))


def test_a_lock_comes_back_and_is_written_the_same_again() -> None:
    text = dump_lock(LOCK)

    assert load_lock(text) == LOCK
    assert dump_lock(load_lock(text)) == text
    assert list(json.loads(text)["actions"]) == ["ai.video.generate", "ai.video.query"]
    assert text.endswith("}\n")
    assert text.isascii()


def test_one_more_action_leaves_the_other_lines_alone() -> None:
    more = Lock(
        Snapshot("sandbox", (*LOCK.snapshot.actions, Advertised(id="b.c", input={}))),
        LOCK.commands,
        LOCK.options,
    )
    before, after = dump_lock(LOCK).splitlines(), dump_lock(more).splitlines()

    assert [line for line in before if line.rstrip(",") not in strip(after)] == []


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "{", '{"format": 1}', '{"format":1,"actions":{"a":{"input":5}}}', "[" * 9999],
)
def test_what_is_no_lock_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(UsageError, match="lock"):
        load_lock(text)


def test_a_lock_of_another_format_says_so() -> None:
    with pytest.raises(UsageError, match="format 2"):
        load_lock(dump_lock(LOCK).replace('"format": 1', '"format": 2'))


def strip(lines: list[str]) -> set[str]:
    return {line.rstrip(",") for line in lines}
