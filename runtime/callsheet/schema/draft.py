"""Choose the draft of JSON Schema by which a schema is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.schema.keywords import NEWER, subschemas

if TYPE_CHECKING:
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
    from jsonschema_rs import meta

    return meta.is_valid({**schema, "$schema": meta_uri(draft)})
