"""Read the list of actions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.envelope import open_envelope
from callsheet.protocol.paging import NO_EVIDENCE, NextPage, PageEvidence, read_evidence
from callsheet.protocol.schema_document import (
    is_schema,
    is_whole_schema,
    read_marks,
    schema_in,
    with_lower_keys,
)
from callsheet.protocol.values import (
    NONE,
    Overrides,
    is_encodable,
    objects_on,
    parse_nested,
    pick_first,
    words,
)
from callsheet.spec import Advertised
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from callsheet.protocol.error_replies import Refusal


_DOTTED = re.compile(r"[a-z0-9][\w-]*(?:\.[\w-]+)+")
_OPAQUE = re.compile(r"\d+|[0-9a-f]{16,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_IN_PATH = re.compile(
    r"(?:[^?#]*/)?actions/([^/?#]+)(?:/(?:schema|invoke|run|execute))?/?(?:[?#].*)?"
)
_LONGEST_ID = 256
_DEPTH = 5
_SAMPLE = 50
_UNLIKE = 2.0
"""Rank of a list whose key says that it is one of actions, and whose entries do not."""

Raw = tuple[str | None, Any]
"""An entry as it came: its key, where the list is an object keyed by id, and its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """One page of the list; ``notes`` describe what was not understood.

    ``recognised`` is false where no list was found, or nothing in it is an action; ``refusal`` is
    one that came with a 2xx.
    """

    entries: tuple[Advertised, ...] = ()
    evidence: PageEvidence = NO_EVIDENCE
    notes: tuple[str, ...] = ()
    recognised: bool = True
    refusal: Refusal | None = None

    @property
    def next(self) -> NextPage | None:
        """Return the likeliest request for the page after this one, were it the first."""
        requests = self.evidence.requests(self.evidence.count, 1)
        return requests[0] if requests else None


def read_list(
    data: Any,
    overrides: Overrides = NONE,
    headers: Mapping[str, str] | None = None,
    *,
    only: str | None = None,
) -> ListPage:
    """Read a reply that lists actions; ``headers`` are lower-case. Never raises for any JSON.

    Where one action alone is asked about, ``only`` is its id: the others get no schemas.
    """
    envelope = open_envelope(data, overrides)
    if envelope.refusal:
        return ListPage(refusal=envelope.refusal, notes=("the server refused the list",))
    data = parse_nested(data)
    place = _forced_list(envelope.layers, overrides) or _find_list(data)
    if place is None:
        return ListPage(recognised=False, notes=("no list of actions was found in the answer",))
    entries, notes = _entries(place, overrides, only)
    last_id = entries[-1].id if entries else ""
    evidence = read_evidence(place.tables, headers or {}, len(place.raws), last_id)
    is_list = bool(entries) or not place.raws
    return ListPage(entries=entries, evidence=evidence, notes=notes, recognised=is_list)


class _Place(NamedTuple):
    """A list that may be that of the actions; ``tables`` are round it, from the inside out."""

    raws: list[Raw]
    tables: tuple[dict[str, Any], ...]
    key: str = ""

    @property
    def depth(self) -> int:
        return len(self.tables)


def _forced_list(layers: Sequence[Any], overrides: Overrides) -> _Place | None:
    """Return the entries at the configured path: of a list, or of each object it leads to."""
    matches = [parse_nested(match) for match in pick_first(tuple(layers), overrides.list)]
    if not matches:
        return None
    outer = tuple(layer for layer in reversed(layers) if isinstance(layer, dict))
    tables = (*objects_on(layers, overrides.list), *outer)
    raws: list[Raw] = []
    for match in matches:
        if isinstance(match, list):
            raws += [(None, entry) for entry in match]
        elif isinstance(match, dict):
            raws += _keyed(match) or ([(None, match)] if len(matches) > 1 else [])
    return _Place(raws, tables)


def _find_list(data: Any) -> _Place | None:
    """Return the list that most looks like one of actions; ``None`` where none does."""
    best, rank = _likeliest(data)
    if rank <= _UNLIKE:  # ids under `Id`, for example
        best, rank = max((best, rank), _likeliest(with_lower_keys(data)), key=lambda pair: pair[1])
    return best


def _likeliest(data: Any) -> tuple[_Place | None, float]:
    ranked = [(_rank(place), -place.depth, place) for place in _places(data)]
    rank, _, best = max(ranked, key=lambda entry: entry[:2], default=(0.0, 0, None))
    return (best, rank) if rank > 0 else (None, 0.0)


def _rank(place: _Place) -> float:
    """Rank a list by what its key says and by whether its entries look like actions; 0 is none."""
    tier = 3.5 if vocab.LIST_WORDS.intersection(words(place.key)) else 2.0
    if tier == 2.0 and place.key not in vocab.LIST_KEYS:
        is_bare = place.depth == 0 and (not place.raws or place.raws[0][0] is None)
        tier = 2.0 if is_bare or _are_dotted([key or "" for key, _ in place.raws]) else 1.0
    sample = place.raws[:_SAMPLE]
    alike = [_likeness(raw) for raw in sample]
    if not any(alike):
        return tier - (0.5 if not sample else 1.5) if tier > 1.0 else 0.0
    is_strong = sum(likeness == 2 for likeness in alike) * 2 >= len(alike)
    return tier + is_strong if is_strong or tier > 1.0 else 0.0


