"""Where the references of a raw schema point: `$id`, anchors and pointers, within it alone."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urljoin

from callsheet.schema.keywords import NAMED, ONE, SEVERAL
from callsheet.schema.pointers import follow, pointer, tokens

Place = tuple[str, ...]
"""The steps from the root of the document to a value in it."""

_METASCHEMAS = ("https://json-schema.org/draft/", "http://json-schema.org/draft-")
_UNIDENTIFIED = "callsheet:/schema"


class Links:
    """An index of one raw schema; nothing is ever fetched."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self._raw = raw
        self._resources: dict[str, Place] = {_UNIDENTIFIED: ()}
        self._anchors: dict[tuple[str, str], Place] = {}
        self._index(raw, (), _UNIDENTIFIED)

    def _index(self, value: object, where: Place, above: str) -> None:
        if isinstance(value, dict):
            base = based(value, above)
            self._resources.setdefault(base, where)
            for anchor in _anchors(value):
                self._anchors.setdefault((base, anchor), where)
            for key, item in value.items():
                if key not in {"enum", "const", "default", "examples"}:
                    self._index(item, (*where, key), base)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self._index(item, (*where, str(index)), above)

    def place(self, ref: str, base: str) -> Place | None:
        """Where a reference points, seen from the resource ``base``; ``None``: out of here.

        Raises ``SchemaRefused`` for a pointer without a target.
        """
        try:
            uri, _, fragment = urljoin(base, ref).partition("#")
        except ValueError:
            return None
        if ref.startswith("#"):  # urljoin knows nothing of urn: and the like
            uri, fragment = base, ref[1:]
        root = self._resources.get(uri)
        if root is None:
            return None
        if fragment and not fragment.startswith("/"):
            return self._anchors.get((uri, unquote(fragment)))
        place = (*root, *tokens(f"#{fragment}"))
        follow(pointer(place), self._raw)
        return place


def base_of(raw: dict[str, Any]) -> str:
    """The base from which the root's own references are read."""
    return based(raw, _UNIDENTIFIED)


def based(schema: dict[str, Any], above: str) -> str:
    """The base inside a schema that may identify itself."""
    said = schema.get("$id")
    if not isinstance(said, str) or not said.partition("#")[0]:
        return above
    try:
        return urljoin(above, said).partition("#")[0]
    except ValueError:
        return above


def is_metaschema(ref: str) -> bool:
    """Whether a reference names a metaschema of JSON Schema, which every validator has inside."""
    return ref.startswith(_METASCHEMAS)


def _anchors(schema: dict[str, Any]) -> list[str]:
    said = [schema.get("$anchor"), schema.get("$dynamicAnchor")]
    identity = schema.get("$id")
    if isinstance(identity, str) and "#" in identity:
        said.append(identity.partition("#")[2])
    return [one for one in said if isinstance(one, str) and one]


def is_kept(place: Place) -> bool:
    """Whether the place is one that the keyword allow-list keeps, and holds a schema."""
    rest = list(place)
    while rest:
        keyword = rest.pop(0)
        if keyword in NAMED and rest:
            rest.pop(0)
        elif keyword in SEVERAL or keyword == "items":
            if rest and rest[0].isdigit():
                rest.pop(0)
            elif keyword != "items":
                return False
        elif keyword not in ONE:
            return False
    return True
