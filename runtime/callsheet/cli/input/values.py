"""Turn typed text into JSON values, a body into flags, and the limits of a field into words."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from callsheet import jsonio
from callsheet.cli.input import options
from callsheet.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from callsheet.spec import Action, Kind, Param


_LONGEST_SHOWN = 60
_LONGEST_PATTERN = 60
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_BOOLEANS = {"true": True, "false": False}
_NOT_JSON = object()


class LocalFile(str):
    """A path on a media flag that has to be uploaded before the body can leave."""

    __slots__ = ()


def usage_error(param: Param, message: str, hint: str = "") -> UsageError:
    """Return the error that names the flag of a parameter."""
    flag = f"--{param.flag}"
    return UsageError(f"{flag}: {message}", hint=hint, flag=flag, code="invalid_input")


def short_json(value: Any) -> str:
    """Return ``value`` as JSON, short enough for one line of a message."""
    text = jsonio.encode(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "…"


def allowed(param: Param) -> str:
    """Return the first range of limits, such as ``allowed: 3 to 12``; ``""`` for none."""
    for low, high, unit in (
        ("minimum", "maximum", ""),
        ("exclusiveMinimum", "exclusiveMaximum", " (both excluded)"),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
    ):
        words = _range(param.limits.get(low), param.limits.get(high))
        if words:
            return f"allowed: {words}{unit}"
    return ""


def limits_in_words(param: Param) -> Iterator[str]:
    """Yield every limit that help shows, such as ``3 to 12``; of a list those of its items too."""
    if words := allowed(param).removeprefix("allowed: "):
        yield words
    inner = param.limits.get("items")
    if isinstance(inner, dict):
        for words in limits_in_words(param._replace(limits=inner)):
            yield f"each {words}"
    if (step := param.limits.get("multipleOf", 1)) != 1:
        yield f"a multiple of {short_json(step)}"
    pattern = param.limits.get("pattern")
    if isinstance(pattern, str) and len(pattern) <= _LONGEST_PATTERN:
        yield f"matches {pattern}"
    if param.limits.get("uniqueItems") is True:
        yield "no item twice"


def _range(low: Any, high: Any) -> str:
    """Return both limits in words; ``""`` where neither is set."""
    if low is None and high is None:
        return ""
    if high is None:
        return f"{short_json(low)} or more"
    return (
        f"up to {short_json(high)}" if low is None else f"{short_json(low)} to {short_json(high)}"
    )


def unquote(text: str) -> str | None:
    """Return the text that a JSON string spells; ``None`` where ``text`` is not a JSON string."""
    if text[:1] != '"':
        return None
    decoded = _decode(text)
    return decoded if isinstance(decoded, str) else None


def is_link(text: str) -> bool:
    """Tell whether a text is a link or a ``data:`` URI, and so never names a file."""
    return "://" in text or text.startswith("data:")


def _decode(text: str) -> Any:
    """Read ``text`` as JSON; return ``_NOT_JSON`` where it is not JSON."""
    try:
        return jsonio.decode(text)
    except ValueError:
        return _NOT_JSON


class ValueReader:
    """Reads the texts after one flag.

    A text that is not of the flag's kind is read as JSON, else as text: whether that is allowed
    is the schema's to decide, which knows more than a flag does.
    """

    def __init__(self, param: Param, exists: Callable[[str], bool] = os.path.exists) -> None:
        self.param, self.exists = param, exists

    def read(self, text: str) -> Any:
        """Return the value of a flag that is given once.

        ``null`` is null where the field may be null; the text is then typed in quotes. Raises
        ``UsageError`` for an object that is not JSON: only the JSON error says what is wrong.
        """
        if self.param.nullable and text == "null":
            return None
        return self._read_as(self.param.kind, text)

    def read_json(self, text: str) -> Any:
        """Return the value of a flag that reads JSON; a text without quotes is that text."""
        decoded = _decode(text)
        return text if decoded is _NOT_JSON else decoded

    def _read_as(self, kind: Kind, text: str) -> Any:
        """Return the choice that ``text`` spells, else the value of this kind.

        Where it is not of the kind, the JSON that it is, else the text. Raises ``UsageError`` for
        an object that is not JSON.
        """
        for spell in (jsonio.encode, str):
            for choice in self.param.choices:
                if text == spell(choice):
                    return choice
        if kind == "string":
            return self._text(text)
        if kind == "boolean" and text.lower() in _BOOLEANS:
            return _BOOLEANS[text.lower()]
        if kind in {"integer", "number"} and text.startswith("+"):
            decoded = _decode(text[1:])
            return decoded if kind_of(decoded) == "number" else text
        if kind == "object" and text.lstrip().startswith("{"):
            return self._object(text)
        return self._loose(text)

    def _text(self, text: str) -> str:
        """Return the text itself; without quotes where it would otherwise mean something else."""
        inner = unquote(text)
        return inner if inner is not None and self._is_special(inner) else text

    def _is_special(self, text: str) -> bool:
        if self.param.nullable and text == "null":
            return True
        inner = unquote(text)
        return inner is not None and self._is_special(inner)

    def _object(self, text: str) -> Any:
        try:
            return jsonio.decode(text)
        except ValueError as error:
            raise usage_error(self.param, str(error)) from None

    def _loose(self, text: str) -> Any:
        """Read JSON where it is of a kind that is allowed here, else text."""
        decoded = _decode(text)
        if decoded is _NOT_JSON:
            return text
        reads = self.param.reads
        fits = not reads or kind_of(decoded) in reads or "string" not in reads
        return decoded if fits or isinstance(decoded, str) else text

    def read_items(self, text: str) -> list[Any]:
        """Return the items that one use of an array flag adds; a JSON list is taken as it is."""
        if text.startswith("["):
            items = self._list(text)
            if items is not None:
                return items
        kind, pieces = self.param.items, self.split(text)
        return pieces if kind == "string" else [self._read_as(kind, piece) for piece in pieces]

    def _list(self, text: str) -> list[Any] | None:
        """Read a JSON list as the array; ``None`` where it is one item, or text with a bracket."""
        decoded = _decode(text)
        if decoded is _NOT_JSON:
            return None
        if self.param.items == "array" and not all(isinstance(x, list | None) for x in decoded):
            return None
        return list(decoded)

    def split(self, text: str) -> list[str]:
        """Split one typed value into the items that it holds.

        Enums and numbers part at every comma. Links and paths part where the next one starts,
        so a comma inside a link survives; ``data:`` is never parted and neither is free text.
        """
        param = self.param
        if param.items in {"object", "array"} or text in param.choices:
            return [text]
        if param.choices or param.items in {"integer", "number", "boolean"}:
            return text.split(",")
        links = self._starts_item(text) or self.exists(text.partition(",")[0])
        if not links:
            return text.split(",") if param.comma else [text]
        if self.exists(text):
            return [text]
        items: list[str] = []
        for piece in text.split(","):
            inside = bool(items) and items[-1].startswith("data:")
            if items and (inside or not self._starts_item(piece.strip())):
                items[-1] += "," + piece
            else:
                items.append(piece.strip())
        return items

    def _starts_item(self, text: str) -> bool:
        return bool(_SCHEME.match(text)) or text.startswith("data:") or self.exists(text)


def kind_of(value: Any) -> str:
    """Return the kind of a JSON value in the words of ``Param.reads``: any number is a number."""
    for kind, types in (("boolean", bool), ("number", (int, float)), ("string", str)):
        if isinstance(value, types):
            return kind
    return "object" if isinstance(value, dict) else "null" if value is None else "array"


def to_argv(action: Action, body: Mapping[str, Any]) -> list[str]:
    """Return the words after the command that make ``body``, each value as plain as possible.

    ``--input`` comes first, and holds the fields that no other flag can name.
    """
    forms = {param.path: (param, form) for param, form in options.flags_by_param(action)}
    used = {flag for _, form in forms.values() for flag, _ in form}
    argv: list[str] = []
    unnamed: dict[str, Any] = {}
    for name, field in body.items():
        words = _field_words((name,), field, forms)
        if words is None and options.is_nameable(name) and f"input.{name}" not in used:
            words = [f"--input.{name}={jsonio.encode(field)}"]
        if words is None:
            unnamed[name] = field
        argv += words or []
    return [*(["--input", jsonio.encode(unnamed)] if unnamed else []), *argv]


_Forms = dict[tuple[str, ...], tuple["Param", list[options.FlagRole]]]


def _field_words(path: tuple[str, ...], value: Any, forms: _Forms) -> list[str] | None:
    """Return the words of one field: by the flags of the fields inside it where each has one.

    Else by its own flag; ``None`` where no flag can express the value.
    """
    if path not in forms:
        return None
    if isinstance(value, dict) and value:
        words = [_field_words((*path, name), inner, forms) for name, inner in value.items()]
        if all(inner is not None for inner in words):
            return [word for inner in words for word in inner or ()]
    param, form = forms[path]
    flag, role = form[0]
    if role == "json":
        return [f"--{flag}={jsonio.encode(value)}"]
    if role == "yes" and isinstance(value, bool):
        return [f"--{_switch(form, on=value)}"]
    texts = flag_texts(param, value)
    return None if texts is None else [word for text in texts for word in _pair(flag, text)]


def _switch(form: list[options.FlagRole], *, on: bool) -> str:
    negative = next((flag for flag, role in form if role == "no"), f"{form[0][0]}=false")
    return form[0][0] if on else negative


def _pair(flag: str, text: str) -> list[str]:
    return [f"--{flag}={text}"] if text.startswith("-") or not text else [f"--{flag}", text]


def flag_texts(param: Param, value: Any) -> list[str] | None:
    """Return the text of each use of the flag; ``None`` where no text means the value."""
    if param.kind != "array":
        text = next(_spellings(param, value), None)
        return None if text is None else [text]
    as_json = [jsonio.encode(value)]
    if not isinstance(value, list) or not value:
        return as_json
    texts = [next(_spellings(param, item), None) for item in value]
    plain = [text for text in texts if text is not None]
    return plain if len(plain) == len(texts) and plain != ["null"] else as_json


def _spellings(param: Param, value: Any) -> Iterator[str]:
    """Yield the texts that the flag reads as ``value``, the plain one first."""
    plain = [value] if isinstance(value, str) and "\0" not in value else []
    if param.media and plain and not is_link(value):
        plain = []
    for text in [*plain, jsonio.encode(value)]:
        if _is_unicode(text) and _read_back(param, text) == jsonio.encode(value):
            yield text


def _read_back(param: Param, text: str) -> str | None:
    """Return what the flag reads, as JSON.

    ``None`` where it depends on the files that exist, is refused, or is several items.
    """
    reader = ValueReader(param, exists=lambda path: False)
    try:
        if param.kind != "array":
            items = [reader.read(text)]
            if param.media and isinstance(items[0], str) and (inner := unquote(text)) is not None:
                items = [inner]
        elif text.startswith(("@", "[")) or ("," in text and not is_link(text)) or param.media:
            items = [text] if is_link(text) and reader.read_items(text) == [text] else []
        else:
            items = reader.read_items(text)
    except UsageError:
        return None
    return jsonio.encode(items[0]) if len(items) == 1 else None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
