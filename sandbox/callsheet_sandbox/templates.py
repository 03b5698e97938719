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
        pairs = {key: _fill(value, values) for key, value in template.items()}
        kept = {key: value for key, value in pairs.items() if value is not DROPPED}
        return kept if kept or not template else DROPPED
    if isinstance(template, list):
        items = [item for item in (_fill(t, values) for t in template) if item is not DROPPED]
        return items if items or not template else DROPPED
    return template


def _fill_text(text: str, values: Mapping[str, Json]) -> Json:
    if whole := _WHOLE.fullmatch(text):
        value = values.get(whole[1])
        return DROPPED if value is None else value
    return Template(text).safe_substitute(values) if "$" in text else text
