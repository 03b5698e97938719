"""Weigh the links of a reply by rules, and rank those that may be its result."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from callsheet.protocol import media_words as vocab
from callsheet.protocol.inline_data import is_data_link, kind_of_link
from callsheet.protocol.job_fields import state_rank
from callsheet.protocol.media import Medium, is_absolute, kind_of_key, kind_of_name, kinds_named
from callsheet.protocol.values import words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from callsheet.protocol.media import Location, RequestMarks

_MOST = 1000
_LABEL = r"[A-Za-z][A-Za-z _-]{0,40}"
Rank = tuple[bool, int, int, bool, int, int]


class WeighedLink(NamedTuple):
    """A link with the rules that spoke for it (``+``) and against it (``-``)."""

    location: Location
    medium: Medium
    rank: Rank
    rules: tuple[str, ...]

    @property
    def is_possible(self) -> bool:
        """Tell whether no rule spoke against it."""
        return not any(rule.startswith("-") for rule in self.rules)


def rank_links(
    locations: Sequence[Location], marks: RequestMarks, names: Sequence[str]
) -> tuple[Medium, ...]:
    """Return the links that may be a result, each once, the likeliest first.

    ``marks`` are those of the request; ``names`` are the fields that the output schema or the
    overlay names, the action's own medium first.
    """
    weighed = [weigh_link(location, marks, names) for location in locations]
    possible = sorted((link for link in weighed if link.is_possible), key=lambda link: link.rank)
    unique: dict[str, Medium] = {}
    for link in possible:
        unique.setdefault(link.medium.link, link.medium)
    return tuple(unique.values())[:_MOST]


def weigh_link(location: Location, marks: RequestMarks, names: Sequence[str]) -> WeighedLink:
    """Apply every rule to a link; ``marks`` and ``names`` are those of ``rank_links``."""
    field = _field_rank(location, names)
    kind, source = _kind_of(location)
    certainty = _certainty(location)
    is_known, variant = field is not None or certainty > 0, _variant_of(location)
    against = [name for name, holds in _AGAINST if field is None and holds(location)]
    against += ["sent with the request"] if marks.contain(location.link) else []
    if not is_known and (
        source == "key" or not kind or marks.have_kind(kind) or marks.have_kind("")
    ):
        against.append("a key that tells nothing")
    own_words = words(names[0])[:1] if names else ()
    is_named = any(word in _plain(key) for word in own_words for key in location.keys)
    rank = (
        any(marks.name_field(key) for key in location.keys[-1:]),
        len(names) if field is None else field,
        0 if field is not None or is_named else 1,
        certainty == 1,
        variant,
        len(location.path),
    )
    rules = ["+a field of the output schema"] if field is not None else []
    rules += ["+a key of results"] if is_known and field is None else []
    rules += [f"+{kind} by its {source}"] if kind else []
    rules += [f"-{name}" for name in against]
    is_second = field is None and (variant > 0 or certainty == 1)
    medium = Medium(location.link, kind, field is not None, is_known, is_second, location.keys)
    return WeighedLink(location, medium, rank, tuple(rules))


def _kind_of(location: Location) -> tuple[str, str]:
    """Return the kind of a link and what tells it: bytes, name, type or key."""
    if is_data_link(location.link):
        return kind_of_link(location.link), "bytes"
    if by_name := kind_of_name(location.link):
        return by_name, "name"
    if location.keys and (by_key := kind_of_key(location.keys[-1])):
        return by_key, "key"
    stated = {_kind_of_word(part) for text in _types(location) for part in words(text)} - {""}
    if len(stated) == 1:
        return stated.pop(), "type"
    by_place = (kind for key in reversed(location.keys[:-1]) if (kind := kind_of_key(key)))
    return next(by_place, ""), "key"


def _kind_of_word(word: str) -> str:
    return vocab.MEDIUM_WORDS.get(word) or vocab.EXTENSION_KINDS.get(word, "")


def _types(location: Location) -> list[str]:
    """Return the types that the object of a link states for itself."""
    texts = (location.owner.get(key) for key in vocab.TYPE_KEYS)
    return [text for text in texts if isinstance(text, str) and len(text) <= 100]


def _field_rank(location: Location, names: Sequence[str]) -> int | None:
    """Return the index of a location's key in ``names``, unless it is in a forbidden object."""
    own = _plain(location.keys[-1]) if location.keys else ""
    fields = [_plain(name) for name in names]
    if not own or own not in fields or location.is_input:
        return None
    if any(_is_forbidden(key, in_result=False) for key in location.keys[:-1]):
        return None
    return fields.index(own)


def _plain(name: str) -> str:
    return "".join(words(name))


