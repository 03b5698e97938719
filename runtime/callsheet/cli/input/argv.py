"""Turn a body into flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet import jsonio
from callsheet.cli.input import options
from callsheet.cli.input.values import ValueReader, is_link, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callsheet.spec import Action, Param


def words(action: Action, body: Mapping[str, Any]) -> list[str]:
    """The words after the command that make ``body``, each value as plain as it can be.

    ``--input`` holds what no other flag can name.
    """
    forms = {param.path: (param, form) for param, form in options.forms(action)}
    taken = {flag for _, form in forms.values() for flag, _ in form}
    said: list[str] = []
    rest: dict[str, Any] = {}
    for name, value in body.items():
        found = _field((name,), value, forms)
        if found is None and options.nameable(name) and f"input.{name}" not in taken:
            found = [f"--input.{name}={jsonio.encode(value)}"]
        if found is None:
            rest[name] = value
        said += found or []
    return [*(["--input", jsonio.encode(rest)] if rest else []), *said]


_Forms = dict[tuple[str, ...], tuple["Param", list[tuple[str, str]]]]


def _field(path: tuple[str, ...], value: Any, forms: _Forms) -> list[str] | None:
    """One field: by the flags of the fields inside it where each has one, else by its own."""
    if path not in forms:
        return None
    if isinstance(value, dict) and value:
        inner = [_field((*path, name), item, forms) for name, item in value.items()]
        if all(one is not None for one in inner):
            return [word for one in inner for word in one or ()]
    param, form = forms[path]
    flag, role = form[0]
    if role == "json":
        return [f"--{flag}={jsonio.encode(value)}"]
    if role == "yes" and isinstance(value, bool):
        return [f"--{_switch(form, on=value)}"]
    said = texts(param, value)
    return None if said is None else [word for text in said for word in _pair(flag, text)]


def _switch(form: list[tuple[str, str]], *, on: bool) -> str:
    negative = next((flag for flag, role in form if role == "no"), f"{form[0][0]}=false")
    return form[0][0] if on else negative


def _pair(flag: str, text: str) -> list[str]:
    return [f"--{flag}={text}"] if text.startswith("-") or not text else [f"--{flag}", text]


def texts(param: Param, value: Any) -> list[str] | None:
    """What stands after the flag, once for each use; ``None`` where no text means the value."""
    if param.kind != "array":
        one = next(_spellings(param, value), None)
        return None if one is None else [one]
    whole = [jsonio.encode(value)]
    if not isinstance(value, list) or not value:
        return whole
    pieces = [next(_spellings(param, item), None) for item in value]
    plain = [piece for piece in pieces if piece is not None]
    return plain if len(plain) == len(pieces) and plain != ["null"] else whole


def _spellings(param: Param, value: Any) -> Iterator[str]:
    """The texts that the flag reads as ``value``, the plain one first."""
    plain = [value] if isinstance(value, str) and "\0" not in value else []
    if param.media and plain and not is_link(value):
        plain = []
    for text in [*plain, jsonio.encode(value)]:
        if _is_unicode(text) and _read(param, text) == jsonio.encode(value):
            yield text


def _read(param: Param, text: str) -> str | None:
    """What the flag makes of a text, as JSON; ``None`` where that depends on what files exist."""
    reader = ValueReader(param, exists=lambda path: False)
    if param.kind != "array":
        found = [reader.one(text)]
        if param.media and isinstance(found[0], str) and (inner := quoted(text)) is not None:
            found = [inner]
    elif text.startswith(("@", "[")) or ("," in text and not is_link(text)) or param.media:
        found = [text] if is_link(text) and reader.several(text) == [text] else []
    else:
        found = reader.several(text)
    return jsonio.encode(found[0]) if len(found) == 1 and not reader.doubts else None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
