"""Read a refusal as one typed error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.backoff import wait_hint
from callsheet.errors import AuthError, CallsheetError, Detail, LimitReached, Pointer, ServerError
from callsheet.jsonio import parse_pointer
from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.overrides import NONE, Overrides, pick
from callsheet.protocol.values import first_text, loads, unquoted
from callsheet.text import clip, one_line, safe_text

if TYPE_CHECKING:
    from collections.abc import Mapping


_MOST = 50
_SAID = r"\bat #?((?:/[\w~-]{1,80}){1,8})(?=[:,;.\s]|$)"
_PATH_STEP = r"[^.\[\]/]+"


def read_details(body: Any) -> tuple[Detail, ...]:
    """The faults that a refusal's JSON ``body`` names, at most 50, in its own order."""
    if not isinstance(body, dict):
        return ()
    error = body.get("error")
    found: list[Detail] = []
    for table in (body, error):
        if not isinstance(table, dict):
            continue
        for key in vocab.FIELD_HOLDERS:
            found += _from(table.get(key), depth=0)
        own = _named(table, {"param", "parameter", "field", "pointer", "property"})
        found += [own] if own else []
    return tuple(dict.fromkeys(found[:_MOST]))


def pointed_at(message: str) -> tuple[Detail, ...]:
    """The field that a plain sentence points at: ``Invalid input at /prompt: too long``."""
    found = re.search(_SAID, message)
    pointer = _pointer(found[1]) if found else ()
    return (Detail(pointer, one_line(message, 300)),) if pointer else ()


def _from(value: Any, depth: int) -> list[Detail]:
    if depth > 3:
        return []
    if isinstance(value, list):
        return [found for item in value[:_MOST] for found in _from(item, depth + 1)]
    if not isinstance(value, dict):
        return []
    named = _named(value, set(vocab.FIELD_KEYS))
    if named:
        return [named]
    return [
        found for key, item in list(value.items())[:_MOST] for found in _keyed(key, item, depth)
    ]


def _keyed(key: str, value: Any, depth: int) -> list[Detail]:
    """A table whose keys are the fields: ``{"prompt": ["is too long"]}``."""
    if key in vocab.FIELD_HOLDERS:
        return _from(value, depth + 1)
    texts = value if isinstance(value, list) else [value]
    text = next((item for item in texts if isinstance(item, str)), None)
    pointer = _pointer(key)
    return [Detail(pointer, one_line(text, 300))] if text is not None and pointer else []


def _named(table: dict[str, Any], keys: set[str]) -> Detail | None:
    for key in vocab.FIELD_KEYS:
        pointer = _pointer(table.get(key)) if key in keys else ()
        if pointer:
            text = first_text(table, ("msg", "message", "detail", "reason", "title", "description"))
            return Detail(pointer, one_line(text, 300))
    return None


def _pointer(value: Any) -> Pointer:
    steps: list[str | int]
    if isinstance(value, str):
        text = value.removeprefix("#").removeprefix("$.")
        if text.startswith("/"):
            steps = list(parse_pointer(text))
        else:
            steps = list(re.findall(_PATH_STEP, text[:500]))
    elif isinstance(value, list):
        steps = [item for item in value if isinstance(item, str | int)]
    else:
        return ()
    if len(steps) > 1 and steps[0] in vocab.PLACES:
        steps = steps[1:]
    return tuple(_index(step) for step in steps[:40])


def _index(step: str | int) -> str | int:
    if isinstance(step, str):
        return int(step) if step.isascii() and step.isdecimal() and len(step) < 7 else step
    return int(step)


_TITLE = rb"(?is)<title[^>]{0,200}>(.{0,400}?)</title"
_CAMEL = r"(?<=[a-z])(?=[A-Z])"
_GAPS = r"[\s_\-]+"
_LARGEST = 8_000_000
_TEXT_SHOWN = 1000  # bytes of the server's words; an error has to stay below 2 kB in all