def _likeness(raw: Raw) -> int:
    """Return 2 where an entry looks like an action, 1 where it may be one, else 0."""
    key, value = raw
    value = parse_nested(value)
    if key is None and isinstance(value, str):
        key = "" if " " in value else value
    table = _unwrap(value) if isinstance(value, dict) else {}
    names = [key] if key is not None else [_id_text(table, name) for name in vocab.ID_KEYS]
    names = [name for name in names if _is_id(name)]
    if not names:
        return 0
    return 2 if any(map(_DOTTED.fullmatch, names)) or _describes(table) else 1


def _are_dotted(names: Sequence[str]) -> bool:
    return sum(1 for name in names if _DOTTED.fullmatch(name[:_LONGEST_ID])) * 2 > len(names)


def _places(value: Any, key: str = "", tables: tuple[dict[str, Any], ...] = ()) -> Iterator[_Place]:
    """Yield each list and each object keyed by id, from the outside in."""
    value = parse_nested(value)
    if isinstance(value, list):
        raws: list[Raw] = [(None, entry) for entry in value]
        yield _Place(_of_groups(raws) or raws, tables, key)
    if not isinstance(value, dict) or len(tables) > _DEPTH:
        return
    inside = (value, *tables)
    if isinstance(value.get("paths"), dict):
        yield _Place(_operations(value["paths"]), inside, "operations")
    # A single object is no group beside others: what stands in it speaks of its list.
    groups = [(None, group) for group in value.values()] if len(value) > 1 else []
    keyed = _of_groups(groups) or _keyed(value)
    if keyed is not None and (keyed or tables):
        yield _Place(keyed, tables, key)
    if keyed is not None and _are_dotted(list(value)):
        return
    lists = {name: group for name, group in value.items() if isinstance(group, list) and group}
    if len(lists) > 1 and not any(_holds_list(name) for name in lists):
        merged: list[Raw] = [(None, entry) for group in lists.values() for entry in group]
        yield _Place(merged, inside, key)
    for name, inner in value.items():
        yield from _places(inner, name, inside)


def _holds_list(key: str) -> bool:
    return key in vocab.LIST_KEYS or bool(vocab.LIST_WORDS.intersection(words(key)))


def _keyed(table: dict[str, Any], prefix: str = "") -> list[Raw] | None:
    """Return the entries of an object keyed by id, also where the words of the id are nested."""
    members = {key: parse_nested(value) for key, value in table.items()}
    if _are_dotted(list(members)):
        return list(members.items())
    if not all(isinstance(value, dict) for value in members.values()):
        return None
    if _are_dotted(
        [_id_text(value, "id") or _id_text(value, "name") for value in members.values()]
    ):
        return [(None, value) for value in members.values()]
    entries: list[Raw] = []
    for key, value in members.items():
        if _of_groups([(None, value)]):
            return None
        is_entry = _describes(value) or not value
        inner = [(prefix + key, value)] if is_entry else _keyed(value, f"{prefix}{key}.")
        if inner is None:
            return None
        entries += inner
    return entries


def _describes(table: Mapping[str, Any]) -> bool:
    keys = (*vocab.DESCRIPTION_KEYS, *vocab.TITLE_KEYS, *vocab.INPUT_KEYS, "properties")
    return any(key in table for key in keys)


def _of_groups(raws: Sequence[Raw]) -> list[Raw]:
    """Return the entries of all groups, where each entry of a list is a group with a list."""
    merged: list[Raw] = []
    for _, group in raws:
        table = group if isinstance(group, dict) else {}
        lists = (inner for key, inner in table.items() if _holds_list(key) and _is_list(inner))
        entries = next(lists, None)
        is_action = any(_DOTTED.fullmatch(_id_text(table, key)) for key in ("id", "name", "key"))
        if entries is None or is_action or any(key in table for key in vocab.INPUT_KEYS):
            return []
        merged += [(None, entry) for entry in entries]
    return merged


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and (not value or any(_likeness((None, e)) for e in value))


def _operations(paths: Mapping[str, Any]) -> list[Raw]:
    """Return the operations of an OpenAPI document that are sent by POST."""
    posts = {path: item.get("post") for path, item in paths.items() if isinstance(item, dict)}
    operations = {path: post for path, post in posts.items() if isinstance(post, dict)}
    in_path = {path: post for path, post in operations.items() if _IN_PATH.fullmatch(path)}
    return [(None, {"path": path, **post}) for path, post in (in_path or operations).items()]


