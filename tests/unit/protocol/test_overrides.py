"""The paths and words by which a reading is forced."""

from __future__ import annotations

from typing import Any

import pytest

from callsheet.errors import UsageError
from callsheet.protocol.values import Overrides, pick

DATA = {"data": {"tasks": [{"id": 1, "u": "a"}, {"id": 2}], "a-b c": {"x": None}}}


def test_every_key_is_read() -> None:
    keys = (
        *("list", "id-key", "schema", "envelope-ok", "task-id", "state", "done", "failed"),
        *("media", "error-message", "auth", "free"),
    )
    table: dict[str, Any] = dict.fromkeys(keys, "a.b , c=d,")
    table |= {"auth": "x-api-key", "envelope-ok": "code=0"}
    read = Overrides.parse(table)

    assert (read.list, read.auth, read.envelope_ok) == (("a.b", "c=d"), ("x-api-key",), ("code=0",))
    assert () not in {getattr(read, key.replace("-", "_")) for key in keys}
    assert Overrides.parse({}) == Overrides()
    assert Overrides.parse({"done": ["a,b", " c "]}).done == ("a,b", "c")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"lists": "x"}, "protocol.lists is not known"),
        ({"task_id": "x"}, "protocol.task_id is not known"),
        ({"list": 7}, "protocol.list must be"),
        ({"done": ["a", 1]}, "protocol.done must be"),
        ({"envelope-ok": "code"}, "protocol.envelope-ok wants path=value"),
    ],
)
def test_mistakes_name_their_key(table: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Overrides.parse(table)


@pytest.mark.parametrize(
    ("path", "matches"),
    [
        ("$", (DATA,)),
        ("data.tasks[].id", (1, 2)),
        ("data.tasks.*.id", (1, 2)),
        ("data.tasks[0].id", (1,)),
        ("data.tasks.1.id", (2,)),
        ("$.data.tasks[].u", ("a",)),
        ("data.a-b c.x", (None,)),
        ("data.tasks[7].id", ()),
        ("data.tasks.id", ()),
        ("nothing.here", ()),
        ("data.*", (DATA["data"]["tasks"], DATA["data"]["a-b c"])),
    ],
)
def test_paths(path: str, matches: tuple[Any, ...]) -> None:
    assert pick(DATA, path) == matches
