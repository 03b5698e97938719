"""Read the list of actions and its paging."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.envelope import open_envelope
from callsheet.protocol.overrides import NONE, Overrides, pick_first
from callsheet.protocol.schema_document import is_whole_schema, read_marks, schema_in
from callsheet.protocol.values import first_text, is_encodable, number, parse_nested
from callsheet.spec import Advertised
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callsheet.protocol.error_replies import Refusal


_LINK = re.compile(r"<([^<>\s]{1,4096})>([^<>]{0,500})")
_REL_NEXT = re.compile(r"""(?:^|[;\s])rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next\b)""", re.I)
_LONGEST = 4096


class NextPage(NamedTuple):
    """The next page: query parameters to add, or a ``url`` as it came (it may be relative).

    Whoever follows ``url`` checks that it stays on the host.
    """

    query: Mapping[str, str] = {}
    url: str = ""


def find_next(tables: Sequence[Any], headers: Mapping[str, str], count: int) -> NextPage | None:
    """The page after one with ``count`` entries; ``tables`` are the objects round the list."""
    if count == 0:
        return None
    for table in tables:
        for part in (table, *_held(table)):
            found = _by_cursor(part) or _by_page(part, count)
            if found:
                return found
    return _by_link(headers.get("link", ""))


def _held(table: Any) -> list[dict[str, Any]]:
    if not isinstance(table, dict):
        return []
    held = (table.get(key) for key in vocab.PAGING_HOLDERS)
    return [item for item in held if isinstance(item, dict)]


def _by_cursor(table: Any) -> NextPage | None:
    if not isinstance(table, dict) or _more(table) is False:
        return None
    for key, parameter in vocab.CURSORS.items():
        value = table.get(key)
        text = str(value) if type(value) is int and abs(value) < 10**40 else value
        if isinstance(text, str) and 0 < len(text) <= _LONGEST and is_encodable(text):
            return NextPage(query={parameter: text})
    url = table.get("next")
    is_url = isinstance(url, str) and url.startswith(("/", "http:", "https:"))
    return NextPage(url=url[:_LONGEST]) if isinstance(url, str) and is_url else None


def _by_page(table: Any, count: int) -> NextPage | None:
    if not isinstance(table, dict):
        return None
    key = next((name for name in vocab.PAGE_KEYS if _whole(table, (name,)) is not None), "page")
    page = _whole(table, (key,))
    total, pages = _whole(table, vocab.TOTAL_KEYS), _whole(table, vocab.PAGES_KEYS)
    more = _more(table)
    if page is None or (total is None and pages is None and more is None):
        return None
    seen = page if page > 0 else 1
    size = _whole(table, vocab.SIZE_KEYS) or count
    if more is None:
        more = seen < pages if pages is not None else seen * size < (total or 0)
    return NextPage(query={key: str(page + 1)}) if more else None


def _by_link(header: str) -> NextPage | None:
    for url, rest in _LINK.findall(header[:20_000]):
        if _REL_NEXT.search(rest):
            return NextPage(url=url)
    return None


def _more(table: Mapping[str, Any]) -> bool | None:
    said = (table.get(key) for key in vocab.MORE_KEYS)
    return next((value for value in said if isinstance(value, bool)), None)


def _whole(table: Mapping[str, Any], keys: Sequence[str]) -> int | None:
    found = (number(table.get(key)) for key in keys)
    return next((int(value) for value in found if value is not None and 0 <= value < 1e9), None)


_DOTTED = re.compile(r"[a-z0-9][\w-]*(?:\.[\w-]+)+")
_OPAQUE = re.compile(r"\d+|[0-9a-f]{16,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_LONGEST_ID = 256
_DEPTH = 4

Raw = tuple[str | None, Any]
"""An entry as found: its key, where the list is an object keyed by id, and its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """One page of the list; ``notes`` tell in words what was not understood.

    ``recognised`` is false where no list was found; ``refusal`` is a no that came with a 2xx.
    """

    entries: tuple[Advertised, ...] = ()
    next: NextPage | None = None
    notes: tuple[str, ...] = ()
    recognised: bool = True
    refusal: Refusal | None = None


def read_list(
    data: Any, overrides: Overrides = NONE, headers: Mapping[str, str] | None = None
) -> ListPage:
    """Read the answer of the list; ``headers`` are lower-case. Never raises on any JSON value."""
    opened = open_envelope(data, overrides)
    if opened.refusal:
        return ListPage(refusal=opened.refusal, notes=("the server refused the list",))
    raws, tables = _located(opened.layers, overrides)
    if raws is None:
        return ListPage(recognised=False, notes=("no list of actions was found in the answer",))
    entries, notes = _entries(raws, _shared_marks(tables), overrides)
    following = find_next(tables, headers or {}, len(raws))
    return ListPage(entries=entries, next=following, notes=notes)


