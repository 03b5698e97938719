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

    The caller has to check that ``url`` is on the host.
    """

    query: Mapping[str, str] = {}
    url: str = ""


def find_next(tables: Sequence[Any], headers: Mapping[str, str], count: int) -> NextPage | None:
    """Return the page after one of ``count`` entries; ``tables`` are the objects round the list."""
    if count == 0:
        return None
    for table in tables:
        for part in (table, *_paging_tables(table)):
            next_page = _by_cursor(part) or _by_page(part, count)
            if next_page:
                return next_page
    return _by_link(headers.get("link", ""))


def _paging_tables(table: Any) -> list[dict[str, Any]]:
    if not isinstance(table, dict):
        return []
    holders = (table.get(key) for key in vocab.PAGING_HOLDERS)
    return [holder for holder in holders if isinstance(holder, dict)]


def _by_cursor(table: Any) -> NextPage | None:
    if not isinstance(table, dict) or _has_more(table) is False:
        return None
    for key, parameter in vocab.CURSORS.items():
        cursor = table.get(key)
        text = str(cursor) if type(cursor) is int and abs(cursor) < 10**40 else cursor
        if isinstance(text, str) and 0 < len(text) <= _LONGEST and is_encodable(text):
            return NextPage(query={parameter: text})
    url = table.get("next")
    is_url = isinstance(url, str) and url.startswith(("/", "http:", "https:"))
    return NextPage(url=url[:_LONGEST]) if isinstance(url, str) and is_url else None


def _by_page(table: Any, count: int) -> NextPage | None:
    if not isinstance(table, dict):
        return None
    key = next((name for name in vocab.PAGE_KEYS if _count(table, (name,)) is not None), "page")
    page = _count(table, (key,))
    total, pages = _count(table, vocab.TOTAL_KEYS), _count(table, vocab.PAGES_KEYS)
    more = _has_more(table)
    if page is None or (total is None and pages is None and more is None):
        return None
    pages_read = page if page > 0 else 1
    size = _count(table, vocab.SIZE_KEYS) or count
    if more is None:
        more = pages_read < pages if pages is not None else pages_read * size < (total or 0)
    return NextPage(query={key: str(page + 1)}) if more else None


def _by_link(header: str) -> NextPage | None:
    for url, rest in _LINK.findall(header[:20_000]):
        if _REL_NEXT.search(rest):
            return NextPage(url=url)
    return None


def _has_more(table: Mapping[str, Any]) -> bool | None:
    flags = (table.get(key) for key in vocab.MORE_KEYS)
    return next((flag for flag in flags if isinstance(flag, bool)), None)


def _count(table: Mapping[str, Any], keys: Sequence[str]) -> int | None:
    counts = (number(table.get(key)) for key in keys)
    return next((int(count) for count in counts if count is not None and 0 <= count < 1e9), None)


_DOTTED = re.compile(r"[a-z0-9][\w-]*(?:\.[\w-]+)+")
_OPAQUE = re.compile(r"\d+|[0-9a-f]{16,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_LONGEST_ID = 256
_DEPTH = 4

Raw = tuple[str | None, Any]
"""An entry as it came: its key, where the list is an object keyed by id, and its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """One page of the list; ``notes`` describe what was not understood.

    ``recognised`` is false where no list was found; ``refusal`` is one that came with a 2xx.
    """

    entries: tuple[Advertised, ...] = ()
    next: NextPage | None = None
    notes: tuple[str, ...] = ()
    recognised: bool = True
    refusal: Refusal | None = None


def read_list(
    data: Any, overrides: Overrides = NONE, headers: Mapping[str, str] | None = None
) -> ListPage:
    """Read a reply that lists actions; ``headers`` are lower-case. Never raises for any JSON."""
    envelope = open_envelope(data, overrides)
    if envelope.refusal:
        return ListPage(refusal=envelope.refusal, notes=("the server refused the list",))
    raws, tables = _find_list(envelope.layers, overrides)
    if raws is None:
        return ListPage(recognised=False, notes=("no list of actions was found in the answer",))
    entries, notes = _entries(raws, _shared_marks(tables), overrides)
    next_page = find_next(tables, headers or {}, len(raws))
    return ListPage(entries=entries, next=next_page, notes=notes)


def _find_list(layers: Sequence[Any], overrides: Overrides) -> tuple[list[Raw] | None, list[Any]]:
    """Return the raw entries, and the objects round them from the inside out."""
    tables = [layer for layer in reversed(layers) if isinstance(layer, dict)]
    forced = pick_first(tuple(layers), overrides.list)
    if forced:
        lists = (_raws(parse_nested(match), trusted=True) for match in forced)
        return [raw for raws in lists for raw in raws or ()], tables
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
    """Return the raw entries of a list; ``trusted`` is true where its key shows that it is one."""
    if isinstance(value, list):
        return [(None, entry) for entry in value]
    if not isinstance(value, dict):
        return None
    tables = [entry for entry in value.values() if isinstance(entry, dict)]
    dotted = sum(1 for key in value if _DOTTED.fullmatch(key[:_LONGEST_ID]))
    keyed = dotted * 2 > len(value) or (
        len(tables) == len(value) > 0 and (trusted or all(map(_describes, tables)))
    )
    return list(value.items()) if keyed else None


def _describes(table: Mapping[str, Any]) -> bool:
    keys = (*vocab.DESCRIPTION_KEYS, *vocab.TITLE_KEYS, *vocab.INPUT_KEYS, "properties")
    return any(key in table for key in keys)


def _shared_marks(tables: Sequence[Any]) -> dict[str, bool]:
    """Return the ``idempotency`` of the list itself, which is that of each of its actions."""
    for table in tables:
        mark = read_marks(table).get("idempotency") if isinstance(table, dict) else None
        if mark is not None:
            return {"idempotency": mark}
    return {}


def _entries(
    raws: list[Raw], shared: dict[str, bool], overrides: Overrides
) -> tuple[tuple[Advertised, ...], tuple[str, ...]]:
    actions: dict[str, Advertised] = {}
    notes: list[str] = []
    id_keys = overrides.id_key or _id_keys([value for key, value in raws if key is None])
    for index, raw in enumerate(raws, start=1):
        entry = _entry(raw, id_keys, shared, overrides)
        if entry is None:
            notes.append(f"entry {index} is no action: {one_line(raw[1], 80)}")
        elif entry.id in actions:
            notes.append(f"{one_line(entry.id, 80)} is in the list twice; the first entry counts")
        else:
            actions[entry.id] = entry
    return tuple(actions.values()), tuple(notes)


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
    is_entry_itself = reading.input is value and not is_whole_schema(value)
    schema = None if is_entry_itself else reading.input
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


def _id_keys(entries: Sequence[Any]) -> tuple[str, ...]:
    """Sort the id keys, likeliest first: dotted names in all entries, then plain ones, then any."""
    tables = [entry for entry in entries if isinstance(entry, dict)]
    return tuple(sorted(vocab.ID_KEYS, key=lambda key: _id_rank(key, tables)))


def _id_rank(key: str, tables: Sequence[Mapping[str, Any]]) -> int:
    texts = [table[key] for table in tables if isinstance(table.get(key), str)]
    if len(texts) < len(tables) or not texts:
        return 3
    if all(_DOTTED.fullmatch(text) for text in texts):
        return 0
    is_plain = len(set(texts)) == len(texts) and not any(map(_OPAQUE.fullmatch, texts))
    return 1 if is_plain else 2
