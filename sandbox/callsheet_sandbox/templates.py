"""Fill the JSON templates of dialect and catalogue files with values."""

import json
import re
from collections.abc import Mapping
from string import Template
from typing import Any

Json = Any

_WHOLE = re.compile(r"\$(\w+)")
DROPPED = object()


def fill(template: Json, values: Mapping[str, Json]) -> Json:
    """Return `template` with every ``"$name"`` replaced by ``values["name"]``.

    A name that is unknown or None removes its key or element, and a container that loses all
    its content goes with it; a literal null stays. ``{"$json": T}`` becomes T as JSON text. A
    string that merely contains ``$name`` is substituted as text. An empty top level gives None.
    """
    filled = _fill(template, values)
    return None if filled is DROPPED else filled


def _fill(template: Json, values: Mapping[str, Json]) -> Json:
    if isinstance(template, str):
        return _fill_text(template, values)
    if isinstance(template, dict):
        if set(template) == {"$json"}:
            inner = _fill(template["$json"], values)
            return DROPPED if inner is DROPPED else json.dumps(inner, ensure_ascii=False)
        filled = {key: _fill(inner, values) for key, inner in template.items()}
        remaining = {key: inner for key, inner in filled.items() if inner is not DROPPED}
        return remaining if remaining or not template else DROPPED
    if isinstance(template, list):
        entries = [entry for entry in (_fill(t, values) for t in template) if entry is not DROPPED]
        return entries if entries or not template else DROPPED
    return template


def _fill_text(text: str, values: Mapping[str, Json]) -> Json:
    if match := _WHOLE.fullmatch(text):
        replacement = values.get(match[1])
        return DROPPED if replacement is None else replacement
    return Template(text).safe_substitute(values) if "$" in text else text
