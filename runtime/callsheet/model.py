"""The base of every generated model: fields by either name, and every value as it was given."""

from __future__ import annotations

from operator import is_
from typing import Any, TypeVar

import pydantic
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    model_validator,
)

__all__ = ["Field", "Model", "RootModel", "sent"]

T = TypeVar("T")


class Given:
    """What a model was built from; it has no say in comparisons."""

    __slots__ = ("value",)

    def __init__(self, value: Any = None) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Given)

    __hash__ = None  # type: ignore[assignment] # equal to every other one


class Model(BaseModel):
    """What was set goes out, by wire name; what came in stays, known or not."""

    model_config = ConfigDict(
        extra="allow", populate_by_name=True, protected_namespaces=(), strict=True
    )
    _given: Given = PrivateAttr(default_factory=Given)

    @model_validator(mode="wrap")
    @classmethod
    def _keep(cls, value: Any, build: ModelWrapValidatorHandler[Any]) -> Any:
        made = _built(value, build)
        if isinstance(value, dict):
            made._given = Given(value)
        return made


class RootModel(pydantic.RootModel[T]):
    """A body or a reply that is no object, or one of several."""

    model_config = ConfigDict(strict=True)
    _given: Given = PrivateAttr(default_factory=Given)

    @model_validator(mode="wrap")
    @classmethod
    def _keep(cls, value: Any, build: ModelWrapValidatorHandler[Any]) -> Any:
        made = _built(value, build)
        made._given = Given(value)
        return made


def _built(value: Any, build: ModelWrapValidatorHandler[Any]) -> Any:
    """The model of a value; a whole number may be written with a point, as JSON Schema has it."""
    try:
        return build(value)
    except ValidationError:
        whole = _whole(value)
        if whole is value:
            raise
        return build(whole)


def _whole(value: Any) -> Any:
    """The value with ``5`` for ``5.0``; the very same one where there is nothing to change."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        items = {name: _whole(item) for name, item in value.items()}
        return value if all(items[name] is item for name, item in value.items()) else items
    if isinstance(value, list):
        parts = [_whole(item) for item in value]
        return value if all(map(is_, parts, value)) else parts
    return value


def sent(value: Any) -> Any:
    """A value as it goes out: of a model exactly what was set, by wire name.

    Where a model changed the form of what it was given (``1`` to ``1.0`` for a number), the
    form that was given goes out, unless the field was set to something else since.
    """
    if isinstance(value, pydantic.RootModel):
        return _as_given(value.root, getattr(value, "_given", Given()).value)
    if isinstance(value, Model):
        return _fields(value, value._given.value or {})
    if isinstance(value, dict):
        return {name: sent(item) for name, item in value.items()}
    return [sent(item) for item in value] if isinstance(value, list | tuple) else value


def _fields(model: Model, given: dict[str, Any]) -> dict[str, Any]:
    """The fields that were set, first in the order in which they were given."""
    wires = {name: wire_name(name, field) for name, field in type(model).model_fields.items()}
    known = {wires[name]: getattr(model, name) for name in wires if name in model.model_fields_set}
    known |= model.model_extra or {}
    ordered = {wires.get(name, name): item for name, item in given.items()}
    first = {wire: _as_given(known[wire], item) for wire, item in ordered.items() if wire in known}
    return first | {wire: sent(item) for wire, item in known.items() if wire not in first}


def wire_name(name: str, field: pydantic.fields.FieldInfo) -> str:
    """What a field is called on the wire."""
    return name if field.serialization_alias is None else field.serialization_alias


def _as_given(value: Any, given: Any) -> Any:
    if isinstance(value, Model | pydantic.RootModel):
        return sent(value)
    if isinstance(value, list) and isinstance(given, list | tuple) and len(value) == len(given):
        return [_as_given(*pair) for pair in zip(value, given, strict=True)]
    if isinstance(value, dict) and isinstance(given, dict) and value.keys() == given.keys():
        return {name: _as_given(value[name], item) for name, item in given.items()}
    same = isinstance(value, bool) == isinstance(given, bool) and value == given
    return sent(given) if same else sent(value)
