"""Reads what a server says when it refuses, in whatever shape it says it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.text import clip, one_line, safe_text

from . import vocabulary as say
from .overrides import NONE, Overrides, pick
from .values import first_text, loads, unquoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .details import Detail

_TITLE = rb"(?is)<title[^>]{0,200}>(.{0,400}?)</title"
_CAMEL = r"(?<=[a-z])(?=[A-Z])"
_GAPS = r"[\s_\-]+"
_LARGEST = 8_000_000
_SHOWN = 1000  # bytes of the server's words; an error has to stay below 2 kB in all


class Refusal(NamedTuple):
    """A server's no: its own ``code`` and words, made safe, and the fields it names.

    ``front`` is true where not the API answered but something before it (an HTML page).
    """

    code: str = ""
    message: str = ""
    details: tuple[Detail, ...] = ()
    kind: say.Kind = ""
    front: bool = False

    @property
    def is_unsure(self) -> bool:
        """Whether the request may have been carried out: a fault of the server, not a no."""
        if self.kind:
            return False
        code = re.sub(_CAMEL, "_", self.code).lower()
        named = bool(re.search(say.UNSURE_CODES, code))
        return named or bool(re.search(say.UNSURE_PHRASES, self.message[:_SHOWN].lower()))


def read_refusal(
    status: int, headers: Mapping[str, str], body: bytes, overrides: Overrides = NONE
) -> Refusal:
    """The refusal in an answer; ``headers`` are lower-case. Never raises."""
    try:
        data = loads(body) if len(body) <= _LARGEST else None
    except ValueError:
        data = None
    if isinstance(data, dict | list | str) and data:
        return refusal_of(data, status, overrides)
    if is_page(headers.get("content-type", ""), body):
        return _page(status, body)
    text = clip(one_line(body[:4000]), _SHOWN)
    return Refusal(message=text, kind=kind_of(status, "", text))


def refusal_of(data: Any, status: int, overrides: Overrides = NONE) -> Refusal:
    """The refusal in a reply that is known to be one; ``status`` is that of HTTP."""
    from .details import pointed_at, read_details

    data, _ = unquoted(data)
    code = _code(data)
    message = _forced(data, overrides) or _message(data)
    details = read_details(data)
    if not message and details:
        message = "; ".join(detail.message for detail in details if detail.message)
    message = clip(one_line(message), _SHOWN)
    details = details or pointed_at(message)
    kind = kind_of(status, code, message, named=bool(details))
    return Refusal(code=code, message=message, details=details, kind=kind)


def is_page(content_type: str, body: bytes) -> bool:
    """Whether an answer is an HTML page, by its type or by how it begins."""
    start = body[:200].lstrip().lower()
    return "html" in content_type.lower() or start.startswith((b"<!doctype html", b"<html"))


def kind_of(status: int, code: str, message: str, *, named: bool = False) -> say.Kind:
    """The kind of a refusal: by phrases first, since a 403 may say that the credit is short."""
    text = re.sub(_GAPS, " ", re.sub(_CAMEL, " ", f"{code} . {message}"[:4000])).lower()
    by_status = say.STATUS_KINDS.get(status, "")
    if status == 401:
        return "auth"
    at_fault = status in {400, 409, 413, 422} or named
    phrases = say.PHRASES if at_fault or by_status else say.PHRASES + say.LOOSE_PHRASES
    found: say.Kind = next((kind for kind, phrase in phrases if re.search(phrase, text)), "")
    if by_status:
        is_limit = found in {"credit", "rate"} and by_status != "not_found"
        return found if is_limit else by_status
    if found:
        return found
    return say.STATUS_KINDS.get(int(code), "") if re.fullmatch("[0-9]{3}", code) else ""


def _page(status: int, body: bytes) -> Refusal:
    title = re.search(_TITLE, body[:65536])
    named = f', title "{one_line(title[1], 120)}"' if title else ""
    text = f"something in front of the API answered (HTTP {status}{named})"
    return Refusal(
        code="html_page", message=text, kind=say.STATUS_KINDS.get(status, ""), front=True
    )


def _forced(data: Any, overrides: Overrides) -> str:
    for path in overrides.error_message:
        for value in pick(data, path):
            if value not in (None, "", [], {}):
                return safe_text(value, 1000)
    return ""


def _code(data: Any) -> str:
    if not isinstance(data, dict):
        return ""
    tables = (data.get("error"), data)
    found = (
        _code_text(table.get(key))
        for table in tables
        if isinstance(table, dict)
        for key in (*say.CODE_KEYS, "type")
    )
    code = next((text for text in found if text not in {"", "about:blank"}), "")
    status = data.get("status", data.get("statusCode"))
    failed = type(status) is int and (status == 408 or status >= 500)
    return code or (str(status) if failed else "")


def _code_text(value: Any) -> str:
    if not isinstance(value, str) and (type(value) is not int or abs(value) >= 10**9):
        return ""
    text = one_line(value, 200)
    # A problem document's type is an address; its last part is the name.
    return (text.rstrip("/#").rpartition("/")[2] if "://" in text else text)[:100]


def _message(data: Any, depth: int = 0) -> str:
    """The server's words: the error's own before those of the envelope round it."""
    if isinstance(data, str):
        return safe_text(data, 4000)
    if isinstance(data, list):
        found = (_message(item, depth + 1) for item in data[:5]) if depth < 4 else ()
        return "; ".join(text for text in found if text)
    if not isinstance(data, dict) or depth > 4:
        return ""
    for key in say.ERROR_KEYS[:1] + say.ERROR_KEYS[2:]:
        text = _message(data.get(key), depth + 1)
        if text:
            return text
    own = first_text(data, say.MESSAGE_KEYS)
    return safe_text(own, 4000) if own else _nested(data, depth)


def _nested(data: dict[str, Any], depth: int) -> str:
    for key in (*say.MESSAGE_KEYS, "errors", "data"):
        value = data.get(key)
        if isinstance(value, list | dict):
            text = _message(value, depth + 1)
            if text:
                return text
    return ""
