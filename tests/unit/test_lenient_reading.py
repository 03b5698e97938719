"""A reply becomes its model as far as it is what was promised; the rest stays as it came."""

from __future__ import annotations

from typing import Any, Literal

from callsheet.model import Field, Model, RootModel, read_leniently, to_wire


class Item(Model):
    """A part of the reply."""

    id: int
    class_: str | None = Field(default=None, validation_alias="class", serialization_alias="class")


class Page(Model):
    """The reply."""

    status: Literal["done", "failed"] | str
    items: list[Item]
    by_name: dict[str, Item] | None = Field(
        default=None, validation_alias="byName", serialization_alias="byName"
    )
    next: Item | str | None = None


class Items(RootModel[Any]):
    """A reply that is a list."""

    root: list[Item]


def test_what_was_promised_is_typed() -> None:
    page = read_leniently(
        Page, {"status": "new", "items": [{"id": 1, "class": "x", "more": 2}], "z": 0}
    )

    assert (page.status, page.items[0].class_, page.items[0].more, page.z) == ("new", "x", 2, 0)


def test_one_wrong_part_costs_that_part_alone() -> None:
    reply = {
        "items": [{"id": "not a number", "class": "x"}, 5],
        "byName": {"a": {"id": 1}, "b": None},
        "next": {"class": 1},
        "user": 1,
        "by_name": "theirs",
    }
    page = read_leniently(Page, reply)

    assert page.status is None
    assert (page.items[0].id, page.items[0].class_, page.items[1]) == ("not a number", "x", 5)
    assert (page.by_name["a"].id, page.by_name["b"]) == (1, None)
    assert page.next.class_ == 1
    assert to_wire(page) == reply


def test_what_is_of_another_kind_altogether_is_plain_json() -> None:
    assert read_leniently(Page, [1]) == [1]
    assert read_leniently(Page, None) is None
    assert read_leniently(Items, [{"id": 1}, 2]).root[0].id == 1
    assert read_leniently(Items, "x").root == "x"


class First(Model):
    """It names a class that stands below it."""

    next: Second | None = None


class Second(Model):
    """So does this one, and nobody has used it yet."""

    third: Third | None = None


class Third(Model):
    """The last."""

    number: int


def test_classes_may_stand_in_any_order() -> None:
    reply = {"next": {"third": {"number": "no number"}}}
    first = read_leniently(First, reply)

    assert isinstance(first.next, Second)
    assert isinstance(first.next.third, Third)
    assert to_wire(first) == reply


class Score(Model):
    name: str


class Scores(RootModel[Any]):
    root: dict[str, str | float | Score]


def test_a_root_that_is_read_in_part_keeps_the_form_of_its_numbers() -> None:
    reply = {"first": 15, "second": {}}
    assert repr(to_wire(read_leniently(Scores, reply))) == repr(reply)
