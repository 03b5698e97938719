"""Read the schema document of one action."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.jsonio import parse_pointer
from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.envelope import open_envelope
from callsheet.protocol.prices import price_data
from callsheet.protocol.values import NONE, Overrides, first_text, number, parse_nested, pick_first

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callsheet.protocol.error_replies import Refusal


Schema = dict[str, Any] | bool
_DEPTH = 7
_MOST_REFERENCES = 500
_NESTED = (dict, list)


class SchemaReading(NamedTuple):
    """The parts of a schema document, unchanged; ``input`` is ``None`` where none was readable.

    ``notes`` describe what was not understood; ``refusal`` is one that came with a 2xx.
    """

    input: Schema | None = None
    output: Schema | None = None
    title: str = ""
    description: str = ""
    marks: Mapping[str, Any] = {}
    notes: tuple[str, ...] = ()
    refusal: Refusal | None = None


def read_schema(data: Any, overrides: Overrides = NONE) -> SchemaReading:
    """Read a schema document. Never raises for any JSON value."""
    opened = open_envelope(data, overrides)
    if opened.refusal:
        return SchemaReading(refusal=opened.refusal, notes=("the server refused the schema",))
    reading = schema_in(opened.payload, overrides, around=opened.layers)
    if reading.input is None and overrides.schema:
        forced = schema_in(opened.layers[0], overrides)
        reading = forced if forced.input is not None else reading
    return reading


def schema_in(
    document: Any, overrides: Overrides = NONE, *, around: Sequence[Any] | None = ()
) -> SchemaReading:
    """Read the schemas in ``document``, which is a schema or holds one, without its envelope.

    What the schemas refer to is taken from ``around`` where it stands outside of them; with None
    it is not looked for.
    """
    document = _with_bodies(parse_nested(document))
    reading = _reading(document, overrides)
    if reading.input is None:
        lower = _reading(with_lower_keys(document), overrides)
        reading = lower if lower.input is not None else reading
    if around is None:
        return reading
    sources = [source for source in (document, *around) if isinstance(source, dict)]
    return reading._replace(
        input=with_references(reading.input, sources),
        output=with_references(reading.output, sources),
    )


def _with_bodies(document: Any) -> Any:
    """Return a document of OpenAPI with the body of each operation in the place of its address."""
    paths = document.get("paths") if isinstance(document, dict) else None
    if not isinstance(paths, dict):
        return document
    complete: dict[str, Any] = {}
    for path, item in paths.items():
        methods = item.items() if isinstance(item, dict) else ()
        operations = {name: _with_body(operation, document) for name, operation in methods}
        complete[path] = operations if isinstance(item, dict) else item
    return {**document, "paths": complete}


def _with_body(operation: Any, document: Any) -> Any:
    body = operation.get("requestBody") if isinstance(operation, dict) else None
    reference = body.get("$ref") if isinstance(body, dict) else None
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return operation
    target = _at(document, parse_pointer(reference[1:]))
    return {**operation, "requestBody": target} if target is not None else operation


def _reading(document: Any, overrides: Overrides = NONE, depth: int = 0) -> SchemaReading:
    document = parse_nested(document)
    if isinstance(document, bool):
        return SchemaReading(input=document)
    if isinstance(document, list):
        schema = read_fields(document)
        if schema is None and len(document) == 1 and depth < _DEPTH:
            return _reading(document[0], overrides, depth + 1)
        notes = () if schema is not None else ("the schema document is not a JSON object",)
        return SchemaReading(input=schema, notes=notes)
    if not isinstance(document, dict):
        return SchemaReading(notes=("the schema document is not a JSON object",))
    input_schema, output_schema = _forced_schemas(document, overrides)
    if input_schema is None:
        inner = _input_of(document, depth) or _nested_reading(document, depth)
        if inner is not None:
            merged = _merge(document, inner)
            return merged._replace(output=output_schema) if output_schema is not None else merged
        if is_schema(document) and not _is_elsewhere(document):
            input_schema = document
    notes = () if input_schema is not None else ("no JSON Schema of the input was found",)
    return SchemaReading(
        input=input_schema,
        output=output_schema if output_schema is not None else _under(document, vocab.OUTPUT_KEYS),
        title=first_text(document, vocab.TITLE_KEYS),
        description=first_text(document, vocab.DESCRIPTION_KEYS),
        marks=read_marks(document),
        notes=notes,
    )


def _input_of(document: dict[str, Any], depth: int) -> SchemaReading | None:
    """Read the input schema under one of the usual keys, or the document if it is a schema."""
    if "requestBody" in document and (body := _within(document["requestBody"], depth)):
        return body
    schema = _under(document, vocab.INPUT_KEYS)
    if schema is None and is_whole_schema(document) and is_schema(document):
        schema = None if _is_elsewhere(document) else document
    if schema is not None:
        return SchemaReading(input=schema)
    keys = (key for key in (*vocab.INPUT_KEYS, *vocab.LOOSE_INPUT_KEYS) if key in document)
    readings = (_within(document[key], depth) for key in keys)
    return next((reading for reading in readings if reading is not None), None)


def _within(value: Any, depth: int) -> SchemaReading | None:
    """Read the schema that a value is or holds: wrapped, or as a list or map of fields."""
    value = parse_nested(value)
    if isinstance(value, dict) and is_schema(value):
        return None if _is_elsewhere(value) else SchemaReading(input=value)
    if depth < _DEPTH and isinstance(value, dict | list) and value:
        inner = _reading(value, depth=depth + 1)
        if isinstance(inner.input, dict) and inner.input.get("type", "object") == "object":
            return inner
    fields = read_fields(value)
    return SchemaReading(input=fields) if fields is not None else None


def _is_elsewhere(schema: Mapping[str, Any]) -> bool:
    """Tell whether a schema is nothing but the address of one."""
    reference = schema.get("$ref")
    return isinstance(reference, str) and reference[:1] != "#" and len(schema) == 1


def with_lower_keys(value: Any, depth: int = 0) -> Any:
    """Return a copy whose keys begin in lower case, down to the schemas: ``InputSchema``."""
    if depth > 2 * _DEPTH or not isinstance(value, dict | list):
        return value
    if isinstance(value, list):
        return [with_lower_keys(item, depth + 1) for item in value]
    named = {key[:1].lower() + key[1:]: inner for key, inner in value.items()}
    schemas = {*vocab.INPUT_KEYS, *vocab.OUTPUT_KEYS}
    return {key: v if key in schemas else with_lower_keys(v, depth + 1) for key, v in named.items()}


def is_schema(value: Any) -> bool:
    """Tell whether ``value`` is a JSON Schema: a boolean, or an object with its keywords."""
    if isinstance(value, bool):
        return True
    if not isinstance(value, dict):
        return False
    kind = value.get("type")
    kinds = kind if isinstance(kind, list) and kind else [kind]
    if all(isinstance(name, str) and name in vocab.JSON_TYPES for name in kinds):
        return True
    return (
        any(isinstance(value.get(key), dict) for key in vocab.SCHEMA_MAPS)
        or any(isinstance(value.get(key), list) for key in vocab.SCHEMA_LISTS)
        or any(isinstance(value.get(key), str) for key in ("$schema", "$ref"))
        or "const" in value
    )


def is_whole_schema(entry: Mapping[str, Any]) -> bool:
    """Tell whether an entry of the list is itself a schema; its ``type`` alone does not count."""
    return any(key in entry for key in ("properties", "$schema", "$ref", *vocab.SCHEMA_LISTS[:3]))


def read_marks(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Read the marks of cost and repetition: those of the entry before those of its annotations.

    ``price`` is what the entry says of its price, as it came: see ``prices.price_data``.
    """
    marks: dict[str, Any] = {}
    for table in (entry, *(entry.get(key) for key in vocab.MARK_HOLDERS)):
        if isinstance(table, dict):
            for key, mark in vocab.MARKS.items():
                if isinstance(table.get(key), bool):
                    marks.setdefault(mark, table[key])
            if any((number(table.get(key)) or 0) > 0 for key in vocab.PRICE_KEYS):
                marks.setdefault("billable", True)
    price = price_data(entry)
    return {**marks, "price": price} if price else marks


