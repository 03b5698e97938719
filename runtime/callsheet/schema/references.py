"""Resolve identifiers, anchors and references within one schema document."""

from __future__ import annotations

import re
from typing import Any, Literal
from urllib.parse import quote, unquote, urljoin

from callsheet.jsonio import to_pointer, unescape_step
from callsheet.schema.keywords import NAMED, ONE, SEVERAL

Draft = Literal["draft-04", "draft-06", "draft-07", "2019-09", "2020-12"]


def drop_keyword(schema: Any, keyword: str) -> Any:
    """Copy a schema without the keyword in any subschema."""
    if isinstance(schema, list):
        return [drop_keyword(inner, keyword) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    copy = {}
    for key, content in schema.items():
        if key in NAMED and isinstance(content, dict):
            copy[key] = {name: drop_keyword(inner, keyword) for name, inner in content.items()}
        else:
            copy[key] = drop_keyword(content, keyword) if key in SEVERAL | ONE else content
    copy.pop(keyword, None)
    return copy


_VALUES = frozenset(("enum", "const", "default", "examples"))
_NO_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
_IN_FRAGMENTS = "/?:@!$&'()*+,;=%"


def with_uri_refs(schema: Any) -> Any:
    """Copy a schema so that every ``$ref`` is a URI reference.

    Servers write ``#/definitions/List<Item>`` and ``#/$defs/größe``; a validator takes no
    schema with such a link, where percent-encoded it means the same (RFC 6901, section 6).
    """
    if isinstance(schema, list):
        return [with_uri_refs(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    copy: dict[str, Any] = {}
    for key, content in schema.items():
        if key == "$ref" and isinstance(content, str):
            copy[key] = _as_uri(content)
        elif key in NAMED and isinstance(content, dict):
            copy[key] = {name: with_uri_refs(inner) for name, inner in content.items()}
        else:
            copy[key] = content if key in _VALUES else with_uri_refs(content)
    return copy


def _as_uri(ref: str) -> str:
    address, mark, fragment = ref.partition("#")
    return address + mark + quote(_NO_ESCAPE.sub("%25", fragment), safe=_IN_FRAGMENTS)


Location = tuple[str, ...]
"""The steps from the root of the document to a value in it."""

_METASCHEMAS = ("https://json-schema.org/draft/", "http://json-schema.org/draft-")
_UNIDENTIFIED = "callsheet:/schema"


class ReferenceIndex:
    """Index of the resources and anchors of one raw schema; nothing is ever fetched."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self._raw = raw
        self._resources: dict[str, Location] = {_UNIDENTIFIED: ()}
        self._anchors: dict[tuple[str, str], Location] = {}
        self._index(raw, (), _UNIDENTIFIED)

    def _index(self, node: object, location: Location, above: str) -> None:
        if isinstance(node, dict):
            base = base_uri(node, above)
            self._resources.setdefault(base, location)
            for anchor in _anchors(node):
                self._anchors.setdefault((base, anchor), location)
            for key, inner in node.items():
                if key not in {"enum", "const", "default", "examples"}:
                    self._index(inner, (*location, key), base)
        elif isinstance(node, list):
            for index, inner in enumerate(node):
                self._index(inner, (*location, str(index)), above)

    def locate(self, ref: str, base: str) -> Location | None:
        """Locate the target of a reference made in the resource ``base``; ``None`` if outside.

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
        location = (*root, *ref_steps(f"#{fragment}"))
        follow(local_ref(location), self._raw)
        return location


def root_base(raw: dict[str, Any]) -> str:
    """Return the base from which the root's own references are read."""
    return base_uri(raw, _UNIDENTIFIED)


def base_uri(schema: dict[str, Any], above: str) -> str:
    """Return the base inside a schema that may identify itself."""
    identifier = schema.get("$id")
    if not isinstance(identifier, str) or not identifier.partition("#")[0]:
        return above
    try:
        return urljoin(above, identifier).partition("#")[0]
    except ValueError:
        return above


def is_metaschema(ref: str) -> bool:
    """Tell whether a reference names a metaschema, which every validator has inside."""
    return ref.startswith(_METASCHEMAS)


def _anchors(schema: dict[str, Any]) -> list[str]:
    names = [schema.get("$anchor"), schema.get("$dynamicAnchor")]
    identity = schema.get("$id")
    if isinstance(identity, str) and "#" in identity:
        names.append(identity.partition("#")[2])
    return [name for name in names if isinstance(name, str) and name]


def is_admitted(location: Location) -> bool:
    """Tell whether the location survives the keyword allow-list and holds a schema."""
    steps = list(location)
    while steps:
        keyword = steps.pop(0)
        if keyword in NAMED and steps:
            steps.pop(0)
        elif keyword in SEVERAL or keyword == "items":
            if steps and steps[0].isdigit():
                steps.pop(0)
            elif keyword != "items":
                return False
        elif keyword not in ONE:
            return False
    return True


class SchemaRefused(ValueError):
    """Schema that may not be used: ``reason`` in words, ``pointer`` (JSON pointer) to the place."""

    def __init__(self, reason: str, pointer: str) -> None:
        super().__init__(f"{reason} (at {pointer})" if pointer else reason)
        self.reason = reason
        self.pointer = pointer


def ref_steps(ref: str) -> list[str]:
    """Read the steps of a reference that begins with ``#``."""
    if ref in {"#", "#/"}:
        return []
    steps = unquote(ref.removeprefix("#/")).split("/")
    return [unescape_step(step) for step in steps]


def local_ref(steps: tuple[str, ...]) -> str:
    """Write the reference that ``ref_steps`` reads back."""
    return "#" + to_pointer(steps).replace("%", "%25")


def follow(ref: str, root: object) -> object:
    """Return the value at a local ``$ref``; raise ``SchemaRefused`` where there is none."""
    node = root
    for token in ref_steps(ref):
        if isinstance(node, dict) and token in node:
            node = node[token]
        elif isinstance(node, list) and token.isdigit() and int(token) < len(node):
            node = node[int(token)]
        else:
            raise SchemaRefused("a $ref has no target in the schema", ref)
    return node
