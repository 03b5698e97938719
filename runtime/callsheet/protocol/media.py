"""Find the links of a result in a reply, and never one that the request itself contained."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.values import expand, is_link, split_links, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_DEPTH = 40
_MOST = 1000
_NODES = 50_000
_PLAIN_LINK = r"(?i:https?)://|(?i:data):|/\S"
_EXTENSION = r"\.([A-Za-z0-9]{2,5})(?=[?#]|\Z)"
_INLINE_TYPE = r"(?i:data:)([a-z]+)/"
_NONE: frozenset[str] = frozenset()


class Medium(NamedTuple):
    """A link that may be a result.

    ``kind`` is ``video``, ``image``, ``audio`` or ``file`` where its name, its type or its key
    says so, ``other`` for a name that says that it is no medium (``.json``), and empty where
    nothing does. ``named`` is true for a field that the output schema or the overlay names.
    """

    link: str
    kind: str = ""
    named: bool = False


class _Location(NamedTuple):
    """A text in a reply: the keys that lead to it, its depth, and the type named beside it.

    ``is_input`` is true inside an object that declares its file an input of the job.
    """

    keys: tuple[str, ...]
    depth: int
    text: str
    stated_type: str
    is_input: bool


def find_media(
    views: Sequence[Any], *, marks: RequestMarks, names: Sequence[str] = ()
) -> tuple[Medium, ...]:
    """Return the links in ``views`` (JSON values), each once, the likeliest result first.

    ``names`` are the reply's fields that the output schema or the overlay names. Else keys that
    end in url, urls or uri count, and links from the root under output, images and the like.
    Relative links stay as they came. ``marks`` are those of the request.
    """
    fields = [_plain(name) for name in names]
    own = words(names[0])[:1] if names else ()
    ranked: list[tuple[tuple[bool, int, int, bool, int], Medium]] = []
    for location in (location for view in views for location in _links(view)):
        rank = _field_rank(location, fields)
        if (rank is None and not _looks_like_media(location)) or marks.contain(location.text):
            continue
        medium = Medium(location.text, _kind_of(location), named=rank is not None)
        foreign = _foreign(location, own) if rank is None else 0
        by_name = len(fields) if rank is None else rank
        repeats = any(marks.name_field(key) for key in location.keys[-1:])
        ranked.append(((repeats, by_name, foreign, _is_variant(location), location.depth), medium))
    ranked.sort(key=lambda pair: pair[0])
    unique: dict[str, Medium] = {}
    for _, medium in ranked:
        unique.setdefault(medium.link, medium)
    return tuple(unique.values())[:_MOST]


def select_media(
    media: Sequence[Medium], expected: frozenset[str] = frozenset()
) -> tuple[Medium, ...]:
    """Return the media that are results of an action which makes the ``expected`` kinds.

    A link of another kind is no result (a cover is no video). If any link is in a named field,
    only such links count; a link whose kind is known goes before one of an unknown kind.
    """
    fitting = [medium for medium in media if not expected or medium.kind in {"", *expected}]
    fitting = [medium for medium in fitting if medium.named] or fitting
    return tuple(sorted(fitting, key=lambda medium: bool(expected) and not medium.kind))


def expected_media(action_id: str, out: str = "") -> frozenset[str]:
    """Return the kinds of medium that an action makes; empty where nothing tells.

    The extension of ``out`` decides, else the words of the action's id: ``image_to_video``
    makes a video, ``audio.transcribe`` makes a text.
    """
    by_extension = kind_of_name(out)
    if by_extension and by_extension != "other":
        return frozenset({by_extension})
    segments = [words(segment) for segment in action_id.split(".")]
    last = segments[-1]
    if "to" in last:
        return _kinds_in(last[last.index("to") + 1 :])
    if makes_text(action_id):
        return frozenset()
    return next((kinds for segment in reversed(segments) if (kinds := _kinds_in(segment))), _NONE)


def expects_medium(action_id: str, out: str = "", *, is_job: bool, names: Sequence[str]) -> bool:
    """Tell whether the result of an action is a medium: a file, not JSON.

    For a job the ``names`` of its media fields tell it too.
    """
    if expected_media(action_id, out):
        return True
    return is_job and bool(names) and not makes_text(action_id)


def makes_text(action_id: str) -> bool:
    """Tell whether the words of an id say that the result is data, not a medium."""
    *groups, last = (words(segment) for segment in action_id.split("."))
    if "to" in last:
        last = last[last.index("to") + 1 :]
    if vocab.TEXT_WORDS.intersection(last):
        return True
    return not _kinds_in(last) and any(vocab.TEXT_WORDS.intersection(group) for group in groups)


def _kinds_in(parts: Sequence[str]) -> frozenset[str]:
    return frozenset(vocab.MEDIUM_WORDS[word] for word in parts if word in vocab.MEDIUM_WORDS)


def kind_of_name(name: str) -> str:
    """Return the kind of medium that the extension of a path or link stands for, or ``""``."""
    match = re.search(_EXTENSION, name.strip())
    return vocab.EXTENSION_KINDS.get(match[1].lower(), "") if match else ""


def _links(view: Any) -> Iterator[_Location]:
    for location in _texts(view):
        for text in split_links(location.text):
            if is_link(text):
                yield location._replace(text=text)


def _texts(view: Any) -> Iterator[_Location]:
    """Yield all texts of a JSON value in document order, without recursion."""
    stack: list[tuple[Any, tuple[str, ...], int, str, bool]] = [(view, (), 0, "", False)]
    for _ in range(_NODES):
        if not stack:
            return
        value, keys, depth, stated, is_input = stack.pop()
        if isinstance(value, str):
            yield _Location(keys, depth, value, stated, is_input)
        elif isinstance(value, dict) and depth < _DEPTH:
            own_type, is_own_input = _stated_type(value), is_input or _is_input(value)
            stack += [
                (child, (*keys, key), depth + 1, own_type, is_own_input)
                for key, child in reversed(value.items())
            ]
        elif isinstance(value, list) and depth < _DEPTH:
            stack += [(child, keys, depth + 1, stated, is_input) for child in reversed(value)]


def _stated_type(table: dict[str, Any]) -> str:
    """Return the type that an object states for itself: ``{"type": "video", "url": …}``."""
    for key in vocab.TYPE_KEYS:
        text = table.get(key)
        if isinstance(text, str) and len(text) <= 100:
            return text
    return ""


def _is_input(table: dict[str, Any]) -> bool:
    """Tell whether an object declares an input: ``{"role": "reference_video", …}``."""
    role = table.get("role")
    return isinstance(role, str) and not vocab.INPUT_ROLES.isdisjoint(words(role))


def _kind_of(location: _Location) -> str:
    """Return the kind of a link: by its extension, by its stated type, then by its keys."""
    inline = re.match(_INLINE_TYPE, location.text.strip())
    if inline:
        return inline[1].lower()
    by_name = kind_of_name(location.text)
    if by_name:
        return by_name
    stated = {vocab.MEDIUM_WORDS.get(word, "") for word in words(location.stated_type)} - {""}
    if len(stated) == 1:
        return stated.pop()
    return next((kind for key in reversed(location.keys) if (kind := _kind_of_key(key))), "")


def _kind_of_key(key: str) -> str:
    """Return the kind of medium that a key names; empty where it names none, or several."""
    kinds = {vocab.MEDIUM_WORDS.get(word, "") for word in words(key)} - {""}
    return kinds.pop() if len(kinds) == 1 else ""


def _plain(name: str) -> str:
    return "".join(words(name))


def _field_rank(location: _Location, fields: Sequence[str]) -> int | None:
    """Return the index of a location's key in ``fields``, unless it is in a forbidden object."""
    own = _plain(location.keys[-1]) if location.keys else ""
    if not own or own not in fields or location.is_input:
        return None
    if any(_is_forbidden(key) for key in location.keys[:-1]):
        return None
    return fields.index(own)