@lru_cache(maxsize=4096)
def _stem(key: str) -> tuple[tuple[str, ...], bool]:
    """Return the words of a key without those for a link, and whether there were such words."""
    parts = words(key)
    lowered = key[:200].lower().rstrip("_- ")
    for ending in vocab.LINK_ENDINGS:
        if lowered.endswith(ending):
            parts = words(key[:200].rstrip("_- ")[: -len(ending)])
            break
    else:
        if vocab.LINK_WORDS.isdisjoint(parts):
            return parts, False
    return tuple(part for part in parts if part not in vocab.LINK_WORDS), True


def _own_key(location: Location) -> str:
    """Return the key that tells what a link is: the last one that has letters."""
    return next((key for key in reversed(location.keys) if re.search("[A-Za-z]{2}", key)), "")


def _certainty(location: Location) -> int:
    """Return 2 for a key whose words all tell of results, 1 for one that names a medium too.

    Any other key tells nothing: 0.
    """
    own = _own_key(location)
    if not own or location.is_prose:
        return 0
    parts, is_link = _stem(own)
    is_inline = is_data_link(location.link)
    may_lead = is_link or is_inline or is_absolute(location.link) or location.link[:1] == "/"
    if not may_lead or not (parts or is_link):
        return 0
    inline: frozenset[str] = vocab.INLINE_WORDS if is_inline else frozenset()
    if all(_tells_of_result(part) or part in inline for part in parts):
        return 2
    return 1 if kinds_named(parts) else 0


def _tells_of_result(word: str) -> bool:
    """Tell whether a word tells of results: by the list, as a number, or as ``dubbed`` does."""
    is_participle = word.endswith("ed") and len(word) > 4
    return word in vocab.RESULT_KEYS or word.isdigit() or is_participle


def _is_page(location: Location) -> bool:
    """Tell whether the key names a page or an address of the API: its own, or that around it."""
    parts, is_link = _stem(_own_key(location))
    around = words(location.keys[-2]) if is_link and not parts and len(location.keys) > 1 else ()
    is_file = bool(kind_of_name(location.link))
    not_a_file = vocab.NOT_A_FILE - (vocab.FILE_IF_NAMED if is_file else frozenset())
    pages = not_a_file - vocab.WRAPPERS
    if not (not_a_file if is_link else pages).isdisjoint(parts):
        return True
    is_profile = not vocab.OWNERS.isdisjoint(around) and not is_file
    return is_profile or not pages.isdisjoint(around)


def _under_forbidden_key(location: Location) -> bool:
    in_result = False
    for key in location.keys:
        if _is_forbidden(key, in_result=in_result):
            return True
        in_result = in_result or not vocab.GENERATED_WORDS.isdisjoint(words(key))
    return False


@lru_cache(maxsize=4096)
def _is_forbidden(key: str, *, in_result: bool) -> bool:
    """Tell whether no link under a key is a result: previews, and echoes of the request.

    ``in_result`` says that a key above tells of what the job made.
    """
    parts, _ = _stem(key)
    if words(key)[:1] == ("src",) and parts:
        return True
    if vocab.NEVER_MEDIA.intersection(parts) or any(
        part.startswith(vocab.REQUEST_PREFIXES) for part in parts
    ):
        return True
    if any(phrase in "".join(parts) for phrase in vocab.FRAME_PHRASES):
        return True
    material = vocab.MATERIAL_WORDS.intersection(parts)
    if in_result and material <= vocab.SAMPLES:
        return False
    return bool(material) and not vocab.GENERATED_WORDS.intersection(parts)


def _is_labelled_otherwise(location: Location) -> bool:
    """Tell whether the object of a link calls it a preview, an input or a text."""
    owner = location.owner
    if any(state_rank(key) is not None for key in owner):  # the job itself
        return False
    labels = (owner.get(key) for key in vocab.LABEL_KEYS)
    texts = (text for text in labels if isinstance(text, str) and re.fullmatch(_LABEL, text))
    return any(_is_companion(words(text)) for text in texts)


def _is_companion(parts: Sequence[str]) -> bool:
    is_beside = not vocab.BESIDE.isdisjoint(parts)
    return is_beside and all(part in vocab.BESIDE or part in vocab.RESULT_KEYS for part in parts)


def _variant_of(location: Location) -> int:
    """Return 1 for a variant of the result (captioned, watermarked, small), -1 for a clean one."""
    rank = 0
    for key in location.keys:
        parts = words(key)
        has_mark = "watermark" in "".join(parts)
        if has_mark and not vocab.WITHOUT.isdisjoint(parts):
            return -1
        if has_mark or not vocab.VARIANTS.isdisjoint(parts):
            rank = 1
    return rank


_AGAINST: tuple[tuple[str, Callable[[Location], bool]], ...] = (
    ("an input of the job", lambda location: location.is_input),
    ("under a key of inputs or previews", _under_forbidden_key),
    ("a page or an address of the API", _is_page),
    ("called a preview, an input or a text", _is_labelled_otherwise),
)
"""What makes a link no result, unless the output schema or the configuration names its field."""
