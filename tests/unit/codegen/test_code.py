"""Data becomes source in one way each, and what cannot become source is refused."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callsheet.spec import Family, Param
from callsheet_codegen.code import (
    Code,
    CodeError,
    CodeSpan,
    Doc,
    Ident,
    Markdown,
    Module,
    TypeExpr,
    literal,
    plain,
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(json_values)
def test_a_literal_evaluates_to_its_value(value: object) -> None:
    assert ast.literal_eval(literal(value).text) == value


@given(st.text())
def test_a_docstring_holds_nothing_but_itself(text: str) -> None:
    tree = ast.parse(Doc(text).text)

    assert len(tree.body) == 1
    assert isinstance(tree.body[0], ast.Expr)
    assert isinstance(tree.body[0].value, ast.Constant)


@given(st.text())
def test_a_docstring_ends_where_it_should_when_indented(text: str) -> None:
    source = f"def f():\n    {Doc(text).indented(4)}\n    return 1\n"
    function = ast.parse(source).body[0]

    assert isinstance(function, ast.FunctionDef)
    assert len(function.body) == 2


def test_docstrings_keep_what_was_said() -> None:
    text = ast.literal_eval(Doc('He said """no\\n""" to "it"').text)

    assert text == 'He said """no\\n""" to "it"'


@given(st.text(alphabet="ab \n\\\"'", max_size=400))
def test_long_texts_are_wrapped_and_stay_the_same(text: str) -> None:
    source = literal(text).text

    assert ast.literal_eval(source) == text
    assert Doc("word " * 60).text.count("\n") > 2


@pytest.mark.parametrize("name", ["", "a-b", "class", "1a", "é", "a.b", "a\n", "None"])
def test_what_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(CodeError):
        Ident(name)


@pytest.mark.parametrize(
    "text",
    [
        "int",
        "str | None",
        "Sequence[A | Mapping[str, Any]]",
        "Literal['a', -1, None]",
        "dict[str, int]",
    ],
)
def test_types_pass(text: str) -> None:
    assert TypeExpr(text).text == text


@pytest.mark.parametrize(
    "text", ["f()", "a.b", "'x'", "x if y else z", "[int]", "Literal[f()]", "lambda: 1", "a +", "1"]
)
def test_what_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(CodeError):
        TypeExpr(text)


def test_code_is_not_made_by_hand() -> None:
    with pytest.raises(CodeError):
        Code("import os")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {"a": {1, 2}}, [10**5000]])
def test_what_has_no_literal_is_refused(value: object) -> None:
    with pytest.raises(CodeError):
        literal(value)


def test_a_dataclass_leaves_out_its_defaults() -> None:
    assert literal(Family(create="a")).text == "Family(create='a')"
    assert literal((Param(path=("a",), flag="a", required=True),)).text == (
        "(Param(path=('a',), flag='a', required=True),)"
    )


def test_a_module_is_put_together_again() -> None:
    assert Module("x  =  1 # gone").text == "x = 1"
    with pytest.raises(CodeError):
        Module("x =")


def test_plain_text_has_no_controls() -> None:
    assert plain("a\r\nb\u2028c\x1b[31m\u202ed\te\n") == "a\nb\nc[31md    e"


def test_markdown_is_one_quiet_line() -> None:
    assert Markdown("a | b\n# [c](d)").text == "a \\| b \\# \\[c\\]\\(d\\)"
    assert CodeSpan("a`b|c").text == "`a'b¦c`"
    assert CodeSpan("").text == ""
