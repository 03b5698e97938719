"""Is this body what the advertised schema allows, and if not, where and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.schema.admission import Draft, admit_noted, draft_of
from callsheet.schema.dialect import linked, without
from callsheet.schema.patterns import loosen
from callsheet.schema.pointers import SchemaRefused

if TYPE_CHECKING:
    import jsonschema_rs

_MOST_FAULTS = 20
_PATTERN_BYTES = 1_000_000


class Fault(NamedTuple):
    """One thing that the schema forbids.

    ``pointer`` leads to the value (for a missing or an unknown field: to that field),
    ``message`` says what was given and what is allowed, ``allowed`` lists choices or names.
    """

    pointer: tuple[str | int, ...]
    message: str
    keyword: str = ""
    allowed: tuple[Any, ...] = ()


class Unjudged(Exception):
    """No verdict can be had from this schema; ``reason`` says why, in words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Judge:
    """A compiled schema; made by :func:`compile`, worth keeping for the schema's digest.

    ``schema`` is what is judged by; ``notes`` are lines to tell once: what is not checked.
    """

    def __init__(
        self, schema: dict[str, Any] | bool, draft: Draft, verdict: jsonschema_rs.Validator
    ) -> None:
        self.draft = draft
        self.notes: tuple[str, ...] = ()
        self.schema = schema
        self._verdict = verdict

    def allows(self, body: object) -> bool:
        """The verdict alone. A body that is no JSON, or too deep to be read, is not allowed."""
        try:
            return self._verdict.is_valid(body)
        except (ValueError, TypeError, RecursionError):
            return False

    def faults(self, body: object) -> tuple[Fault, ...]:
        """Why the schema refuses the body, outermost first, 20 at most; empty when it does not."""
        if self.allows(body):
            return ()
        from callsheet.judge.faults import explain

        found = explain(self.schema, self.draft, self._verdict, body)
        return tuple(Fault(*one) for one in found[:_MOST_FAULTS])


def faults(schema: object, body: object) -> tuple[Fault, ...]:
    """Compile and judge once; raises ``Unjudged`` for a schema that gives no verdict."""
    return compile(schema).faults(body)


def compile(schema: object) -> Judge:  # noqa: A001 - read as judge.compile, like re.compile
    """Make a judge of a schema as advertised; raises ``Unjudged`` where that cannot be.

    Patterns run in linear time; one that cannot is taken out and told in ``notes``. Nothing
    is fetched: a reference that leaves the schema makes it unjudged.
    """
    try:
        _, left_out = admit_noted(schema)
    except SchemaRefused as refused:
        raise Unjudged(str(refused)) from None
    if left_out:
        raise Unjudged(left_out[0])
    schema = linked(schema)
    draft = draft_of(schema)
    if not isinstance(schema, dict):
        return Judge(schema is True, draft, validator(schema is True, draft))
    schema = _of_its_draft(schema, draft)
    try:
        return Judge(schema, draft, validator(schema, draft))
    except ValueError:
        return _loosened(schema, draft)


def _of_its_draft(schema: dict[str, Any], draft: Draft) -> dict[str, Any]:
    """``dependencies`` left the vocabulary with 2019-09; jsonschema-rs still holds to it."""
    known: dict[str, Any] = schema if draft.startswith("draft") else without(schema, "dependencies")
    return known


def _loosened(schema: dict[str, Any], draft: Draft) -> Judge:
    looser, removed = loosen(schema, is_possible)
    try:
        judge = Judge(looser, draft, validator(looser, draft))
    except ValueError as error:
        reason = str(getattr(error, "message", error)).partition("\n")[0]
        raise Unjudged(f"the schema cannot be compiled: {reason[:200]}") from None
    judge.notes = tuple(
        f"the pattern {pattern[:120]} cannot be checked in linear time; it is left to the server"
        for pattern in removed
    )
    return judge


def is_possible(pattern: str) -> bool:
    """Whether the linear-time engine takes a pattern."""
    try:
        validator({"pattern": pattern}, "2020-12")
    except ValueError:
        return False
    return True


def validator(schema: dict[str, Any] | bool, draft: Draft) -> jsonschema_rs.Validator:
    """The linear-time validator of a schema; ``ValueError`` where it cannot be compiled."""
    import jsonschema_rs as rs

    classes: dict[Draft, type[rs.Validator]] = {
        "draft-04": rs.Draft4Validator,
        "draft-06": rs.Draft6Validator,
        "draft-07": rs.Draft7Validator,
        "2019-09": rs.Draft201909Validator,
        "2020-12": rs.Draft202012Validator,
    }
    limits = rs.RegexOptions(size_limit=_PATTERN_BYTES, dfa_size_limit=_PATTERN_BYTES)
    return classes[draft](schema, pattern_options=limits, retriever=_refuse, validate_formats=False)


def _refuse(uri: str) -> Any:
    raise ValueError(f"{uri[:120]} is not fetched")
