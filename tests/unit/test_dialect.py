"""A keyword goes from every subschema, and from nothing else."""

from __future__ import annotations

from callsheet.schema.dialect import without


def test_only_keywords_go() -> None:
    gone = {"dependencies": {"a": ["b"]}, "type": "object"}
    kept = {"type": "object"}
    schema = {
        "properties": {"dependencies": gone, "x": {"items": gone}},
        "anyOf": [gone, True],
        "$defs": {"d": gone},
        "const": {"dependencies": 1},
        "enum": [{"dependencies": 1}],
        "dependencies": {},
    }

    assert without(schema, "dependencies") == {
        "properties": {"dependencies": kept, "x": {"items": kept}},
        "anyOf": [kept, True],
        "$defs": {"d": kept},
        "const": {"dependencies": 1},
        "enum": [{"dependencies": 1}],
    }
    assert schema["dependencies"] == {}
