"""Templates of dialect files are filled as their README says."""

import pytest

from callsheet_sandbox.templates import Json, fill

VALUES = {"id": "t-1", "none": None, "list": [1, 2], "zero": 0, "no": False}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("$id", "t-1"),
        ("$list", [1, 2]),
        ({"a": "$id", "b": "$none", "c": "$unknown"}, {"a": "t-1"}),
        ({"a": None}, {"a": None}),
        ({"a": "$zero", "b": "$no"}, {"a": 0, "b": False}),
        ({"a": {"b": ["$none"]}, "c": 1}, {"c": 1}),
        ({"a": {}, "b": []}, {"a": {}, "b": []}),
        ({"a": "$none"}, None),
        (["$none", "$id"], ["t-1"]),
        ({"a": {"$json": {"b": "$id"}}}, {"a": '{"b": "t-1"}'}),
        ({"a": {"$json": {"b": "$none"}}, "c": 1}, {"c": 1}),
        ("task $id of $unknown", "task t-1 of $unknown"),
    ],
)
def test_fill(template: Json, expected: Json) -> None:
    assert fill(template, VALUES) == expected


def test_json_in_json() -> None:
    assert fill({"$json": {"$json": ["$id"]}}, VALUES) == '"[\\"t-1\\"]"'
