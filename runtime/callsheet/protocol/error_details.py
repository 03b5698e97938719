"""Find the fields of the request that a refusal speaks of."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from callsheet.errors import Detail, Pointer
from callsheet.jsonio import parse_pointer
from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.values import by_word, named_values, parse_nested, word
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Fields = tuple[tuple[str, ...], ...]
"""The paths of the fields that a request may have."""

_MOST, _DEEPEST, _SHOWN = 50, 6, 300
_AT_POINTER = r"\bat #?((?:/[\w~-]{1,80}){1,8})(?=[:,;.\s]|$)"
_PATH_STEP = r"[^.\[\]/'\"]+"
_OWN_KEYS = frozenset({*vocab.FIELD_KEYS, *vocab.FAULT_TEXTS, *vocab.ENVELOPE_KEYS, "type", "kind"})


def read_details(body: Any, fields: Fields = ()) -> tuple[Detail, ...]:
    """Return the faults that a refusal's JSON ``body`` names: at most 50, in their order.

    With the ``fields`` of the request a pointer begins at the field that it is about, an object
    at the top whose keys are fields is read too, and faults of other fields give way.
    """
    faults = islice(_visit(parse_nested(body), fields, depth=0), _MOST)
    details = [fault._replace(pointer=anchor(fault.pointer, fields)) for fault in faults]
    own = [detail for detail in details if _is_known(detail.pointer, fields)]
    return tuple(dict.fromkeys(own or details))


def details_in_text(message: str, fields: Fields = ()) -> tuple[Detail, ...]:
    """Read the field that a sentence points at: ``Invalid input at /prompt: too long``.

    Of ``fields`` the one whose name a sentence of the vocabulary holds is read as well.
    """
    text = one_line(message, _SHOWN)
    match = re.search(_AT_POINTER, message)
    pointer = _pointer(match[1]) if match else ()
    if pointer:
        return (Detail(anchor(pointer, fields), text),)
    named = (path for path in fields if _names(message[:1000], path[-1]))
    return tuple(Detail(path, text) for path in sorted(named, key=len)[:1])


def anchor(pointer: Pointer, fields: Fields) -> Pointer:
    """Return a pointer from the field that it is about on, with the names of the request.

    ``data.attributes.Prompt`` is ``prompt`` where the request has such a field.
    """
    for start, step in enumerate(pointer):
        for path in fields:
            if word(path[0]) == word(step):
                return _spelled(pointer[start:], path, fields)
    for path in fields:
        if pointer and word(path[-1]) == word(pointer[-1]):
            return path
    return pointer


def _is_known(pointer: Pointer, fields: Fields) -> bool:
    """Tell whether an anchored pointer begins with a field of the request."""
    return any(pointer[:1] == path[:1] for path in fields)


def _is_holder(plain: str) -> bool:
    is_named = plain.endswith(vocab.HOLDER_ENDINGS) or plain.startswith(vocab.HOLDER_STARTS)
    return is_named or plain in vocab.FIELD_HOLDERS


def _spelled(pointer: Pointer, path: tuple[str, ...], fields: Fields) -> Pointer:
    """Write the steps of a pointer as the longest field that begins it spells them."""
    plain = [word(step) for step in pointer]
    fitting = [p for p in fields if [word(step) for step in p] == plain[: len(p)]]
    best = max(fitting, key=len, default=path[:1])
    return (*best, *pointer[len(best) :])


def _names(message: str, name: str) -> bool:
    pattern = r"[\s_-]?".join(map(re.escape, re.findall(r"[A-Z]?[^A-Z_\s-]+|[A-Z]+", name)))
    sentences = (sentence.format(name=pattern) for sentence in vocab.FIELD_SENTENCES)
    return bool(pattern) and any(re.search(s, message, re.IGNORECASE) for s in sentences)


def _visit(value: Any, fields: Fields, depth: int) -> Iterator[Detail]:
    """Yield the faults of a refusal: those of its own, then those of what lies inside."""
    if not isinstance(value, dict) or depth > _DEEPEST:
        yield from _faults(value, fields, depth)
        return
    table = by_word(value)
    if own := _own_detail(table, vocab.SURE_FIELD_KEYS):
        yield own
    for key, inner in list(value.items())[:_MOST]:
        plain, inner = word(key), parse_nested(inner)
        if _is_holder(plain):
            yield from _faults(inner, fields, depth + 1)
        elif plain in vocab.FAULT_WRAPPERS:
            yield from _visit(inner, fields, depth + 1)
        elif any(plain == word(path[0]) for path in fields):
            yield from _of_field((key,), inner, fields, depth + 1)


def _faults(value: Any, fields: Fields, depth: int, above: Pointer = ()) -> Iterator[Detail]:
    """Yield the faults of a holder: a list of them, one, or an object by field."""
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for entry in value[:_MOST]:
            yield from _fault(parse_nested(entry), fields, depth + 1)
        return
    if not isinstance(value, dict):
        return
    table = by_word(value)
    if own := _own_detail(table, frozenset(vocab.FIELD_KEYS)):
        yield own
        return
    for key, fault in list(value.items())[:_MOST]:
        plain, fault = word(key), parse_nested(fault)
        is_field = any(plain == word(path[0]) for path in fields)
        is_name = plain not in _OWN_KEYS and key[:1] not in {"@", ""}
        if not is_field and (_is_holder(plain) or plain in vocab.FAULT_WRAPPERS):
            yield from _faults(fault, fields, depth + 1, above)
        elif is_field or is_name:
            yield from _of_field((*above, key), fault, fields, depth + 1)


def _fault(entry: Any, fields: Fields, depth: int) -> Iterator[Detail]:
    """Yield one entry of a list of faults, or those inside it; a text may name a field."""
    if isinstance(entry, dict):
        table = by_word(entry)
        own = _own_detail(table, frozenset(vocab.FIELD_KEYS)) or _named_detail(table)
        yield from [own] if own else ()
        if own is None or (fields and not _is_known(anchor(own.pointer, fields), fields)):
            inside = {k: v for k, v in entry.items() if word(k) not in vocab.FIELD_KEYS}
            yield from _faults(inside, fields, depth)
    elif isinstance(entry, str) and fields:
        name = _pointer(entry)
        is_name = bool(name) and any(word(path[0]) == word(name[0]) for path in fields)
        yield from [Detail(name, "")] if is_name else details_in_text(entry, fields)


def _of_field(name: Pointer, fault: Any, fields: Fields, depth: int) -> Iterator[Detail]:
    """Yield the entry of a table whose keys are the fields: ``{"prompt": ["is too long"]}``.

    A text alone may be anything: with ``fields`` its key has to be one of them.
    """
    steps = _pointer(name[-1])
    is_prefix = len(steps) == 1 and steps[0] in vocab.FIELD_PREFIXES and isinstance(fault, dict)
    pointer = name[:-1] if is_prefix else (*name[:-1], *steps)
    text = _text(fault)
    is_known = not fields or _is_known(anchor(pointer, fields), fields)
    if text and pointer and (is_known or not isinstance(fault, str)):
        yield Detail(pointer, one_line(text, _SHOWN))
    elif isinstance(fault, dict):
        yield from _faults(fault, fields, depth, pointer)


def _own_detail(table: Mapping[str, Any], keys: frozenset[str]) -> Detail | None:
    """Return the fault that an object describes; a missing field counts below its place."""
    for inner in named_values(table, ("params", "source")):
        table = {**by_word(inner), **table} if isinstance(inner, dict) else table
    for key in vocab.FIELD_KEYS:
        pointer = _pointer(table.get(key)) if key in keys else ()
        if pointer or key == "instancepath":
            pointer += _missing(table, key)
        if pointer:
            return Detail(pointer, one_line(_text(table), _SHOWN))
    return None


def _missing(table: Mapping[str, Any], key: str) -> Pointer:
    if key not in {"instancepath", "datapath"}:
        return ()
    names = named_values(table, ("missingproperty", "additionalproperty", "unevaluatedproperty"))
    return tuple(name for name in names[:1] if isinstance(name, str))


def _named_detail(table: Mapping[str, Any]) -> Detail | None:
    """Read ``{"name": "fps", "reason": "is too high"}``."""
    names = ("reason", "message", "msg", "messages", "description", "error", "errormessage")
    text = _text({key: table[key] for key in names if key in table})
    pointer = _pointer(table.get("name"))
    return Detail(pointer, one_line(text, _SHOWN)) if text and pointer else None


def _text(fault: Any, depth: int = 0) -> str:
    """Return the words of a fault: a text, the first of a list, or that of an object."""
    if isinstance(fault, str):
        return fault.strip()
    if depth > 2:
        return ""
    if isinstance(fault, dict):
        table = by_word(fault)
        rules = table.get("constraints")
        texts = named_values(table, vocab.FAULT_TEXTS)
        fault = list(rules.values()) if isinstance(rules, dict) else list(filter(_is_words, texts))
    entries = fault[:_MOST] if isinstance(fault, list) else []
    return next(filter(None, (_text(entry, depth + 1) for entry in entries)), "")


def _is_words(value: Any) -> bool:
    entry = value[0] if isinstance(value, list) and value else value
    return isinstance(entry, str | dict)


def _pointer(value: Any) -> Pointer:
    """Read a place: ``/a/0``, ``a.b[0]``, ``$.a``, ``["body", "a"]``, ``[{"key": "a"}]``."""
    steps: list[str | int]
    if isinstance(value, str):
        text = value.removeprefix("#")
        is_pointer = text.startswith("/")
        steps = list(parse_pointer(text) if is_pointer else re.findall(_PATH_STEP, text[:500]))
        if not is_pointer and any(" " in str(step) for step in steps):
            return ()
    elif isinstance(value, list):
        keys = (step.get("key") if isinstance(step, dict) else step for step in value)
        steps = [step for step in keys if isinstance(step, str | int)]
    else:
        return ()
    while len(steps) > 1 and isinstance(steps[0], str) and word(steps[0]) in vocab.FIELD_PREFIXES:
        steps = steps[1:]
    return tuple(_index(step) for step in steps[:40])


def _index(step: str | int) -> str | int:
    if isinstance(step, str):
        return int(step) if step.isascii() and step.isdecimal() and len(step) < 7 else step
    return int(step)
