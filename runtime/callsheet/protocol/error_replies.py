"""Read a refusal as one typed error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.backoff import wait_hint
from callsheet.errors import AuthError, CallsheetError, Detail, LimitReached, Pointer, ServerError
from callsheet.jsonio import parse_pointer
from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.overrides import NONE, Overrides, pick
from callsheet.protocol.values import first_text, loads, parse_nested
from callsheet.text import clip, one_line, safe_text

if TYPE_CHECKING:
    from collections.abc import Mapping


_MOST = 50
_AT_POINTER = r"\bat #?((?:/[\w~-]{1,80}){1,8})(?=[:,;.\s]|$)"
_PATH_STEP = r"[^.\[\]/]+"


def read_details(body: Any) -> tuple[Detail, ...]:
    """Return the faults that a refusal's JSON ``body`` names: at most 50, in their order."""
    if not isinstance(body, dict):
        return ()
    error = body.get("error")
    details: list[Detail] = []
    for table in (body, error):
        if not isinstance(table, dict):
            continue
        for key in vocab.FIELD_HOLDERS:
            details += _details_in(table.get(key), depth=0)
        own = _detail(table, {"param", "parameter", "field", "pointer", "property"})
        details += [own] if own else []
    return tuple(dict.fromkeys(details[:_MOST]))


def detail_in_text(message: str) -> tuple[Detail, ...]:
    """Read the field that a sentence points at: ``Invalid input at /prompt: too long``."""
    match = re.search(_AT_POINTER, message)
    pointer = _pointer(match[1]) if match else ()
    return (Detail(pointer, one_line(message, 300)),) if pointer else ()


def _details_in(value: Any, depth: int) -> list[Detail]:
    if depth > 3:
        return []
    if isinstance(value, list):
        return [detail for entry in value[:_MOST] for detail in _details_in(entry, depth + 1)]
    if not isinstance(value, dict):
        return []
    detail = _detail(value, set(vocab.FIELD_KEYS))
    if detail:
        return [detail]
    fields = list(value.items())[:_MOST]
    return [detail for key, fault in fields for detail in _details_of_field(key, fault, depth)]


def _details_of_field(key: str, fault: Any, depth: int) -> list[Detail]:
    """Read one entry of a table whose keys are the fields: ``{"prompt": ["is too long"]}``."""
    if key in vocab.FIELD_HOLDERS:
        return _details_in(fault, depth + 1)
    texts = fault if isinstance(fault, list) else [fault]
    text = next((text for text in texts if isinstance(text, str)), None)
    pointer = _pointer(key)
    return [Detail(pointer, one_line(text, 300))] if text is not None and pointer else []


def _detail(table: dict[str, Any], keys: set[str]) -> Detail | None:
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
        steps = [step for step in value if isinstance(step, str | int)]
    else:
        return ()
    if len(steps) > 1 and steps[0] in vocab.FIELD_PREFIXES:
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
    """A refusal of the server: its ``code`` and message, made safe, and the fields that it names.

    ``from_proxy`` is true where something in front of the API answered (an HTML page).
    """

    code: str = ""
    message: str = ""
    details: tuple[Detail, ...] = ()
    kind: vocab.Kind = ""
    from_proxy: bool = False

    @property
    def is_unsure(self) -> bool:
        """Tell whether the request may have been carried out: the server failed over it."""
        if self.kind:
            return False
        code = re.sub(_CAMEL, "_", self.code).lower()
        has_code = bool(re.search(vocab.UNSURE_CODES, code))
        return has_code or bool(re.search(vocab.UNSURE_PHRASES, self.message[:_TEXT_SHOWN].lower()))


def read_refusal(
    status: int, headers: Mapping[str, str], body: bytes, overrides: Overrides = NONE
) -> Refusal:
    """Read the refusal in a reply; ``headers`` are lower-case. Never raises."""
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
    """Read the JSON of a reply that is a refusal; ``status`` is that of HTTP."""
    data = parse_nested(data)
    code = _code(data)
    message = _forced(data, overrides) or _message(data)
    details = read_details(data)
    if not message and details:
        message = "; ".join(detail.message for detail in details if detail.message)
    message = clip(one_line(message), _TEXT_SHOWN)
    details = details or detail_in_text(message)
    kind = kind_of(status, code, message, named=bool(details))
    return Refusal(code=code, message=message, details=details, kind=kind)


def is_page(content_type: str, body: bytes) -> bool:
    """Tell whether a reply is an HTML page, by its type or by its first bytes."""
    start = body[:200].lstrip().lower()
    return "html" in content_type.lower() or start.startswith((b"<!doctype html", b"<html"))


def kind_of(status: int, code: str, message: str, *, named: bool = False) -> vocab.Kind:
    """Return the kind of a refusal: by phrases first, since a 403 may mean too little credit."""
    text = re.sub(_GAPS, " ", re.sub(_CAMEL, " ", f"{code} . {message}"[:4000])).lower()
    by_status = vocab.STATUS_KINDS.get(status, "")
    if status == 401:
        return "auth"
    is_body_fault = status in {400, 409, 413, 422} or named
    is_strict = is_body_fault or by_status
    phrases = vocab.PHRASES if is_strict else vocab.PHRASES + vocab.LOOSE_PHRASES
    kind: vocab.Kind = next((kind for kind, phrase in phrases if re.search(phrase, text)), "")
    if by_status:
        is_limit = kind in {"credit", "rate"} and by_status != "not_found"
        return kind if is_limit else by_status
    if kind:
        return kind
    return vocab.STATUS_KINDS.get(int(code), "") if re.fullmatch("[0-9]{3}", code) else ""