def _located(layers: Sequence[Any], overrides: Overrides) -> tuple[list[Raw] | None, list[Any]]:
    """The raw entries, and the objects round them from the inside out."""
    tables = [layer for layer in reversed(layers) if isinstance(layer, dict)]
    forced = pick_first(tuple(layers), overrides.list)
    if forced:
        lists = (_raws(parse_nested(value), trusted=True) for value in forced)
        return [raw for found in lists for raw in found or ()], tables
    raws, inner = _search(layers[-1], 0)
    return raws, [*inner, *tables]


def _search(value: Any, depth: int) -> tuple[list[Raw] | None, list[Any]]:
    value = parse_nested(value)
    if isinstance(value, list):
        return _raws(value, trusted=True), []
    if not isinstance(value, dict) or depth >= _DEPTH:
        return None, []
    for key in vocab.LIST_KEYS:
        if key in value:
            raws, tables = _search(value[key], depth + 1)
            if raws is not None:
                return raws, [*tables, value]
    return ([] if depth and not value else _raws(value, trusted=depth > 0)), []


def _raws(value: Any, *, trusted: bool) -> list[Raw] | None:
    """``trusted`` says that the place already tells that this is the list."""
    if isinstance(value, list):
        return [(None, item) for item in value]
    if not isinstance(value, dict):
        return None
    tables = [item for item in value.values() if isinstance(item, dict)]
    dotted = sum(1 for key in value if _DOTTED.fullmatch(key[:_LONGEST_ID]))
    keyed = dotted * 2 > len(value) or (
        len(tables) == len(value) > 0 and (trusted or all(_describes(item) for item in tables))
    )
    return list(value.items()) if keyed else None


def _describes(table: Mapping[str, Any]) -> bool:
    keys = (*vocab.DESCRIPTION_KEYS, *vocab.TITLE_KEYS, *vocab.INPUT_KEYS, "properties")
    return any(key in table for key in keys)


def _shared_marks(tables: Sequence[Any]) -> dict[str, bool]:
    """``idempotency`` said of the whole list holds for each of its actions."""
    for table in tables:
        said = read_marks(table).get("idempotency") if isinstance(table, dict) else None
        if said is not None:
            return {"idempotency": said}
    return {}


def _entries(
    raws: list[Raw], shared: dict[str, bool], overrides: Overrides
) -> tuple[tuple[Advertised, ...], tuple[str, ...]]:
    found: dict[str, Advertised] = {}
    notes: list[str] = []
    id_keys = overrides.id_key or _id_keys([item for key, item in raws if key is None])
    for place, raw in enumerate(raws, start=1):
        entry = _entry(raw, id_keys, shared, overrides)
        if entry is None:
            notes.append(f"entry {place} is no action: {one_line(raw[1], 80)}")
        elif entry.id in found:
            notes.append(f"{one_line(entry.id, 80)} stands in the list twice; the first counts")
        else:
            found[entry.id] = entry
    return tuple(found.values()), tuple(notes)


def _entry(
    raw: Raw, id_keys: Sequence[str], shared: dict[str, bool], overrides: Overrides
) -> Advertised | None:
    key, value = raw
    value = parse_nested(value)
    if isinstance(value, str):
        name = value if key is None else key
        text = "" if key is None else value
        return Advertised(id=name, description=text, hints=shared) if _is_id(name) else None
    if not isinstance(value, dict):
        return Advertised(id=key, hints=shared) if key is not None and _is_id(key) else None
    name = key if key is not None else _id_of(value, id_keys)
    if not _is_id(name):
        return None
    reading = schema_in(value, overrides)
    untold = reading.input is value and not is_whole_schema(value)
    schema = None if untold else reading.input
    return Advertised(
        id=name,
        title=reading.title or _other_name(value, name),
        description=reading.description,
        input=schema,
        output=reading.output,
        hints={**shared, **reading.marks},
    )


def _is_id(name: str) -> bool:
    return 0 < len(name) <= _LONGEST_ID and name.isprintable() and is_encodable(name)


def _id_of(entry: Mapping[str, Any], id_keys: Sequence[str]) -> str:
    text = first_text(entry, id_keys)
    number = next((entry[key] for key in id_keys if type(entry.get(key)) is int), None)
    return text or (str(number) if number is not None and abs(number) < 10**18 else "")


def _other_name(entry: Mapping[str, Any], own: str) -> str:
    name = entry.get("name")
    return name if isinstance(name, str) and name != own else ""


def _id_keys(items: Sequence[Any]) -> tuple[str, ...]:
    """The id keys, likeliest first: dotted names in all entries, then plain names, then any."""
    tables = [item for item in items if isinstance(item, dict)]
    return tuple(sorted(vocab.ID_KEYS, key=lambda key: _doubt(key, tables)))


def _doubt(key: str, tables: Sequence[Mapping[str, Any]]) -> int:
    texts = [item[key] for item in tables if isinstance(item.get(key), str)]
    if len(texts) < len(tables) or not texts:
        return 3
    if all(_DOTTED.fullmatch(text) for text in texts):
        return 0
    plain = len(set(texts)) == len(texts) and not any(_OPAQUE.fullmatch(text) for text in texts)
    return 1 if plain else 2