def _forced_schemas(document: Any, overrides: Overrides) -> tuple[Schema | None, Schema | None]:
    """Return the input and the output schema at the configured paths."""
    schemas: list[Schema | None] = []
    for path in overrides.schema[:2]:
        candidates = map(parse_nested, pick_first((document,), (path,)))
        schemas.append(
            next((schema for schema in candidates if isinstance(schema, dict | bool)), None)
        )
    input_schema, output_schema, *_ = (*schemas, None, None)
    return input_schema, output_schema


def _under(document: dict[str, Any], keys: tuple[str, ...]) -> Schema | None:
    """Return the schema under the first of ``keys`` that has one; ``{}`` allows anything."""
    for key in filter(document.__contains__, keys):
        schema = parse_nested(document[key])
        if isinstance(schema, bool):
            return schema
        if schema == {}:
            return {}
        if isinstance(schema, dict) and is_schema(schema) and not _is_elsewhere(schema):
            return schema
    return None


def _nested_reading(document: dict[str, Any], depth: int) -> SchemaReading | None:
    if depth >= _DEPTH:
        return None
    for key in (*vocab.SCHEMA_HOLDERS, *(key for key in document if "/" in key)):
        inner = parse_nested(document.get(key))
        if isinstance(inner, dict) or (isinstance(inner, list) and len(inner) == 1):
            reading = _reading(inner, depth=depth + 1)
            if reading.input is not None:
                return reading
    return None


