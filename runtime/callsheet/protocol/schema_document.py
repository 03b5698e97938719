"""Read the schema document of one action."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.envelope import open_envelope
from callsheet.protocol.overrides import NONE, Overrides, pick_first
from callsheet.protocol.values import first_text, unquoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.protocol.error_replies import Refusal


Schema = dict[str, Any] | bool
_DEPTH = 4


class SchemaReading(NamedTuple):
    """What a schema document says, unchanged; ``input`` is ``None`` where none was readable.

    ``notes`` tell in words what was not understood; ``refusal`` is a no that came with a 2xx.
    """

    input: Schema | None = None
    output: Schema | None = None
    title: str = ""
    description: str = ""
    marks: Mapping[str, Any] = {}
    notes: tuple[str, ...] = ()
    refusal: Refusal | None = None


def read_schema(data: Any, overrides: Overrides = NONE) -> SchemaReading:
    """Read a schema document. Never raises on any JSON value."""
    opened = open_envelope(data, overrides)
    if opened.refusal:
        return SchemaReading(refusal=opened.refusal, notes=("the server refused the schema",))
    reading = schema_in(opened.payload, overrides)
    if reading.input is None and overrides.schema:
        forced = schema_in(opened.layers[0], overrides)
        reading = forced if forced.input is not None else reading
    return reading


def schema_in(document: Any, overrides: Overrides = NONE, depth: int = 0) -> SchemaReading:
    """The schemas in ``document`` (a schema, or an object that holds one), without its envelope."""
    document, _ = unquoted(document)
    if isinstance(document, bool):
        return SchemaReading(input=document)
    if not isinstance(document, dict):
        return SchemaReading(notes=("the schema document is no JSON object",))
    found_in, found_out = _forced(document, overrides) if depth == 0 else (None, None)
    if found_in is None:
        found_in = _under(document, vocab.INPUT_KEYS)
        found_out = found_out if found_out is not None else _under(document, vocab.OUTPUT_KEYS)
    if found_in is None and depth < _DEPTH:
        inner = _inside(document, overrides, depth)
        if inner is not None:
            return _merged(document, inner)
        if is_schema(document):
            found_in = document
    notes = () if found_in is not None else ("no JSON Schema of the input was found",)
    return SchemaReading(
        input=found_in,
        output=found_out,
        title=first_text(document, vocab.TITLE_KEYS),
        description=first_text(document, vocab.DESCRIPTION_KEYS),
        marks=read_marks(document),
        notes=notes,
    )


def is_schema(value: Any) -> bool:
    """Whether ``value`` is meant as a JSON Schema: a boolean, or an object with its keywords."""
    if isinstance(value, bool):
        return True
    if not isinstance(value, dict):
        return False
    kind = value.get("type")
    kinds = kind if isinstance(kind, list) and kind else [kind]
    if all(isinstance(item, str) and item in vocab.JSON_TYPES for item in kinds):
        return True
    return (
        any(isinstance(value.get(key), dict) for key in vocab.SCHEMA_MAPS)
        or any(isinstance(value.get(key), list) for key in vocab.SCHEMA_LISTS)
        or any(isinstance(value.get(key), str) for key in ("$schema", "$ref"))
        or "const" in value
    )


def is_whole_schema(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of the list is itself a schema; its ``type`` may be anything's type."""
    return any(key in entry for key in ("properties", "$schema", "$ref", *vocab.SCHEMA_LISTS[:3]))


def read_marks(entry: Mapping[str, Any]) -> dict[str, bool]:
    """What ``entry`` says about cost and repetition, the entry itself before its annotations."""
    marks: dict[str, bool] = {}
    for table in (entry, *(entry.get(key) for key in vocab.MARK_HOLDERS)):
        if isinstance(table, dict):
            for key, mark in vocab.MARKS.items():
                if isinstance(table.get(key), bool):
                    marks.setdefault(mark, table[key])
    return marks


def _forced(document: Any, overrides: Overrides) -> tuple[Schema | None, Schema | None]:
    found: list[Schema | None] = []
    for path in overrides.schema[:2]:
        picked = (unquoted(value)[0] for value in pick_first((document,), (path,)))
        found.append(next((value for value in picked if isinstance(value, dict | bool)), None))
    return (*found, None, None)[0], (*found, None, None)[1]


def _under(document: dict[str, Any], keys: tuple[str, ...]) -> Schema | None:
    """The first of ``keys`` that holds a schema; an empty object allows anything."""
    for key in keys:
        value, _ = unquoted(document.get(key))
        if isinstance(value, dict | bool) and (value == {} or is_schema(value)):
            return value
    return None


def _inside(document: dict[str, Any], overrides: Overrides, depth: int) -> SchemaReading | None:
    for key in vocab.SCHEMA_HOLDERS:
        inner, _ = unquoted(document.get(key))
        if isinstance(inner, dict):
            reading = schema_in(inner, overrides, depth + 1)
            if reading.input is not None:
                return reading
    return None


def _merged(outer: dict[str, Any], inner: SchemaReading) -> SchemaReading:
    return SchemaReading(
        input=inner.input,
        output=inner.output if inner.output is not None else _under(outer, vocab.OUTPUT_KEYS),
        title=first_text(outer, vocab.TITLE_KEYS) or inner.title,
        description=first_text(outer, vocab.DESCRIPTION_KEYS) or inner.description,
        marks={**inner.marks, **read_marks(outer)},
    )