class Refusal(NamedTuple):
    """A server's no: its own ``code`` and words, made safe, and the fields it names.

    ``from_proxy`` is true where not the API answered but something before it (an HTML page).
    """

    code: str = ""
    message: str = ""
    details: tuple[Detail, ...] = ()
    kind: vocab.Kind = ""
    from_proxy: bool = False

    @property
    def is_unsure(self) -> bool:
        """Whether the request may have been carried out: a fault of the server, not a no."""
        if self.kind:
            return False
        code = re.sub(_CAMEL, "_", self.code).lower()
        named = bool(re.search(vocab.UNSURE_CODES, code))
        return named or bool(re.search(vocab.UNSURE_PHRASES, self.message[:_TEXT_SHOWN].lower()))


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
    text = clip(one_line(body[:4000]), _TEXT_SHOWN)
    return Refusal(message=text, kind=kind_of(status, "", text))


def refusal_of(data: Any, status: int, overrides: Overrides = NONE) -> Refusal:
    """The refusal in a reply that is known to be one; ``status`` is that of HTTP."""
    data, _ = unquoted(data)
    code = _code(data)
    message = _forced(data, overrides) or _message(data)
    details = read_details(data)
    if not message and details:
        message = "; ".join(detail.message for detail in details if detail.message)
    message = clip(one_line(message), _TEXT_SHOWN)
    details = details or pointed_at(message)
    kind = kind_of(status, code, message, named=bool(details))
    return Refusal(code=code, message=message, details=details, kind=kind)


def is_page(content_type: str, body: bytes) -> bool:
    """Whether an answer is an HTML page, by its type or by how it begins."""
    start = body[:200].lstrip().lower()
    return "html" in content_type.lower() or start.startswith((b"<!doctype html", b"<html"))


def kind_of(status: int, code: str, message: str, *, named: bool = False) -> vocab.Kind:
    """The kind of a refusal: by phrases first, since a 403 may say that the credit is short."""
    text = re.sub(_GAPS, " ", re.sub(_CAMEL, " ", f"{code} . {message}"[:4000])).lower()
    by_status = vocab.STATUS_KINDS.get(status, "")
    if status == 401:
        return "auth"
    at_fault = status in {400, 409, 413, 422} or named
    phrases = vocab.PHRASES if at_fault or by_status else vocab.PHRASES + vocab.LOOSE_PHRASES
    found: vocab.Kind = next((kind for kind, phrase in phrases if re.search(phrase, text)), "")
    if by_status:
        is_limit = found in {"credit", "rate"} and by_status != "not_found"
        return found if is_limit else by_status
    if found:
        return found
    return vocab.STATUS_KINDS.get(int(code), "") if re.fullmatch("[0-9]{3}", code) else ""


