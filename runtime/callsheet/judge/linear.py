"""The message side of the judge: jsonschema with linear-time patterns and exact decimals."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from callsheet.schema.admission import Draft


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern is found in a text, by the engine that gives the verdict."""
    from callsheet.judge.verdict import validator

    return validator({"pattern": pattern}, "2020-12").is_valid(text)


def message_validator(schema: dict[str, Any] | bool, draft: Draft) -> Any:
    """A validator of jsonschema that fetches nothing and agrees with the verdict.

    Python's own ``re`` is not used: it can hang on a pattern, and reads ``\\d`` and ``$``
    otherwise than ECMA-262. What is unevaluated is left to the verdict, since
    jsonschema reads patterns there with ``re``.
    """
    from jsonschema import validators
    from referencing import Registry

    bases: dict[Draft, Any] = {
        "draft-04": validators.Draft4Validator,
        "draft-06": validators.Draft6Validator,
        "draft-07": validators.Draft7Validator,
        "2019-09": validators.Draft201909Validator,
        "2020-12": validators.Draft202012Validator,
    }
    own = {
        "pattern": _check_pattern,
        "patternProperties": _check_named,
        "additionalProperties": _check_others,
        "unevaluatedProperties": _check_nothing,
        "unevaluatedItems": _check_nothing,
        "multipleOf": _check_multiple,
        "format": _check_nothing,
    }
    extend: Callable[..., Any] = validators.extend
    return extend(bases[draft], own)(schema, registry=Registry())


def _check_nothing(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    return iter(())


def _error(message: str) -> Any:
    from jsonschema.exceptions import ValidationError

    return ValidationError(message)


def _check_pattern(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if isinstance(instance, str) and not matches(value, instance):
        yield _error("does not match")


def _check_named(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if isinstance(instance, dict):
        for pattern, inner in value.items():
            for name, item in instance.items():
                if matches(pattern, name):
                    yield from validator.descend(item, inner, path=name, schema_path=pattern)


def _check_others(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if not isinstance(instance, dict):
        return
    patterns = schema.get("patternProperties", {})
    known = schema.get("properties", {})
    others = [
        name
        for name in instance
        if name not in known and not any(matches(one, name) for one in patterns)
    ]
    if value is False and others:
        yield _error("has unknown fields")
    elif isinstance(value, dict):
        for name in others:
            yield from validator.descend(instance[name], value, path=name)


def _check_multiple(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if isinstance(instance, bool) or not isinstance(instance, int | float):
        return
    if Fraction(str(instance)) % Fraction(str(value)):
        yield _error("is not a multiple")