def _looks_like_media(location: _Location) -> bool:
    if not location.keys or location.is_input or any(_is_forbidden(key) for key in location.keys):
        return False
    own = location.keys[-1]
    stem = _stem(own)
    if stem is not None:
        parts = words(stem)
        if vocab.NOT_A_FILE.intersection(parts):
            return False
        return bool(_kinds_in(parts)) or vocab.RESULT_WORDS.issuperset(parts)
    parts = words(own)
    is_medium = bool(parts) and all(
        part in vocab.MEDIA_KEYS or part in vocab.RESULT_WORDS or part in vocab.MEDIUM_WORDS
        for part in parts
    )
    is_page = not vocab.NOT_A_FILE.isdisjoint(parts)
    return is_medium and not is_page and bool(re.match(_PLAIN_LINK, location.text.strip()))


def _is_forbidden(key: str) -> bool:
    """Tell whether no link under a key is a result: previews, and echoes of the request."""
    stem = _stem(key)
    parts = words(key) if stem is None else words(stem)
    if vocab.NEVER_MEDIA.intersection(parts) or any(
        part.startswith(vocab.REQUEST_PREFIXES) for part in parts
    ):
        return True
    if vocab.MATERIAL_WORDS.intersection(parts) and not vocab.GENERATED_WORDS.intersection(parts):
        return True
    return "".join(parts).startswith(vocab.FRAME_PREFIXES)


