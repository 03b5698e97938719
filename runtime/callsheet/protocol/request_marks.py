"""Remember the links and file names of a request, so that none of them is taken for a result."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.values import expand, is_link, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


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
