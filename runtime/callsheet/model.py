"""Provide the base class of generated models, and read replies into them leniently."""

from __future__ import annotations

import types
from operator import is_
from typing import Any, TypeVar, Union, get_args, get_origin

import pydantic
from pydantic import (
    AliasGenerator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    TypeAdapter,
    ValidationError,
    model_validator,
)

__all__ = ["Field", "Model", "RootModel", "to_wire"]

T = TypeVar("T")


class OriginalValue:
    """What a model was given and what it made of it; this has no say in comparisons."""

    __slots__ = ("built", "value")

    def __init__(self, value: Any = None, built: Any = None) -> None:
        self.value, self.built = value, built

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OriginalValue)

    __hash__ = None  # type: ignore[assignment] # equal to every other one


class Whole(int):
    """A whole number that was written with a point, and how."""

    given: float


def _init(self: BaseModel, /, **data: Any) -> None:
    """Take fields by name or by wire name; JSON, which has wire names alone, does not come here.

    A key of the server's may be spelled like the name that another field has in Python.
    """
    known = type(self).model_fields
    wires = {name: wire_name(name, known[name]) for name in data if name in known}
    BaseModel.__init__(self, **{wires.get(name, name): item for name, item in data.items()})


vars(_init)["__pydantic_base_init__"] = True  # else pydantic sends JSON this way too


def camel(name: str) -> str:
    """Return the wire name of a field that says no other: ``task_id`` is ``taskId``."""
    first, *others = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)


class Model(BaseModel):
    """What was set goes out, by wire name; what came in stays, known or not."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(validation_alias=camel, serialization_alias=camel),
        extra="allow",
        protected_namespaces=(),
        strict=True,
    )
    __init__ = _init
    _given: OriginalValue = PrivateAttr(default_factory=OriginalValue)

    @model_validator(mode="wrap")
    @classmethod
    def _keep(cls, value: Any, build: ModelWrapValidatorHandler[Any]) -> Any:
        made: Model = _built(value, build)
        return attach_original(made, value) if isinstance(value, dict) else made


class RootModel(pydantic.RootModel[T]):
    """A body or a reply that is no object, or one of several."""

    model_config = ConfigDict(strict=True)
    _given: OriginalValue = PrivateAttr(default_factory=OriginalValue)

    @model_validator(mode="wrap")
    @classmethod
    def _keep(cls, value: Any, build: ModelWrapValidatorHandler[Any]) -> Any:
        made: RootModel[Any] = _built(value, build)
        made._given = OriginalValue(value, _frozen(made.root))
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
        whole = Whole(value)
        whole.given = value
        return whole
    if isinstance(value, dict):
        items = {name: _whole(item) for name, item in value.items()}
        return value if all(items[name] is item for name, item in value.items()) else items
    if isinstance(value, list):
        parts = [_whole(item) for item in value]
        return value if all(map(is_, parts, value)) else parts
    return value


def attach_original(made: Model, value: dict[str, Any]) -> Model:
    """The model, which from now on knows the JSON that it was made of."""
    made._given = OriginalValue(value, _frozen(made.__dict__))
    return made


def _frozen(value: Any) -> Any:
    """A copy of lists and objects as they are now; what stands in them stays the same."""
    if isinstance(value, dict):
        return {name: _frozen(item) for name, item in value.items()}
    return [_frozen(item) for item in value] if isinstance(value, list) else value


def to_wire(value: Any) -> Any:
    """A value as it goes out: of a model exactly what was set, by wire name.

    Where a model changed the form of what it was given (``1`` to ``1.0`` for a number), the
    form that was given goes out, unless the field was set to something else since.
    """
    if isinstance(value, RootModel):
        return _as_given(value.root, value._given.value, value._given.built)
    if isinstance(value, Model):
        return _fields(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(value, dict):
        return {name: to_wire(item) for name, item in value.items()}
    if isinstance(value, Whole):
        return value.given
    return [to_wire(item) for item in value] if isinstance(value, list | tuple) else value


def _fields(model: Model) -> dict[str, Any]:
    """The fields that were set, first in the order in which they were given."""
    given, built = model._given.value or {}, model._given.built or {}
    more = model.model_extra or {}
    names = {}
    for name, field in type(model).model_fields.items():
        wire = wire_name(name, field)
        # Pydantic counts a key of the server's that is spelled like the name as well.
        ours = name not in more or wire in given or getattr(model, name) != built.get(name)
        if name in model.model_fields_set and ours:
            names[wire] = name
    order = [*(wire for wire in given if wire in names or wire in more), *names, *more]
    now = more | {wire: getattr(model, name) for wire, name in names.items()}
    return {w: _as_given(now[w], given.get(w), built.get(names.get(w, ""))) for w in order}


def wire_name(name: str, field: pydantic.fields.FieldInfo) -> str:
    """Return what a field is called on the wire, also where pydantic has not built its model."""
    return camel(name) if field.serialization_alias is None else field.serialization_alias


def _as_given(now: Any, given: Any, built: Any) -> Any:
    """The value that was given, where what was built from it is still there."""
    if isinstance(now, Model | RootModel):
        return to_wire(now)
    if isinstance(now, list) and isinstance(given, list) and isinstance(built, list):
        if len(now) == len(given) == len(built):
            return [_as_given(*three) for three in zip(now, given, built, strict=True)]
    elif isinstance(now, dict) and isinstance(given, dict) and isinstance(built, dict):
        if now.keys() == given.keys() == built.keys():
            return {name: _as_given(now[name], given[name], built[name]) for name in given}
    elif type(now) is type(built) and now == built:
        return to_wire(given)
    return to_wire(now)


def read_leniently(model: type[BaseModel], payload: Any) -> Any:
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
        root = kind.model_construct(_part(kind.model_fields["root"].annotation, value))
        root._given = OriginalValue(value, _frozen(root.root))
        return root
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
    return attach_original(made, value)
