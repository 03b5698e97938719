"""Read the list, the schemas, the families and one job."""

from __future__ import annotations

import json
from collections import Counter
from shlex import quote
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.errors import CallsheetError
from callsheet.flows.effects import Send
from callsheet.flows.retry import action_path, with_retries
from callsheet.probe.paths import envelope_words, keyed_place, list_place, outline, place
from callsheet.probe.report import Exchange, ProbeFinding, observe
from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.action_list import read_list
from callsheet.protocol.envelope import open_envelope
from callsheet.protocol.overrides import Overrides, pick
from callsheet.protocol.replies import ReplyFields, read_reply
from callsheet.protocol.schema_document import read_schema
from callsheet.protocol.values import expand, parse_nested, word
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callsheet.actions.resolve import ActionSet
    from callsheet.catalog.snapshot import Catalogue
    from callsheet.flows.effects import Flow
    from callsheet.flows.retry import Timing
    from callsheet.spec import Action, Family


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
) -> ProbeFinding:
    """Where the actions stand in the answer of the list."""
    if not pages:
        return ProbeFinding(
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
    return ProbeFinding(
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
) -> ProbeFinding:
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
    return ProbeFinding(
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
    value = parse_nested(document.value)
    reading = read_schema(value, overrides)
    paths = [_of(value, one) if one is not None else "" for one in (reading.input, reading.output)]
    draft = reading.input.get("$schema", "") if isinstance(reading.input, dict) else ""
    return _Way(paths[0], paths[1], draft if isinstance(draft, str) else "", document.inline)


def _of(value: Any, schema: Any) -> str:
    return place(value, lambda item: isinstance(item, dict | bool) and item == schema)


def families_finding(surface: ActionSet | None) -> ProbeFinding:
    """Which actions make one job together, and which cost nothing."""
    actions = surface.actions if surface is not None else ()
    families = list(dict.fromkeys(a.family for a in actions if a.family is not None))
    in_none = sum(1 for a in actions if a.family is None)
    free = [a.id for a in actions if not a.paid and a.role != "query"]
    read = [_family(family) for family in families] or ["no family"]
    read += [f"costs nothing: {', '.join(free)}"] if free else []
    return ProbeFinding(
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


NOT_ASKED = ProbeFinding(
    topic="task",
    came="nothing was asked",
    read="--task ID asks about one job (a query costs nothing)",
    setting="--set task-id=PATH --set state=PATH --set media=PATH",
)
_PAYING = "no action that asks about a job is known, and no other one is ever sent"


def chosen(task: str, known: str, families: Sequence[Family]) -> tuple[str, Family | None]:
    """The task id and the family to ask; ``ACTION:ID`` names the query action of one.

    ``known`` is the action that the ledger has for the task, or empty.
    """
    action, colon, rest = task.partition(":")
    asking = [family for family in families if family.query]
    for family in asking:
        if colon and rest and action in {family.query, family.create, family.wait}:
            return rest, family
    for family in asking:
        if known and known in {family.create, family.wait}:
            return task, family
    return task, asking[0] if asking else None


def ask_once(
    task_ids: Sequence[str], family: Family, timing: Timing, seen: list[Exchange]
) -> Flow[None]:
    """One query, repeated only where the server knows it by another of the job's ids.

    ``task_ids`` are the candidates in order; what came of it is in ``seen``.
    """
    for task_id in task_ids:
        body = json.dumps({family.task_key: task_id}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        send = Send("POST", action_path(family.query), body, headers)
        try:
            yield from observe(with_retries(send, timing), seen)
        except CallsheetError as error:
            seen.append(Exchange(send, None, error.message))
        if seen[-1].accepted or seen[-1].refusal.kind != "not_found":
            return


def task_finding(
    family: Family | None,
    seen: Sequence[Exchange],
    *,
    action: Action | None,
    overrides: Overrides,
    others: Sequence[Family] = (),
) -> ProbeFinding:
    """How the reply about a job reads."""
    if family is None or not seen:
        return ProbeFinding(
            topic="task", came="nothing was asked", read="no query", unclear=_PAYING
        )
    last = seen[-1]
    if not last.accepted:
        return _refused(last, family, others)
    media = action.media if action is not None else ()
    sent = json.loads(last.send.body or b"{}")
    task = str(sent[family.task_key])
    reading = read_reply(last.json, sent=sent, media=media, role="query", overrides=overrides)
    view = expand(last.json)
    sets = {
        "task-id": keyed_place(view, vocab.TASK_ID_KEYS, task),
        "state": keyed_place(view, vocab.STATE_KEYS, reading.raw_state),
        "media": _media_place(view, reading),
        "envelope-ok": envelope_words(open_envelope(last.json, overrides)),
    }
    return ProbeFinding(
        topic="task",
        came=outline(last.json),
        read=f"{family.query}: {_words(reading, sets)}",
        unclear="; ".join(_unclear(reading, overrides)),
        setting=f"{forcing(sets)}{_state_setting(reading, overrides)}" or NOT_ASKED.setting,
    )


def _refused(last: Exchange, family: Family, others: Sequence[Family]) -> ProbeFinding:
    came = "no answer"
    if last.reply is not None:
        came = f"HTTP {last.reply.status}, {outline(last.json)}"
    rest = [one.query for one in others if one.query and one.query != family.query]
    hint = f"; another action that asks: --task {rest[0]}:ID" if rest else ""
    return ProbeFinding(
        topic="task",
        came=came,
        read=f"{family.query} did not tell about this task",
        unclear=one_line(last.refusal.message, 300) + hint,
        setting="--set error-message=PATH --set envelope-ok=PATH=VALUE",
    )


def _media_place(view: object, reading: ReplyFields) -> str:
    found = [keyed_place(view, (), link) for link in reading.media]
    return ",".join(dict.fromkeys(path for path in found if path))


def _words(reading: ReplyFields, sets: dict[str, str]) -> str:
    words = [f"{reading.raw_state or 'no word'} means {reading.state or 'nothing known'}"]
    words += [f"state at {sets['state']}"] if sets["state"] else []
    words += [f"task id at {sets['task-id']}"] if sets["task-id"] else []
    words += [f"{len(reading.media)} links at {sets['media']}"] if reading.media else []
    words += ["progress is told"] if reading.progress is not None else []
    words += ["cost is told"] if reading.cost is not None else []
    return ", ".join(words)


def _unclear(reading: ReplyFields, overrides: Overrides) -> list[str]:
    found = []
    if not reading.is_recognised:
        found.append("neither a state nor a result was recognised")
    if _is_new(reading, overrides):
        found.append(f"the word {reading.raw_state!r} is not known and counts as running")
    if reading.state == "done" and not reading.media:
        found.append("it is done and names no media")
    return found


def _is_new(reading: ReplyFields, overrides: Overrides) -> bool:
    forced = {word(item) for item in (*overrides.done, *overrides.failed)}
    known = vocab.RUNNING | vocab.DONE | vocab.FAILED | vocab.TIMED_OUT | forced
    return bool(reading.raw_state) and word(reading.raw_state) not in known


def _state_setting(reading: ReplyFields, overrides: Overrides) -> str:
    if not _is_new(reading, overrides):
        return ""
    return f" {forcing({'done': reading.raw_state})} or {forcing({'failed': reading.raw_state})}"