def _is_variant(location: _Location) -> bool:
    """Tell whether a location holds a variant of the result (with captions, with a watermark)."""
    return any(vocab.VARIANTS.intersection(words(key)) for key in location.keys)


def _stem(key: str) -> str | None:
    """Return the part of a key before url, urls or uri; ``None`` for a key with another ending."""
    lowered = key[:200].lower().rstrip("_- ")
    for ending in vocab.LINK_ENDINGS:
        if lowered.endswith(ending):
            return key[:200].rstrip("_- ")[: -len(ending)]
    return None


def _foreign(location: _Location, own: tuple[str, ...]) -> int:
    """Return 0 for a location whose keys name the action's own medium (``video``), else 1."""
    return 0 if any(part in _plain(key) for part in own for key in location.keys) else 1


_SEPARATOR = r"\s*,\s*"
_NODES = 50_000
_LONG_TEXT = 256
_DIGEST_LENGTH = 16  # hexadecimal digits: 64 bits tell the few links of one request apart


class RequestMarks:
    """Digests of what a request contained: links, links without their query, and file names.

    The ledger stores ``digests`` (hexadecimal), so that another process recognises the user's own
    files too, and no text of the request.
    """

    __slots__ = ("digests",)

    def __init__(self, digests: Iterable[str] = ()) -> None:
        self.digests = frozenset(digests)

    @classmethod
    def of(cls, body: Any) -> RequestMarks:
        """Return the marks of a request's body (a JSON value)."""
        digests: list[str] = []
        for key, text in _fields_of(expand(body)):
            forms = [form for part in _parts(text) for form in _forms(part)]
            digests += map(_digest, forms)
            if forms and key:
                digests.append(_digest(_field(key)))
        return cls(digests)

    def contain(self, text: str) -> bool:
        """Tell whether ``text`` is a link, or names a file, that the request contained."""
        if not self.digests:
            return False
        return any(_digest(form) in self.digests for form in _forms(text.strip()))

    def name_field(self, key: str) -> bool:
        """Tell whether the request held a link in a field of this name."""
        return bool(self.digests) and _digest(_field(key)) in self.digests


NO_MARKS = RequestMarks()


def _field(key: str) -> str:
    return "field " + "".join(words(key))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_DIGEST_LENGTH]


def _parts(text: str) -> Iterator[str]:
    """Yield a text and, of a comma list of links or paths, its parts."""
    yield text.strip()
    if "," in text and len(text) <= 100_000:
        yield from re.split(_SEPARATOR, text.strip())


def _forms(text: str) -> Iterator[str]:
    """Yield what identifies a link: itself, without its query, and its file name.

    Servers store a user's file under another address: then only the name is the same. Generic
    names (``video.mp4``) identify no file.
    """
    if not is_link(text):
        if len(text) > _LONG_TEXT:  # a file within the request, as base64
            yield text
        return
    yield text
    if text[:5].lower() == "data:":
        return
    bare = re.split(r"[?#]", text, maxsplit=1)[0]
    yield bare
    name = bare.rstrip("/").rpartition("/")[2]
    stem = re.sub(r"[\W_\d]+", "", name.rpartition(".")[0].lower())
    if "." in name and stem and stem not in vocab.GENERIC_FILE_NAMES:
        yield name


def texts_of(view: Any) -> Iterator[str]:
    """Yield all texts of a JSON value; not the names of fields."""
    return (text for _, text in _fields_of(view))


def _fields_of(view: Any) -> Iterator[tuple[str, str]]:
    """Yield all texts of a JSON value with the name of the field, without recursion."""
    stack: list[tuple[str, Any]] = [("", view)]
    for _ in range(_NODES):
        if not stack:
            return
        key, value = stack.pop()
        if isinstance(value, str):
            yield key, value
        elif isinstance(value, dict):
            stack += value.items()
        elif isinstance(value, list):
            stack += [(key, child) for child in value]
