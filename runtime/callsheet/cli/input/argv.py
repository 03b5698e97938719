"""Turn a body into flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet import jsonio
from callsheet.cli.input import options
from callsheet.cli.input.values import ValueReader, is_link, unquote
from callsheet.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callsheet.spec import Action, Param


def to_argv(action: Action, body: Mapping[str, Any]) -> list[str]:
    """Return the words after the command that make ``body``, each value as plain as possible.

    ``--input`` holds what no other flag can name.
    """
    forms = {param.path: (param, form) for param, form in options.forms(action)}
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


_Forms = dict[tuple[str, ...], tuple["Param", list[tuple[str, str]]]]


def _field_words(path: tuple[str, ...], value: Any, forms: _Forms) -> list[str] | None:
    """Return one field by the flags of the fields inside it where each has one, else by its own."""
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


def _switch(form: list[tuple[str, str]], *, on: bool) -> str:
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
    """Return what the flag reads as JSON; ``None`` where that depends on what files exist."""
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