def _shared_marks(tables: Sequence[Any]) -> dict[str, bool]:
    """Return the ``idempotency`` of the list itself, which is that of each of its actions."""
    for table in tables:
        mark = read_marks(table).get("idempotency")
        if mark is not None:
            return {"idempotency": mark}
    return {}


def _entries(
    place: _Place, overrides: Overrides, only: str | None
) -> tuple[tuple[Advertised, ...], tuple[str, ...]]:
    actions: dict[str, Advertised] = {}
    notes: list[str] = []
    reader = _EntryReader(place, overrides, only)
    for index, raw in enumerate(place.raws, start=1):
        entry = reader.read(raw)
        if entry is None:
            notes.append(f"entry {index} is not an action: {one_line(raw[1], 80)}")
        elif entry.id in actions:
            notes.append(f"{one_line(entry.id, 80)} is in the list twice; the first entry counts")
        else:
            actions[entry.id] = entry
    return tuple(actions.values()), tuple(notes)


class _EntryReader:
    """Reads the entries of one list, whose ids all stand under the same keys.

    ``only`` is the id of the one whose schemas are read, where that is not each.
    """

    def __init__(self, place: _Place, overrides: Overrides, only: str | None) -> None:
        self._overrides, self._tables, self._only = overrides, place.tables, only
        self._shared = _shared_marks(place.tables)
        tables = [parse_nested(value) for key, value in place.raws if key is None]
        ranked = _id_keys([_unwrap(table) for table in tables if isinstance(table, dict)])
        self._id_keys = overrides.id_key or ranked

    def read(self, raw: Raw) -> Advertised | None:
        """Return the action of an entry; ``None`` where it has no id."""
        key, value = raw
        value = parse_nested(value)
        if isinstance(value, str):
            in_path = _IN_PATH.fullmatch(value[:4096])
            name = (unquote(in_path[1]) if in_path else value) if key is None else key
            text = "" if key is None else value
            return self._action(name, description=text) if _is_id(name) else None
        if not isinstance(value, dict):
            return self._action(key) if key is not None and _is_id(key) else None
        value = _unwrap(value)
        name = key if key is not None else self._id_of(value)
        if not _is_id(name):
            return None
        is_read = self._only in {None, name}
        reading = schema_in(value, self._overrides, around=self._tables if is_read else None)
        is_entry_itself = reading.input is value and not is_whole_schema(value)
        return self._action(
            name,
            title=reading.title or _other_name(value, name),
            description=reading.description,
            input=None if is_entry_itself or not is_read else reading.input,
            output=reading.output if is_read else None,
            hints=reading.marks,
        )

    def _action(self, name: str, *, hints: Mapping[str, Any] = {}, **fields: Any) -> Advertised:
        return Advertised(id=name, hints={**self._shared, **hints}, **fields)

    def _id_of(self, entry: Mapping[str, Any]) -> str:
        texts = (_id_text(entry, key) for key in self._id_keys)
        return next((text for text in texts if text.strip()), "")


def _unwrap(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry with the fields of the object that describes it, as in ``{"node": {…}}``."""
    for key in filter(entry.__contains__, vocab.ENTRY_HOLDERS):
        inner = parse_nested(entry[key])
        if isinstance(inner, dict) and not is_schema(inner):
            outer = {name: value for name, value in entry.items() if name != key}
            has_id = any(isinstance(outer.get(name), str) for name in vocab.ID_KEYS[:2])
            entry = {**inner, **outer} if has_id else {**outer, **inner}
    return entry


def _is_id(name: str) -> bool:
    return 0 < len(name) <= _LONGEST_ID and name.isprintable() and is_encodable(name)


def _id_text(entry: Mapping[str, Any], key: str) -> str:
    """Return the text under a key that may hold the id; of an address the part after actions/."""
    text = entry.get(key)
    if not isinstance(text, str):
        return str(text) if type(text) is int and abs(text) < 10**18 else ""
    if "/" in text:
        match = _IN_PATH.fullmatch(text[:4096])
        return unquote(match[1]) if match else "" if key in vocab.PATH_KEYS else text
    return "" if key in vocab.PATH_KEYS else text


def _other_name(entry: Mapping[str, Any], own: str) -> str:
    name = entry.get("name")
    return name if isinstance(name, str) and name != own else ""


def _id_keys(tables: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Sort the id keys, likeliest first: dotted names, addresses, then plain names."""
    used = set().union(*tables)
    keys = (key for key in vocab.ID_KEYS if key in used)
    return tuple(sorted(keys, key=lambda key: _id_rank(key, tables)))


def _id_rank(key: str, tables: Sequence[Mapping[str, Any]]) -> int:
    texts = [text for table in tables if not _OPAQUE.fullmatch(text := _id_text(table, key))]
    texts = [text for text in texts if text]
    if len(texts) * 2 <= len(tables) or len(set(texts)) < len(texts):
        return 3
    if _are_dotted(texts):
        return 0
    return 1 if key in vocab.PATH_KEYS else 2
