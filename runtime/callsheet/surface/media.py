"""Which fields of a reply hold media, read from the advertised output schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.naming import kebab
from callsheet.schema.keywords import subschemas
from callsheet.schema.pointers import SchemaRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from callsheet.schema.admission import Admissions

_LINK = frozenset(("url", "urls", "uri", "uris"))
_MEDIUM = frozenset(("image", "images", "video", "videos", "audio", "picture", "photo", "media"))
_BESIDE = frozenset(
    ("thumbnail", "cover", "poster", "preview", "callback", "webhook", "input", "reference")
)


def media_fields(
    outputs: Iterable[Any], configured: Sequence[str], action_id: str, admit: Admissions
) -> tuple[str, ...]:
    """Wire names of media links: the configured ones and those of the output schemas.

    The action's own medium comes first (``imageUrl`` under ``ai.image``). An output schema
    that may not be used counts as none.
    """
    found = dict.fromkeys(configured)
    for output in outputs:
        try:
            schema = admit(output) if output is not None else {}
        except SchemaRefused:
            continue
        found |= dict.fromkeys(sorted(_links(schema)))
    own = set(kebab(action_id).split("-"))
    return tuple(sorted(found, key=lambda name: not own & set(kebab(name).split("-"))))


def _links(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        rest = dict(schema)
        for name, inner in rest.pop("properties", {}).items():
            yield from _named(name, inner)
        for inner in subschemas(rest):
            yield from _links(inner)


def _named(name: str, inner: object) -> Iterator[str]:
    words = set(kebab(name).split("-"))
    if words & _BESIDE:
        return
    if words & _LINK and words & _MEDIUM:
        yield name
    yield from _links(inner)
