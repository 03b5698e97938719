"""Open the envelopes that say whether a request succeeded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.job_fields import key_parts, names_task, only_tells_of_job, tells_job
from callsheet.protocol.job_words import ID_ENDS
from callsheet.protocol.media import is_link
from callsheet.protocol.values import (
    NONE,
    Overrides,
    by_word,
    camel_split,
    named_values,
    parse_nested,
    pick,
    word,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from callsheet.protocol.error_replies import Refusal


_LAYERS = 3
_EMPTY: tuple[Any, ...] = (None, "", [], {})
_LONGEST_PHRASE = 200
_CONSTANT = "[A-Z][A-Z0-9]*(?:[_.-][A-Z0-9]+)+|[a-z]+(?:_[a-z]+)+"
_TRUE, _FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})

Says = Literal["yes", "no", "status", "error", "code", "word"]
"""What a key reports: success, a refusal, an HTTP status that refuses, or something that
refuses only in an envelope: an error, a code, or a word that needs a message beside it."""


class Sign(NamedTuple):
    """A place of a reply that reports success or failure; ``steps`` lead to it."""

    steps: tuple[str, ...]
    value: Any
    says: Says


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
    if isinstance(data, str) and " " in data:
        from callsheet.protocol.error_replies import is_refusal_text, refusal_of

        if is_refusal_text(data):
            return Envelope(data, (data,), refusal_of(data, 200, overrides))
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


def read_signs(top: Mapping[str, Any]) -> list[Sign]:
    """Return every place of an object that reports success or failure, in its order."""
    return list(_signs(top, ()))


def _signs(top: Mapping[str, Any], steps: tuple[str, ...]) -> Iterator[Sign]:
    for key, value in top.items():
        plain = word(key)
        kind = vocab.VERDICTS.get(plain)
        if kind is None or value in _EMPTY:
            continue
        here = (*steps, key)
        is_json = isinstance(value, dict) or (isinstance(value, str) and value[:1] == "{")
        head = parse_nested(value) if is_json and plain in vocab.HEAD_KEYS else None
        if isinstance(head, dict):
            yield from _signs_of_head(head, here)
        elif kind in _READERS and (says := _READERS[kind](value)):
            yield Sign(here, value, says)


def _signs_of_head(head: Mapping[str, Any], steps: tuple[str, ...]) -> Iterator[Sign]:
    """Yield the verdict of an object within an envelope: one sign, of its first sign's place.

    An object that may be content refuses only where it is an envelope itself.
    """
    if len(steps) > _LAYERS:
        return
    signs = list(_signs(head, steps))
    refusals = [sign for sign in signs if sign.says != "yes"]
    if word(steps[-1]) in vocab.CONTENT_HEADS:
        if refusals and _decide(head, refusals) is False:
            yield refusals[0]._replace(says="error")
        return
    message = _message(by_word(head))
    if refusals and _is_success(message):
        yield refusals[0]._replace(says="yes")
        return
    own = {"error", "no"} if not message else {"error", "no", "status", "code"}
    firm = [sign for sign in refusals if sign.says in own]
    weak = [sign for sign in refusals if sign.says == ("word" if message else "code")]
    if firm:
        yield firm[0]._replace(says="no")
    elif weak:
        yield weak[0]
    elif signs and not refusals:
        yield signs[0]


def _read_success(value: Any) -> Says | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    plain = word(value)
    return "word" if plain in _FALSE else "yes" if plain == "true" else None


def _read_failure(value: Any) -> Says | None:
    if isinstance(value, bool):
        return "no" if value else None
    return "word" if word(value) in _TRUE else None


def _read_code(value: Any) -> Says | None:
    if _is_ok(value):
        return "yes"
    number = int(value) if isinstance(value, str) and value.isdecimal() else value
    if type(number) is int:
        return "status" if 400 <= number < 600 else "code"
    if not isinstance(value, str) or not word(value):
        return None
    return "code" if re.search(vocab.MAY_HAVE_RUN_CODES, camel_split(value)) else "word"


def _read_error(value: Any) -> Says | None:
    if value is True or word(value) == "true" or (type(value) is int and value != 0):
        return "word"
    if isinstance(value, dict):
        codes = named_values(by_word(value), vocab.CODE_KEYS)
        if codes and all(code in _EMPTY or _is_ok(code) for code in codes):
            return "yes" if any(map(word, codes)) else None
        return None if all(part in _EMPTY for part in value.values()) else "error"
    is_text = isinstance(value, str) and word(value) not in {*vocab.OK_WORDS, "false"}
    return "error" if is_text or isinstance(value, list) else None


def _read_status(value: Any) -> Says | None:
    """Read the word or the number of a key that may also hold the state of a job."""
    if type(value) is int:
        return ("status" if value < 600 else None) if value >= 400 else "yes"
    if not isinstance(value, str):
        return None
    plain = word(value)
    return "word" if plain in vocab.REFUSED_WORDS else "yes" if plain in vocab.OK_WORDS else None


_READERS: dict[str, Callable[[Any], Says | None]] = {
    "success": _read_success,
    "failure": _read_failure,
    "code": _read_code,
    "error": _read_error,
    "status": _read_status,
}


def _verdict(top: dict[str, Any]) -> bool | None:
    """Return whether an envelope reports success, or ``None`` where it does not tell."""
    table = by_word(top)
    signs = [] if vocab.VERDICTS.keys().isdisjoint(table) else read_signs(top)
    verdict = _decide(top, signs) if signs else None
    return False if verdict is None and _is_complaint(table) else verdict


def _decide(top: Mapping[str, Any], signs: list[Sign]) -> bool | None:
    """Decide between the signs of an object: refused, succeeded, or neither."""
    table = by_word(top)
    says = {sign.says for sign in signs if not _is_of_content(sign)}
    if "yes" not in says:  # what an envelope that succeeded holds is judged once it is opened
        says = {sign.says for sign in signs}
    bare, message = _is_bare(table), _message(table)
    bare = bare or ("error" in says and _tells_only_fault(top))
    if says & {"status", "code", "word"} and "error" not in says and _is_success(message):
        says -= {"status", "code", "word"}
        says |= {"yes"} if _has_content(table) else set()
    if _refuses(says, table, bare=bare, has_message=bool(message)) and not _is_task(table):
        return False
    if "no" in says or "yes" not in says:
        return None
    if any(sign.value is True for sign in signs):
        return True
    is_state = all(word(sign.steps[0]) in {"status", "state", "result"} for sign in signs)
    return True if bare and (not is_state or _holds_table(table, signs)) else None


def _is_of_content(sign: Sign) -> bool:
    return len(sign.steps) > 1 and word(sign.steps[0]) in vocab.CONTENT_HEADS


def _refuses(says: set[Says], table: Mapping[str, Any], *, bare: bool, has_message: bool) -> bool:
    """Tell whether signs refuse: outright, by a status with a message, or in a bare envelope."""
    if "no" in says:
        return True
    has_error = "error" in says
    if "status" in says and (has_message or has_error):
        return bare or not any(names_task(key) and table[key] for key in table)
    if not bare:
        return False
    if has_error or ("word" in says and has_message):
        return True
    return bool(says & {"code", "status"}) and (has_message or not _has_content(table))


def _tells_only_fault(top: Mapping[str, Any]) -> bool:
    """Tell whether what stands beside an error is neither a result nor of a job.

    Beside an error that is only named by a constant, and explained in a message, this is anything
    but ids, states and links; else only numbers, such as the seconds to wait.
    """
    own = vocab.ENVELOPE_KEYS | vocab.COMPANION_KEYS
    others = {key: v for key, v in top.items() if word(key) not in own and v not in _EMPTY}
    if any(
        only_tells_of_job(key) or _names_id(key) or word(key) in vocab.CONTENT_KEYS
        for key in others
    ):
        return False
    texts, error = list(_scalars(others)), top.get("error")
    if isinstance(error, str) and re.fullmatch(_CONSTANT, error) and _message(by_word(top)):
        return not any(isinstance(text, str) and is_link(text) for text in texts)
    has_list = any(isinstance(value, list) for value in others.values())
    return not has_list and all(type(value) in {int, float} for value in texts)


def _names_id(key: str) -> bool:
    parts = key_parts(key)
    return parts[-1:] != ("no",) and not ID_ENDS.isdisjoint(parts[-1:])


def _scalars(value: Any) -> Iterator[Any]:
    """Yield what stands in an object and in the objects and lists within it."""
    if isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from _scalars(child)
    else:
        yield value


def _is_complaint(table: Mapping[str, Any]) -> bool:
    """Tell whether a reply is nothing but a sentence: no credit, or the server failed."""
    if table.keys().isdisjoint(vocab.MESSAGE_KEYS):
        return False
    if any(isinstance(value, dict | list) for value in table.values()):
        return False
    message = _message(table)
    if not message or len(message) > _LONGEST_PHRASE or not _is_bare(table):
        return False
    from callsheet.protocol.error_replies import is_failure_text, kind_of

    is_refusal = kind_of(400, "", message) == "credit" or is_failure_text(message)
    return not table.get("id") and is_refusal


def _is_ok(value: Any) -> bool:
    if type(value) is int:
        return value == 0 or 200 <= value < 300
    return isinstance(value, str) and word(value) in vocab.OK_WORDS


def _is_success(message: str) -> bool:
    return bool(message) and bool(re.search(vocab.OK_PHRASE, message[:_LONGEST_PHRASE].lower()))


def _message(table: Mapping[str, Any]) -> str:
    """Return the first text of a message, in the object itself or in one of its heads."""
    heads = [table[key] for key in vocab.HEAD_KEYS if isinstance(table.get(key), dict)]
    texts = named_values(table, vocab.MESSAGE_KEYS)
    texts += [text for head in heads for text in named_values(by_word(head), vocab.MESSAGE_KEYS)]
    other = "…" if any(isinstance(text, dict | list) and text for text in texts) else ""
    return next((text for text in texts if isinstance(text, str) and text.strip()), other)


def _is_bare(table: Mapping[str, Any]) -> bool:
    """Tell whether an object holds nothing but the keys of an envelope."""
    own = vocab.ENVELOPE_KEYS | vocab.COMPANION_KEYS
    return all(k in own or k in vocab.CONTENT_KEYS or v in _EMPTY for k, v in table.items())


def _has_content(table: Mapping[str, Any]) -> bool:
    return any(content not in _EMPTY for content in named_values(table, vocab.CONTENT_KEYS))


def _holds_table(table: Mapping[str, Any], signs: list[Sign]) -> bool:
    """Tell whether the content is an object or a list, beside the number or word of a status."""
    contents = [parse_nested(content) for content in named_values(table, vocab.CONTENT_KEYS)]
    is_number = any(type(sign.value) is int for sign in signs)
    return any(isinstance(c, dict | list) or (is_number and c is not None) for c in contents)


def _is_task(table: Mapping[str, Any]) -> bool:
    """Tell whether a failure is that of a job (it has an id and a state), not of the request."""
    contents = (parse_nested(content) for content in named_values(table, vocab.CONTENT_KEYS))
    inner = (content for content in contents if isinstance(content, dict))
    return any(tells_job(view) for view in (table, *inner))


def _content_key(top: dict[str, Any], *, is_ok: bool) -> str | None:
    """Return the key of the content; without success only a ``data`` with no other keys counts."""
    table = by_word(top)
    own = {*vocab.ENVELOPE_KEYS, *vocab.CONTENT_KEYS}
    if is_ok and all(key in own or value in _EMPTY for key, value in table.items()):
        spelled = {word(key): key for key in top}
        return next((spelled[k] for k in vocab.CONTENT_KEYS if table.get(k) is not None), None)
    if "data" not in top:
        return None
    is_alone = all(key == "data" or word(key) in vocab.TRACE_KEYS for key in top)
    return "data" if is_alone and isinstance(parse_nested(top["data"]), dict | list) else None
