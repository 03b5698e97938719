"""Tells how the list, the schemas and the families of a host were read."""

from __future__ import annotations

from collections import Counter
from shlex import quote
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.probe.outline import outline
from callsheet.probe.places import envelope_words, list_place, place
from callsheet.probe.report import Finding
from callsheet.protocol import open_envelope, read_list, read_schema
from callsheet.protocol.overrides import pick
from callsheet.protocol.values import unquoted
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callsheet.catalog.catalogue import Catalogue
    from callsheet.probe.exchange import Exchange
    from callsheet.protocol import Overrides
    from callsheet.spec import Family
    from callsheet.surface.assembly import Surface

_SHOWN = 6


def listed(seen: Sequence[Exchange]) -> list[Exchange]:
    """The exchanges that brought the list, one a page."""
    return [
        one
        for one in seen
        if one.accepted and one.send.method == "GET" and not one.send.path.endswith("/schema")
    ]


def list_finding(
    pages: Sequence[Exchange], catalogue: Catalogue | None, overrides: Overrides, trouble: str
) -> Finding:
    """Where the actions stand in the answer of the list."""
    if not pages:
        return Finding(
            topic="list",
            came="nothing that could be read",
            read="no actions",
            unclear=trouble,
            setting="--set list=PATH --set id-key=KEY",
        )
    data, headers = pages[0].json, pages[0].reply.headers if pages[0].reply else {}
    page = read_list(data, overrides, headers=headers)
    ids = [entry.id for entry in page.entries]
    path, key = list_place(data, ids)
    total = len(catalogue.actions) if catalogue is not None else len(ids)
    words = [f"{total} actions at {path or 'no single place'}"]
    words.append(f"id under {key}" if key else "ids are the keys" if path else "ids by structure")
    following = page.next
    if following is not None or len(pages) > 1:
        by = ", ".join(following.query) if following and following.query else "its link"
        words.append(f"{len(pages)} pages, the next one by {by}")
    envelope = envelope_words(open_envelope(data, overrides))
    words += ["in an envelope that says yes"] if envelope else []
    sets = {"list": path, "id-key": key, "envelope-ok": envelope}
    return Finding(
        topic="list",
        came=outline(data),
        read=", ".join(words),
        unclear="; ".join(note for note in (*page.notes, trouble) if note),
        setting=forcing(sets) or "--set list=PATH --set id-key=KEY",
    )


def forcing(sets: dict[str, str]) -> str:
    """Settings as they are typed, without those that have no value."""
    return " ".join(f"--set {quote(f'{name}={value}')}" for name, value in sets.items() if value)


class Document(NamedTuple):
    """Where one action's schema stood: in a document of its own or in the list."""

    action: str
    value: Any
    inline: bool


def documents(
    seen: Sequence[Exchange], pages: Sequence[Exchange], overrides: Overrides
) -> list[Document]:
    """The documents of all actions, those of the list first."""
    found: dict[str, Document] = {}
    for page in pages:
        data = page.json
        entries = read_list(data, overrides).entries
        path, key = list_place(data, [entry.id for entry in entries])
        values = pick(data, path)[0] if path else None
        for entry in entries if values else ():
            value = _entry(values, key, entry.id)
            if entry.input is not None and isinstance(value, dict):
                found[entry.id] = Document(entry.id, value, inline=True)
    for one in seen:
        if one.accepted and one.send.path.endswith("/schema"):
            name = one.send.path.split("/")[-2]
            found.setdefault(name, Document(name, one.json, inline=False))
    return list(found.values())


def _entry(values: Any, key: str, name: str) -> Any:
    if isinstance(values, dict):
        return values.get(name)
    return next((v for v in values if isinstance(v, dict) and str(v.get(key)) == name), None)


def schemas_finding(
    given: Sequence[Document], catalogue: Catalogue | None, overrides: Overrides
) -> Finding:
    """How the schema documents are built, the commonest way first."""
    ways = Counter(_way(document, overrides) for document in given)
    inline = [document.value for document in given if document.inline]
    alone = [document.value for document in given if not document.inline]
    notes = list(catalogue.notes) if catalogue is not None else []
    typed = sum(1 for a in catalogue.actions if a.input is not None) if catalogue else 0
    total = len(catalogue.actions) if catalogue else 0
    readable = [way for way, _ in ways.most_common() if way.input]
    # Forced to the whole document, one that is no schema would count as one.
    loose = not readable or (readable[0].input == "$" and typed < total)
    came = [f"in the list {outline(inline)}"] if inline else []
    came += [f"by themselves {outline(alone)}"] if alone else []
    return Finding(
        topic="schemas",
        came="; ".join(came) or "none",
        read=f"{typed} of {total} actions have a schema" + "".join(f", {w.words}" for w in readable)
        if total
        else "no schemas",
        unclear="; ".join(one_line(note, 200) for note in notes[:_SHOWN]),
        setting=forcing({"schema": "" if loose else readable[0].setting})
        or "--set schema=PATH,PATH",
    )


class _Way(NamedTuple):
    """How one document is read: paths of both schemas, the draft it names, and where it lies."""

    input: str
    output: str
    draft: str
    inline: bool

    @property
    def words(self) -> str:
        where = "in the list" if self.inline else "each by itself"
        draft = f", {one_line(self.draft, 80)}" if self.draft else ", no $schema (2020-12)"
        both = f" and {self.output}" if self.output else ""
        return f"{where} at {self.input}{both}{draft}"

    @property
    def setting(self) -> str:
        return ",".join(path for path in (self.input, self.output) if path)


def _way(document: Document, overrides: Overrides) -> _Way:
    value, _ = unquoted(document.value)
    reading = read_schema(value, overrides)
    paths = [_of(value, one) if one is not None else "" for one in (reading.input, reading.output)]
    draft = reading.input.get("$schema", "") if isinstance(reading.input, dict) else ""
    return _Way(paths[0], paths[1], draft if isinstance(draft, str) else "", document.inline)


def _of(value: Any, schema: Any) -> str:
    return place(value, lambda item: isinstance(item, dict | bool) and item == schema)


def families_finding(surface: Surface | None) -> Finding:
    """Which actions make one job together, and which cost nothing."""
    actions = surface.actions if surface is not None else ()
    families = list(dict.fromkeys(a.family for a in actions if a.family is not None))
    in_none = sum(1 for a in actions if a.family is None)
    free = [a.id for a in actions if not a.paid and a.role != "query"]
    read = [_family(family) for family in families] or ["no family"]
    read += [f"costs nothing: {', '.join(free)}"] if free else []
    return Finding(
        topic="families",
        came=f"{len(actions)} ids, {len(actions) - in_none} of them in {len(families)} families",
        read=one_line("; ".join(read), 2000),
        unclear="; ".join(_doubt(family) for family in families if not family.query),
        setting=_families_setting(families) or 'families = {"CREATE" = {query = "QUERY"}}',
    )


def _family(family: Family) -> str:
    blocking = f", {family.wait} blocks" if family.wait else ""
    asked = f", {family.query} asks by {family.task_key}" if family.query else ""
    return f"{family.create or family.wait} creates{blocking}{asked}"


def _doubt(family: Family) -> str:
    return f"which action asks about the jobs of {one_line(family.create or family.wait, 100)}"


def _families_setting(families: Sequence[Family]) -> str:
    entries = [
        f'"{family.create}" = {{wait = "{family.wait}", query = "{family.query}", '
        f'task-key = "{family.task_key}"}}'
        for family in families
        if family.create and family.query and family.wait
    ]
    return f"families = {{{', '.join(entries)}}}" if entries else ""
