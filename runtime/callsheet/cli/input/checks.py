"""What a flag knows about its values: choices and limits, which can only raise a doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.cli.input import jsontext
from callsheet.cli.input.values import shown, wrong
from callsheet.cli.nearest import did_you_mean, listing, nearest_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from callsheet.errors import UsageError
    from callsheet.spec import Param

_LONGEST_PATTERN = 60
_LIMITS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "minimum": (lambda value, limit: value >= limit, "is less than"),
    "maximum": (lambda value, limit: value <= limit, "is more than"),
    "exclusiveMinimum": (lambda value, limit: value > limit, "is not more than"),
    "exclusiveMaximum": (lambda value, limit: value < limit, "is not less than"),
    "minLength": (lambda value, limit: len(value) >= limit, "characters are fewer than"),
    "maxLength": (lambda value, limit: len(value) <= limit, "characters are more than"),
    "minItems": (lambda value, limit: len(value) >= limit, "items are fewer than"),
    "maxItems": (lambda value, limit: len(value) <= limit, "items are more than"),
}


def _applies(keyword: str, value: Any) -> bool:
    if keyword.endswith("Length"):
        return isinstance(value, str)
    if keyword.endswith("Items"):
        return isinstance(value, list)
    return isinstance(value, int | float) and not isinstance(value, bool)


def doubt(param: Param, value: Any) -> UsageError | None:
    """What to say of a value that leaves the choices or limits that are known here."""
    if value is None and param.nullable:
        return None
    for item in value if param.kind == "array" and isinstance(value, list) else [value]:
        if (found := _choice_doubt(param, item)) is not None:
            return found
    for keyword, limit in param.limits.items():
        rule = _LIMITS.get(keyword)
        if rule is None or isinstance(limit, bool) or not isinstance(limit, int | float):
            continue
        if _applies(keyword, value) and not rule[0](value, limit):
            size = value if isinstance(value, int | float) else len(value)
            return wrong(param, f"{shown(size)} {rule[1]} {shown(limit)}", allowed(param))
    return None


def _choice_doubt(param: Param, value: Any) -> UsageError | None:
    if not param.choices or any(jsontext.same(value, choice) for choice in param.choices):
        return None
    names = [c if isinstance(c, str) else shown(c) for c in param.choices]
    given = value if isinstance(value, str) else shown(value)
    hint = did_you_mean(given, names)
    number = _as_number(value)
    if number is not None and (close := nearest_number(number, param.choices)) is not None:
        hint = f"did you mean {shown(close)}?"
    return wrong(param, f"{given!r} is not one of {listing(names)}", hint)


def _as_number(value: Any) -> float | None:
    """The number that a value is or spells."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            return jsontext.number(value)
        except ValueError:
            return None
    return value if isinstance(value, int | float) else None


def allowed(param: Param) -> str:
    """The limits in words, such as ``allowed: 3 to 12``; empty where none is known."""
    limits = param.limits
    for low, high, unit in (
        ("minimum", "maximum", ""),
        ("exclusiveMinimum", "exclusiveMaximum", " (both excluded)"),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
    ):
        words = _range(limits.get(low), limits.get(high))
        if words:
            return f"allowed: {words}{unit}"
    return ""


def limits_in_words(param: Param) -> Iterator[str]:
    """Every limit that help tells, such as ``3 to 12``; of a list those of its items too."""
    if words := allowed(param).removeprefix("allowed: "):
        yield words
    inner = param.limits.get("items")
    if isinstance(inner, dict):
        for words in limits_in_words(param._replace(limits=inner)):
            yield f"each {words}"
    if (step := param.limits.get("multipleOf", 1)) != 1:
        yield f"a multiple of {shown(step)}"
    pattern = param.limits.get("pattern")
    if isinstance(pattern, str) and len(pattern) <= _LONGEST_PATTERN:
        yield f"matches {pattern}"
    if param.limits.get("uniqueItems") is True:
        yield "no item twice"


def _range(low: Any, high: Any) -> str:
    if low is None and high is None:
        return ""
    if high is None:
        return f"{shown(low)} or more"
    return f"up to {shown(high)}" if low is None else f"{shown(low)} to {shown(high)}"