def _merge(outer: dict[str, Any], inner: SchemaReading) -> SchemaReading:
    return SchemaReading(
        input=inner.input,
        output=inner.output if inner.output is not None else _under(outer, vocab.OUTPUT_KEYS),
        title=first_text(outer, vocab.TITLE_KEYS) or inner.title,
        description=first_text(outer, vocab.DESCRIPTION_KEYS) or inner.description,
        marks={**inner.marks, **read_marks(outer)},
    )


def read_fields(value: Any) -> dict[str, Any] | None:
    """Return the schema that a list or a map of typed fields stands for; ``None`` for others.

    A field is ``{"name", "type", "required", …}``, or a parameter of OpenAPI with a ``schema``.
    """
    rows = value if isinstance(value, list) else []
    if isinstance(value, dict):
        rows = [{**row, "name": name} for name, row in value.items() if isinstance(row, dict)]
    fields = [row for row in rows if isinstance(row, dict) and _is_field(row)]
    if not fields or len(fields) < len(value):
        return None
    fields = [row for row in fields if row.get("in") not in {"path", "header", "cookie"}]
    names = [first_text(row, vocab.FIELD_NAMES) for row in fields]
    schema: dict[str, Any] = {"type": "object"}
    schema["properties"] = {n: _property(row) for n, row in zip(names, fields, strict=True)}
    required = [
        name
        for name, row in zip(names, fields, strict=True)
        if row.get("required", row.get("optional") is False) is True
    ]
    return {**schema, "required": required} if required else schema


def _is_field(row: dict[str, Any]) -> bool:
    is_typed = isinstance(row.get("type"), str | list) or isinstance(row.get("schema"), dict)
    return is_typed and bool(first_text(row, vocab.FIELD_NAMES))


def _property(row: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one field, with its type and choices as JSON Schema spells them."""
    own = {
        *vocab.FIELD_NAMES,
        *vocab.FIELD_CHOICES,
        "required",
        "optional",
        "type",
        "in",
        "schema",
        "fields",
    }
    schema = {name: value for name, value in row.items() if name not in own}
    kind = row.get("type")
    types = [vocab.FIELD_TYPES.get(t.lower()) for t in (kind if isinstance(kind, list) else [kind])
             if isinstance(t, str)]  # fmt: skip
    if types and None not in types:
        schema["type"] = types if isinstance(kind, list) else types[0]
    for name, keyword in vocab.FIELD_RENAMED.items():
        if name in schema:
            limit = schema.pop(name)
            is_number = schema.get("type") in {"number", "integer"}
            if keyword == "description" or is_number:
                schema.setdefault(keyword, limit)
    choices: list[Any] = next(
        (row[key] for key in vocab.FIELD_CHOICES if isinstance(row.get(key), list)), []
    )
    values = [c.get("value") if isinstance(c, dict) else c for c in choices]
    if values and schema.get("type") != "array":
        schema["enum"] = values
    nested = read_fields(row.get("fields"))
    inner = row["schema"] if isinstance(row.get("schema"), dict) else {}
    return {**schema, **(nested or {}), **inner}


def with_references(schema: Schema | None, sources: Sequence[Mapping[str, Any]]) -> Schema | None:
    """Return a schema with what it refers to: copied from ``sources`` where it lacks that."""
    if not isinstance(schema, dict):
        return schema
    complete: dict[str, Any] = schema
    pending, done = _references(schema), set[str]()
    while pending and len(done) < _MOST_REFERENCES:
        reference = pending.pop()
        steps = parse_pointer(reference[1:])
        if reference in done or _at(complete, steps) is not None:
            continue
        done.add(reference)
        target = next((t for source in sources if (t := _at(source, steps)) is not None), None)
        if target is not None and steps:
            complete = _with(complete, steps, target)
            pending += _references(target)
    return complete


def has_dangling_reference(schema: object) -> bool:
    """Tell whether a schema refers to a place of its own document that it does not hold."""
    return any(_at(schema, parse_pointer(ref[1:])) is None for ref in _references(schema))


def _references(node: Any) -> list[str]:
    """Return every reference within a value to a place of the same document."""
    references, nodes = [], [node] if type(node) in _NESTED else []
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str) and reference.startswith("#/"):
                references.append(reference)
            nodes += [inner for inner in node.values() if type(inner) in _NESTED]
        else:
            nodes += [inner for inner in node if type(inner) in _NESTED]
    return references


def _at(document: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        if isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            document = document.get(step) if isinstance(document, dict) else None
    return document


def _with(table: Any, steps: Sequence[str], value: Any) -> Any:
    """Return a copy of a table with ``value`` at the end of ``steps``."""
    if not steps:
        return value
    inner = table if isinstance(table, dict) else {}
    return {**inner, steps[0]: _with(inner.get(steps[0]), steps[1:], value)}
