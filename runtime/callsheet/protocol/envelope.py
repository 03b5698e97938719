"""Open the envelopes that say whether a request succeeded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.overrides import NONE, Overrides, pick
from callsheet.protocol.values import held, unquoted, word

if TYPE_CHECKING:
    from callsheet.protocol.error_replies import Refusal


_LAYERS = 3
_SPEAKING = frozenset(
    {*vocab.SUCCESS_KEYS, *vocab.ERROR_KEYS, *vocab.CODE_KEYS, "status", "statusCode"}
)
"""Keys without any of which an object says neither yes nor no."""
_OWN_KEYS = vocab.BESIDE.union(vocab.CONTENT_KEYS)


class Envelope(NamedTuple):
    """``payload`` is what the envelope held; ``layers`` are all views of it, the reply first.

    ``is_ok`` is true where the envelope itself said that all went well; ``status`` is its word
    for it where that stood under a key that could as well tell a task's state.
    """

    payload: Any
    layers: tuple[Any, ...] = ()
    refusal: Refusal | None = None
    is_ok: bool = False
    status: str = ""


def open_envelope(data: Any, overrides: Overrides = NONE) -> Envelope:
    """Open up to three envelopes, one in the other. Never raises on any JSON value."""
    data, _ = unquoted(data)
    layers, is_ok, status = [data], False, ""
    for _ in range(_LAYERS):
        top = layers[-1]
        if not isinstance(top, dict):
            break
        verdict = _forced(top, overrides) if overrides.envelope_ok else _verdict(top)
        if verdict is False:
            from callsheet.protocol.error_replies import refusal_of

            refusal = refusal_of(top, 200, overrides)
            return Envelope(payload=data, layers=tuple(layers), refusal=refusal)
        is_ok = is_ok or verdict is True
        key = _content(top, is_ok=verdict is True)
        if key is None:
            break
        inner, _ = unquoted(top[key])
        layers.append(inner)
        status = status or (top["status"] if isinstance(top.get("status"), str) else "")
    return Envelope(payload=layers[-1], layers=tuple(layers), is_ok=is_ok, status=status)


def _forced(top: dict[str, Any], overrides: Overrides) -> bool | None:
    """Whether the forced words hold; ``None`` where the reply has none of their places."""
    verdict: bool | None = None
    for rule in overrides.envelope_ok:
        path, _, wanted = rule.partition("=")
        for value in pick(top, path.strip()):
            said = str(value).lower() if isinstance(value, bool) else word(value)
            if said == word(wanted):
                return True
            verdict = False
    return verdict


def _verdict(top: dict[str, Any]) -> bool | None:
    """True: an envelope that says yes. False: one that says no. None: it does not say."""
    if _SPEAKING.isdisjoint(top):
        return None
    success = next((said for said in held(top, vocab.SUCCESS_KEYS) if isinstance(said, bool)), None)
    bare = _bare(top)
    if success is False:
        return None if _is_task(top) else False
    if bare and any(_says_error(said) for said in held(top, vocab.ERROR_KEYS)):
        return False
    if success is True:
        return True
    return _by_code(top, bare=bare)


def _by_code(top: dict[str, Any], *, bare: bool) -> bool | None:
    code = next((said for said in held(top, vocab.CODE_KEYS) if word(said)), None)
    if code is None:
        return _by_status(top, bare=bare)
    if _is_ok(code) or (_is_ok(top.get("message", top.get("msg"))) and _has_content(top)):
        return True if bare else None
    if _is_task(top):
        return None
    is_status = type(code) is int and 400 <= code < 600 and _speaks(top)
    return False if is_status or (bare and (type(code) is int or _speaks(top))) else None


def _by_status(top: dict[str, Any], *, bare: bool) -> bool | None:
    """``{"status": "success", "data": …}``: the envelope's own word, no state of a task."""
    status = top.get("status", top.get("statusCode"))
    if type(status) is int and (status >= 400 or _has_content(top)) and bare:
        return status < 400
    if not isinstance(status, str) or not bare:
        return None
    if word(status) in vocab.REFUSED_WORDS and _speaks(top):
        return False
    return True if _is_ok(status) and _has_content(top) and _holds_table(top) else None


def _is_ok(value: Any) -> bool:
    if type(value) is int:
        return value == 0 or 200 <= value < 300
    return isinstance(value, str) and word(value) in vocab.OK_WORDS


def _says_error(value: Any) -> bool:
    return isinstance(value, str | dict | list) and bool(value)


def _speaks(top: dict[str, Any]) -> bool:
    return any(held(top, vocab.MESSAGE_KEYS)) or any(held(top, vocab.ERROR_KEYS))


def _bare(top: dict[str, Any]) -> bool:
    """Whether nothing stands in ``top`` but what belongs to an envelope."""
    empty: tuple[Any, ...] = (None, "", [], {})
    return all(key in _OWN_KEYS or value in empty for key, value in top.items())


def _has_content(top: dict[str, Any]) -> bool:
    return any(content is not None for content in held(top, vocab.CONTENT_KEYS))


def _holds_table(top: dict[str, Any]) -> bool:
    return any(isinstance(unquoted(one)[0], dict | list) for one in held(top, vocab.CONTENT_KEYS))


def _is_task(top: dict[str, Any]) -> bool:
    """Whether a no is about a job (it has an id and a state) and not about the request."""
    for table in (top, *(unquoted(content)[0] for content in held(top, vocab.CONTENT_KEYS))):
        if isinstance(table, dict):
            has_id = any(held(table, vocab.TASK_ID_KEYS[:4]))
            if has_id and any(word(said) in vocab.STATES for said in held(table, vocab.STATE_KEYS)):
                return True
    return False


def _content(top: dict[str, Any], *, is_ok: bool) -> str | None:
    """The key of what is inside; without a yes only ``data`` that stands quite alone is opened."""
    if is_ok and _bare(top):
        return next((key for key in vocab.CONTENT_KEYS if top.get(key) is not None), None)
    if "data" not in top:
        return None
    alone = all(key == "data" or key in vocab.TRACE_KEYS for key in top)
    return "data" if alone and isinstance(unquoted(top["data"])[0], dict | list) else None
