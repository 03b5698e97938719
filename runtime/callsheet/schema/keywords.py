"""List the JSON Schema keywords that pass, with the kind of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.text import word_set

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


ONE = word_set("""
    additionalProperties not if then else contains propertyNames unevaluatedProperties
    unevaluatedItems additionalItems items
""")
"""Keywords whose value is one schema; draft-07's ``items`` may be a list too."""

NAMED = word_set("""
    properties patternProperties $defs definitions dependentSchemas dependencies
""")
"""Keywords whose value is a mapping of schemas; ``dependencies`` may hold lists of names."""

SEVERAL = frozenset(("anyOf", "oneOf", "allOf", "prefixItems"))
"""Keywords whose value is a list of schemas."""

IN_PLACE = frozenset(
    ("anyOf", "oneOf", "allOf", "not", "if", "then", "else", "dependentSchemas", "dependencies")
)
"""Keywords that apply their schemas to the very same value, besides ``$ref``."""

LINKS = frozenset(("$ref", "$dynamicRef", "$recursiveRef"))
"""Keywords whose value refers to a schema."""

ANNOTATIONS = word_set("""
    title description default examples deprecated readOnly writeOnly format contentEncoding
    contentMediaType
""")
"""Keywords that refuse nothing."""

LIMITS = word_set("""
    minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern
    minItems maxItems uniqueItems minProperties maxProperties minContains maxContains
""")
"""Keywords that compare a value with a number or a pattern."""

PLAIN = ANNOTATIONS | LIMITS | {"type", "enum", "const", "required", "dependentRequired"}
"""Keywords without subschemas."""

SILENT = ANNOTATIONS | {"$comment", "$schema", "$vocabulary", "$id", "id", "$anchor"}
"""Keywords that a schema can lose without a word."""

KEYWORDS = PLAIN | ONE | NAMED | SEVERAL | LINKS | SILENT | {"$dynamicAnchor", "$recursiveAnchor"}
"""Every keyword of any draft."""

UNCHECKED = "x-unchecked"
"""Keyword of our own that holds what a schema lost, where two schemas are compared."""

_OF_KIND = {
    "string": ("minLength", "maxLength", "pattern"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "array": (
        *("minItems", "maxItems", "uniqueItems", "items", "prefixItems", "additionalItems"),
        *("contains", "minContains", "maxContains", "unevaluatedItems"),
    ),
    "object": (
        *("minProperties", "maxProperties", "properties", "patternProperties", "required"),
        *("additionalProperties", "propertyNames", "dependencies", "dependentRequired"),
        *("dependentSchemas", "unevaluatedProperties"),
    ),
}
APPLIES_TO = {keyword: kind for kind, keywords in _OF_KIND.items() for keyword in keywords}
"""The kind of value that a keyword applies to, where that is one kind alone."""

NEWER = word_set("""
    $defs $anchor $dynamicRef $dynamicAnchor $recursiveRef prefixItems unevaluatedItems
    unevaluatedProperties dependentSchemas dependentRequired minContains maxContains
""")
"""Keywords that draft-07 does not know."""


def subschemas(schema: Mapping[str, Any]) -> Iterator[object]:
    """Yield all values right beneath a schema where schemas stand; they may be of any kind."""
    for key, content in schema.items():
        if key in NAMED and isinstance(content, dict):
            yield from content.values()
        elif key in ONE | SEVERAL:
            yield from content if isinstance(content, list) else [content]