def _page(status: int, body: bytes) -> Refusal:
    title = re.search(_TITLE, body[:65536])
    named = f', title "{one_line(title[1], 120)}"' if title else ""
    text = f"something in front of the API answered (HTTP {status}{named})"
    return Refusal(
        code="html_page", message=text, kind=vocab.STATUS_KINDS.get(status, ""), from_proxy=True
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
        for key in (*vocab.CODE_KEYS, "type")
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
    for key in vocab.ERROR_KEYS[:1] + vocab.ERROR_KEYS[2:]:
        text = _message(data.get(key), depth + 1)
        if text:
            return text
    own = first_text(data, vocab.MESSAGE_KEYS)
    return safe_text(own, 4000) if own else _nested(data, depth)


def _nested(data: dict[str, Any], depth: int) -> str:
    for key in (*vocab.MESSAGE_KEYS, "errors", "data"):
        value = data.get(key)
        if isinstance(value, list | dict):
            text = _message(value, depth + 1)
            if text:
                return text
    return ""


_RAW_SHOWN = 2048


class _Asked(NamedTuple):
    """What was asked of whom: for the words of an error. ``command`` is the program's name."""

    action: str
    host: str
    task_id: str | None = None
    command: str = "ads"


def error_for(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    action: str,
    host: str,
    task_id: str | None = None,
    command: str = "ads",
    overrides: Overrides = NONE,
    now: float | None = None,
) -> CallsheetError:
    """The error for an answer that refuses; ``headers`` are lower-case, ``now`` is seconds.

    At most 2 kB of the server's text go into it, made safe; ``raw`` keeps the body's beginning.
    """
    refusal = read_refusal(status, headers, body, overrides)
    asked = _Asked(action=action, host=host, task_id=task_id, command=command)
    error = _error(refusal, status, headers, asked, now)
    error.raw = clip(safe_text(body[: _RAW_SHOWN * 2], multiline=True), _RAW_SHOWN)
    return error


def error_from(
    refusal: Refusal,
    status: int,
    headers: Mapping[str, str],
    *,
    action: str,
    host: str,
    task_id: str | None = None,
    command: str = "ads",
    now: float | None = None,
) -> CallsheetError:
    """The error for a refusal that was read already, such as one that came with HTTP 200."""
    asked = _Asked(action=action, host=host, task_id=task_id, command=command)
    return _error(refusal, status, headers, asked, now)


def _error(
    refusal: Refusal, status: int, headers: Mapping[str, str], asked: _Asked, now: float | None
) -> CallsheetError:
    makers = {"auth": _no_access, "credit": _no_credit, "not_found": _not_found}
    if refusal.kind == "rate":
        error = _too_fast(refusal, status, asked, wait_hint(headers, now))
    else:
        error = makers.get(refusal.kind, _refused)(refusal, status, asked)
    error.http_status = status
    error.request_id = request_id(headers)
    error.action = asked.action
    error.task_id = asked.task_id
    return error


def request_id(headers: Mapping[str, str]) -> str | None:
    """The id by which the server's people find this request."""
    found = (one_line(headers[name], 200) for name in vocab.REQUEST_ID_HEADERS if name in headers)
    return next((text for text in found if text), None)


def _line(what: str, refusal: Refusal, status: int, asked: _Asked) -> str:
    """``HOST refused it (HTTP 422, code bad_prompt): the server's own words``."""
    if refusal.from_proxy:
        return f"{asked.host}: {refusal.message}"
    code = refusal.code if refusal.code not in {"", str(status)} else ""
    told = f" (HTTP {status}{', code ' + code if code else ''})"
    return f"{what}{told}: {refusal.message}" if refusal.message else f"{what}{told}"


def _no_access(refusal: Refusal, status: int, asked: _Asked) -> CallsheetError:
    what = f"the key for {asked.action}" if status == 403 else "the key"
    return AuthError(
        _line(f"{asked.host} refused {what}", refusal, status, asked),
        hint=f"make a key at Settings → API Keys of {asked.host}, then: "
        f"{asked.command} login --host {asked.host}",
    )


def _no_credit(refusal: Refusal, status: int, asked: _Asked) -> CallsheetError:
    what = f"the credits at {asked.host} do not suffice for {asked.action}"
    return LimitReached(
        _line(what, refusal, status, asked),
        code="credit",
        hint=f"add credits at {asked.host}, then run it again",
    )


def _too_fast(refusal: Refusal, status: int, asked: _Asked, wait: float | None) -> CallsheetError:
    what = f"{asked.host} limits how often {asked.action} may run"
    error = LimitReached(
        _line(what, refusal, status, asked),
        code="rate_limit",
        hint="try again later" if wait is None else f"try again in {_duration(wait)}",
        retryable=True,
    )
    error.retry_after = wait
    return error


def _not_found(refusal: Refusal, status: int, asked: _Asked) -> CallsheetError:
    sought = f"task {asked.task_id}" if asked.task_id else asked.action
    hint = f"`{asked.command} actions list` shows what the server offers"
    if not asked.task_id and "task" in f"{refusal.code} {refusal.message}".lower():
        sought = f"the task that {asked.action} asks for"
    if sought != asked.action:
        hint = "check the task id and the host: a task is known only where it was made"
    return ServerError(
        _line(f"{asked.host} does not know {sought}", refusal, status, asked),
        code="not_found",
        hint=hint,
    )


def _refused(refusal: Refusal, status: int, asked: _Asked) -> CallsheetError:
    failed = status >= 500
    hint = ""
    if refusal.from_proxy:
        hint = f"is {asked.host} the right host? see: {asked.command} probe"
    elif failed or status == 408:
        hint = "the fault is the server's; try again later"
    elif status in {400, 409, 422}:
        hint = f"see what it takes: {asked.command} actions schema {asked.action}"
    verb = "failed at" if failed else "refused"
    error = ServerError(
        _line(f"{asked.host} {verb} {asked.action}", refusal, status, asked),
        code=refusal.code if refusal.from_proxy else "",
        hint=hint,
        retryable=failed or status == 408,
    )
    error.details = refusal.details
    return error


def _duration(seconds: float) -> str:
    whole = int(seconds + 0.999)
    return f"{whole} s" if whole < 120 else f"{(whole + 59) // 60} min"
