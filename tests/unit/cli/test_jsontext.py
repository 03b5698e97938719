"""JSON goes through unchanged: digits, order, characters."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callsheet import jsonio

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_what_is_decoded_encodes_the_same(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    assert jsonio.encode(jsonio.decode(text)) == text
    assert jsonio.to_builtins(jsonio.decode(text)) == value


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
    assert jsonio.json_equal(1, 1.0)
    assert not jsonio.json_equal(1, True)
