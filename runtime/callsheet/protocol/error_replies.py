"""Read a refusal as one typed error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.backoff import wait_hint
from callsheet.errors import AuthError, CallsheetError, Detail, LimitReached, ServerError
from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.error_details import Fields, details_in_text, read_details
from callsheet.protocol.values import (
    NONE,
    Overrides,
    by_word,
    camel_split,
    loads,
    named_values,
    parse_nested,
    pick,
    word,
)
from callsheet.text import clip, one_line, safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_TITLE = rb"(?is)<title[^>]{0,200}>(.{0,400}?)</title"
_CAMEL = r"(?<=[a-z])(?=[A-Z])"
_GAPS = r"[\s_\-]+"
_LARGEST = 8_000_000
_DEEPEST = 4
_LONGEST_TEXT, _LONGEST_FAILURE = 300, 60
_DATA = r"<|\{|\[[\[{\"]"
_TEXT_SHOWN = 1000  # bytes of the server's words; an error has to stay below 2 kB in all


class Refusal(NamedTuple):
    """A refusal of the server: its ``code`` and message, made safe, and the fields that it names.

    ``from_proxy`` is true where something in front of the API answered (an HTML page),
    ``names_field`` where the refusal itself, not only its message, names a field.
    """

    code: str = ""
    message: str = ""
    details: tuple[Detail, ...] = ()
    kind: vocab.Kind = ""
    from_proxy: bool = False
    names_field: bool = False

    @property
    def is_sure(self) -> bool:
        """Tell whether the request did not run: the refusal names a limit, the key or a field."""
        return bool(self.kind or self.names_field)

    @property
    def may_have_run(self) -> bool:
        """Tell whether the request may have run all the same: the server failed over it.

        A code of 408, 499 or 5xx says so. Without one, and unless the refusal is of a known kind
        (key, limit, credit), the message says it; a code such as -1 counts without a message.
        """
        code = camel_split(self.code)
        if re.search(vocab.FAILED_CODES, code):
            return True
        if self.kind:
            return False
        phrase = re.search(vocab.MAY_HAVE_RUN_PHRASES, self.message[:_TEXT_SHOWN].lower())
        if phrase or re.search(vocab.MAY_HAVE_RUN_CODES, code):
            return True
        is_blank = word(self.message) in {"", *vocab.STATUS_PHRASES} and not self.names_field
        return is_blank and bool(re.search(vocab.BLANK_CODES, code))


def read_refusal(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    overrides: Overrides = NONE,
    fields: Fields = (),
) -> Refusal:
    """Read the refusal in a reply; ``headers`` are lower-case. Never raises.

    ``fields`` are the paths of the fields that the request may have.
    """
    try:
        data = loads(body) if len(body) <= _LARGEST else None
    except ValueError:
        data = None
    if isinstance(data, dict | list | str) and data:
        return refusal_of(data, status, overrides, fields)
    is_text = 200 <= status < 300 and is_refusal_text(body[:_TEXT_SHOWN].decode("utf-8", "replace"))
    if not is_text and is_page(headers.get("content-type", ""), body):
        return _page(status, body)
    text = clip(one_line(body[:4000]), _TEXT_SHOWN)
    return Refusal(message=text, kind=kind_of(status, "", text))


def may_have_run_despite(status: int, headers: Mapping[str, str], body: bytes, sent: Any) -> bool:
    """Tell whether a request may have run on the server despite this HTTP reply.

    True for 408, 499 and every status but 2xx and 4xx; also for a 4xx whose body reports such a
    code, or names a task that the request (``sent``) does not. A 2xx is judged by its body alone.
    """
    if 200 <= status < 300:
        return False
    if not 400 <= status < 500 or status in {408, 499}:
        return True
    refusal = read_refusal(status, headers, body)
    if refusal.is_sure or re.search(vocab.FAILED_CODES, refusal.code):
        return not refusal.is_sure
    from callsheet.protocol.media import holds_text

    try:
        return any(
            task_id and not holds_text(sent, task_id) for task_id in named_tasks(loads(body))
        )
    except ValueError:
        return False


def named_tasks(value: Any, depth: int = 6) -> Iterator[str]:
    """Yield the ids under keys that name a task; ``""`` for a value that cannot be an id."""
    from callsheet.protocol.job_fields import id_text, names_task

    value = parse_nested(value)
    if depth and isinstance(value, list):
        for entry in value[:20]:
            yield from named_tasks(entry, depth - 1)
    elif depth and isinstance(value, dict):
        for key, child in value.items():
            if names_task(key):
                yield id_text(child)
            if isinstance(child, dict | list | str):
                yield from named_tasks(child, depth - 1)


def refusal_of(data: Any, status: int, overrides: Overrides = NONE, fields: Fields = ()) -> Refusal:
    """Read the JSON of a reply that is a refusal; ``status`` is that of HTTP."""
    data = parse_nested(data)
    details = read_details(data, fields)
    message = _forced(data, overrides) or _message(data)
    if not message and details:
        message = "; ".join(detail.message for detail in details if detail.message)
    message = clip(one_line(message), _TEXT_SHOWN)
    code = _code(data)
    names_field = bool(details)
    kind = kind_of(status, code, message, named=names_field)
    if not (details or kind):
        details = details_in_text(message, fields)
    return Refusal(code, message, details, kind, names_field=names_field)


def lasting_sign(refusal: Refusal, status: int) -> str:
    """Return a text to compare lasting refusals by; ``""`` where a later try may succeed.

    It is the code and the lower-case words, without those that hold digits.

    ``status`` is that of HTTP; with a 2xx the code of the envelope decides. A key that is refused
    ends every question at once and gives ``""``.
    """
    text = f"{refusal.code} {refusal.message[:_TEXT_SHOWN]}".lower()
    is_envelope = 200 <= status < 300
    code = int(refusal.code) if is_envelope and re.fullmatch("[0-9]{3}", refusal.code) else status
    passes = re.search(vocab.UNFINISHED_PHRASES, text) or (
        refusal.kind == "auth" and (code != 403 or re.search(vocab.KEY_PHRASES, text))
    )
    if is_envelope and code not in vocab.LASTING:
        is_known = refusal.kind in {"rate", "not_found"} or code in vocab.PASSING
        passes = passes or is_known or refusal.may_have_run or re.search(vocab.BUSY_PHRASES, text)
    elif code not in vocab.LASTING:
        return ""
    return "" if passes or refusal.from_proxy else f"{code} " + re.sub(r"\S*[0-9]\S*", "", text)


def is_page(content_type: str, body: bytes) -> bool:
    """Tell whether a reply is an HTML page, by its type or by its first bytes."""
    start = body[:200].lstrip().lower()
    return "html" in content_type.lower() or start.startswith((b"<!doctype html", b"<html"))


def is_refusal_text(text: str, *, by_kind: bool = True) -> bool:
    """Tell whether a short text is a refusal: by its start, or by phrases with ``by_kind``."""
    text = text.strip()
    if len(text) > _LONGEST_TEXT or re.match(_DATA, text):
        return False
    starts = re.search(vocab.REFUSAL_TEXT, text.lower()) is not None
    is_named = by_kind and (bool(kind_of(400, "", text)) or is_failure_text(text))
    return starts or is_named


def is_failure_text(text: str) -> bool:
    """Tell whether a text is hardly more than a phrase by which a server says that it failed."""
    return len(text) <= _LONGEST_FAILURE and bool(
        re.search(vocab.MAY_HAVE_RUN_PHRASES, text.lower())
    )


def kind_of(status: int, code: str, message: str, *, named: bool = False) -> vocab.Kind:
    """Return the kind of a refusal: by phrases first, since a 403 may mean too little credit."""
    text = re.sub(_GAPS, " ", re.sub(_CAMEL, " ", f"{code} . {message}"[:4000])).lower()
    by_status = vocab.STATUS_KINDS.get(status, "")
    if status in {401, 403} and re.search(vocab.SPENT_PHRASES, text):
        return "credit"
    if status == 401:
        return "auth"
    is_body_fault = status in {400, 409, 413, 422} or named
    is_strict = is_body_fault or by_status
    phrases = vocab.PHRASES if is_strict else vocab.PHRASES + vocab.LOOSE_PHRASES
    label = text.partition(" . ")[0]
    kind: vocab.Kind = next((kind for kind, phrase in phrases if re.search(phrase, text)), "")
    kind = kind or next((k for k, phrase in vocab.CODE_PHRASES if re.search(phrase, label)), "")
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
    """Return the code of a refusal: that of the error first, else a name in place of its words."""
    tables = list(_tables(data))
    codes = (_code_text(v) for table in tables for v in named_values(table, vocab.CODE_KEYS))
    types = (_code_text(table.get("type")) for table in tables)
    labels = (_label(table) for table in tables)
    texts = (text for group in (codes, types, labels) for text in group)
    code = next((text for text in texts if text not in {"", "about:blank", "0"}), "")
    status = tables[-1].get("status") if tables else None
    failed = type(status) is int and (status == 408 or 500 <= status < 600)
    return str(status) if failed else code


def _tables(data: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the objects that describe a refusal, the innermost first."""
    if isinstance(data, list):
        data = data[0] if data else None
    if not isinstance(data, dict) or depth > _DEEPEST:
        return
    table = by_word(data)
    for key in (*vocab.ERROR_KEYS, "extensions", *vocab.HEAD_KEYS):
        yield from _tables(parse_nested(table.get(key)), depth + 1)
    yield table


