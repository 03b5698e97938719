"""Turn typed text into JSON values."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from callsheet import jsonio
from callsheet.errors import UsageError
from callsheet.suggest import did_you_mean, listing, nearest_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from callsheet.spec import Kind, Param


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
    if not param.choices or any(jsonio.json_equal(value, choice) for choice in param.choices):
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
            return jsonio.parse_number(value)
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


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_BOOLEANS = {"true": True, "false": False}
_UNREAD = object()


class LocalFile(str):
    """A path on a media flag that has to be uploaded before the body can leave."""

    __slots__ = ()


def wrong(param: Param, message: str, hint: str = "") -> UsageError:
    """The error that names the flag, what was given and what is allowed."""
    flag = f"--{param.flag}"
    return UsageError(f"{flag}: {message}", hint=hint, flag=flag, code="invalid_input")


def shown(value: Any) -> str:
    """``value`` as JSON, short enough for one line of a message."""
    text = jsonio.encode(value)
    return text if len(text) <= 60 else text[:57] + "…"


def quoted(text: str) -> str | None:
    """The text that a JSON string spells; ``None`` where ``text`` is something else."""
    if text[:1] != '"':
        return None
    value = _decoded(text)
    return value if isinstance(value, str) else None


def is_link(text: str) -> bool:
    """Whether a text is a link or holds its data itself, and so is never the name of a file."""
    return "://" in text or text.startswith("data:")


def _decoded(text: str) -> Any:
    """What ``text`` is as JSON; ``_UNREAD`` where it is none."""
    try:
        return jsonio.decode(text)
    except ValueError:
        return _UNREAD


class ValueReader:
    """Reads the texts after one flag; ``doubts`` collects what does not look right.

    A text that is not of the flag's kind is read as JSON, else as text: whether that may be is
    the schema's to say, which knows more than a flag does.
    """

    def __init__(self, param: Param, exists: Callable[[str], bool] = os.path.exists) -> None:
        self.param, self.exists = param, exists
        self.doubts: list[UsageError] = []

    def one(self, text: str) -> Any:
        """The value of a flag that is given once.

        ``null`` is null where the field may be null; the text is then said in quotes.
        """
        if self.param.nullable and text == "null":
            return None
        found = self._choice(text)
        return self._plain(self.param.kind, text) if found is _UNREAD else found

    def json(self, text: str) -> Any:
        """The value of a flag that reads JSON; a text without quotes is doubtful."""
        try:
            return jsonio.decode(text)
        except ValueError as error:
            self.doubts.append(wrong(self.param, str(error)))
            return text

    def _choice(self, text: str) -> Any:
        """The choice that ``text`` spells: as JSON, else as it stands."""
        for spell in (jsonio.encode, str):
            for choice in self.param.choices:
                if text == spell(choice):
                    return choice
        return _UNREAD

    def _plain(self, kind: Kind, text: str) -> Any:
        if kind == "string":
            return self._text(text)
        if kind == "any":
            return self._loose(text)
        value = _READERS[kind](text)
        if isinstance(value, _Doubt):
            self.doubts.append(wrong(self.param, value.text))
            return self._loose(text)
        return value

    def _text(self, text: str) -> str:
        """The text itself; in quotes where it would otherwise mean something else."""
        inner = quoted(text)
        return inner if inner is not None and self._is_special(inner) else text

    def _is_special(self, text: str) -> bool:
        if self.param.nullable and text == "null":
            return True
        inner = quoted(text)
        return inner is not None and self._is_special(inner)

    def _loose(self, text: str) -> Any:
        """JSON where it is JSON of a kind that may stand here, else text."""
        value = _decoded(text)
        if value is _UNREAD:
            return text
        reads = self.param.reads
        fits = not reads or kind_of(value) in reads or "string" not in reads
        return value if fits or isinstance(value, str) else text

    def several(self, text: str) -> list[Any]:
        """The items that one use of an array flag adds; a JSON list is taken as it is."""
        if text.startswith("["):
            whole = self._list(text)
            if whole is not None:
                return whole
        return [self._item(piece) for piece in self.split(text)]

    def _list(self, text: str) -> list[Any] | None:
        """A JSON list as the whole array; ``None`` where it is one item, or text with a bracket."""
        value = _decoded(text)
        if value is _UNREAD:
            return None
        if self.param.items == "array" and not all(isinstance(x, list | None) for x in value):
            return None
        return list(value)

    def _item(self, text: str) -> Any:
        if self.param.items == "string":
            return text
        found = self._choice(text)
        return self._plain(self.param.items, text) if found is _UNREAD else found

    def split(self, text: str) -> list[str]:
        """The items that one typed value holds.

        Enums and numbers part at every comma. Links and paths part where the next one starts,
        so a comma inside a link survives; ``data:`` is never parted and neither is free text.
        """
        param = self.param
        if param.items in {"object", "array"} or text in param.choices:
            return [text]
        if param.choices or param.items in {"integer", "number", "boolean"}:
            return text.split(",")
        links = self._begins(text) or self.exists(text.partition(",")[0])
        if not links:
            return text.split(",") if param.comma else [text]
        if self.exists(text):
            return [text]
        items: list[str] = []
        for piece in text.split(","):
            inside = bool(items) and items[-1].startswith("data:")
            if items and (inside or not self._begins(piece.strip())):
                items[-1] += "," + piece
            else:
                items.append(piece.strip())
        return items

    def _begins(self, text: str) -> bool:
        return bool(_SCHEME.match(text)) or text.startswith("data:") or self.exists(text)


def kind_of(value: Any) -> str:
    """The kind of a JSON value in the words of ``Param.reads``: any number is a number."""
    for kind, types in (("boolean", bool), ("number", (int, float)), ("string", str)):
        if isinstance(value, types):
            return kind
    return "object" if isinstance(value, dict) else "null" if value is None else "array"


class _Doubt:
    """Why a text is not of a kind."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def _number(text: str) -> Any:
    try:
        value = jsonio.parse_number(text.removeprefix("+"))
    except ValueError as error:
        return _Doubt(str(error))
    return _Doubt(f"{text!r} is not a number") if value is None else value


def _integer(text: str) -> Any:
    value = _number(text)
    whole = isinstance(value, int | float) and value == int(value)
    out_of_range = isinstance(value, _Doubt) and value.text.endswith("out of range")
    return value if whole or out_of_range else _Doubt(f"{text!r} is not a whole number")


def _boolean(text: str) -> Any:
    return _BOOLEANS.get(text.lower(), _Doubt(f"{text!r} is not true or false"))


def _object(text: str) -> Any:
    return _structure("object", dict, text)


def _array(text: str) -> Any:
    return _structure("array", list, text)


def _structure(kind: str, type_: type, text: str) -> Any:
    try:
        value = jsonio.decode(text)
    except ValueError as error:
        return _Doubt(str(error))
    fits = isinstance(value, type_)
    return value if fits else _Doubt(f"{shown(value)} is not a JSON {kind}")


_READERS: dict[Kind, Callable[[str], Any]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "object": _object,
    "array": _array,
}
