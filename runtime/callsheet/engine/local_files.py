"""Refuse a body whose media fields name local files that cannot go out so."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

from callsheet.actions.naming import names_medium
from callsheet.errors import InvalidInput
from callsheet.jsonio import to_pointer
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callsheet.spec import Param


HINT = "give a link (https://…), a data URI or a pathlib.Path; check=False sends the text as it is"

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # two letters at least: C:\ is a path
_WINDOWS = re.compile(r"(?:[A-Za-z]:|\.{1,2}|~|\\)\\")  # elsewhere \ is a letter like others
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_SHORTEST_DATA = 64
_JPEG = "/9j/"
_LONGEST_SHOWN = 200
_EXTENSIONS = (
    *(".png", ".jpg", ".jpeg", ".jfif", ".gif", ".webp", ".avif", ".heic", ".heif", ".bmp"),
    *(".tif", ".tiff", ".svg", ".ico", ".psd", ".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi"),
    *(".mpg", ".mpeg", ".wmv", ".flv", ".3gp", ".mp3", ".m4a", ".wav", ".ogg", ".oga", ".opus"),
    *(".aac", ".flac", ".aif", ".aiff", ".wma"),
)


class Verbatim(str):
    """A text of ``extra_body``: it is sent as it is, whatever its field is for."""

    __slots__ = ()


def verbatim(value: Any) -> Any:
    """Return a JSON value whose texts are ``Verbatim``."""
    if isinstance(value, str):
        return Verbatim(value)
    if isinstance(value, list | tuple):
        return [verbatim(entry) for entry in value]
    return {k: verbatim(v) for k, v in value.items()} if isinstance(value, dict) else value


def require_files(params: Iterable[Param], body: Any) -> None:
    """Raise ``InvalidInput`` for a media field that names a local file which does not exist.

    Each item of an array and each part of a comma list is checked.
    """
    for steps, path in _paths(params, body):
        if not os.path.isfile(path):
            raise _refusal(steps, f"there is no file {one_line(path, _LONGEST_SHOWN)!r}", HINT)


def refuse_names(params: Iterable[Param], body: Any) -> None:
    """Raise ``InvalidInput`` for a media field whose text names a file of this machine.

    A text may come from a stranger: it is not read as a file, and to the server it says nothing.
    """
    for steps, path in _paths(params, body):
        if os.path.isfile(path):
            name = one_line(path, _LONGEST_SHOWN)
            hint = f"pathlib.Path({name!r}) uploads it; check=False sends the text as it is"
            raise _refusal(steps, f"{name!r} is a file, and a text is not read as one", hint)


def _paths(params: Iterable[Param], body: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each path in a text of a media field, with the steps to that text."""
    for param in params:
        if not param.media:
            continue
        # A comma list may hold plain texts: there only an extension makes a path.
        is_medium = not param.comma or names_medium(param.path)
        for steps, text in _texts(_value_at(body, param.path), param.path):
            parts = _parts(text) if param.comma and not os.path.isfile(text) else [text]
            yield from ((steps, part) for part in parts if is_path(part, is_medium=is_medium))


def is_path(text: str, *, is_medium: bool = True) -> bool:
    """Tell whether a text looks like the path of a local file: neither a link nor data.

    A separator or the extension of a medium makes a path. Without ``is_medium`` (the field may
    hold plain text) only an extension does.
    """
    text = text.strip()
    if "\n" in text or _SCHEME.match(text) or _is_data(text):
        return False
    has_separator = "/" in text or os.sep in text or _WINDOWS.match(text) is not None
    return text.lower().endswith(_EXTENSIONS) or (is_medium and has_separator)


def _is_data(text: str) -> bool:
    """Tell whether a text holds its data itself: base64, JSON or markup."""
    if text.startswith(("[", "{")):
        return _is_json(text)
    if text.startswith("<"):
        return True
    may_be_data = len(text) >= _SHORTEST_DATA or text.startswith(_JPEG)
    return may_be_data and _BASE64.fullmatch(text) is not None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _value_at(body: Any, path: Iterable[str]) -> Any:
    for name in path:
        body = body.get(name) if isinstance(body, dict) else None
    return body


def _texts(value: Any, steps: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each text of a value, with the path to it in the body."""
    if isinstance(value, str) and not isinstance(value, Verbatim):
        yield steps, value
    elif isinstance(value, list | tuple):
        for index, element in enumerate(value):
            yield from _texts(element, (*steps, str(index)))


def _parts(text: str) -> list[str]:
    """Split a comma list, but not at a comma inside a link or a data URI."""
    parts: list[str] = []
    for piece in text.split(","):
        if parts and _continues(parts[-1], piece):
            parts[-1] += "," + piece
        else:
            parts.append(piece.strip())
    return parts


def _continues(before: str, piece: str) -> bool:
    """Tell whether the comma after ``before`` is part of a link or a data URI."""
    if before.startswith("data:"):
        return not is_path(piece, is_medium=False)
    link = _SCHEME.match(before) and not _SCHEME.match(piece.strip())
    return bool(link) and not before.lower().endswith(_EXTENSIONS)


def _refusal(steps: tuple[str, ...], fault: str, hint: str) -> InvalidInput:
    pointer = to_pointer(steps)
    return InvalidInput(f"{pointer}: {fault}", pointer=pointer, hint=hint)
