"""Takes out of a schema what its draft no longer knows, so that it binds nobody."""

from __future__ import annotations

from typing import Any

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
