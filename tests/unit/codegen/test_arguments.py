"""A model's field becomes a keyword argument that takes more than the field holds."""

from __future__ import annotations

import pytest

from callsheet.spec import Action, Param
from callsheet_codegen.methods import build_arguments

CLASSES = {"ACamera": "ACamera", "AShot": "AShot2"}


@pytest.mark.parametrize(
    ("annotation", "argument"),
    [
        ("str", "str | Omit"),
        ("str | None", "str | Omit"),
        ("list[str] | None", "Sequence[str] | Omit"),
        ("dict[str, int] | None", "Mapping[str, int] | Omit"),
        ("ACamera | None", "ACamera | Mapping[str, Any] | Omit"),
        ("list[AShot]", "Sequence[AShot2 | Mapping[str, Any]] | Omit"),
        ("Literal['list', None] | None", "Literal['list', None] | Omit"),
        ("Any | None", "Any | Omit"),
    ],
)
def test_an_optional_argument(annotation: str, argument: str) -> None:
    action = Action(id="a", params=(Param(path=("a",), flag="a"),))
    argument_list = build_arguments(action, {"a": ("a", annotation, False)}, CLASSES)

    assert argument_list.fields[0].type.text == argument


def test_null_can_be_said_where_it_is_allowed() -> None:
    action = Action(id="a", params=(Param(path=("a",), flag="a", nullable=True),))
    argument_list = build_arguments(action, {"a": ("a", "str | None", False)}, {})

    assert argument_list.fields[0].type.text == "str | None | Omit"


def test_required_ones_come_first_and_say_what_they_are() -> None:
    params = (
        Param(path=("b",), flag="b", doc="The  second\none.", default='"x"'),
        Param(path=("c",), flag="c", required=True),
    )
    fields = {"b": ("b", "str | None", False), "c": ("c", "AShot", True), "a": ("a", "str", False)}
    argument_list = build_arguments(Action(id="a", params=params), fields, CLASSES)

    assert [(f.name.text, f.required) for f in argument_list.fields] == [
        ("c", True),
        ("a", False),
        ("b", False),
    ]
    assert argument_list.docs[2] == ("b", 'The second one. (server default: "x")')
    assert argument_list.classes == {"AShot"}


@pytest.mark.parametrize(
    ("annotation", "argument"),
    [
        ("str", "FileInput | Omit"),
        ("list[str] | None", "Sequence[FileInput] | Omit"),
        ("dict[str, list[str]] | None", "Mapping[str, Sequence[FileInput]] | Omit"),
        ("Literal['str'] | int", "Literal['str'] | int | Omit"),
    ],
)
def test_a_media_field_takes_a_file_for_a_text(annotation: str, argument: str) -> None:
    action = Action(id="a", params=(Param(path=("a",), flag="a", media=True),))
    argument_list = build_arguments(action, {"a": ("a", annotation, False)}, CLASSES)

    assert argument_list.fields[0].type.text == argument
