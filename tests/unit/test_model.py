"""A model sends exactly what was set, by wire name, in the form and order it was given."""

from __future__ import annotations

import copy
import pickle
from typing import Any, Literal

import pytest
from pydantic import ValidationError

from callsheet.client.calls import as_json
from callsheet.client.groups import OMIT, body_of
from callsheet.model import Field, Model, RootModel, to_wire
from callsheet.spec import Action


class Lens(Model):
    """A model inside another one."""

    focal: int | None = None
    class_: str | None = Field(default=None, validation_alias="class", serialization_alias="class")


class Shot(Model):
    """A model as the generator writes it."""

    ratio: float
    user_id: str | None = Field(
        default=None, validation_alias="userId", serialization_alias="userId"
    )
    mode: Literal["fast", "slow"] | None = None
    lenses: list[Lens] | None = None
    extra: dict[str, Any] | None = None
    lens: Lens | int | None = None


class Size(RootModel[Any]):
    """A value that is no object."""

    root: float | list[float]


GIVEN: list[dict[str, Any]] = [
    {"ratio": 1},
    {"ratio": 1.0},
    {"lenses": [{"focal": 2.0, "class": "x", "more": 1}, {}], "ratio": 3},
    {"userId": None, "ratio": 2},
    {"extra": {"b": 1.0, "a": 2}, "ratio": 0.5, "unknown": {"z": 1.0}},
    {"ratio": 1, "user_id": "not userId"},
    {"ratio": 1, "user_id": 5, "userId": "x", "class_": 1},
    {"lens": {"focal": 5.0}, "ratio": 5.0},
    {"lens": 7.0, "ratio": 12345678901234567890},
]


@pytest.mark.parametrize("document", GIVEN)
@pytest.mark.parametrize("through", [lambda m: m, copy.deepcopy, lambda m: m.model_copy()])
def test_json_goes_out_as_it_came(document: dict[str, Any], through: Any) -> None:
    wire = to_wire(through(Shot.model_validate(document)))

    assert repr(wire) == repr(document)


def test_what_is_built_by_name_goes_out_by_wire_name() -> None:
    shot = Shot(ratio=1, user_id="u", lenses=[Lens(class_="x")], extra={"n": 1.0})

    assert repr(to_wire(shot)) == repr(
        {"ratio": 1, "userId": "u", "lenses": [{"class": "x"}], "extra": {"n": 1.0}}
    )


def test_what_is_set_later_wins() -> None:
    shot = Shot.model_validate({"ratio": 1, "lenses": [{"focal": 1.0}]})
    shot.ratio = 2.5
    shot.mode = "slow"
    assert shot.lenses is not None
    shot.lenses[0].focal = 9
    shot.lenses.append(Lens())

    assert to_wire(shot) == {"ratio": 2.5, "lenses": [{"focal": 9}, {}], "mode": "slow"}


@pytest.mark.parametrize(
    "document",
    [{"ratio": "1"}, {"ratio": True}, {"ratio": 1, "mode": "other"}, {"ratio": 1, "userId": 5}, {}],
)
def test_no_value_becomes_another_one(document: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Shot.model_validate(document)


def test_other_forms_of_the_same_value_are_equal() -> None:
    assert Shot(ratio=1, mode="fast") == Shot.model_validate({"mode": "fast", "ratio": 1.0})
    assert Shot(ratio=1) != Shot(ratio=2)
    assert to_wire(pickle.loads(pickle.dumps(Shot(ratio=1)))) == {"ratio": 1}


@pytest.mark.parametrize("document", [1, 1.0, [1, 2.0]])
def test_a_value_that_is_no_object(document: Any) -> None:
    assert repr(to_wire(Size.model_validate(document))) == repr(document)


def test_a_method_sends_the_fields_that_were_set() -> None:
    fields = {"ratio": OMIT, "lens": Lens(focal=1), "tags": ("a", Lens(class_="y"))}

    assert as_json(body_of(Action(id="a"), fields, {"x": None})) == {
        "lens": {"focal": 1},
        "tags": ["a", {"class": "y"}],
        "x": None,
    }
