"""Compile a schema into a validator, with a fast path for plain schemas."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.errors import InvalidInput
from callsheet.jsonio import to_pointer
from callsheet.text import word_set

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.schema.references import Draft
    from callsheet.schema.repair import RepairedSchema


# What enforces nothing, or applies only to what a plain schema does not use.
_IGNORED = word_set("""
    $schema $comment $defs definitions title description default examples deprecated readOnly
    writeOnly format
""")
_OF_ANY = frozenset(("type", "enum", "const"))
_OF_OBJECTS = frozenset(("properties", "required", "additionalProperties"))
_OF_ARRAYS = frozenset(("items", "minItems", "maxItems"))
_OF_TEXTS = frozenset(("minLength", "maxLength"))
_OF_NUMBERS = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"))
_READ = _IGNORED | _OF_ANY | _OF_OBJECTS | _OF_ARRAYS | _OF_TEXTS | _OF_NUMBERS
_DEPTH = 8
_EXACT = 2**53


def is_plainly_valid(schema: object, body: object, depth: int = _DEPTH) -> bool:
    """Tell whether the schema surely allows the body, whatever its draft.

    False means unknown: another keyword than the ones known here, a number that is not exact,
    or a value that is not allowed; the validator then decides. What a field that is not given
    would have to be is not looked at.
    """
    schema = {} if schema is True else schema
    if not isinstance(schema, dict) or depth == 0 or not schema.keys() <= _READ:
        return False
    if not _is_among(schema, body):
        return False
    if isinstance(body, dict):
        return _fits_object(schema, body, depth)
    if isinstance(body, list):
        return _fits_array(schema, body, depth)
    if isinstance(body, str):
        return _is_encodable(body) and _within(schema, len(body), "minLength", "maxLength")
    if isinstance(body, bool) or body is None:
        return True
    return type(body) in {int, float} and _fits_number(schema, body)


def _is_among(schema: Mapping[str, Any], body: object) -> bool:
    """Tell whether type, choices and constant hold."""
    if "type" in schema:
        declared = schema["type"]
        types = declared if isinstance(declared, list) else [declared]
        if not any(isinstance(allowed, str) and _is_of(allowed, body) for allowed in types):
            return False
    if "const" in schema and not _is_surely_equal(schema["const"], body):
        return False
    if "enum" not in schema:
        return True
    choices = schema["enum"]
    return isinstance(choices, list) and any(_is_surely_equal(allowed, body) for allowed in choices)


def _is_of(name: str, body: object) -> bool:
    kind = type(body)
    if name in {"number", "integer"}:
        return kind is int or (name == "number" and kind is float)
    types: Mapping[str, type] = {
        "string": str,
        "object": dict,
        "array": list,
        "boolean": bool,
        "null": type(None),
    }
    return kind is types.get(name)


def _is_surely_equal(allowed: object, body: object) -> bool:
    """Compare without doubt: JSON has no other 1 than 1.0, and Python no other 1 than True."""
    return type(allowed) is type(body) and type(body) in {str, bool, type(None)} and allowed == body


def _fits_object(schema: Mapping[str, Any], body: dict[Any, Any], depth: int) -> bool:
    properties, required = schema.get("properties", {}), schema.get("required", [])
    others = schema.get("additionalProperties", True)
    if not isinstance(properties, dict) or not isinstance(required, list):
        return False
    if any(isinstance(part, dict) and part.get("required") is True for part in properties.values()):
        return False
    if not all(isinstance(name, str) and name in body for name in required):
        return False
    return all(
        isinstance(name, str)
        and _is_encodable(name)
        and is_plainly_valid(properties.get(name, others), field, depth - 1)
        for name, field in body.items()
    )


def _fits_array(schema: Mapping[str, Any], body: list[Any], depth: int) -> bool:
    entry_schema = schema.get("items", True)
    return _within(schema, len(body), "minItems", "maxItems") and all(
        is_plainly_valid(entry_schema, entry, depth - 1) for entry in body
    )


def _fits_number(schema: Mapping[str, Any], number: Any) -> bool:
    if not -_EXACT < number < _EXACT or not _within(schema, number, "minimum", "maximum"):
        return False
    return all(
        type(limit) in {int, float} and -_EXACT < limit < _EXACT and sign * number < sign * limit
        for name, sign in (("exclusiveMinimum", -1), ("exclusiveMaximum", 1))
        if (limit := schema.get(name)) is not None
    )


def _within(schema: Mapping[str, Any], amount: float, least: str, most: str) -> bool:
    """Tell whether the limits hold that are given; one that is not an exact number never holds."""
    return all(
        type(limit) in {int, float} and -_EXACT < limit < _EXACT and sign * amount <= sign * limit
        for name, sign in ((least, -1), (most, 1))
        if (limit := schema.get(name)) is not None
    )


def _is_encodable(text: str) -> bool:
    """Tell whether a text can be written as UTF-8: half a surrogate pair cannot."""
    return text.isascii() or text.encode("utf-8", "ignore").decode() == text


_MOST_VIOLATIONS = 20


class Violation(NamedTuple):
    """One thing that the schema forbids.

    ``pointer`` leads to the value (for a missing or an unknown field: to that field),
    ``message`` says what was given and what is allowed, ``allowed`` lists choices or names.
    """

    pointer: tuple[str | int, ...]
    message: str
    keyword: str = ""
    allowed: tuple[Any, ...] = ()

    def as_error(self) -> InvalidInput:
        """Return the error that names the pointer and gives the message."""
        pointer = to_pointer(self.pointer)
        return InvalidInput(f"{pointer or 'the body'}: {self.message}", pointer=pointer)


class UnusableSchema(Exception):
    """No verdict can be had from this schema; ``reason`` says why, in words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Validator:
    """A compiled schema, worth keeping for the schema's digest; made by ``Validator.of``.

    ``schema`` is the one that decides; ``notes`` are lines to print once: what is not checked.
    """

    def __init__(
        self, schema: dict[str, Any] | bool, draft: Draft, repaired: RepairedSchema | None = None
    ) -> None:
        from callsheet.schema.limits import linear_validator

        self.schema, self.draft = schema, draft
        self.notes = tuple(repaired.notes) if repaired is not None else ()
        self._repaired = repaired
        self._certain: Validator | None = None
        self._verdict = linear_validator(schema, draft)

    @classmethod
    def of(cls, schema: object) -> Validator:
        """Compile an advertised schema; raise ``UnusableSchema`` where that is impossible.

        Patterns run in linear time, nothing is fetched. A keyword that cannot be read is taken
        out and named in ``notes``.
        """
        from callsheet.schema.references import SchemaRefused
        from callsheet.schema.repair import repair

        if isinstance(schema, bool):
            return cls(schema, "2020-12")
        try:
            repaired = repair(schema)
        except SchemaRefused as refusal:
            raise UnusableSchema(str(refusal)) from None
        if not repaired.is_misread:
            with suppress(ValueError):
                return cls._of_repaired(repaired)
        repaired.repair_patterns()
        try:
            return cls._of_repaired(repaired)
        except ValueError as error:
            reason = str(getattr(error, "message", error)).partition("\n")[0]
            raise UnusableSchema(f"the schema cannot be compiled: {reason[:200]}") from None

    @classmethod
    def _of_repaired(cls, repaired: RepairedSchema) -> Validator:
        schema = _drop_retired_keywords(repaired.schema, repaired.draft)
        return cls(schema, repaired.draft, repaired)

    def surely_allows(self, body: object) -> bool:
        """Tell whether the body is valid for every meaning of the keywords that are not checked."""
        if not self.allows(body) or self._repaired is None or not self.notes:
            return self.allows(body)
        if self._certain is None:
            schema = _drop_retired_keywords(self._repaired.certain(), self.draft)
            self._certain = Validator(schema, self.draft)
        return self._certain.allows(body)

    def allows(self, body: object) -> bool:
        """Tell whether the body is valid; one that is not JSON, or nested too deeply, is not."""
        try:
            return self._verdict.is_valid(body)
        except (ValueError, TypeError, RecursionError):
            return False

    def violations(self, body: object) -> tuple[Violation, ...]:
        """List why the schema refuses the body, outermost first and 20 at most; empty if valid."""
        if self.allows(body):
            return ()
        from callsheet.schema.messages import explain

        reasons = explain(self.schema, self.draft, self._verdict, body)
        return tuple(Violation(*reason) for reason in reasons[:_MOST_VIOLATIONS])


def _drop_retired_keywords(schema: dict[str, Any], draft: Draft) -> dict[str, Any]:
    """Return the schema without ``dependencies`` from 2019-09 on; jsonschema-rs applies it."""
    from callsheet.schema.references import drop_keyword

    cleaned: dict[str, Any] = (
        schema if draft.startswith("draft") else drop_keyword(schema, "dependencies")
    )
    return cleaned
