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
    """JSON that a model was made from, and what was built of it; all are equal to each other."""

    __slots__ = ("built", "value")

    def __init__(self, original: Any = None, built: Any = None) -> None:
        self.value, self.built = original, built

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OriginalValue)


class Integer(int):
    """Whole number that was written with a point, and that original."""

    original: float


def _init_by_either_name(self: BaseModel, /, **arguments: Any) -> None:
    """Initialise a model from fields by Python name or by wire name.

    Pydantic does not call it for JSON, which has wire names alone: a key of the server's may be
    spelled like the name that another field has in Python.
    """
    fields = type(self).model_fields
    wires = {name: wire_name(name, fields[name]) for name in arguments if name in fields}
    BaseModel.__init__(
        self, **{wires.get(name, name): argument for name, argument in arguments.items()}
    )


vars(_init_by_either_name)["__pydantic_base_init__"] = True  # else pydantic sends JSON this way too


def camel(name: str) -> str:
    """Return the wire name of a field without another alias: ``task_id`` is ``taskId``."""
    first, *others = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)


class Model(BaseModel):
    """Base of generated models: sends what was set, by wire name, and keeps unknown fields."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(validation_alias=camel, serialization_alias=camel),
        extra="allow",
        protected_namespaces=(),
        strict=True,
    )
    __init__ = _init_by_either_name
    _original: OriginalValue = PrivateAttr(default_factory=OriginalValue)

    @model_validator(mode="wrap")
    @classmethod
    def _keep_original(cls, raw: Any, build: ModelWrapValidatorHandler[Any]) -> Any:
        model: Model = _build(raw, build)
        return attach_original(model, raw) if isinstance(raw, dict) else model


class RootModel(pydantic.RootModel[T]):
    """Base of generated models of a body or reply that is not an object, or one of several."""

    model_config = ConfigDict(strict=True)
    _original: OriginalValue = PrivateAttr(default_factory=OriginalValue)

    @model_validator(mode="wrap")
    @classmethod
    def _keep_original(cls, raw: Any, build: ModelWrapValidatorHandler[Any]) -> Any:
        model: RootModel[Any] = _build(raw, build)
        model._original = OriginalValue(raw, _freeze(model.root))
        return model


def _build(raw: Any, build: ModelWrapValidatorHandler[Any]) -> Any:
    """Build the model of a JSON value, with ``5.0`` for a whole number if need be.

    Raises ``ValidationError``.
    """
    try:
        return build(raw)
    except ValidationError:
        with_integers = _with_integers(raw)
        if with_integers is raw:
            raise
        return build(with_integers)


def _with_integers(raw: Any) -> Any:
    """Return a value with an ``Integer`` for each ``5.0``; the very same one without such."""
    if isinstance(raw, float) and raw.is_integer():
        integer = Integer(raw)
        integer.original = raw
        return integer
    if isinstance(raw, dict):
        items = {name: _with_integers(inner) for name, inner in raw.items()}
        return raw if all(items[name] is inner for name, inner in raw.items()) else items
    if isinstance(raw, list):
        parts = [_with_integers(inner) for inner in raw]
        return raw if all(map(is_, parts, raw)) else parts
    return raw


def attach_original(model: Model, raw: dict[str, Any]) -> Model:
    """Store in the model, in place, the JSON that it was made from; return the model."""
    model._original = OriginalValue(raw, _freeze(model.__dict__))
    return model


def _freeze(content: Any) -> Any:
    """Copy lists and objects at all depths; other values in them are shared."""
    if isinstance(content, dict):
        return {name: _freeze(inner) for name, inner in content.items()}
    return [_freeze(inner) for inner in content] if isinstance(content, list) else content


def to_wire(content: Any) -> Any:
    """Return a value as it goes out: of a model exactly what was set, by wire name.

    Where a model changed the form of its input (``1`` to ``1.0`` for a number), the original
    form goes out, unless the field was set to something else since.
    """
    if isinstance(content, RootModel):
        return _restore_form(content.root, content._original.value, content._original.built)
    if isinstance(content, Model):
        return _set_fields(content)
    if isinstance(content, BaseModel):
        return content.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(content, dict):
        return {name: to_wire(inner) for name, inner in content.items()}
    if isinstance(content, Integer):
        return content.original
    return [to_wire(inner) for inner in content] if isinstance(content, list | tuple) else content


def _set_fields(model: Model) -> dict[str, Any]:
    """Return wire name → value of the fields that were set, first in the order of the original."""
    original, built = model._original.value or {}, model._original.built or {}
    more = model.model_extra or {}
    names = {}
    for name, field in type(model).model_fields.items():
        wire = wire_name(name, field)
        # Pydantic counts a key of the server's that is spelled like the name as well.
        ours = name not in more or wire in original or getattr(model, name) != built.get(name)
        if name in model.model_fields_set and ours:
            names[wire] = name
    order = [*(wire for wire in original if wire in names or wire in more), *names, *more]
    now = more | {wire: getattr(model, name) for wire, name in names.items()}
    return {w: _restore_form(now[w], original.get(w), built.get(names.get(w, ""))) for w in order}


def wire_name(name: str, field: pydantic.fields.FieldInfo) -> str:
    """Return the name of a field on the wire."""
    return camel(name) if field.serialization_alias is None else field.serialization_alias


def _restore_form(current: Any, original: Any, built: Any) -> Any:
    """Return a value for the wire: the original where what was built from it was not changed."""
    if isinstance(current, Model | RootModel):
        return to_wire(current)
    if isinstance(current, list) and isinstance(original, list) and isinstance(built, list):
        if len(current) == len(original) == len(built):
            return [_restore_form(*three) for three in zip(current, original, built, strict=True)]
    elif isinstance(current, dict) and isinstance(original, dict) and isinstance(built, dict):
        if current.keys() == original.keys() == built.keys():
            return {
                name: _restore_form(current[name], original[name], built[name]) for name in original
            }
    elif type(current) is type(built) and current == built:
        return to_wire(original)
    return to_wire(current)


def read_leniently(model: type[BaseModel], payload: Any) -> Any:
    """Read the payload as ``model``; never raises a ``ValidationError``.

    A required field that is missing is ``None``, a value that does not fit stays JSON. The
    payload itself comes back where it is not an object and the model takes nothing else.
    """
    try:
        return model.model_validate(payload, strict=False)
    except ValidationError:
        return _read_value(model, payload)


def _read_value(kind: Any, raw: Any) -> Any:
    """Convert a value to its annotation; the parts that do not fit stay JSON."""
    try:
        return TypeAdapter(kind).validate_python(raw, strict=False)
    except ValidationError:
        return _read_members(kind, raw)


def _read_members(kind: Any, raw: Any) -> Any:
    """Convert the members of a value, or the value by the member of a union that fits."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        kind.model_rebuild()  # a field may name a class that came later
    origin, members = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        likely = next((member for member in members if _fits(member, raw)), None)
        return raw if likely is None else _read_members(likely, raw)
    if origin is list and isinstance(raw, list):
        return [_read_value(members[0], inner) for inner in raw]
    if origin is dict and isinstance(raw, dict):
        return {name: _read_value(members[1], inner) for name, inner in raw.items()}
    if isinstance(kind, type) and issubclass(kind, RootModel):
        root = kind.model_construct(_read_value(kind.model_fields["root"].annotation, raw))
        root._original = OriginalValue(raw, _freeze(root.root))
        return root
    if isinstance(kind, type) and issubclass(kind, Model) and isinstance(raw, dict):
        return _read_model(kind, raw)
    return raw


def _fits(kind: Any, raw: Any) -> bool:
    """Tell whether an annotation is for a list, or an object, as the value is."""
    origin = get_origin(kind) or kind
    if isinstance(raw, list):
        return origin is list
    wanted = origin is dict or (isinstance(origin, type) and issubclass(origin, BaseModel))
    return isinstance(raw, dict) and wanted


def _read_model(kind: type[Model], raw: dict[str, Any]) -> Model:
    """Build a model without validation: missing fields are ``None``, unknown ones are kept."""
    extra = dict(raw)
    fields: dict[str, Any] = {}
    names: set[str] = set()
    for name, field in kind.model_fields.items():
        wire = wire_name(name, field)
        fields[wire] = None
        if wire in extra:
            names.add(name)
            fields[wire] = _read_value(field.annotation, extra.pop(wire))
    model = kind.model_construct(_fields_set=names, **fields)
    if model.model_extra is not None:
        model.model_extra.update(extra)
    return attach_original(model, raw)
