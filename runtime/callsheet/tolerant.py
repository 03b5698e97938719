"""A reply as its model, whatever of it is not what the schema said: that part stays plain JSON."""

from __future__ import annotations

import types
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, RootModel, TypeAdapter, ValidationError

from callsheet.model import Model, remembered, wire_name


def read(model: type[BaseModel], payload: Any) -> Any:
    """The payload as ``model``; a required field that is missing is ``None``, never an error.

    Plain JSON where the payload is no object and the model takes nothing else.
    """
    try:
        return model.model_validate(payload, strict=False)
    except ValidationError:
        return _part(model, payload)


def _part(kind: Any, value: Any) -> Any:
    """A value as what its annotation says, as far as that goes."""
    try:
        return TypeAdapter(kind).validate_python(value, strict=False)
    except ValidationError:
        return _parts(kind, value)


def _parts(kind: Any, value: Any) -> Any:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        kind.model_rebuild()  # a field may name a class that came later
    origin, inside = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        likely = next((one for one in inside if _is_like(one, value)), None)
        return value if likely is None else _parts(likely, value)
    if origin is list and isinstance(value, list):
        return [_part(inside[0], item) for item in value]
    if origin is dict and isinstance(value, dict):
        return {name: _part(inside[1], item) for name, item in value.items()}
    if isinstance(kind, type) and issubclass(kind, RootModel):
        return kind.model_construct(_part(kind.model_fields["root"].annotation, value))
    if isinstance(kind, type) and issubclass(kind, Model) and isinstance(value, dict):
        return _model(kind, value)
    return value


def _is_like(kind: Any, value: Any) -> bool:
    origin = get_origin(kind) or kind
    if isinstance(value, list):
        return origin is list
    wanted = origin is dict or (isinstance(origin, type) and issubclass(origin, BaseModel))
    return isinstance(value, dict) and wanted


def _model(kind: type[Model], value: dict[str, Any]) -> Model:
    rest = dict(value)
    fields: dict[str, Any] = {}
    known: set[str] = set()
    for name, field in kind.model_fields.items():
        wire = wire_name(name, field)
        fields[wire] = None
        if wire in rest:
            known.add(name)
            fields[wire] = _part(field.annotation, rest.pop(wire))
    made = kind.model_construct(_fields_set=known, **fields)
    if made.model_extra is not None:
        made.model_extra.update(rest)
    return remembered(made, value)
