"""Choose the draft by which a schema is read, and translate the habits of others into it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from callsheet.jsonio import canonical
from callsheet.schema.keywords import (
    ANNOTATIONS,
    IN_PLACE,
    KEYWORDS,
    LINKS,
    NAMED,
    NEWER,
    SEVERAL,
    subschemas,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import jsonschema_rs

    from callsheet.schema.references import Draft


_DRAFTS: tuple[Draft, ...] = ("draft-04", "draft-06", "draft-07", "2019-09", "2020-12")
Schema: TypeAlias = dict[str, Any]

TYPES = frozenset(("string", "integer", "number", "boolean", "object", "array", "null"))
_WORDS = {
    **dict.fromkeys(("str", "text"), "string"),
    **dict.fromkeys(("int", "int32", "int64", "long"), "integer"),
    **dict.fromkeys(("float", "double", "float32", "float64"), "number"),
    "bool": "boolean",
    **dict.fromkeys(("list", "tuple"), "array"),
    **dict.fromkeys(("dict", "map"), "object"),
    **dict.fromkeys(("none", "nil"), "null"),
}
"""Names of types in other languages, in lower case, and what they are in JSON Schema."""

_EXCLUSIVE = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
_MAY_BE_NULL = frozenset(("const", "default"))
_URI = re.compile(r"(?!//)(?:[\w\-.~:/?#@!$&'()*+,;=]|%[0-9a-fA-F]{2})+", re.ASCII)
_NULLABLE = ("nullable", "x-nullable")
_ABOUT_NULL = (IN_PLACE | LINKS | {"type", "enum", "const"}) - {"dependencies", "dependentSchemas"}


def meta_uri(draft: Draft) -> str:
    """Return the URI by which a schema declares a draft; it is never opened."""
    if draft.startswith("draft"):
        return f"http://json-schema.org/{draft}/schema#"
    return f"https://json-schema.org/draft/{draft}/schema"


def declared_draft(schema: object) -> Draft | None:
    """Return the draft that ``$schema`` names, or ``None`` where it names no known one."""
    uri = schema.get("$schema") if isinstance(schema, dict) else None
    if isinstance(uri, str):
        return next((draft for draft in _DRAFTS if draft in uri), None)
    return None


def draft_of(schema: object) -> Draft:
    """Choose the draft to read a schema by.

    That of ``$schema`` where it is a known one; else 2020-12, unless the schema uses nothing
    newer than draft-07 and writes ``items`` as a list or keeps its parts in ``definitions``:
    what stands beside a ``$ref`` is then not enforced, and refusing by it could refuse what the
    server allows.
    """
    draft = declared_draft(schema)
    if draft is not None or not isinstance(schema, dict):
        return draft or "2020-12"
    is_old = isinstance(schema.get("definitions"), dict) or _has_item_lists(schema)
    return "draft-07" if is_old and not _is_newer(schema) else "2020-12"


def _has_item_lists(schema: object) -> bool:
    if not isinstance(schema, dict):
        return False
    items = schema.get("items")
    is_list = isinstance(items, list) and any(isinstance(item, dict | bool) for item in items)
    return is_list or any(map(_has_item_lists, subschemas(schema)))


def _is_newer(schema: object) -> bool:
    if isinstance(schema, dict):
        return not NEWER.isdisjoint(schema) or any(map(_is_newer, schema.values()))
    return isinstance(schema, list) and any(map(_is_newer, schema))


def is_valid_schema(schema: dict[str, Any], draft: Draft) -> bool:
    """Tell whether the metaschema of the draft accepts the schema."""
    return _metaschema_validator(draft).is_valid(schema)


def invalid_places(schema: dict[str, Any], draft: Draft) -> list[tuple[str, ...]]:
    """Return the steps to all places that the metaschema of the draft refuses, the deepest first.

    Of a place that may hold several kinds of value a metaschema refuses the whole; a schema
    that stands there is looked at by itself.
    """
    places: set[tuple[str, ...]] = set()
    for error in _metaschema_validator(draft).iter_errors(schema):
        steps, node = _follow(schema, error.instance_path)
        inner: list[tuple[tuple[str, ...], Any]] = (
            [((), node)] if steps and isinstance(node, dict) else []
        )
        if isinstance(node, list):
            inner = [((str(at),), part) for at, part in enumerate(node) if isinstance(part, dict)]
        deeper = {
            (*steps, *more, *rest) for more, part in inner for rest in invalid_places(part, draft)
        }
        places |= deeper or {steps}
    return sorted(places, key=lambda steps: (-len(steps), steps))


def _follow(schema: Any, path: Iterable[str | int]) -> tuple[tuple[str, ...], Any]:
    """Follow a path of jsonschema-rs, which drops empty names and turns digits into numbers."""
    steps: list[str] = []
    node = schema
    for step in map(str, path):
        while isinstance(node, dict) and step not in node and "" in node:
            steps.append("")
            node = node[""]
        if isinstance(node, dict) and step in node:
            node = node[step]
        elif isinstance(node, list) and step.isdigit() and int(step) < len(node):
            node = node[int(step)]
        else:
            break
        steps.append(step)
    return tuple(steps), node


@lru_cache(maxsize=8)
def _metaschema_validator(draft: Draft) -> jsonschema_rs.Validator:
    from callsheet.schema.limits import linear_validator

    return linear_validator({"$ref": meta_uri(draft)}, draft)


def require_marked(schema: Schema) -> None:
    """Move ``required: true`` of properties (draft-03) to the object's ``required``, in place.

    ``required: false`` of a property is dropped.
    """
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return
    marks = {
        name: field.pop("required")
        for name, field in properties.items()
        if isinstance(field, dict) and isinstance(field.get("required"), bool)
    }
    needed = [name for name, is_needed in marks.items() if is_needed]
    names = schema.get("required")
    if needed and (names is None or isinstance(names, list | bool)):
        schema["required"] = [*(names if isinstance(names, list) else ()), *needed]


def translate(schema: Schema, draft: Draft) -> Iterator[tuple[str, str]]:
    """Rewrite one schema in place; yield each keyword that is lost on the way, with the reason.

    What a subschema holds is not looked at.
    """
    for key in [key for key, value in schema.items() if value is None and key in KEYWORDS]:
        if key not in _MAY_BE_NULL:
            del schema[key]
    _drop_empty_lists(schema, draft)
    _drop_repetitions(schema)
    yield from _type(schema)
    if schema.get("enum") == []:
        del schema["enum"]
        yield "enum", "it lists nothing"
    yield from _exclusive(schema, draft)
    if schema.get("required") is False:
        del schema["required"]
    if draft == "2020-12":
        _to_prefix_items(schema)
    if draft == "draft-04":
        _write_booleans_out(schema)
    if any(schema.pop(word, None) is True for word in _NULLABLE):
        _allow_null(schema, draft)


def _drop_empty_lists(schema: Schema, draft: Draft) -> None:
    """Drop the lists that PHP writes for empty objects, and lists of no names."""
    if draft == "draft-04" and schema.get("required") == []:
        del schema["required"]
    for key in (*NAMED, "items", "additionalProperties", "dependentRequired"):
        if schema.get(key) == []:
            del schema[key]
    for key in NAMED - {"dependencies"}:
        named = schema.get(key)
        if isinstance(named, dict):
            schema[key] = {name: {} if part == [] else part for name, part in named.items()}


def _drop_repetitions(schema: Schema) -> None:
    for key in ("required", "enum"):
        if isinstance(schema.get(key), list):
            schema[key] = list({canonical(entry): entry for entry in schema[key]}.values())


def _type(schema: Schema) -> Iterator[tuple[str, str]]:
    """Write types as JSON Schema names them, in place; drop and yield one that it does not have."""
    declared = schema.get("type", "string")
    names = declared if isinstance(declared, list) else [declared]
    if all(isinstance(name, str) and name in TYPES for name in names) and names:
        if isinstance(declared, list):
            schema["type"] = list(dict.fromkeys(names))
        return
    types = [_named_type(name) for name in names]
    if None in types or not types:
        del schema["type"]
        yield "type", f"{canonical(declared)[:80]} is not a type of JSON Schema"
    else:
        unique = list(dict.fromkeys(types))
        schema["type"] = unique if isinstance(declared, list) else unique[0]


def _named_type(name: object) -> str | None:
    if not isinstance(name, str):
        return None
    lower = name.strip().lower()
    return lower if lower in TYPES else _WORDS.get(lower)


def _exclusive(schema: Schema, draft: Draft) -> Iterator[tuple[str, str]]:
    """Write exclusive limits in place as the draft has them; yield each that is dropped."""
    is_mark = draft == "draft-04"
    for key, plain in _EXCLUSIVE.items():
        value = schema.get(key)
        if value is False:
            del schema[key]
        elif value is True and plain not in schema:
            del schema[key]
            yield key, f"it stands without {plain}"
        elif value is True and not is_mark:
            schema[key] = schema.pop(plain)
        elif is_mark and type(value) in {int, float}:
            if plain in schema:
                schema.setdefault("allOf", []).append({plain: value, key: True})
                del schema[key]
            else:
                schema |= {plain: value, key: True}


def _to_prefix_items(schema: Schema) -> None:
    more = schema.pop("additionalItems", None)
    if isinstance(schema.get("items"), list):
        schema["prefixItems"] = schema.pop("items")
        if more is not None:
            schema["items"] = more


def _write_booleans_out(schema: Schema) -> None:
    """Write ``true`` and ``false`` as draft-04 has to say them, where it knows schemas alone."""
    for key in schema.keys() & (NAMED | SEVERAL | {"items", "not"}):
        content = schema[key]
        if isinstance(content, bool):
            schema[key] = _as_object(content)
        elif isinstance(content, list):
            schema[key] = [_as_object(part) for part in content]
        elif key in NAMED and isinstance(content, dict):
            schema[key] = {name: _as_object(part) for name, part in content.items()}


def _as_object(schema: object) -> object:
    return ({} if schema else {"not": {}}) if isinstance(schema, bool) else schema


def repair_identity(schema: Schema, draft: Draft) -> None:
    """Repair ``$schema``, ``$id`` and ``id`` of one schema in place.

    Drops a ``$schema`` of an unknown draft and an identifier that is not a URI, and writes the
    URI of a known draft plainly. From 2019-09 a ``$id`` of ``#name`` becomes ``$anchor``.
    """
    if "$schema" in schema:
        declared = declared_draft(schema)
        del schema["$schema"]
        schema |= {"$schema": meta_uri(declared)} if declared else {}
    for key in ("$id", "id"):
        identity = schema.get(key)
        if key in schema and not (isinstance(identity, str) and _URI.fullmatch(identity)):
            del schema[key]
    anchor = schema.get("$id", "")
    if draft in {"2019-09", "2020-12"} and anchor.startswith("#"):
        del schema["$id"]
        schema.setdefault("$anchor", anchor[1:])


def _allow_null(schema: Schema, draft: Draft) -> None:
    """Let null pass beside what the schema allows, as OpenAPI 3.0 means ``nullable``."""
    if draft.startswith("draft") and "$ref" in schema:  # what stands beside it is not enforced
        for key in schema.keys() & (KEYWORDS - LINKS - ANNOTATIONS - {"definitions", "$defs"}):
            del schema[key]
    about_null = _ABOUT_NULL & schema.keys()
    if about_null <= {"type", "enum"}:
        types, choices = schema.get("type"), schema.get("enum")
        if isinstance(types, str | list):
            names = types if isinstance(types, list) else [types]
            schema["type"] = [*names, *({"null"} - set(names))]
        if isinstance(choices, list) and None not in choices:
            schema["enum"] = [*choices, None]
        return
    moved = {key: schema.pop(key) for key in list(schema) if key in about_null}
    schema["anyOf"] = [moved, {"type": "null"}]
