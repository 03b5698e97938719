"""Turn a JSON Schema into the parameters of an action."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.actions.naming import (
    FAMILY_FLAGS,
    OWN_FLAGS,
    assign_flags,
    mentions_medium,
    names_medium,
)
from callsheet.schema.shape import KINDS, Shape, ShapeReader, kind_of_value, with_integer
from callsheet.spec import TIMEOUT_FIELD, Kind, Param

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callsheet.config.overlay import Overlay


MOST_DEPTH = 3
MOST_FLAGS = 100

_LONGEST_EXAMPLE = 200
_SCALARS = (str, int, float, bool)
_LINK_FORMATS = frozenset(("uri", "url", "binary", "byte"))


def read_params(schema: Mapping[str, Any]) -> tuple[Param, ...]:
    """The parameters of an admitted schema, without flags and in no order that matters."""
    reader = ShapeReader(schema)
    root = reader.read(schema)
    if "object" not in root.kinds:
        return ()
    found: list[Param] = []
    _collect(found, reader, root, ((), True))
    given = _examples(root)
    return tuple(_exemplified(one, given) for one in found)


def _examples(shape: Shape) -> Sequence[Any]:
    given = shape.shown.get("examples")
    return given if isinstance(given, list) else ()


def _exemplified(param: Param, whole: Sequence[Any]) -> Param:
    """The parameter with its value in the first whole example, where it has none of its own."""
    value: Any = whole[0] if whole and param.example is None else None
    for name in param.path:
        if not isinstance(value, dict) or name not in value:
            return param
        value = value[name]
    return param._replace(example=_short(value))


def _collect(
    found: list[Param], reader: ShapeReader, shape: Shape, place: tuple[tuple[str, ...], bool]
) -> None:
    above, sure = place
    for name, schema in shape.properties.items():
        if schema is False:
            continue
        path = (*above, name)
        inner = reader.read(schema)
        required = sure and name in shape.required
        found.append(_param(path, inner, reader, required=required))
        if "object" in inner.kinds and len(path) < MOST_DEPTH:
            _collect(found, reader, inner, (path, required))


def _param(path: tuple[str, ...], shape: Shape, reader: ShapeReader, *, required: bool) -> Param:
    items = reader.read(shape.items) if shape.items is not None else Shape()
    kind = kind_of(shape)
    listed = shape if kind != "array" or shape.choices is not None else items
    limits = dict(shape.limits) if kind != "any" else {}
    if kind == "array" and items.limits and kind_of(items) != "any":
        limits["items"] = dict(items.limits)
    return Param(
        path=path,
        flag="",
        kind=kind,
        items=kind_of(items) if kind == "array" else "any",
        reads=_reads(items if kind == "array" else shape),
        required=required,
        nullable="null" in shape.kinds and (shape.choices is None or None in shape.choices),
        choices=_choices(listed),
        limits=limits,
        default=_text(shape.shown["default"]) if "default" in shape.shown else None,
        example=_short(_examples(shape)[0]) if _examples(shape) else None,
        doc=str(shape.shown.get("description") or shape.shown.get("title") or ""),
        media=_is_media(path, kind, shape, items),
    )


def kind_of(shape: Shape) -> Kind:
    """The one kind of value besides null, or ``any`` where there are several."""
    kinds = shape.kinds - {"null"}
    return _KIND.get(next(iter(kinds)), "any") if len(kinds) == 1 else "any"


def _reads(shape: Shape) -> tuple[str, ...]:
    """The kinds of a value of several kinds; none where every kind may come, or a single one."""
    if kind_of(shape) != "any" or shape.kinds >= KINDS:
        return ()
    return tuple(sorted("number" if kind == "integer" else kind for kind in shape.kinds))


_KIND: Mapping[str, Kind] = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "object": "object",
    "array": "array",
}


def _choices(shape: Shape) -> tuple[str | int | float | bool | None, ...]:
    """The listed values that can be typed; none where one of them is an object or a list."""
    if shape.choices is None:
        return ()
    kinds = with_integer(shape.kinds)
    fit = [one for one in shape.choices if one is not None and kind_of_value(one) in kinds]
    return tuple(fit) if all(isinstance(one, _SCALARS) for one in fit) else ()


def _short(value: object) -> str | None:
    """An example as text, where it is no longer than one would type."""
    text = _text(value)
    return text if len(text) <= _LONGEST_EXAMPLE else None


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _is_media(path: tuple[str, ...], kind: Kind, shape: Shape, items: Shape) -> bool:
    """Whether the value is a picture, a film or a sound, by link or inline."""
    one = items if kind == "array" else shape
    if "string" not in one.kinds or one.kinds == KINDS or one.choices is not None:
        return False
    if "contentMediaType" in one.shown or one.shown.get("contentEncoding") == "base64":
        return True
    if one.shown.get("format") in _LINK_FORMATS:
        return mentions_medium(path[-1])
    return names_medium(path)


def merge_params(create: Sequence[Param], wait: Sequence[Param]) -> tuple[Param, ...]:
    """The fields of a family: those of one action alone say so in ``only``.

    Where both actions have a field and differ, what both allow is kept: the schema of the
    action that is really sent judges the body.
    """
    other = {one.path: one for one in wait}
    found = []
    for one in create:
        twin = other.pop(one.path, None)
        found.append(one._replace(only="create") if twin is None else _merged(one, twin))
    found.extend(one._replace(only="wait", required=False) for one in other.values())
    return tuple(found)


def _merged(one: Param, twin: Param) -> Param:
    if one == twin:
        return one
    choices = (*one.choices, *(choice for choice in twin.choices if choice not in one.choices))
    return one._replace(
        kind=one.kind if one.kind == twin.kind else "any",
        items=one.items if one.items == twin.items else "any",
        reads=one.reads if one.reads == twin.reads and one.kind == twin.kind else (),
        nullable=one.nullable or twin.nullable,
        choices=choices if one.choices and twin.choices else (),
        limits={key: value for key, value in one.limits.items() if twin.limits.get(key) == value},
    )


def with_flags(
    found: Sequence[Param],
    *,
    action_id: str,
    overlay: Overlay,
    family: bool = False,
    given: Mapping[tuple[str, ...], str] | None = None,
) -> tuple[Param, ...]:
    """Assign flags to parameters and order them: required ones first, then by name.

    Nested objects get flags to depth 3, a parent before its fields, and a command 100 at most;
    the deepest fields give way first (their object's flag takes JSON). A field without a flag
    is ``hidden``. With ``family`` the flags of a family stay free, and the deadline field is
    hidden as ``timeout``. What is in ``given`` (the lock's flags) stays.
    """
    away = {
        one.path[0]
        for one in found
        if overlay.is_hidden(action_id, one.path[0]) or (family and _is_deadline(one, overlay))
    }
    shown = _bounded([one for one in found if one.path[0] not in away])
    reserved = OWN_FLAGS | FAMILY_FLAGS if family else OWN_FLAGS
    overlay = overlay.of(action_id)
    given = assign_flags((one.path for one in shown), overlay, reserved=reserved, given=given or {})
    hidden = [one for one in found if one.path not in given and len(one.path) == 1]
    said = _Said(overlay, overlay.field_descriptions(action_id), overlay.default_values(action_id))
    ready = [_finished(one, given[one.path], said) for one in shown]
    ready += [_hidden(one, said, family=family) for one in hidden]
    top = {one.path[0]: one for one in ready if len(one.path) == 1}
    return tuple(sorted(ready, key=lambda one: (not top[one.path[0]].required, one.path)))


def _is_deadline(one: Param, overlay: Overlay) -> bool:
    return one.path == (TIMEOUT_FIELD,) or overlay.alias(".".join(one.path)) == "timeout"


def _bounded(found: list[Param]) -> list[Param]:
    depth = MOST_DEPTH
    while len(found) > MOST_FLAGS and depth > 1:
        found = [one for one in found if len(one.path) < depth]
        depth -= 1
    return sorted(found, key=lambda one: (not one.required, one.path))[:MOST_FLAGS]


class _Said(NamedTuple):
    """What the configuration says of the fields of one action."""

    overlay: Overlay
    docs: Mapping[str, str]
    values: Mapping[str, Any]


def _finished(one: Param, name: str, said: _Said) -> Param:
    wire = ".".join(one.path)
    comma = len(one.path) == 1 and one.path[0] in said.overlay.comma
    sent = json.dumps(said.values[wire], ensure_ascii=False) if wire in said.values else None
    doc = said.docs.get(wire, one.doc)
    return one._replace(flag=name, comma=comma, media=one.media or comma, doc=doc, sent=sent)


def _hidden(one: Param, said: _Said, *, family: bool) -> Param:
    deadline = family and _is_deadline(one, said.overlay)
    plain = _finished(one, "timeout" if deadline else "", said)
    return plain._replace(hidden=True)


def param_at(params: Sequence[Param], pointer: Sequence[str | int]) -> Param | None:
    """Return the parameter whose flag carries the value at a pointer into the body.

    That is the nearest one above it where the value has no flag of its own, and ``None`` where
    only ``--input`` can carry it.
    """
    known = {one.path: one for one in params if one.flag}
    steps = tuple(map(str, pointer))
    paths = (steps[:end] for end in range(len(steps), 0, -1))
    return next((known[path] for path in paths if path in known), None)
