"""A typed value becomes JSON: kinds, choices, limits and comma lists."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from callsheet.cli import jsontext
from callsheet.cli.nearest import did_you_mean, listing
from callsheet.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from callsheet.spec import Kind, Param

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_BOOLEANS = {"true": True, "false": False}


class LocalFile(str):
    """A path on a media flag that has to be uploaded before the body can leave."""

    __slots__ = ()


def wrong(param: Param, message: str, hint: str = "") -> UsageError:
    """The error that names the flag, what was given and what is allowed."""
    flag = f"--{param.flag}"
    return UsageError(f"{flag}: {message}", hint=hint, flag=flag, code="invalid_input")


def shown(value: Any) -> str:
    """``value`` as JSON, short enough for one line of a message."""
    text = jsontext.encode(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _number(kind: Kind, text: str) -> Any:
    try:
        value = jsontext.number(text.removeprefix("+"))
    except ValueError as error:
        return str(error)
    if value is None or (kind == "integer" and value != int(value)):
        return f"{text!r} is not {'a whole number' if kind == 'integer' else 'a number'}"
    return value


def _loose(text: str) -> Any:
    """A value whose kind the schema leaves open: JSON where it is JSON, else text."""
    try:
        return jsontext.decode(text)
    except ValueError:
        return text


def _choice(param: Param, text: str) -> tuple[Any, ...]:
    """The choice that ``text`` spells, as a tuple of one; empty where it spells none."""
    for choice in param.choices:
        spelled = choice if isinstance(choice, str) else jsontext.encode(choice)
        if text == spelled:
            return (choice,)
    return ()


def scalar(param: Param, kind: Kind, text: str) -> Any:
    """One plain value of ``kind``; raises ``UsageError`` where ``text`` is none."""
    if found := _choice(param, text):
        return found[0]
    if text == "null" and param.nullable:
        return None
    if kind in {"integer", "number"}:
        value = _number(kind, text)
        if isinstance(value, str):
            raise wrong(param, value)
        return value
    if kind == "boolean":
        if text.lower() not in _BOOLEANS:
            raise wrong(param, f"{text!r} is not true or false")
        return _BOOLEANS[text.lower()]
    if kind in {"object", "array"}:
        return structure(param, kind, text)
    return text if kind == "string" else _loose(text)


def structure(param: Param, kind: Kind, text: str) -> Any:
    """A JSON object or array; raises ``UsageError`` where ``text`` is none."""
    value = jsontext.document(text, flag=param.flag)
    if isinstance(value, dict if kind == "object" else list):
        return value
    raise wrong(param, f"{shown(value)} is not a JSON {kind}")


def _begins(text: str, exists: Callable[[str], bool]) -> bool:
    return bool(_SCHEME.match(text)) or text.startswith("data:") or exists(text)


def split(param: Param, text: str, exists: Callable[[str], bool] = os.path.exists) -> list[str]:
    """The items that one typed value holds.

    Enums and numbers part at every comma. Links and paths part where the next one starts, so a
    comma inside a link survives; ``data:`` is never parted and neither is free text.
    """
    if param.choices or param.items in {"integer", "number", "boolean"}:
        return text.split(",")
    links = _begins(text, exists) or exists(text.partition(",")[0])
    if not links:
        return text.split(",") if param.comma else [text]
    if param.items not in {"string", "any"} or exists(text):
        return [text]
    items: list[str] = []
    for piece in text.split(","):
        inside = bool(items) and items[-1].startswith("data:")
        if items and (inside or not _begins(piece.strip(), exists)):
            items[-1] += "," + piece
        else:
            items.append(piece.strip())
    return items


def items(param: Param, text: str) -> list[Any]:
    """The array items that one use of an array flag adds."""
    if text.startswith("["):
        whole = _list(param, text)
        if whole is not None:
            return whole
    if param.items in {"object", "array", "any"} and text[:1] in {"{", "["}:
        return [structure(param, "object" if text[0] == "{" else "array", text)]
    return [scalar(param, param.items, piece) for piece in split(param, text)]


def _list(param: Param, text: str) -> list[Any] | None:
    """A JSON list as the whole array; ``None`` where it is one item, or text with a bracket."""
    try:
        value = jsontext.decode(text)
    except ValueError as error:
        if param.items in {"string", "any"}:
            return None
        raise wrong(param, str(error)) from None
    if param.items == "array" and not all(isinstance(item, list) for item in value):
        return None
    return list(value)


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


def check(param: Param, value: Any) -> None:
    """Raise ``UsageError`` where ``value`` leaves the choices or limits that are known here."""
    if value is None and param.nullable:
        return
    for item in value if param.kind == "array" and isinstance(value, list) else [value]:
        _check_choice(param, item)
    for keyword, limit in param.limits.items():
        rule = _LIMITS.get(keyword)
        if rule is None or isinstance(limit, bool) or not isinstance(limit, int | float):
            continue
        if _applies(keyword, value) and not rule[0](value, limit):
            size = value if isinstance(value, int | float) else len(value)
            raise wrong(param, f"{shown(size)} {rule[1]} {shown(limit)}", allowed(param))


def _check_choice(param: Param, value: Any) -> None:
    if not param.choices or any(jsontext.same(value, choice) for choice in param.choices):
        return
    names = [c if isinstance(c, str) else shown(c) for c in param.choices]
    given = value if isinstance(value, str) else shown(value)
    raise wrong(
        param,
        f"{given!r} is not one of {listing(names)}",
        did_you_mean(given, names),
    )


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


def _range(low: Any, high: Any) -> str:
    if low is None and high is None:
        return ""
    if high is None:
        return f"{shown(low)} or more"
    return f"up to {shown(high)}" if low is None else f"{shown(low)} to {shown(high)}"
