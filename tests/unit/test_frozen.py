"""A frozen class behaves as the dataclass that it stands for."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace

import pytest

from callsheet.frozen import frozen


@frozen
class Point:
    """A place."""

    x: int
    y: int = 0
    tags: dict[str, int] = field(default_factory=dict)


@frozen
class Named(Point):
    """A place with a name."""

    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """The same as a dataclass."""

    x: int
    y: int = 0
    tags: dict[str, int] = field(default_factory=dict)


def test_it_is_shown_compared_and_read_as_a_dataclass_is() -> None:
    ours, theirs = Point(x=1, tags={"a": 2}), Plain(x=1, tags={"a": 2})

    assert repr(ours).replace("Point", "Plain") == repr(theirs)
    assert asdict(ours) == asdict(theirs)
    assert [one.name for one in fields(ours)] == [one.name for one in fields(theirs)]
    assert ours == Point(x=1, tags={"a": 2})
    assert ours != Point(x=2)
    assert replace(ours, y=5) == Point(x=1, y=5, tags={"a": 2})
    assert Point(x=1).tags is not Point(x=1).tags


def test_it_cannot_be_changed_and_has_no_room_for_more() -> None:
    point = Point(x=1)
    with pytest.raises(FrozenInstanceError):
        point.x = 2  # type: ignore[misc]  # what is tried
    with pytest.raises(FrozenInstanceError):
        del point.x
    assert not hasattr(point, "__dict__")


def test_it_is_copied_and_inherited() -> None:
    named = Named(x=1, name="home")

    assert pickle.loads(pickle.dumps(named)) == named
    assert copy.deepcopy(named) == named
    assert [one.name for one in fields(named)] == ["x", "y", "tags", "name"]
    assert named != Point(x=1)


def test_a_missing_and_an_unknown_field_are_refused() -> None:
    with pytest.raises(TypeError, match="'x'"):
        Point()  # type: ignore[call-arg]  # what is tried
    with pytest.raises(TypeError, match="'z'"):
        Point(x=1, z=2)  # type: ignore[call-arg]  # what is tried
