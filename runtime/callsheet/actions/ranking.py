"""Rank actions by how well their names and texts answer to some words."""

from __future__ import annotations

import difflib
import math
import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from callsheet.text import word_list, word_set

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


_FILLER = word_set(
    "a an and any are at by can do does for from how i in into is it me much my need of on or our"
    " please some that the this to up want what which with you"
)
# Words of one line mean the same in the name of an action.
_ALIKE = tuple(
    word_list(line)
    for line in (
        "make create generate new add compose produce build",
        "delete remove cancel drop erase",
        "find search lookup query",
        "get show read retrieve fetch view see",
        "list all every",
        "change edit update modify set rename",
        "send post publish submit",
        "picture image photo img pic",
        "movie film clip video",
        "sound audio music song",
        "voice speech speak say talk narrate aloud",
        "folder directory",
        "buy pay charge purchase",
        "cost price pricing money",
        "big bigger large larger enlarge upscale",
        "download fetch get",
        "page site website web url",
    )
)
_SYNONYMS = {
    word: frozenset(other for line in _ALIKE if word in line for other in line)
    for word in {word for line in _ALIKE for word in line}
}
# How much a hit counts: the same word, the start of one, one that means the same, a misspelling.
_SAME, _START, _ALIKE_HIT, _MISSPELT = 1.0, 0.7, 0.6, 0.6
_CLOSE = 0.75
_LEAST_SHARE = 0.3
_LEAST_START = 3
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_IN_ID, _IN_TITLE, _IN_TEXT = 3.0, 2.0, 1.0


class Searchable(NamedTuple):
    """What is known of an action that is looked for; ``group`` holds the words of its command."""

    id: str
    title: str = ""
    text: str = ""
    group: str = ""


def rank(query: str, entries: Iterable[Searchable]) -> list[str]:
    """Return the ids of the actions that answer to a query, the best first.

    An id that is the query comes first, then those that begin with it. Else every word counts by
    where it stands (id and group before title before text), by how it fits, and the more the
    fewer actions have it. Left out is what has less than half of the words, and what is far
    behind the best.
    """
    indexed = [(entry, _places(entry)) for entry in entries]
    counts = Counter(word for _, places in indexed for word in places)
    asked = [word for word in _words(query) if word not in _FILLER] or _words(query)
    fits = {word: _fits(word, counts) for word in dict.fromkeys(asked)}
    wanted = query.strip().lower()
    scored = [(_score(places, fits, counts, len(indexed)), entry) for entry, places in indexed]
    best = [
        (entry.id.lower() == wanted, entry.id.lower().startswith(wanted), score, entry.id)
        for score, entry in scored
        if score or entry.id.lower().startswith(wanted)
    ]
    least = _LEAST_SHARE * max((row[2] for row in best), default=0.0)
    best = [row for row in best if row[1] or row[2] >= least]
    best.sort(key=lambda row: (not row[0], not row[1], -row[2], row[3]))
    return [row[3] for row in best]


def _places(entry: Searchable) -> dict[str, float]:
    """Return each word of an action with the weight of the best place in which it stands."""
    places: dict[str, float] = {}
    texts = (
        (_IN_TEXT, entry.text),
        (_IN_TITLE, entry.title),
        (_IN_ID, f"{entry.id} {entry.group}"),
    )
    for weight, text in texts:
        places |= dict.fromkeys(_words(text), weight)
    return places


def _words(text: str) -> list[str]:
    """Return the words of a text in lower case, the plural ``s`` cut off."""
    parted = re.sub(_WORD_START, " ", text).lower()
    return [_singular(word) for word in re.findall(r"[^\W_]+", parted)]


def _singular(word: str) -> str:
    return word[:-1] if len(word) > _LEAST_START and word[-1] == "s" != word[-2] else word


def _fits(asked: str, words: Iterable[str]) -> dict[str, float]:
    """Return the words that a word of the query may mean, with how well each fits."""
    fits = dict.fromkeys(_SYNONYMS.get(asked, ()), _ALIKE_HIT)
    starts = [w for w in words if len(asked) >= _LEAST_START and w.startswith(asked)]
    starts += [w for w in words if len(w) > _LEAST_START and asked.startswith(w)]
    fits |= dict.fromkeys(starts, _START)
    if asked in words:
        fits[asked] = _SAME
    if not fits.keys() & set(words):
        close = difflib.get_close_matches(asked, words, n=3, cutoff=_CLOSE)
        for word in close:
            fits |= dict.fromkeys(_SYNONYMS.get(word, ()), _MISSPELT * _ALIKE_HIT)
        fits |= dict.fromkeys(close, _MISSPELT)
    return fits


def _score(
    places: Mapping[str, float],
    fits: Mapping[str, Mapping[str, float]],
    counts: Mapping[str, int],
    total: int,
) -> float:
    """Return how well an action answers to a query; 0 for less than half of its words."""
    hits: Sequence[float] = [
        max(
            (
                fit * places[w] * math.log(1 + total / counts[w])
                for w, fit in words.items()
                if w in places
            ),
            default=0.0,
        )
        for words in fits.values()
    ]
    matched = sum(1 for hit in hits if hit)
    return 0.0 if matched * 2 < len(hits) else sum(hits) * matched / len(hits)
