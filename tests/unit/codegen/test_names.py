"""Names are identifiers, distinct, and the same whatever the order."""

from __future__ import annotations

import keyword
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callsheet.identifiers import FIELD_RESERVED
from callsheet_codegen import names

if TYPE_CHECKING:
    import random


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        ("imageInput", "image_input"),
        ("image-input", "image_input"),
        ("HTTPServerURL", "http_server_url"),
        ("class", "class_"),
        ("9lives", "field_9lives"),
        ("été", "ete"),
        ("__class__", "class_"),
    ],
)
def test_snake(wire: str, name: str) -> None:
    assert names.snake(wire) == name


@given(st.text())
def test_any_text_becomes_an_identifier(text: str) -> None:
    for name in (names.snake(text), names.pascal(text)):
        assert name.isidentifier()
        assert name.isascii()
        assert not keyword.iskeyword(name)
        assert not name.startswith("_")


@given(st.lists(st.text(max_size=8), unique=True), st.randoms())
def test_fields_are_distinct_in_any_order(wire: list[str], chance: random.Random) -> None:
    shuffled = list(wire)
    chance.shuffle(shuffled)
    given_names = names.fields(wire)

    assert names.fields(shuffled) == given_names
    assert len(set(given_names.values())) == len(wire)
    assert not set(given_names.values()) & FIELD_RESERVED


def test_the_one_spelled_so_keeps_the_name() -> None:
    assert names.fields(["imageInput", "image_input", "image-input"]) == {
        "image_input": "image_input",
        "image-input": "image_input_",
        "imageInput": "image_input_2",
    }


@pytest.mark.parametrize("option", ["extra_body", "timeout", "idempotency_key", "self", "body"])
def test_a_field_named_like_an_option_gets_an_underscore(option: str) -> None:
    assert names.fields([option]) == {option: f"{option}_"}


def test_numbers_without_a_joint() -> None:
    wanted = [("a", "X"), ("b", "X"), ("c", "X")]

    assert names.assign(wanted, joint="") == {"a": "X", "b": "X2", "c": "X3"}


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("conftest", "conftest_"),
        ("sitecustomize", "sitecustomize_"),
        ("setup", "setup_"),
        ("json", "json_"),
        ("test", "module_test_"),
        ("test_video", "module_test_video"),
        ("testimonials", "module_testimonials"),
        ("video_test", "video_test_"),
        ("package", "package_"),
        ("nul", "nul_"),
        ("video", "video"),
        ("contest", "contest"),
    ],
)
def test_a_file_is_not_named_like_one_that_others_look_for(name: str, stem: str) -> None:
    assert names.stem(name) == stem
    assert names.stem(stem) == stem


def test_no_module_of_python_is_shadowed() -> None:
    words = {name for name in sys.stdlib_module_names if names.snake(name) == name}

    assert [name for name in words if names.stem(name) == name] == []
