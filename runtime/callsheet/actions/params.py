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
from callsheet.text import kebab

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callsheet.config.overlay import Overlay


MAX_DEPTH = 3
MAX_FLAGS = 100

_LONGEST_EXAMPLE = 200
_SCALARS = (str, int, float, bool)
_LINK_FORMATS = frozenset(("uri", "url", "byte"))


def read_params(schema: Mapping[str, Any]) -> tuple[Param, ...]:
    """Return the parameters of an admitted schema, nested ones to depth 3, without flags.

    Empty where the schema does not let in an object.
    """
    reader = ShapeReader(schema)
    root = reader.read(schema)
    if "object" not in root.kinds:
        return ()
    params: list[Param] = []
    _collect(params, reader, root, ((), True))
    examples = _examples(root)
    return tuple(_fill_example(param, examples) for param in params)


def _examples(shape: Shape) -> Sequence[Any]:
    """Return a schema's own examples; empty without a list of them."""
    examples = shape.shown.get("examples")
    return examples if isinstance(examples, list) else ()


def _fill_example(param: Param, examples: Sequence[Any]) -> Param:
    """Return a parameter with its value in the first of the body's ``examples``, if it has none."""
    example: Any = examples[0] if examples and param.example is None else None
    for name in param.path:
        if not isinstance(example, dict) or name not in example:
            return param
        example = example[name]
    return param._replace(example=_short_json(example))


def _collect(
    params: list[Param], reader: ShapeReader, shape: Shape, parent: tuple[tuple[str, ...], bool]
) -> None:
    """Append the parameters of an object's fields to ``params``, each before its nested fields.

    ``parent`` is the object's wire path, and whether it is required all the way.
    """
    above, is_sure = parent
    for name, schema in shape.properties.items():
        if schema is False:
            continue
        path = (*above, name)
        inner = reader.read(schema)
        required = is_sure and name in shape.required
        params.append(_param(path, inner, reader, required=required))
        if "object" in inner.kinds and len(path) < MAX_DEPTH:
            _collect(params, reader, inner, (path, required))


def _param(path: tuple[str, ...], shape: Shape, reader: ShapeReader, *, required: bool) -> Param:
    """Return the parameter of one field, without a flag."""
    items = reader.read(shape.items) if shape.items is not None else Shape()
    kind = kind_of(shape)
    listed = shape if kind != "array" or shape.choices is not None else items
    limits = dict(shape.limits) if kind != "any" else {}
    if kind == "array" and items.limits and kind_of(items) != "any":
        limits["items"] = dict(items.limits)
    made = _list_of_one(items, reader) if required else None
    return Param(
        path=path,
        flag="",
        kind=kind,
        items=kind_of(items) if kind == "array" else "any",
        reads=_read_kinds(items if kind == "array" else shape),
        required=required,
        nullable="null" in shape.kinds and (shape.choices is None or None in shape.choices),
        choices=_choices(listed),
        limits=limits,
        default=_to_json(shape.shown["default"]) if "default" in shape.shown else None,
        example=_short_json(_examples(shape)[0]) if _examples(shape) else made,
        doc=str(shape.shown.get("description") or shape.shown.get("title") or ""),
        media=_is_media(path, kind, shape, items),
    )


def _list_of_one(items: Shape, reader: ShapeReader) -> str | None:
    """Return a list of one object, as JSON text, with what items require; ``None`` without that.

    No flag tells what stands inside a list, so a page has to show it.
    """
    if kind_of(items) != "object" or not items.required:
        return None
    names = (name for name in items.properties if name in items.required)
    return _short_json([{name: _sample(name, items, reader) for name in names}])


def _sample(name: str, parent: Shape, reader: ShapeReader) -> Any:
    """Return a value for a field of an object: an example, a default, a choice, or of its kind."""
    shape = reader.read(parent.properties[name])
    shown = [
        *_examples(shape),
        *(shape.shown[word] for word in ("default",) if word in shape.shown),
    ]
    given = [*shown, *(shape.choices or ())]
    made = {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}
    return given[0] if given else made.get(kind_of(shape), kebab(name).replace("-", "_").upper())


def kind_of(shape: Shape) -> Kind:
    """Return the one kind of value besides null, or ``any`` where there are several or none."""
    kinds = shape.kinds - {"null"}
    return _KIND.get(next(iter(kinds)), "any") if len(kinds) == 1 else "any"


def _read_kinds(shape: Shape) -> tuple[str, ...]:
    """Return the kinds of a value of several, sorted; empty for one kind or for all of them."""
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
    """Return the listed values but null; empty where one of them is an object or a list."""
    if shape.choices is None:
        return ()
    kinds = with_integer(shape.kinds)
    choices = [
        choice for choice in shape.choices if choice is not None and kind_of_value(choice) in kinds
    ]
    return tuple(choices) if all(isinstance(choice, _SCALARS) for choice in choices) else ()


def _short_json(example: object) -> str | None:
    """Return an example as JSON text; ``None`` for one over 200 characters."""
    text = _to_json(example)
    return text if len(text) <= _LONGEST_EXAMPLE else None


def _to_json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, sort_keys=True)


def _is_media(path: tuple[str, ...], kind: Kind, shape: Shape, items: Shape) -> bool:
    """Tell whether the value is an image, a video, audio or a file, as a link or inline."""
    scalar = items if kind == "array" else shape
    if "string" not in scalar.kinds or scalar.kinds == KINDS or scalar.choices is not None:
        return False
    if "contentMediaType" in scalar.shown or scalar.shown.get("contentEncoding") == "base64":
        return True
    if scalar.shown.get("format") == "binary":
        return True
    if scalar.shown.get("format") in _LINK_FORMATS:
        return mentions_medium(path[-1])
    return names_medium(path)


