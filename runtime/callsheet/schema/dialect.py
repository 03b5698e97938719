"""A schema as validators want it: without what its draft no longer knows, its links as URIs."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from callsheet.schema.keywords import NAMED, ONE, SEVERAL


def without(schema: Any, keyword: str) -> Any:
    """A copy without the keyword in any subschema."""
    if isinstance(schema, list):
        return [without(item, keyword) for item in schema]
    if not isinstance(schema, dict):
        return schema
    copy = {}
    for key, value in schema.items():
        if key in NAMED and isinstance(value, dict):
            copy[key] = {name: without(item, keyword) for name, item in value.items()}
        else:
            copy[key] = without(value, keyword) if key in SEVERAL | ONE else value
    copy.pop(keyword, None)
    return copy


_VALUES = frozenset(("enum", "const", "default", "examples"))
_NO_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
_IN_FRAGMENTS = "/?:@!$&'()*+,;=%"


def linked(schema: Any) -> Any:
    """A copy in which every ``$ref`` is a URI reference.

    Servers write ``#/definitions/List<Item>`` and ``#/$defs/größe``; a validator takes no
    schema with such a link, where percent-encoded it means the same (RFC 6901, section 6).
    """
    if isinstance(schema, list):
        return [linked(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    copy: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "$ref" and isinstance(value, str):
            copy[key] = _as_uri(value)
        elif key in NAMED and isinstance(value, dict):
            copy[key] = {name: linked(item) for name, item in value.items()}
        else:
            copy[key] = value if key in _VALUES else linked(value)
    return copy


def _as_uri(ref: str) -> str:
    address, mark, fragment = ref.partition("#")
    return address + mark + quote(_NO_ESCAPE.sub("%25", fragment), safe=_IN_FRAGMENTS)
