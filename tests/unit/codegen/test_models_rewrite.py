"""The model generator's output passes only as plain models, with the server's strings back in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callsheet_codegen.models.prepare import NoModel
from callsheet_codegen.models.rewrite import rewrite_module

if TYPE_CHECKING:
    from callsheet_codegen.models.pool import ModelSource

HEAD = "from pydantic import BaseModel, Field\n"


def shaped(body: str, **tokens: str) -> ModelSource:
    return rewrite_module(
        HEAD + body,
        wire={"a": "a", "image": "imageURL"},
        tokens=tokens,
        prefix="A",
        named={"AInput": "AInput"},
    )


def test_a_class_becomes_ours() -> None:
    module = shaped(
        "class AInput(BaseModel):\n    model_config = {}\n    a: str\n"
        "    image: int | None = None\n"
    )

    assert module.source == (
        "from __future__ import annotations\n"
        "from callsheet.model import Field, Model\n\n"
        "class AInput(Model):\n    a: str\n    image: int | None = "
        "Field(default=None, validation_alias='imageURL', serialization_alias='imageURL')\n"
    )
    assert module.fields == {
        "AInput": {"a": ("a", "str", True), "image": ("imageURL", "int | None", False)}
    }


def test_tokens_become_the_servers_words() -> None:
    module = shaped(
        "class AInput(BaseModel):\n    a: Literal['t1']\n    't2'\n", t1="'\n", t2='"""'
    )

    assert 'Literal["\'\\n"]' in module.source
    assert '\'"""\'' in module.source


def test_a_class_named_after_a_property_gets_the_prefix() -> None:
    module = shaped("class Any(BaseModel):\n    a: str\nclass AInput(BaseModel):\n    a: Any\n")

    assert sorted(module.fields) == ["AAny", "AInput"]
    assert module.fields["AInput"]["a"][1] == "AAny"


def test_inherited_and_root_classes_are_told() -> None:
    module = shaped(
        "class AInput(BaseModel):\n    a: str\n"
        "class AInput2(AInput):\n    image: str\n"
        "class AInput3(RootModel[list[AInput]]):\n    root: list[AInput]\n"
    )

    assert list(module.fields["AInput2"]) == ["a", "image"]
    assert module.roots == {"AInput3"}


def test_a_class_of_two_bases_gets_their_fields() -> None:
    module = shaped(
        "class AInput1(BaseModel):\n    a: str\n    't1'\n"
        "class AInput2(BaseModel):\n    a: int\n    image: int\n"
        "class AInput(AInput1, AInput2):\n    model_config = {}\n",
        t1="said",
    )

    assert module.fields["AInput"] == {"a": ("a", "str", True), "image": ("imageURL", "int", True)}
    assert "class AInput(Model):\n" in module.source
    assert module.source.count("said") == 2


@pytest.mark.parametrize(
    ("written", "full"),
    [
        ("list", "list[Any]"),
        ("dict | None", "dict[str, Any] | None"),
        ("Union[tuple, set]", "tuple[Any, ...] | set[Any]"),
        ("list[Optional[Union['AInput', bool]]]", "list[AInput | bool | None]"),
        ("dict[str, list]", "dict[str, list[Any]]"),
        ("list[list[tuple]]", "list[list[tuple[Any, ...]]]"),
        ("Literal['list']", "Literal['list']"),
    ],
)
def test_a_container_says_of_what(written: str, full: str) -> None:
    module = shaped(f"class AInput(RootModel[list]):\n    root: {written}\n", list="list")

    assert module.fields["AInput"]["root"][1] == full
    assert "class AInput(RootModel[Any])" in module.source


@pytest.mark.parametrize(
    "body",
    [
        "x = 1",
        "import os",
        "def f(): pass",
        "print('x')",
        "class A(Exception): pass",
        "@decorate\nclass A(BaseModel): pass",
        "class A(BaseModel):\n    def f(self): pass",
        "class A(BaseModel):\n    b: str",
        "class A(BaseModel):\n    a: os.PathLike",
        "class A(BaseModel):\n    a: f()",
        "class A(BaseModel):\n    a: Literal['not ours']",
        "class A(BaseModel):\n    a: Unknown",
        "A.model_rebuild()",
        "class A(BaseModel): pass\nclass B(A, Exception): pass",
        "class A(RootModel[str]):\n    root: str\nclass B(A, BaseModel): pass",
    ],
)
def test_anything_else_is_refused(body: str) -> None:
    with pytest.raises(NoModel):
        shaped(body)


def renamed(*classes: str) -> list[str]:
    body = "".join(f"class {name}(BaseModel):\n    a: str\n" for name in classes)
    module = rewrite_module(
        HEAD + body,
        wire={"a": "a"},
        tokens={},
        prefix="Film",
        named={"StandInput": "FilmInput", "StandResult": "FilmResult"},
    )
    return sorted(module.fields)


def test_what_stands_for_a_name_is_spelt_out_wherever_it_is() -> None:
    assert renamed("StandInput", "StandResultStandResultItem", "Any") == [
        "FilmAny",
        "FilmInput",
        "FilmResultFilmResultItem",
    ]


def test_two_classes_never_get_one_name() -> None:
    with pytest.raises(NoModel, match="the same name"):
        renamed("StandInputStandInput", "StandInputFilmInput")
