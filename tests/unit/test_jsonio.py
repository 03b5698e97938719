"""JSON goes through unchanged; what is not strict is refused, and a spoiled list loses little."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callsheet import jsonio
from callsheet.jsonio import salvage, strict_json

HOLDERS = {"inputSchema", "schema"}
GOOD = {"id": "good", "inputSchema": {"type": "object"}}


def listed(entry: str) -> bytes:
    return f'{{"actions": [{json.dumps(GOOD)}, {entry}, {json.dumps(GOOD)}]}}'.encode()


@pytest.mark.parametrize(
    "text",
    [
        *('{"a": 1, "a": 2}', "[NaN]", "[Infinity]", "[-Infinity]", "[1e999]", '"\\ud800"', "[1,]"),
        *('{"\\udfff": 1}', "[" * 100_000, "", "{", "'a'", "[1] 2", "9" * 5_000, "\x00"),
    ],
)
def test_what_is_not_strict_is_nothing(text: str) -> None:
    assert strict_json(text.encode()) is None


@pytest.mark.parametrize("document", [{"a": [1, 1.0, None, "é"]}, [], "x", 0, False])
def test_what_is_strict_comes_as_it_is(document: Any) -> None:
    assert strict_json(json.dumps(document).encode()) == document


@pytest.mark.parametrize(
    ("schema", "mended"),
    [
        ('{"a": 1, "a": 2}', None),
        ("NaN", None),
        ('{"a": NaN}', {"a": "no JSON"}),
        ('{"minimum": -1e999, "type": "number"}', {"minimum": "no JSON", "type": "number"}),
        ('{"\\udfff": 1}', {"\ufffd": 1}),
        ('{"enum": ["\\ud800"]}', {"enum": "no JSON"}),
        ('{"const": "\\ud800"}', {"enum": "no JSON"}),
        ('{"enum": [{"a": "\\ud800"}]}', {"enum": "no JSON"}),
        ('{"default": [NaN], "title": "\\ud800"}', {"title": "\ufffd"}),
        ('{"pattern": "\\ud800"}', {"pattern": []}),
        ('{"required": ["\\ud800"]}', {"required": "no JSON"}),
        ('{"properties": {"schema": {"a": 1, "a": 1}}}', {"properties": {"schema": "no JSON"}}),
        ('{"maximum": ' + "9" * 6_000 + "}", {"maximum": "no JSON"}),
        ('{"enum": [[[1, NaN]], {"a": NaN}]}', {"enum": "no JSON"}),
    ],
)
def test_a_spoiled_keyword_costs_itself(schema: str, mended: Any) -> None:
    body = listed(f'{{"id": "bad", "inputSchema": {schema}}}')

    assert strict_json(body) is None
    document = salvage(body, HOLDERS)
    assert document == {"actions": [GOOD, {"id": "bad", "inputSchema": mended}, GOOD]}


def test_what_is_too_deep_costs_itself() -> None:
    schema = '{"type": "array", "items":' + '{"items":' * 3_000 + "1" + "}" * 3_001
    document = salvage(listed(f'{{"id": "deep", "inputSchema": {schema}}}'), HOLDERS)

    assert document["actions"][1]["inputSchema"]["type"] == "array"
    assert json.dumps(document).count("items") < 150


@pytest.mark.parametrize(
    "entry",
    [
        '{"id": "a", "id": "b"}',
        '{"id": "\\ud800"}',
        '{"id": "a", "tags": [NaN]}',
        "NaN",
        "[[1e999]]",
    ],
)
def test_a_spoiled_entry_costs_itself(entry: str) -> None:
    assert salvage(listed(entry), HOLDERS) == {"actions": [GOOD, None, GOOD]}


@pytest.mark.parametrize("half", [b"\\ud83d", b"\\udfff", b"\xff"])
def test_half_a_character_costs_itself_in_a_text(half: bytes) -> None:
    entry = (
        '{"id": "a", "description": "X!", "author": {"note": ["X"]}, '
        '"schema": {"type": "string", "description": "X", "enum": ["b"], "x-note": "X"}}'
    )
    mended = json.loads(entry.replace("X", "\ufffd"))

    assert salvage(listed(entry).replace(b"X", half), HOLDERS) == {"actions": [GOOD, mended, GOOD]}


def test_the_document_of_one_action_is_mended_too() -> None:
    text = b'{"schema": {"type": "object", "title": "\\ud800"}}'

    assert salvage(text, HOLDERS, level="entry") == {
        "schema": {"type": "object", "title": "\ufffd"}
    }
    assert salvage(text.replace(b"title", b"const"), HOLDERS, level="entry") == {
        "schema": {"type": "object", "enum": "no JSON"}
    }


@pytest.mark.parametrize(
    "text",
    [
        *('{"actions": [], "actions": []}', '{"total": NaN, "actions": []}', '{"\\ud800": []}'),
        *("{", "", "[" * 5_000, '{"id": "\\ud800"}', '{"a":' * 200 + "1" + "}" * 200),
    ],
)
def test_what_is_spoiled_around_the_list_is_nothing(text: str) -> None:
    assert salvage(text.encode(), HOLDERS) is None


def test_a_list_by_id_is_salvaged_too() -> None:
    body = b'{"a.b": {"inputSchema": {"x": NaN}}, "c.d": {"schema": {}}}'

    assert salvage(body, HOLDERS) == {
        "a.b": {"inputSchema": {"x": "no JSON"}},
        "c.d": {"schema": {}},
    }


def test_brackets_in_texts_do_not_count() -> None:
    body = listed('{"id": "a", "title": "' + "[{" * 300 + '\\"[", "inputSchema": {"a": NaN}}')

    assert salvage(body, HOLDERS)["actions"][1]["inputSchema"] == {"a": "no JSON"}


def test_five_megabytes_of_openings_end() -> None:
    assert salvage(b'{"a":"' + b"[" * 2_000_000 + b"\\" * 999_999, HOLDERS) is None


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_what_is_decoded_encodes_the_same(document: object) -> None:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))

    assert jsonio.encode(jsonio.decode(text)) == text
    assert jsonio.to_builtins(jsonio.decode(text)) == document


@pytest.mark.parametrize(
    "text", ["1", "1.0", "1e5", "-0.0", "1.10", "-0", "1E+2", "12345678901234567890.5"]
)
def test_numbers_keep_their_form(text: str) -> None:
    assert jsonio.encode(jsonio.decode(text)) == ("0" if text == "-0" else text)


@pytest.mark.parametrize(
    "text", ["", "{", "[1,]", "NaN", "Infinity", "1e999", "9" * 5000, "[" * 100_000, "01", "'a'"]
)
def test_what_is_no_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        jsonio.decode(text)

    assert "\n" not in str(caught.value)


def test_a_lone_surrogate_goes_out_as_it_came() -> None:
    assert jsonio.encode(jsonio.decode('["\\ud800"]')) == '["\\ud800"]'


def test_one_is_one_but_not_true() -> None:
    assert jsonio.json_equal([1, {"a": 0}], [1.0, {"a": 0.0}])
    for first, second in ((1, True), ([1], [True]), ({"a": [0]}, {"a": [False]}), ([], [1])):
        assert not jsonio.json_equal(first, second)
        assert not jsonio.json_equal(second, first)


@pytest.mark.parametrize("steps", [[], ["a"], ["a/b", "~", "~1"], [""]])
def test_a_pointer_leads_back_to_its_steps(steps: list[str]) -> None:
    assert jsonio.parse_pointer(jsonio.to_pointer(steps)) == steps
