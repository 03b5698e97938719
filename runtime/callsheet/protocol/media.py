"""Finds the links of a result in a reply, and never one that the request itself contained."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from . import vocabulary as say
from .values import encodable, expanded, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DEPTH = 40
_MOST = 1000
_NODES = 50_000
_ABSOLUTE = r"(?i:https?)://[^\s/]"
_INLINE = r"(?i:data:(?:video|image|audio)/)"
_PLAIN_LINK = r"(?i:https?)://|(?i:data):|/\S"
_RELATIVE = r"(?:\.{0,2}/|[\w.~%-]{1,255}/)\S*\Z|[\w~%-][\w.~%-]{0,255}\.[a-z][a-z0-9]{1,4}\Z"
_SEPARATOR = r"\s*,\s*"


class _Place(NamedTuple):
    """A text in a reply: the keys that lead to it, as typed, and how deep it stands."""

    keys: tuple[str, ...]
    depth: int
    text: str


def find_media(views: Sequence[Any], *, sent: Any, names: Sequence[str]) -> tuple[str, ...]:
    """Links in ``views`` (JSON values), each once, the action's own medium first.

    ``names`` are the reply's fields that the output schema or the overlay names; where one of
    them holds a link, nothing else counts. Else keys that end in url, urls or uri count, and
    links from the root under output, images and the like. Relative links stay as they came.
    """
    links = [_Place(*found) for view in views for found in _texts(view) if is_link(found[2])]
    if not links:
        return ()
    known = sent_texts(sent)
    places = [place for place in links if place.text.strip() not in known]
    wanted = [_plain(name) for name in names]
    ranked = [(rank, place) for place in places if (rank := _named(place, wanted)) is not None]
    if not ranked:
        own = words(names[0])[:1] if names else ()
        ranked = [(_foreign(place, own), place) for place in places if _looks_like_media(place)]
    ranked.sort(key=lambda pair: (pair[0], pair[1].depth))
    return tuple(dict.fromkeys(place.text.strip() for _, place in ranked))[:_MOST]


def sent_texts(sent: Any) -> frozenset[str]:
    """Every text in the request, and the parts of comma lists."""
    found: set[str] = set()
    for _, _, text in _texts(expanded(sent)):
        found.add(text.strip())
        if "," in text:
            found.update(re.split(_SEPARATOR, text.strip()))
    return frozenset(found)


def is_link(text: str) -> bool:
    """Whether ``text`` can be fetched: http, https, relative to the host, or media inline."""
    text = text.strip()
    if "/" not in text and "." not in text:  # no pattern below has neither
        return False
    if not text or not encodable(text) or text in {"/", ".", ".."}:
        return False
    if re.match(_INLINE, text):
        return True
    if len(text) > 8192 or " " in text or not text.isprintable():
        return False
    return bool(re.match(_ABSOLUTE, text) or re.match(_RELATIVE, text))


def _texts(view: Any) -> Iterator[tuple[tuple[str, ...], int, str]]:
    """All texts of a JSON value as the fields of a place, in document order, without recursion."""
    stack: list[tuple[Any, tuple[str, ...], int]] = [(view, (), 0)]
    for _ in range(_NODES):
        if not stack:
            return
        value, keys, depth = stack.pop()
        if isinstance(value, str):
            yield keys, depth, value
        elif isinstance(value, dict) and depth < _DEPTH:
            stack += [(item, (*keys, key), depth + 1) for key, item in reversed(value.items())]
        elif isinstance(value, list) and depth < _DEPTH:
            stack += [(item, keys, depth + 1) for item in reversed(value)]


def _plain(name: str) -> str:
    return "".join(words(name))


def _named(place: _Place, wanted: Sequence[str]) -> int | None:
    """The rank of a place whose own key is asked for and stands under nothing forbidden."""
    own = _plain(place.keys[-1]) if place.keys else ""
    if not own or own not in wanted or any(_is_forbidden(key) for key in place.keys[:-1]):
        return None
    return wanted.index(own)


def _looks_like_media(place: _Place) -> bool:
    if not place.keys or any(_is_forbidden(key) for key in place.keys):
        return False
    own = place.keys[-1]
    stem = _stem(own)
    if stem is not None:
        return not say.NOT_A_FILE.intersection(words(stem))
    return _plain(own) in say.MEDIA_KEYS and bool(re.match(_PLAIN_LINK, place.text.strip()))


def _is_forbidden(key: str) -> bool:
    stem = _stem(key)
    parts = words(key) if stem is None else words(stem)
    return bool(say.NEVER_MEDIA.intersection(parts))


def _stem(key: str) -> str | None:
    """What stands before url, urls, uri in a key; ``None`` for a key with another end."""
    lowered = key[:200].lower().rstrip("_- ")
    for ending in say.LINK_ENDINGS:
        if lowered.endswith(ending):
            return key[:200].rstrip("_- ")[: -len(ending)]
    return None


def _foreign(place: _Place, own: tuple[str, ...]) -> int:
    """0 for a place that the action's own medium (``video``) is part of, else 1."""
    return 0 if any(part in _plain(key) for part in own for key in place.keys) else 1