def merge_params(create: Sequence[Param], wait: Sequence[Param]) -> tuple[Param, ...]:
    """Merge the parameters of a create and a blocking action; ``only`` names the one that has it.

    Of a parameter that differs the wider form is kept: the body is validated against the schema
    of the action that is sent.
    """
    waiting = {param.path: param for param in wait}
    params = []
    for param in create:
        twin = waiting.pop(param.path, None)
        params.append(param._replace(only="create") if twin is None else _merge(param, twin))
    params.extend(param._replace(only="wait", required=False) for param in waiting.values())
    return tuple(params)


def _merge(param: Param, twin: Param) -> Param:
    """Return a parameter that takes what either of two takes."""
    if param == twin:
        return param
    choices = (*param.choices, *(choice for choice in twin.choices if choice not in param.choices))
    return param._replace(
        kind=param.kind if param.kind == twin.kind else "any",
        items=param.items if param.items == twin.items else "any",
        reads=param.reads if param.reads == twin.reads and param.kind == twin.kind else (),
        nullable=param.nullable or twin.nullable,
        choices=choices if param.choices and twin.choices else (),
        limits={key: limit for key, limit in param.limits.items() if twin.limits.get(key) == limit},
    )


def with_flags(
    params: Sequence[Param],
    *,
    action_id: str,
    overlay: Overlay,
    family: bool = False,
    locked: Mapping[tuple[str, ...], str] | None = None,
) -> tuple[Param, ...]:
    """Return the parameters with flags, ordered: required ones first, then by wire path.

    Nested objects get flags to depth 3, a parent before its fields, and a command 100 at most;
    the deepest fields lose theirs first and are left out (their object's flag takes JSON). A
    field at the top without a flag is kept as ``hidden``. With ``family`` the flags of a family
    stay free, and the deadline field is hidden as ``timeout``. ``locked`` flags (by wire path)
    stay. Configured descriptions and defaults are filled in.
    """
    hidden_names = {
        param.path[0]
        for param in params
        if overlay.is_hidden(action_id, param.path[0]) or (family and _is_deadline(param, overlay))
    }
    visible = _limit_flags([param for param in params if param.path[0] not in hidden_names])
    reserved = OWN_FLAGS | FAMILY_FLAGS if family else OWN_FLAGS
    overlay = overlay.of(action_id)
    locked = assign_flags(
        (param.path for param in visible), overlay, reserved=reserved, locked=locked or {}
    )
    flagless = [param for param in params if param.path not in locked and len(param.path) == 1]
    configured = _FieldSettings(
        overlay, overlay.field_descriptions(action_id), overlay.default_values(action_id)
    )
    ready = [_finish(param, locked[param.path], configured) for param in visible]
    ready += [_hide(param, configured, family=family) for param in flagless]
    top = {param.path[0]: param for param in ready if len(param.path) == 1}
    return tuple(sorted(ready, key=lambda param: (not top[param.path[0]].required, param.path)))


def _is_deadline(param: Param, overlay: Overlay) -> bool:
    """Tell whether a parameter is the deadline of a job, or has its flag by an alias."""
    return param.path == (TIMEOUT_FIELD,) or overlay.alias(".".join(param.path)) == "timeout"


def _limit_flags(params: list[Param]) -> list[Param]:
    """Return at most 100 parameters, required ones first; the deepest are dropped first."""
    depth = MAX_DEPTH
    while len(params) > MAX_FLAGS and depth > 1:
        params = [param for param in params if len(param.path) < depth]
        depth -= 1
    return sorted(params, key=lambda param: (not param.required, param.path))[:MAX_FLAGS]


class _FieldSettings(NamedTuple):
    """The configuration of one action's fields."""

    overlay: Overlay
    docs: Mapping[str, str]
    values: Mapping[str, Any]


def _finish(param: Param, name: str, configured: _FieldSettings) -> Param:
    """Return the parameter with its flag and what is configured for its field."""
    wire = ".".join(param.path)
    comma = len(param.path) == 1 and param.path[0] in configured.overlay.comma
    sent = (
        json.dumps(configured.values[wire], ensure_ascii=False)
        if wire in configured.values
        else None
    )
    doc = configured.docs.get(wire, param.doc)
    return param._replace(flag=name, comma=comma, media=param.media or comma, doc=doc, sent=sent)


def _hide(param: Param, configured: _FieldSettings, *, family: bool) -> Param:
    """Return the parameter as a hidden one; the deadline of a family gets the flag ``timeout``."""
    deadline = family and _is_deadline(param, configured.overlay)
    plain = _finish(param, "timeout" if deadline else "", configured)
    return plain._replace(hidden=True)


def param_at(params: Sequence[Param], pointer: Sequence[str | int]) -> Param | None:
    """Return the parameter whose flag carries the value at a pointer into the body.

    That is the nearest one above it where the value has no flag of its own, and ``None`` where
    only ``--input`` can carry it.
    """
    by_path = {param.path: param for param in params if param.flag}
    steps = tuple(map(str, pointer))
    paths = (steps[:end] for end in range(len(steps), 0, -1))
    return next((by_path[path] for path in paths if path in by_path), None)
