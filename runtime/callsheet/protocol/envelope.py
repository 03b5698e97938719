"""Open the envelopes that say whether a request succeeded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.overrides import NONE, Overrides, pick
from callsheet.protocol.values import parse_nested, values_of, word

if TYPE_CHECKING:
    from callsheet.protocol.error_replies import Refusal


_LAYERS = 3
_VERDICT_KEYS = frozenset(
    {*vocab.SUCCESS_KEYS, *vocab.ERROR_KEYS, *vocab.CODE_KEYS, "status", "statusCode"}
)
"""An object without any of these keys reports neither success nor failure."""
_OWN_KEYS = vocab.ENVELOPE_KEYS.union(vocab.CONTENT_KEYS)


class Envelope(NamedTuple):
    """``payload`` is the content of the envelope; ``layers`` are all views of it, the reply first.

    ``is_ok`` is true where the envelope itself reports success; ``status`` is the word for it
    where its key could also hold the state of a task.
    """

    payload: Any
    layers: tuple[Any, ...] = ()
    refusal: Refusal | None = None
    is_ok: bool = False
    status: str = ""


def open_envelope(data: Any, overrides: Overrides = NONE) -> Envelope:
    """Open up to three nested envelopes. Never raises for any JSON value."""
    data = parse_nested(data)
    layers, is_ok, status = [data], False, ""
    for _ in range(_LAYERS):
        top = layers[-1]
        if not isinstance(top, dict):
            break
        verdict = _forced_verdict(top, overrides) if overrides.envelope_ok else _verdict(top)
        if verdict is False:
            from callsheet.protocol.error_replies import refusal_of

            refusal = refusal_of(top, 200, overrides)
            return Envelope(payload=data, layers=tuple(layers), refusal=refusal)
        is_ok = is_ok or verdict is True
        key = _content_key(top, is_ok=verdict is True)
        if key is None:
            break
        inner = parse_nested(top[key])
        layers.append(inner)
        status = status or (top["status"] if isinstance(top.get("status"), str) else "")
    return Envelope(payload=layers[-1], layers=tuple(layers), is_ok=is_ok, status=status)


def _forced_verdict(top: dict[str, Any], overrides: Overrides) -> bool | None:
    """Apply the ``envelope-ok`` rules; return ``None`` where the reply has none of their paths."""
    verdict: bool | None = None
    for rule in overrides.envelope_ok:
        path, _, expected = rule.partition("=")
        for value in pick(top, path.strip()):
            actual = str(value).lower() if isinstance(value, bool) else word(value)
            if actual == word(expected):
                return True
            verdict = False
    return verdict


def _verdict(top: dict[str, Any]) -> bool | None:
    """Return whether an envelope reports success, or ``None`` where it does not tell."""
    if _VERDICT_KEYS.isdisjoint(top):
        return None
    flags = values_of(top, vocab.SUCCESS_KEYS)
    success = next((flag for flag in flags if isinstance(flag, bool)), None)
    bare = _is_bare(top)
    if success is False:
        return None if _is_task(top) else False
    if bare and any(map(_is_error, values_of(top, vocab.ERROR_KEYS))):
        return False
    if success is True:
        return True
    return _by_code(top, bare=bare)


def _by_code(top: dict[str, Any], *, bare: bool) -> bool | None:
    code = next((code for code in values_of(top, vocab.CODE_KEYS) if word(code)), None)
    if code is None:
        return _by_status(top, bare=bare)
    if _is_ok(code) or (_is_ok(top.get("message", top.get("msg"))) and _has_content(top)):
        return True if bare else None
    if _is_task(top):
        return None
    is_status = type(code) is int and 400 <= code < 600 and _has_message(top)
    return False if is_status or (bare and (type(code) is int or _has_message(top))) else None


def _by_status(top: dict[str, Any], *, bare: bool) -> bool | None:
    """Read ``{"status": "success", "data": …}``: the status of the request, not of a task."""
    status = top.get("status", top.get("statusCode"))
    if type(status) is int and (status >= 400 or _has_content(top)) and bare:
        return status < 400
    if not isinstance(status, str) or not bare:
        return None
    if word(status) in vocab.REFUSED_WORDS and _has_message(top):
        return False
    return True if _is_ok(status) and _has_content(top) and _holds_table(top) else None


def _is_ok(value: Any) -> bool:
    if type(value) is int:
        return value == 0 or 200 <= value < 300
    return isinstance(value, str) and word(value) in vocab.OK_WORDS


def _is_error(value: Any) -> bool:
    return isinstance(value, str | dict | list) and bool(value)


def _has_message(top: dict[str, Any]) -> bool:
    return any(values_of(top, vocab.MESSAGE_KEYS)) or any(values_of(top, vocab.ERROR_KEYS))


def _is_bare(top: dict[str, Any]) -> bool:
    """Tell whether ``top`` holds nothing but the keys of an envelope."""
    empty: tuple[Any, ...] = (None, "", [], {})
    return all(key in _OWN_KEYS or value in empty for key, value in top.items())


def _has_content(top: dict[str, Any]) -> bool:
    return any(content is not None for content in values_of(top, vocab.CONTENT_KEYS))


def _holds_table(top: dict[str, Any]) -> bool:
    contents = map(parse_nested, values_of(top, vocab.CONTENT_KEYS))
    return any(isinstance(content, dict | list) for content in contents)


def _is_task(top: dict[str, Any]) -> bool:
    """Tell whether a failure is that of a job (it has an id and a state), not of the request."""
    for table in (top, *(parse_nested(content) for content in values_of(top, vocab.CONTENT_KEYS))):
        if isinstance(table, dict):
            has_id = any(values_of(table, vocab.TASK_ID_KEYS[:4]))
            states = map(word, values_of(table, vocab.STATE_KEYS))
            if has_id and any(state in vocab.STATES for state in states):
                return True
    return False


def _content_key(top: dict[str, Any], *, is_ok: bool) -> str | None:
    """Return the key of the content; without success only a ``data`` with no other keys counts."""
    if is_ok and _is_bare(top):
        return next((key for key in vocab.CONTENT_KEYS if top.get(key) is not None), None)
    if "data" not in top:
        return None
    is_alone = all(key == "data" or key in vocab.TRACE_KEYS for key in top)
    return "data" if is_alone and isinstance(parse_nested(top["data"]), dict | list) else None