def _code_text(value: Any) -> str:
    if not isinstance(value, str) and (type(value) is not int or abs(value) >= 10**9):
        return ""
    text = one_line(value, 200)
    # A problem document's type is an address; its last part is the name.
    return (text.rstrip("/#").rpartition("/")[2] if "://" in text else text)[:100]


def _label(table: Mapping[str, Any]) -> str:
    """Return the text of an error that only names it: ``bad_request``, ``Payment Required``."""
    texts = (text for text in named_values(table, vocab.ERROR_KEYS) if isinstance(text, str))
    has_words = any(isinstance(text, str) for text in named_values(table, vocab.MESSAGE_KEYS))
    return next((t for t in texts if _is_label(t) and (has_words or not t.isalpha())), "")


def _is_label(text: str) -> bool:
    return bool(re.fullmatch(r"[\w.:-]{1,80}", text)) or word(text) in vocab.STATUS_PHRASES


def _message(data: Any, depth: int = 0) -> str:
    """Find the server's message: that of the error before that of the envelope."""
    if isinstance(data, str):
        parsed = parse_nested(data)
        inner = _message(parsed, depth + 1) if parsed is not data and depth <= _DEEPEST else ""
        return inner or safe_text(data, 4000)
    if isinstance(data, list):
        messages = (_message(entry, depth + 1) for entry in data[:5]) if depth <= _DEEPEST else ()
        return "; ".join(text for text in messages if text)
    if not isinstance(data, dict) or depth > _DEEPEST:
        return ""
    table = by_word(data)
    errors = (_message(table.get(key), depth + 1) for key in vocab.ERROR_KEYS if key != "errors")
    error = next(filter(None, errors), "")
    texts = (text for text in named_values(table, vocab.MESSAGE_KEYS) if isinstance(text, str))
    own = next((_message(text, depth + 1) for text in texts if text.strip()), "")
    if error and not (_is_label(error) and own):
        return error
    return own or _nested(table, depth) or error


