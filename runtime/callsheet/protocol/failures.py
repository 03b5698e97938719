"""Turns a refusal into the one typed error that the caller sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from callsheet.backoff import wait_hint
from callsheet.errors import AuthError, CallsheetError, LimitReached, ServerError
from callsheet.text import clip, one_line, safe_text

from . import vocabulary as say
from .overrides import NONE, Overrides
from .refusals import Refusal, read_refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN = 2048


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
    error.raw = clip(safe_text(body[: _SHOWN * 2], multiline=True), _SHOWN)
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
    found = (one_line(headers[name], 200) for name in say.REQUEST_ID_HEADERS if name in headers)
    return next((text for text in found if text), None)


def _line(what: str, refusal: Refusal, status: int, asked: _Asked) -> str:
    """``HOST refused it (HTTP 422, code bad_prompt): the server's own words``."""
    if refusal.front:
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
    if refusal.front:
        hint = f"is {asked.host} the right host? see: {asked.command} probe"
    elif failed or status == 408:
        hint = "the fault is the server's; try again later"
    elif status in {400, 409, 422}:
        hint = f"see what it takes: {asked.command} actions schema {asked.action}"
    verb = "failed at" if failed else "refused"
    error = ServerError(
        _line(f"{asked.host} {verb} {asked.action}", refusal, status, asked),
        code=refusal.code if refusal.front else "",
        hint=hint,
        retryable=failed or status == 408,
    )
    error.details = refusal.details
    return error


def _duration(seconds: float) -> str:
    whole = int(seconds + 0.999)
    return f"{whole} s" if whole < 120 else f"{(whole + 59) // 60} min"
