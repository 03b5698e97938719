"""Find the links of a reply, tell which media an action makes, and mark requests."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from callsheet.protocol import media_words as vocab
from callsheet.protocol.values import expand, is_encodable, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_DEPTH = 40
_NODES = 50_000
_EXTENSION = r"\.([A-Za-z0-9]{2,6})(?=[?#]|\Z)"
_INLINE_START = re.compile(r"\s*(?:data:|[A-Za-z0-9+/_-]{40}|[\w.+-]{1,60}/[\w.+-]{1,60};)", re.I)
_NEXT_LINK = r"['\"]?\s*(?:[,;|]\s*|\s)['\"]?(?=(?i:https?)://)"
_NAMED_FILE = r"[^\x00-\x1f]*\.[A-Za-z0-9]{2,5}(?:[?#].*)?\Z"
_WRAPPED = ("[]", "()", "<>", "''", '""')
_ABSOLUTE = r"(?i:https?)://[^\s/]"
_INLINE = r"(?i:data:(?:video|image|audio)/)"
_RELATIVE = r"(?:\.{0,2}/|[\w.~%-]{1,255}/)\S*\Z|[\w~%-][\w.~%-]{0,255}\.[a-z][a-z0-9]{1,4}\Z"
_LINK_IN_TEXT = r"(?i:https?)://[^\s<>\"'()\[\]{}|\\^`]+"
_LONGEST_TEXT = 100_000
_NONE: frozenset[str] = frozenset()


class Medium(NamedTuple):
    """A link that may be a result.

    ``kind`` is ``video``, ``image``, ``audio`` or ``file`` where its bytes, its name, its type or
    its key says so, ``other`` for a name that says that it is not a medium (``.json``), and empty
    where nothing does. ``named`` is true for a field that the output schema or the overlay
    names, ``is_known`` for a key that tells of results, ``is_second`` for a variant of the result
    or a key that tells of more; ``place`` holds the keys that lead to it.
    """

    link: str
    kind: str = ""
    named: bool = False
    is_known: bool = True
    is_second: bool = False
    place: tuple[str, ...] = ()


class Location(NamedTuple):
    """A link in a reply: ``path`` leads to the ``text`` that holds it, through keys and indexes.

    ``owner`` is the object that the text stands in; ``is_input`` is true inside an object that
    declares its file an input of the job, ``is_prose`` for a link within a sentence.
    """

    path: tuple[str | int, ...]
    text: str
    owner: dict[str, Any]
    is_input: bool = False
    link: str = ""
    is_prose: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the keys of the path, without indexes."""
        return tuple(step for step in self.path if isinstance(step, str))


def is_link(text: str) -> bool:
    """Tell whether ``text`` can be fetched: http, https, relative to the host, or media inline."""
    text = text.strip()
    if "/" not in text and "." not in text:  # every pattern below needs one of them
        return False
    if not text or not is_encodable(text) or text in {"/", ".", ".."}:
        return False
    if re.match(_INLINE, text):
        return True
    if len(text) > 8192 or not text.isprintable():
        return False
    if " " in text:  # a server that encodes nothing; a sentence does not end in a file's name
        return is_absolute(text) and re.match(_NAMED_FILE, text) is not None
    return is_absolute(text) or re.match(_RELATIVE, text) is not None


def is_absolute(text: str) -> bool:
    """Tell whether a text begins as an http or https link."""
    return re.match(_ABSOLUTE, text) is not None


def split_links(text: str) -> list[str]:
    """Split a text into its links: one, or those of a list; commas inside a link stay."""
    text = text.strip()
    if "://" not in text:
        return [text]
    while text[:1] + text[-1:] in _WRAPPED:
        text = text[1:-1].strip()
    return re.split(_NEXT_LINK, text) if is_absolute(text) else [text]


def find_links(views: Sequence[Any]) -> list[Location]:
    """Return the links in ``views`` (JSON values), in document order.

    Files that stand in the reply itself become data links; relative links stay as they came.
    """
    return [location for view in views for location in _links(view)]


def links_at(matches: Sequence[Any]) -> list[str]:
    """Return each link in some JSON values once, under any key: the user chose the place."""
    links: dict[str, None] = {}
    for location in _texts(matches):
        inline = _inline_link(location)
        links |= dict.fromkeys([inline] if inline else filter(is_link, split_links(location.text)))
    return list(links)


def select_media(
    media: Sequence[Medium], expected: frozenset[str] = frozenset()
) -> tuple[Medium, ...]:
    """Return the media that are results of an action which makes the ``expected`` kinds.

    A link of another kind is left out (the cover of a video). If any link is in a named field,
    only such links count; variants go last, and a link whose kind is known goes before one of
    an unknown kind. Under a key that tells nothing, a link counts where it is of the expected
    kind, all such links stand in one place, and nothing better is there.
    """
    fitting = [medium for medium in media if not expected or medium.kind in {"", *expected}]
    known = [medium for medium in fitting if medium.is_known]
    if not known:
        sure = [medium for medium in fitting if medium.kind in expected]
        return tuple(sure) if len({medium.place for medium in sure}) == 1 else ()
    known = [medium for medium in known if medium.named] or known
    return tuple(sorted(known, key=lambda m: (m.is_second, bool(expected) and not m.kind)))


