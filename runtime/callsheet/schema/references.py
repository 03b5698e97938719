"""Resolve identifiers, anchors and references within one schema document."""

from __future__ import annotations

import re
from typing import Any, Literal
from urllib.parse import quote, unquote, urljoin

from callsheet.jsonio import to_pointer, unescape_step
from callsheet.schema.keywords import NAMED, ONE, SEVERAL

Draft = Literal["draft-04", "draft-06", "draft-07", "2019-09", "2020-12"]


def drop_keyword(schema: Any, keyword: str) -> Any:
    """A copy without the keyword in any subschema."""
    if isinstance(schema, list):
        return [drop_keyword(item, keyword) for item in schema]
    if not isinstance(schema, dict):
        return schema
    copy = {}
    for key, value in schema.items():
        if key in NAMED and isinstance(value, dict):
            copy[key] = {name: drop_keyword(item, keyword) for name, item in value.items()}
        else:
            copy[key] = drop_keyword(value, keyword) if key in SEVERAL | ONE else value
    copy.pop(keyword, None)
    return copy


_VALUES = frozenset(("enum", "const", "default", "examples"))
_NO_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
_IN_FRAGMENTS = "/?:@!$&'()*+,;=%"


def with_uri_refs(schema: Any) -> Any:
    """A copy in which every ``$ref`` is a URI reference.

    Servers write ``#/definitions/List<Item>`` and ``#/$defs/größe``; a validator takes no
    schema with such a link, where percent-encoded it means the same (RFC 6901, section 6).
    """
    if isinstance(schema, list):
        return [with_uri_refs(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    copy: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "$ref" and isinstance(value, str):
            copy[key] = _as_uri(value)
        elif key in NAMED and isinstance(value, dict):
            copy[key] = {name: with_uri_refs(item) for name, item in value.items()}
        else:
            copy[key] = value if key in _VALUES else with_uri_refs(value)
    return copy


def _as_uri(ref: str) -> str:
    address, mark, fragment = ref.partition("#")
    return address + mark + quote(_NO_ESCAPE.sub("%25", fragment), safe=_IN_FRAGMENTS)


Location = tuple[str, ...]
"""The steps from the root of the document to a value in it."""

_METASCHEMAS = ("https://json-schema.org/draft/", "http://json-schema.org/draft-")
_UNIDENTIFIED = "callsheet:/schema"


class ReferenceIndex:
    """An index of one raw schema; nothing is ever fetched."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self._raw = raw
        self._resources: dict[str, Location] = {_UNIDENTIFIED: ()}
        self._anchors: dict[tuple[str, str], Location] = {}
        self._index(raw, (), _UNIDENTIFIED)

    def _index(self, value: object, where: Location, above: str) -> None:
        if isinstance(value, dict):
            base = base_uri(value, above)
            self._resources.setdefault(base, where)
            for anchor in _anchors(value):
                self._anchors.setdefault((base, anchor), where)
            for key, item in value.items():
                if key not in {"enum", "const", "default", "examples"}:
                    self._index(item, (*where, key), base)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self._index(item, (*where, str(index)), above)

    def place(self, ref: str, base: str) -> Location | None:
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
        place = (*root, *ref_steps(f"#{fragment}"))
        follow(local_ref(place), self._raw)
        return place


def root_base(raw: dict[str, Any]) -> str:
    """The base from which the root's own references are read."""
    return base_uri(raw, _UNIDENTIFIED)


def base_uri(schema: dict[str, Any], above: str) -> str:
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


def is_admitted(place: Location) -> bool:
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


class SchemaRefused(ValueError):
    """A schema that may not be used; ``reason`` in words, ``pointer`` where, as JSON pointer."""

    def __init__(self, reason: str, pointer: str) -> None:
        super().__init__(f"{reason} (at {pointer})" if pointer else reason)
        self.reason = reason
        self.pointer = pointer


def ref_steps(ref: str) -> list[str]:
    """The steps of a reference that begins with ``#``."""
    if ref in {"#", "#/"}:
        return []
    steps = unquote(ref.removeprefix("#/")).split("/")
    return [unescape_step(step) for step in steps]


def local_ref(steps: tuple[str, ...]) -> str:
    """The reference that :func:`tokens` reads back."""
    return "#" + to_pointer(steps).replace("%", "%25")


def follow(ref: str, root: object) -> object:
    """The value at a local ``$ref``; raises ``SchemaRefused`` where there is none."""
    value = root
    for token in ref_steps(ref):
        if isinstance(value, dict) and token in value:
            value = value[token]
        elif isinstance(value, list) and token.isdigit() and int(token) < len(value):
            value = value[int(token)]
        else:
            raise SchemaRefused("a $ref has no target in the schema", ref)
    return value