def _nested(table: Mapping[str, Any], depth: int) -> str:
    """Return the message of what lies inside: of messages, of errors, of an object above them."""
    for key in (*vocab.MESSAGE_KEYS, "errors", *vocab.HEAD_KEYS, "content", "issues"):
        value = parse_nested(table.get(key))
        is_words = isinstance(value, list | dict) or key == "errors"
        text = _message(value, depth + 1) if is_words else ""
        if text:
            return text
    own = table.get("text", table.get("value"))  # OData: {"lang": …, "value": …}
    return safe_text(own, 4000) if isinstance(own, str) and depth else ""


_RAW_SHOWN = 2048


class _Target(NamedTuple):
    """The action and host that an error message names, and where keys are made there."""

    action: str
    host: str
    task_id: str | None = None
    key_page: str = ""


def error_for(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    action: str,
    host: str,
    task_id: str | None = None,
    overrides: Overrides = NONE,
    fields: Fields = (),
    now: float | None = None,
) -> CallsheetError:
    """Build the error for a reply that refuses; ``headers`` are lower-case, ``now`` is seconds.

    It holds at most 2 kB of the server's text, made safe; ``raw`` is the beginning of the body.
    """
    refusal = read_refusal(status, headers, body, overrides, fields)
    page = overrides.under_key_page
    target = _Target(action=action, host=host, task_id=task_id, key_page=page)
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
    error.lasting = lasting_sign(refusal, status)
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
    access = f"access to {target.action}" if status == 403 else "access"
    return AuthError(
        _line(f"{target.host} refused {access}", refusal, status, target),
        hint=f"make a key at {target.host}{target.key_page}, then: login --host {target.host}",
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
    hint = "`actions list` shows what the server offers"
    named = f"{refusal.code} {refusal.message}".lower()
    if not target.task_id and "task" in named:
        sought = f"the task that {target.action} asks for"
    elif not target.task_id and re.search(vocab.NAMED_THING, refusal.message.lower()):
        sought = f"what {target.action} asks for"
        hint = "check the ids and the host: an id is known only where it was made"
    if "task" in sought:
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
        hint = f"is {target.host} the right host? see: probe"
    elif failed or status == 408:
        hint = "the fault is the server's; try again later"
    elif status in {400, 409, 422}:
        hint = f"see what it takes: actions schema {target.action}"
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