def prefer_format(media: Sequence[Medium], name: str) -> tuple[Medium, ...]:
    """Put the medium first that has the extension of a file name, of those beside the first one.

    Services offer one result in several formats: ``{"glb": …, "fbx": …}``.
    """
    extension = name.rpartition(".")[2].lower()
    if not media or not kind_of_name(name) or _has_format(media[0], extension):
        return tuple(media)
    beside = (m for m in media[1:] if m.place[:-1] == media[0].place[:-1] and not m.is_second)
    best = next((medium for medium in beside if _has_format(medium, extension)), media[0])
    return (best, *(medium for medium in media if medium is not best))


def _has_format(medium: Medium, extension: str) -> bool:
    link = re.split(r"[?#]", medium.link, maxsplit=1)[0].lower()
    return link.endswith("." + extension) or extension in words("".join(medium.place[-1:]))


def expected_media(action_id: str, out: str = "") -> frozenset[str]:
    """Return the kinds of medium that an action makes; empty for a text, and where nothing tells.

    The extension of ``out`` decides, else the words of the action's id: ``video`` for
    ``image_to_video``, none for ``audio.transcribe``.
    """
    by_extension = kind_of_name(out)
    if by_extension and by_extension != "other":
        return frozenset({by_extension})
    segments = [words(segment) for segment in action_id.split(".")]
    last = segments[-1]
    if "to" in last:
        return kinds_named(last[last.index("to") + 1 :])
    if _makes_text(*segments):
        return frozenset()
    return next((kinds for segment in reversed(segments) if (kinds := kinds_named(segment))), _NONE)


def expects_medium(action_id: str, out: str = "", *, is_job: bool, names: Sequence[str]) -> bool:
    """Tell whether the result of an action is a medium: a file, not JSON.

    For a job the ``names`` of its media fields tell it too.
    """
    if expected_media(action_id, out):
        return True
    return is_job and bool(names) and not makes_text(action_id)


def makes_text(action_id: str) -> bool:
    """Tell whether the words of an id say that the result is data, not a medium."""
    return _makes_text(*map(words, action_id.split(".")))


def _makes_text(*segments: tuple[str, ...]) -> bool:
    *groups, last = segments
    near = tuple(word for segment in (*groups, last) for word in segment)
    if "to" in last:
        near = last = last[last.index("to") + 1 :]
    is_visual = not kinds_named(near).isdisjoint({"video", "image"})
    is_visual = is_visual or not vocab.QUEUE_WORDS.isdisjoint(last)
    texts = vocab.TEXT_WORDS - (vocab.AMBIGUOUS_TEXT_WORDS if is_visual else frozenset())
    if texts.intersection(last):
        return True
    return not kinds_named(last) and any(texts.intersection(group) for group in groups)


def kinds_named(parts: Sequence[str]) -> frozenset[str]:
    """Return the kinds of medium that some words name."""
    return frozenset(vocab.MEDIUM_WORDS[word] for word in parts if word in vocab.MEDIUM_WORDS)


def kind_of_name(name: str) -> str:
    """Return the kind of medium that the extension of a path or link stands for, or ``""``."""
    match = re.search(_EXTENSION, name.strip())
    return vocab.EXTENSION_KINDS.get(match[1].lower(), "") if match else ""


def kind_of_key(key: str) -> str:
    """Return the kind of medium that a key names; empty where it names none, or several."""
    kinds = kinds_named(words(key))
    return next(iter(kinds)) if len(kinds) == 1 else ""


def _links(view: Any) -> Iterator[Location]:
    """Yield the links of a JSON value in document order: whole texts, lists, files, sentences."""
    for location in _texts(view):
        text = location.text
        if link := _inline_link(location):
            yield location._replace(link=link)
            continue
        links = [part for part in split_links(text) if is_link(part) and _leads(location, part)]
        yield from (location._replace(link=link) for link in links)
        if not links and _may_tell_link(location):
            for link in _links_in_prose(text):
                yield location._replace(link=link, is_prose=True)


def _leads(location: Location, link: str) -> bool:
    """Tell whether a text of a link's form is meant as one: ``acme/model-2`` may name a model."""
    if "://" in link or link[:1] in "/.":
        return True
    own = location.keys[-1].lower() if location.keys else ""
    return own.endswith(vocab.LINK_ENDINGS) or kind_of_name(link) != ""


def _inline_link(location: Location) -> str:
    """Return the file that stands in a text, as a data link, or ``""``."""
    if not _INLINE_START.match(location.text):
        return ""
    from callsheet.protocol.inline_data import as_data_link

    stated = (location.owner.get(key) for key in vocab.TYPE_KEYS)
    types = (text for text in stated if isinstance(text, str) and "/" in text)
    by_key = (kind for key in reversed(location.keys) if (kind := kind_of_key(key)))
    return as_data_link(location.text, next(types, "") or next(by_key, ""))


