"""Bodies are judged by the action's own input schema."""

import pytest

from callsheet_sandbox.judging import judge
from callsheet_sandbox.refusals import RefusedError
from callsheet_sandbox.templates import Json

SCHEMA = {
    "type": "object",
    "properties": {"taskId": {"type": "string"}, "tags": {"items": {"type": "integer"}}},
    "required": ["taskId"],
}


def verdict(schema: Json, body: Json) -> str:
    """Return ``accepted`` or the kind of the refusal."""
    try:
        judge(schema, body)
    except RefusedError as refused:
        return refused.kind
    return "accepted"


def test_every_fault_is_named() -> None:
    with pytest.raises(RefusedError, match="Invalid input") as caught:
        judge(SCHEMA, {"tags": [1, "two"]})
    assert caught.value.kind == "invalid_input"
    assert sorted(fault["path"] for fault in caught.value.details) == ["/", "/tags/1"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "form", "fields": []},
        {"$ref": "https://elsewhere.example/schema"},
        {"$ref": "file:///etc/hostname"},
        [1],
        SCHEMA,
    ],
)
def test_a_good_body_and_what_is_no_schema(schema: Json) -> None:
    assert verdict(schema, {"taskId": "t"}) == "accepted"
