"""Choose the draft of JSON Schema by which a schema is read."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from callsheet.schema.keywords import NEWER, subschemas

if TYPE_CHECKING:
    from collections.abc import Iterable

    import jsonschema_rs

    from callsheet.schema.references import Draft

_DRAFTS: tuple[Draft, ...] = ("draft-04", "draft-06", "draft-07", "2019-09", "2020-12")


def meta_uri(draft: Draft) -> str:
    """Return the URI by which a schema declares a draft; it is never opened."""
    if draft.startswith("draft"):
        return f"http://json-schema.org/{draft}/schema#"
    return f"https://json-schema.org/draft/{draft}/schema"


def declared_draft(schema: object) -> Draft | None:
    """Return the draft that ``$schema`` names, or ``None`` where it names no known one."""
    uri = schema.get("$schema") if isinstance(schema, dict) else None
    if isinstance(uri, str):
        return next((draft for draft in _DRAFTS if draft in uri), None)
    return None


def draft_of(schema: object) -> Draft:
    """Choose the draft to read a schema by.

    That of ``$schema`` where it is a known one; else 2020-12, unless the schema uses nothing
    newer than draft-07 and writes ``items`` as a list or keeps its parts in ``definitions``:
    what stands beside a ``$ref`` then binds nobody, and refusing by it could refuse what the
    server allows.
    """
    draft = declared_draft(schema)
    if draft is not None or not isinstance(schema, dict):
        return draft or "2020-12"
    is_old = "definitions" in schema or _has_item_lists(schema)
    return "draft-07" if is_old and not _is_newer(schema) else "2020-12"


def _has_item_lists(schema: object) -> bool:
    if not isinstance(schema, dict):
        return False
    return bool(isinstance(schema.get("items"), list) and schema["items"]) or any(
        map(_has_item_lists, subschemas(schema))
    )


def _is_newer(schema: object) -> bool:
    if isinstance(schema, dict):
        return not NEWER.isdisjoint(schema) or any(map(_is_newer, schema.values()))
    return isinstance(schema, list) and any(map(_is_newer, schema))


def is_valid_schema(schema: dict[str, Any], draft: Draft) -> bool:
    """Tell whether the metaschema of the draft accepts the schema."""
    return _metaschema_validator(draft).is_valid(schema)


def invalid_places(schema: dict[str, Any], draft: Draft) -> list[tuple[str, ...]]:
    """Return the steps to whatever the metaschema of the draft refuses, the deepest first.

    Of a place that may hold several kinds of value a metaschema refuses the whole; a schema
    that stands there is looked at by itself.
    """
    places: set[tuple[str, ...]] = set()
    for error in _metaschema_validator(draft).iter_errors(schema):
        steps, node = _follow(schema, error.instance_path)
        inner: list[tuple[tuple[str, ...], Any]] = (
            [((), node)] if steps and isinstance(node, dict) else []
        )
        if isinstance(node, list):
            inner = [((str(at),), part) for at, part in enumerate(node) if isinstance(part, dict)]
        deeper = {
            (*steps, *more, *rest) for more, part in inner for rest in invalid_places(part, draft)
        }
        places |= deeper or {steps}
    return sorted(places, key=lambda steps: (-len(steps), steps))


def _follow(schema: Any, path: Iterable[str | int]) -> tuple[tuple[str, ...], Any]:
    """Follow a path of jsonschema-rs, which drops empty names and turns digits into numbers."""
    steps: list[str] = []
    node = schema
    for step in map(str, path):
        while isinstance(node, dict) and step not in node and "" in node:
            steps.append("")
            node = node[""]
        if isinstance(node, dict) and step in node:
            node = node[step]
        elif isinstance(node, list) and step.isdigit() and int(step) < len(node):
            node = node[int(step)]
        else:
            break
        steps.append(step)
    return tuple(steps), node


@lru_cache(maxsize=8)
def _metaschema_validator(draft: Draft) -> jsonschema_rs.Validator:
    from callsheet.schema.limits import linear_validator

    return linear_validator({"$ref": meta_uri(draft)}, draft)