def _links_in_prose(text: str) -> list[str]:
    return [link.rstrip(".,;:!?*") for link in re.findall(_LINK_IN_TEXT, text)]


def _may_tell_link(location: Location) -> bool:
    text, keys = location.text, location.keys
    is_sentence = len(text) <= _LONGEST_TEXT and "://" in text and text.lstrip()[:1] not in "{["
    return is_sentence and bool(keys) and keys[-1].lower() in vocab.PROSE_KEYS


def _texts(view: Any) -> Iterator[Location]:
    """Yield all texts of a JSON value in document order, without recursion."""
    stack: list[tuple[Any, tuple[str | int, ...], dict[str, Any], bool]] = [(view, (), {}, False)]
    for _ in range(_NODES):
        if not stack:
            return
        value, path, owner, is_input = stack.pop()
        if isinstance(value, str):
            yield Location(path, value, owner, is_input)
        elif isinstance(value, dict) and len(path) < _DEPTH:
            is_own_input = is_input or _is_input(value)
            stack += [
                (child, (*path, key), value, is_own_input) for key, child in reversed(value.items())
            ]
        elif isinstance(value, list) and len(path) < _DEPTH:
            entries = reversed(list(enumerate(value)))
            stack += [(child, (*path, index), owner, is_input) for index, child in entries]


def _is_input(table: dict[str, Any]) -> bool:
    """Tell whether an object declares an input: ``{"role": "reference_video", …}``."""
    role = table.get("role")
    return isinstance(role, str) and not vocab.INPUT_ROLES.isdisjoint(words(role))


_SEPARATOR = r"\s*,\s*"
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
        digests: set[str] = set()
        for key, text in _fields_of(expand(body)):
            forms = [form for part in _parts(text) for form in _forms(part)]
            digests.update(map(_digest, forms))
            if forms and key:
                digests.add(_digest(_field(key)))
                digests.update(_digest(f"kind {kind}") for kind in _kinds_of(key, text))
        return cls(digests)

    def contain(self, text: str) -> bool:
        """Tell whether ``text`` is a link, or names a file, that the request contained."""
        if not self.digests:
            return False
        return any(_digest(form) in self.digests for form in _forms(text.strip()))

    def name_field(self, key: str) -> bool:
        """Tell whether the request held a link in a field of this name."""
        return bool(self.digests) and _digest(_field(key)) in self.digests

    def have_kind(self, kind: str) -> bool:
        """Tell whether the request held a medium of this kind."""
        return bool(self.digests) and _digest(f"kind {kind}") in self.digests


NO_MARKS = RequestMarks()


def _field(key: str) -> str:
    return "field " + "".join(words(key))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_DIGEST_LENGTH]


def _kinds_of(key: str, text: str) -> frozenset[str]:
    """Return the kinds of medium that a request holds in a field, by file names or by the key."""
    named = frozenset(kind_of_name(part) for part in _parts(text)) - {"", "other"}
    return named or kinds_named(words(key)) or frozenset({""})


def _parts(text: str) -> Iterator[str]:
    """Yield a text, the parts of a comma list of links or paths, and the links in a sentence."""
    yield text.strip()
    if len(text) <= _LONGEST_TEXT:
        if "," in text:
            yield from re.split(_SEPARATOR, text.strip())
        if "://" in text:
            yield from _links_in_prose(text)


def _forms(text: str) -> Iterator[str]:
    """Yield what identifies a link: itself, without its query, and its file name.

    Servers store a user's file under another address: then only the name is the same. Generic
    names (``video.mp4``) identify no file.
    """
    is_inline = text[:5].lower() == "data:"
    if is_inline or not is_link(text):
        if is_inline or len(text) > _LONG_TEXT:  # a file within the request, as base64
            yield text
            yield text.partition(";base64,")[2] or text
        return
    yield text
    bare = re.split(r"[?#]", text, maxsplit=1)[0]
    yield bare
    name = bare.rstrip("/").rpartition("/")[2]
    stem = re.sub(r"[\W_\d]+", "", name.rpartition(".")[0].lower())
    if "." in name and stem and stem not in vocab.GENERIC_FILE_NAMES:
        yield unquote(name)


def texts_of(view: Any) -> Iterator[str]:
    """Yield all texts of a JSON value; not the names of fields."""
    return (text for _, text in _fields_of(view))


def holds_text(view: Any, text: str) -> bool:
    """Tell whether a JSON value holds a text, or its number, anywhere: as a value or as a key."""
    stack = [view]
    for _ in range(_NODES):
        if not stack:
            return False
        value = stack.pop()
        if isinstance(value, dict):
            stack += (*value, *value.values())
        elif isinstance(value, list):
            stack += value
        elif not isinstance(value, bool | None) and str(value) == text:
            return True
    return False


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
