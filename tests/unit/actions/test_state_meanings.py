"""What the numbers of states stand for, by the output schemas."""

from __future__ import annotations

from typing import Any

import pytest

from callsheet.actions.families import state_meanings, with_meanings
from callsheet.protocol.replies import read_reply
from callsheet.spec import Advertised, Family

STATES = {"0": "running", "1": "running", "2": "done", "3": "failed"}
NAMES = ["queued", "running", "success", "failed"]


@pytest.mark.parametrize(
    "field",
    [
        {"type": "integer", "description": "0 queued, 1 running, 2 done, 3 failed"},
        {"type": "integer", "description": "State: 0=queued; 1=generating; 2=succeed; 3=failed."},
        {
            "type": ["integer", "null"],
            "description": "`0` - queued\n`1` - running\n2: ok\n3: error",
        },
        {"enum": [0, 1, 2, 3], "enumNames": NAMES},
        {"enum": [0, 1, 2, 3], "x-enum-varnames": NAMES},
        {"oneOf": [{"const": at, "title": name} for at, name in enumerate(NAMES)]},
        {"anyOf": [{"const": at, "description": name} for at, name in enumerate(NAMES)]},
    ],
)
def test_an_output_schema_says_what_a_number_stands_for(field: dict[str, Any]) -> None:
    data = {"properties": {"data": {"properties": {"task_status": field}}}}

    assert state_meanings(data) == STATES


@pytest.mark.parametrize(
    "output",
    [
        None,
        {"properties": {"status": {"type": "string", "description": "2 done"}}},
        {"properties": {"status": {"type": "integer", "description": "HTTP status, e.g. 200"}}},
        {"properties": {"size": {"type": "integer", "description": "0 queued, 1 running"}}},
        {"properties": {"status": {"type": "integer", "description": "within 2 days"}}},
    ],
)
def test_nothing_else_gives_a_number_a_meaning(output: Any) -> None:
    assert state_meanings(output) == {}


def test_a_number_is_read_by_the_schema_and_else_not() -> None:
    output = {"properties": {"status": {"enum": [0, 1, 2, 3], "enumNames": NAMES}}}
    family = with_meanings(
        Family(create="a.make", query="a.query"),
        {"a.make": Advertised("a.make"), "a.query": Advertised("a.query", output=output)},
    )
    reply = {"taskId": "u1", "status": 3}

    assert dict(family.meanings) == STATES
    assert read_reply(reply, role="query", meanings=family.meanings).state == "failed"
    assert read_reply(reply, role="query").state == ""
