"""Read the schema document of one action."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.envelope import open_envelope
from callsheet.protocol.overrides import NONE, Overrides, pick_first
from callsheet.protocol.values import first_text, parse_nested

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.protocol.error_replies import Refusal


Schema = dict[str, Any] | bool
_DEPTH = 4


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
    reading = schema_in(opened.payload, overrides)
    if reading.input is None and overrides.schema:
        forced = schema_in(opened.layers[0], overrides)
        reading = forced if forced.input is not None else reading
    return reading


def schema_in(document: Any, overrides: Overrides = NONE, depth: int = 0) -> SchemaReading:
    """Read the schemas in ``document``, which is a schema or holds one, without its envelope."""
    document = parse_nested(document)
    if isinstance(document, bool):
        return SchemaReading(input=document)
    if not isinstance(document, dict):
        return SchemaReading(notes=("the schema document is no JSON object",))
    input_schema, output_schema = _forced_schemas(document, overrides if depth == 0 else NONE)
    if input_schema is None:
        input_schema = _under(document, vocab.INPUT_KEYS)
        if output_schema is None:
            output_schema = _under(document, vocab.OUTPUT_KEYS)
    if input_schema is None and depth < _DEPTH:
        inner = _nested_reading(document, overrides, depth)
        if inner is not None:
            return _merge(document, inner)
        if is_schema(document):
            input_schema = document
    notes = () if input_schema is not None else ("no JSON Schema of the input was found",)
    return SchemaReading(
        input=input_schema,
        output=output_schema,
        title=first_text(document, vocab.TITLE_KEYS),
        description=first_text(document, vocab.DESCRIPTION_KEYS),
        marks=read_marks(document),
        notes=notes,
    )


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


def read_marks(entry: Mapping[str, Any]) -> dict[str, bool]:
    """Read the marks of cost and repetition: those of the entry before those of its annotations."""
    marks: dict[str, bool] = {}
    for table in (entry, *(entry.get(key) for key in vocab.MARK_HOLDERS)):
        if isinstance(table, dict):
            for key, mark in vocab.MARKS.items():
                if isinstance(table.get(key), bool):
                    marks.setdefault(mark, table[key])
    return marks


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
    for key in keys:
        schema = parse_nested(document.get(key))
        if isinstance(schema, dict | bool) and (schema == {} or is_schema(schema)):
            return schema
    return None


def _nested_reading(
    document: dict[str, Any], overrides: Overrides, depth: int
) -> SchemaReading | None:
    for key in vocab.SCHEMA_HOLDERS:
        inner = parse_nested(document.get(key))
        if isinstance(inner, dict):
            reading = schema_in(inner, overrides, depth + 1)
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
