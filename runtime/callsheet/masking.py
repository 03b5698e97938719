"""Mask the keys in use wherever text is shown or stored, however they are spelled there."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Iterator, Mapping, Sequence

SHORT = 12
"""A key of fewer characters may well be an ordinary word or number of a reply."""
_SHORTEST_CODED = 8
"""Of fewer characters, base64 and hexadecimal digits may be anything."""
_DEPTH = 5
"""Escapes in escapes that are undone, such as JSON in a link in JSON."""
_ESCAPE = (
    r"%([0-9a-fA-F]{2})|\\u00([0-9a-fA-F]{2})|\\x([0-9a-fA-F]{2})|\\u\{([0-9a-fA-F]{2})\}"
    r"|\\([0-7]{3})|\\(.)|&#0{0,6}([0-9]{1,3});|&#[xX]0{0,6}([0-9a-fA-F]{2});"
    r"|&(amp|quot|apos|lt|gt);"
)
_OCTAL, _SIGN, _DECIMAL, _NAME = 5, 6, 7, 9
_SIGNS = {"n": "\n", "r": "\r", "amp": "&", "quot": '"', "apos": "'", "lt": "<", "gt": ">"}
# Escapes of what a key may hold; the usual ones of any JSON, \\n and \\", are none.
_KEY_ESCAPES = (
    r"%(?:2[1-9A-Fa-f]|[3-7][0-9A-Fa-f])|&[#aglq]"
    r"|\\(?:u00[2-7]|x[2-7]|u\{[2-7]|[0-7]{3}|[^\w\s\"\\]|\\+[^\"\\nrt])"
)
_FLATTENED = (
    *(("\\r", ""), ("\\n", ""), ("\\", ""), ("\r", ""), ("\n", "")),
    *(("-", "+"), ("_", "/")),
)
# Before a short key, so that no word of a reply is taken for one: `key: K`, `"apiKey": "K"`.
_NAMED = (
    r"(?i:authorization|bearer|basic|credentials?|token|secret|password|key)"
    r"(?i: provided| given| is| was)?(?:\\*[\"'`])? ?[:=]? ?(?:\\*[\"'`])?"
)


class Key(Protocol):
    """A key that shows itself as a mask."""

    @property
    def is_masked(self) -> bool:
        """Tell whether only the mask is left."""

    def reveal(self) -> str:
        """Return the key itself."""


_in_use: dict[int, tuple[str, str, object]] = {}
"""Each key by the identity of its holder, with its mask and a weak reference to the holder."""


def watch(key: Key | None) -> None:
    """Mask a key in all that is shown or stored from now on, as long as ``key`` is referenced.

    Does nothing for ``None``, an empty key and one of which only the mask is left.
    """
    if key is None or key.is_masked or not key.reveal():
        return
    from weakref import ref

    number = id(key)
    _in_use[number] = (key.reveal(), str(key), ref(key, lambda _: _in_use.pop(number, None)))


def masked(text: str) -> str:
    """Return text to be shown or stored with every key in use masked."""
    if not _in_use:
        return text
    return mask_keys(text, {key: mask for key, mask, _ in list(_in_use.values())})


def masked_bytes(body: bytes) -> bytes:
    """Return a body of any encoding, to be stored, with every key in use masked."""
    if not _in_use:
        return body
    text = body.decode("latin-1")
    result = masked(text)
    return body if result is text else result.encode("latin-1", "replace")


def masked_document(document: Any, body: bytes) -> Any:
    """Return ``document``, a part of the reply ``body``, with the keys in use masked in its texts.

    The very same object where the body holds no key.
    """
    return document if masked_bytes(body) is body else masked_texts(document)


def masked_texts(document: Any) -> Any:
    """Return a copy of JSON data with the keys in use masked in its texts and names."""
    if isinstance(document, dict):
        return {masked(key): masked_texts(inner) for key, inner in document.items()}
    if isinstance(document, list):
        return [masked_texts(inner) for inner in document]
    return masked(document) if isinstance(document, str) else document


def mask_logs(*names: str) -> None:
    """Mask the keys in use in all records of the loggers of these names, from now on."""
    import logging

    for name in names:
        log = logging.getLogger(name)
        if _mask_record not in log.filters:
            log.addFilter(_mask_record)


def _mask_record(record: logging.LogRecord) -> bool:
    """Mask the message of a log record in place, and let it pass."""
    record.msg, record.args = masked(record.getMessage()), None
    return True


def longest_spelling() -> int:
    """Return the most bytes that a key in use may take up in a text, escaped; 0 without keys."""
    return max((16 * len(key) for key, _, _ in list(_in_use.values())), default=0)


def mask_keys(text: str, keys: Mapping[str, str], *, least: int = SHORT) -> str:
    """Return a text with each of ``keys`` replaced by its mask, in whichever escapes.

    One under ``least`` characters is replaced only where words before it name a key. Escapes of
    JSON, URLs and HTML are undone layer by layer. The result is JSON where the text is: a bare
    number becomes a zero.
    """
    if not keys:
        return text
    layers = [text, *_unescaped_layers(text, keys)]
    if not any(_may_hold(layer, key, least) for key in keys for layer in layers):
        return text
    spans: dict[tuple[int, int], str] = {}
    for chars, starts in _mapped_layers(text):
        for key, mask in keys.items():
            for start, end in _find_spans(chars, key, least):
                place = (starts[start], starts[end])
                spans[place] = "0" if _is_bare_number(text, place, key) else mask
    return _replace_spans(text, spans)


def _unescaped_layers(text: str, keys: Iterable[str]) -> Iterator[str]:
    """Yield a text with its escapes undone, again and again; nothing where none may hide a key."""
    if not any(sign in text for sign in "%\\&"):
        return
    if re.search(_KEY_ESCAPES, text) is None and not any({'"', "\\"} & set(key) for key in keys):
        return
    for _ in range(_DEPTH):
        before, text = text, re.sub(_ESCAPE, _unescaped, text)
        if text == before:
            return
        yield text


def _mapped_layers(text: str) -> Iterator[tuple[str, Sequence[int]]]:
    """Yield a text and its unescaped layers, with the positions of their characters in the text."""
    starts: Sequence[int] = range(len(text) + 1)
    yield text, starts
    for _ in range(_DEPTH):
        chars: list[str] = []
        positions: list[int] = []
        end = 0
        for match in re.finditer(_ESCAPE, text):
            chars += (text[end : match.start()], _unescaped(match))
            positions += starts[end : match.start() + 1]
            end = match.end()
        if not chars:
            return
        text, starts = "".join([*chars, text[end:]]), [*positions, *starts[end:]]
        yield text, starts


def _unescaped(match: re.Match[str]) -> str:
    """Return the character that a match of ``_ESCAPE`` stands for."""
    kind = match.lastindex or _SIGN
    code = match[kind]
    if kind in {_SIGN, _NAME}:
        return _SIGNS.get(code, code)
    return chr(int(code, {_OCTAL: 8, _DECIMAL: 10}.get(kind, 16)))


@lru_cache(maxsize=64)
def _needles(key: str) -> tuple[str, ...]:
    """Return a key as it is, and with the escapes undone that are a part of it, once and twice."""
    once = re.sub(_ESCAPE, _unescaped, key)
    return tuple({key: 0, once: 0, re.sub(_ESCAPE, _unescaped, once): 0})


@lru_cache(maxsize=64)
def _encodings(key: str, least: int) -> tuple[str, ...]:
    """Return a key in hexadecimal, then what it alone decides in base64, at each of 3 offsets.

    None for a key under ``least`` or 8 characters.
    """
    if len(key) < max(least, _SHORTEST_CODED):
        return ()
    from base64 import b64encode

    plain = key.encode()
    cores = []
    for offset in range(3):
        text = b64encode(b"\0" * offset + plain).decode().rstrip("=")
        cores.append(text[(offset * 8 + 5) // 6 : (offset + len(plain)) * 8 // 6])
    return (plain.hex(), plain.hex().upper(), *cores)


def _may_hold(chars: str, key: str, least: int) -> bool:
    """Tell whether a layer may hold a key; quicker than ``_find_spans``, which says where."""
    if any(needle in chars for needle in _needles(key)):
        return True
    coded = _encodings(key, least)
    flat = _flatten(chars) if coded else ""
    return any(code in flat for code in coded)


def _flatten(text: str) -> str:
    """Return a text without line ends, base64 in one alphabet."""
    for sign, other in _FLATTENED:
        text = text.replace(sign, other)
    return text


def _find_spans(chars: str, key: str, least: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of a key in a layer, as it is, in hexadecimal or in base64."""
    for needle in _needles(key):
        pattern = re.escape(needle)
        if key.isdigit():
            pattern = rf"(?<![\d.]){pattern}(?!\.?\d)"
        if len(key) < least:
            pattern = rf"{_NAMED}({pattern})(?![A-Za-z0-9])"
        yield from (match.span(match.re.groups) for match in re.finditer(pattern, chars))
    coded = _encodings(key, least)
    flat = _flatten(chars) if coded else ""
    for code in coded:
        if code in flat:
            signs = ({"+": "[+-]", "/": "[/_]"}.get(char, char) for char in code)
            yield from (match.span() for match in re.finditer(r"[\r\n]*".join(signs), chars))


def _is_bare_number(text: str, place: tuple[int, int], key: str) -> bool:
    """Tell whether a key of digits stands as a bare number of JSON."""
    start, end = place
    before, after = text[max(start - 8, 0) : start].rstrip(), text[end : end + 8].lstrip()
    return key.isdigit() and before[-1:] in {":", "[", ","} and after[:1] in {",", "]", "}"}


def _replace_spans(text: str, spans: Mapping[tuple[int, int], str]) -> str:
    """Return a text with spans replaced; the first mask stands for spans that overlap."""
    parts: list[str] = []
    end = 0
    for (start, stop), mask in sorted(spans.items()):
        if start >= end:
            parts += (text[end:start], mask)
        end = max(end, stop)
    return "".join([*parts, text[end:]])