def _page(status: int, body: bytes) -> Refusal:
    title = re.search(_TITLE, body[:65536])
    suffix = f', title "{one_line(title[1], 120)}"' if title else ""
    text = f"something in front of the API answered (HTTP {status}{suffix})"
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
    codes = (
        _code_text(table.get(key))
        for table in tables
        if isinstance(table, dict)
        for key in (*vocab.CODE_KEYS, "type")
    )
    code = next((text for text in codes if text not in {"", "about:blank"}), "")
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
    """Find the server's message: that of the error before that of the envelope."""
    if isinstance(data, str):
        return safe_text(data, 4000)
    if isinstance(data, list):
        messages = (_message(entry, depth + 1) for entry in data[:5]) if depth < 4 else ()
        return "; ".join(text for text in messages if text)
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


class _Target(NamedTuple):
    """The action and host that an error message names; ``command`` is the program's name."""

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
    """Build the error for a reply that refuses; ``headers`` are lower-case, ``now`` is seconds.

    It holds at most 2 kB of the server's text, made safe; ``raw`` is the beginning of the body.
    """
    refusal = read_refusal(status, headers, body, overrides)
    target = _Target(action=action, host=host, task_id=task_id, command=command)
    error = _error(refusal, status, headers, target, now)
    error.raw = clip(safe_text(body[: _RAW_SHOWN * 2], multiline=True), _RAW_SHOWN)
    return error


def _error(
    refusal: Refusal, status: int, headers: Mapping[str, str], target: _Target, now: float | None
) -> CallsheetError:
    builders = {"auth": _no_access, "credit": _no_credit, "not_found": _not_found}
    delay = wait_hint(headers, now)
    if refusal.kind == "rate":
        error = _too_fast(refusal, status, target, delay)
    else:
        error = builders.get(refusal.kind, _refused)(refusal, status, target)
    error.retry_after = delay
    error.http_status = status
    error.request_id = request_id(headers)
    error.action = target.action
    error.task_id = target.task_id
    return error


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the id by which the operators of the server find this request."""
    ids = (one_line(headers[name], 200) for name in vocab.REQUEST_ID_HEADERS if name in headers)
    return next((text for text in ids if text), None)


def _line(summary: str, refusal: Refusal, status: int, target: _Target) -> str:
    """Build ``HOST refused it (HTTP 422, code bad_prompt): the server's message``."""
    if refusal.from_proxy:
        return f"{target.host}: {refusal.message}"
    code = refusal.code if refusal.code not in {"", str(status)} else ""
    line = f"{summary} (HTTP {status}{', code ' + code if code else ''})"
    return f"{line}: {refusal.message}" if refusal.message else line


def _no_access(refusal: Refusal, status: int, target: _Target) -> CallsheetError:
    key = f"the key for {target.action}" if status == 403 else "the key"
    return AuthError(
        _line(f"{target.host} refused {key}", refusal, status, target),
        hint=f"make a key at Settings → API Keys of {target.host}, then: "
        f"{target.command} login --host {target.host}",
    )


def _no_credit(refusal: Refusal, status: int, target: _Target) -> CallsheetError:
    summary = f"the credits at {target.host} do not suffice for {target.action}"
    return LimitReached(
        _line(summary, refusal, status, target),
        code="credit",
        hint=f"add credits at {target.host}, then run it again",
    )


def _too_fast(
    refusal: Refusal, status: int, target: _Target, delay: float | None
) -> CallsheetError:
    summary = f"{target.host} limits how often {target.action} may run"
    return LimitReached(
        _line(summary, refusal, status, target),
        code="rate_limit",
        hint="try again later" if delay is None else f"try again in {_duration(delay)}",
        retryable=True,
    )


def _not_found(refusal: Refusal, status: int, target: _Target) -> CallsheetError:
    sought = f"task {target.task_id}" if target.task_id else target.action
    hint = f"`{target.command} actions list` shows what the server offers"
    if not target.task_id and "task" in f"{refusal.code} {refusal.message}".lower():
        sought = f"the task that {target.action} asks for"
    if sought != target.action:
        hint = "check the task id and the host: a task is known only where it was made"
    return ServerError(
        _line(f"{target.host} does not know {sought}", refusal, status, target),
        code="not_found",
        hint=hint,
    )


def _refused(refusal: Refusal, status: int, target: _Target) -> CallsheetError:
    failed = status >= 500
    hint = ""
    if refusal.from_proxy:
        hint = f"is {target.host} the right host? see: {target.command} probe"
    elif failed or status == 408:
        hint = "the fault is the server's; try again later"
    elif status in {400, 409, 422}:
        hint = f"see what it takes: {target.command} actions schema {target.action}"
    verb = "failed at" if failed else "refused"
    error = ServerError(
        _line(f"{target.host} {verb} {target.action}", refusal, status, target),
        code=refusal.code if refusal.from_proxy else "",
        hint=hint,
        retryable=failed or status == 408,
    )
    error.details = refusal.details
    return error


def _duration(seconds: float) -> str:
    rounded = int(seconds + 0.999)
    return f"{rounded} s" if rounded < 120 else f"{(rounded + 59) // 60} min"
