"""Read the list, the schemas, the families and one job."""

from __future__ import annotations

import json
from collections import Counter
from shlex import quote
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.errors import CallsheetError
from callsheet.flows.effects import Send
from callsheet.flows.retry import action_path, with_retries
from callsheet.probe.paths import (
    find_keyed_path,
    find_list_path,
    find_path,
    find_success_sign,
    outline,
)
from callsheet.probe.report import Exchange, ProbeFinding, observe
from callsheet.protocol.action_list import read_list
from callsheet.protocol.envelope import open_envelope
from callsheet.protocol.evidence import path_of
from callsheet.protocol.media import expected_media
from callsheet.protocol.replies import ReplyFields, read_reply
from callsheet.protocol.schema_document import read_schema
from callsheet.protocol.values import Overrides, expand, parse_nested, pick
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callsheet.actions.resolve import ActionSet
    from callsheet.catalog.snapshot import Catalogue
    from callsheet.flows.effects import Flow
    from callsheet.flows.retry import Timing
    from callsheet.protocol.evidence import Candidate
    from callsheet.spec import Action, Family


_SHOWN = 6


def list_exchanges(exchanges: Sequence[Exchange]) -> list[Exchange]:
    """Return the accepted GETs for the list, one a page; those for a schema are left out."""
    return [
        exchange
        for exchange in exchanges
        if exchange.is_accepted
        and exchange.send.method == "GET"
        and not exchange.send.path.endswith("/schema")
    ]


def list_finding(
    pages: Sequence[Exchange], catalogue: Catalogue | None, overrides: Overrides, trouble: str
) -> ProbeFinding:
    """Return the finding on where the actions stand in the reply of the list."""
    if not pages:
        return ProbeFinding(
            topic="list",
            came="nothing that could be read",
            read="no actions",
            unclear=trouble,
            setting="--set list=PATH --set id-key=KEY",
        )
    document, headers = pages[0].json, pages[0].reply.headers if pages[0].reply else {}
    page = read_list(document, overrides, headers=headers)
    ids = [entry.id for entry in page.entries]
    path, key = find_list_path(document, ids)
    total = len(catalogue.actions) if catalogue is not None else len(ids)
    missing = catalogue.missing if catalogue is not None else ""
    words = [f"{total} actions at {path or 'no single place'}"]
    words.append(f"id under {key}" if key else "ids are the keys" if path else "ids by structure")
    following = page.next
    if following is not None or len(pages) > 1:
        by = ", ".join(following.fields) if following and following.fields else "its link"
        words.append(f"{len(pages)} pages, the next one by {by}")
    envelope = find_success_sign(open_envelope(document, overrides))
    words += ["in an envelope that says yes"] if envelope else []
    sets = {"list": path, "id-key": key, "envelope-ok": envelope}
    return ProbeFinding(
        topic="list",
        came=outline(document),
        read=", ".join(words),
        unclear="; ".join(note for note in (*page.notes, missing, trouble) if note),
        setting=format_overrides(sets) or "--set list=PATH --set id-key=KEY",
    )


def format_overrides(sets: dict[str, str]) -> str:
    """Return ``--set NAME=VALUE …``, quoted for a shell, without those that have no value."""
    return " ".join(f"--set {quote(f'{name}={choice}')}" for name, choice in sets.items() if choice)


class Document(NamedTuple):
    """The document with one action's schema: its entry in the list (``inline``) or its own."""

    action: str
    value: Any
    inline: bool


def collect_documents(
    exchanges: Sequence[Exchange], pages: Sequence[Exchange], overrides: Overrides
) -> list[Document]:
    """Return the schema documents of the actions that have one, those of the list first.

    An action with a schema in the list is returned with that alone.
    """
    by_action: dict[str, Document] = {}
    for page in pages:
        reply = page.json
        entries = read_list(reply, overrides).entries
        path, key = find_list_path(reply, [entry.id for entry in entries])
        container = pick(reply, path)[0] if path else None
        for entry in entries if container else ():
            entry_json = _find_entry(container, key, entry.id)
            if entry.input is not None and isinstance(entry_json, dict):
                by_action[entry.id] = Document(entry.id, entry_json, inline=True)
    for exchange in exchanges:
        if exchange.is_accepted and exchange.send.path.endswith("/schema"):
            name = exchange.send.path.split("/")[-2]
            by_action.setdefault(name, Document(name, exchange.json, inline=False))
    return list(by_action.values())


def _find_entry(container: Any, key: str, name: str) -> Any:
    """Return the entry of an id, by its own key or under ``key``; ``None`` without one."""
    if isinstance(container, dict):
        return container.get(name)
    return next((v for v in container if isinstance(v, dict) and str(v.get(key)) == name), None)


def schemas_finding(
    documents: Sequence[Document], catalogue: Catalogue | None, overrides: Overrides
) -> ProbeFinding:
    """Return the finding on how the schema documents are built, the commonest way first."""
    ways = Counter(_read_way(document, overrides) for document in documents)
    inline = [document.value for document in documents if document.inline]
    alone = [document.value for document in documents if not document.inline]
    notes = list(catalogue.notes) if catalogue is not None else []
    typed = sum(1 for a in catalogue.actions if a.input is not None) if catalogue else 0
    total = len(catalogue.actions) if catalogue else 0
    readable = [way for way, _ in ways.most_common() if way.input]
    # Forced to the whole document, a document that is not a schema would count as a schema.
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
        setting=format_overrides({"schema": "" if loose else readable[0].setting})
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
        location = "in the list" if self.inline else "each by itself"
        draft = f", {one_line(self.draft, 80)}" if self.draft else ", no $schema (2020-12)"
        both = f" and {self.output}" if self.output else ""
        return f"{location} at {self.input}{both}{draft}"

    @property
    def setting(self) -> str:
        return ",".join(path for path in (self.input, self.output) if path)


def _read_way(document: Document, overrides: Overrides) -> _Way:
    document_json = parse_nested(document.value)
    reading = read_schema(document_json, overrides)
    paths = [
        _path_of_schema(document_json, schema) if schema is not None else ""
        for schema in (reading.input, reading.output)
    ]
    draft = reading.input.get("$schema", "") if isinstance(reading.input, dict) else ""
    return _Way(paths[0], paths[1], draft if isinstance(draft, str) else "", document.inline)


def _path_of_schema(document: Any, schema: Any) -> str:
    """Return the path at which a document holds a schema; empty where it does not."""
    return find_path(document, lambda node: isinstance(node, dict | bool) and node == schema)


def families_finding(surface: ActionSet | None) -> ProbeFinding:
    """Return the finding on which actions make one job together, and which cost nothing."""
    actions = surface.actions if surface is not None else ()
    families = list(dict.fromkeys(a.family for a in actions if a.family is not None))
    in_none = sum(1 for a in actions if a.family is None)
    free = [a.id for a in actions if not a.paid and a.role != "query"]
    read = [_describe_family(family) for family in families] or ["no family"]
    read += [f"costs nothing: {', '.join(free)}"] if free else []
    return ProbeFinding(
        topic="families",
        came=f"{len(actions)} ids, {len(actions) - in_none} of them in {len(families)} families",
        read=one_line("; ".join(read), 2000),
        unclear="; ".join(map(_doubt, (f for f in families if not (f.is_documented and f.query)))),
        setting=_families_setting(families) or 'families = {"CREATE" = {query = "QUERY"}}',
    )


def uploads_finding(catalogue: Catalogue | None, configured: Mapping[str, str]) -> ProbeFinding:
    """Return the finding on which action stores a local file, and how it takes it."""
    from callsheet.engine.file_fields import UploadAction, upload_actions

    actions = catalogue.actions if catalogue is not None else ()
    stores = upload_actions(actions)
    if configured and any(action.id == configured["action"] for action in actions):
        stores = [UploadAction.of(configured), *stores]
    first = stores[0] if stores else None
    setting = 'upload = {action = "ACTION", field = "FIELD", encoding = "data-uri"}'
    if first is not None:
        form = f'field = "{first.field}", encoding = "{first.encoding}", result = "{first.result}"'
        setting = f'upload = {{action = "{first.action}", {form}}}'
    return ProbeFinding(
        topic="files",
        came=f"{len(stores)} actions that take a file" if stores else "no action that takes a file",
        read=f"a local file goes to {first.words}" if first else "local files cannot be uploaded",
        unclear="which of them to use" if len({s.action for s in stores}) > 1 else "",
        setting=setting,
    )


def _describe_family(family: Family) -> str:
    blocking = f", {family.wait} blocks" if family.wait else ""
    query = f", {family.query} asks by {family.task_key}" if family.query else ""
    return f"{family.create or family.wait} creates{blocking}{query}"


def _doubt(family: Family) -> str:
    if family.query:
        return f"whether {family.query} costs nothing (--set free={family.query} says so)"
    return f"which action asks about the jobs of {one_line(family.create or family.wait, 100)}"


def _families_setting(families: Sequence[Family]) -> str:
    """Return the ``families`` line of pyproject.toml; ``""`` without a complete family."""
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
_NO_QUERY = "no action that asks about a job is known, and no other one is ever sent"


def choose_family(
    task: str, ledger_action: str, families: Sequence[Family]
) -> tuple[str, Family | None]:
    """Return the task id and the family to query; ``None`` where no family has a query.

    ``ACTION:ID`` chooses the family of any of its actions, then ``ledger_action`` does (what the
    ledger has for the task, or empty), else the first with a query is returned.
    """
    action, colon, rest = task.partition(":")
    asking = [family for family in families if family.query]
    for family in asking:
        if colon and rest and action in {family.query, family.create, family.wait}:
            return rest, family
    for family in asking:
        if ledger_action and ledger_action in {family.create, family.wait}:
            return task, family
    return task, asking[0] if asking else None


def query_once(
    task_ids: Sequence[str], family: Family, timing: Timing, exchanges: list[Exchange]
) -> Flow[None]:
    """Query a job once, and again only where the server does not know it by that id.

    ``task_ids`` are the candidates in order; ``exchanges`` gets what was sent and received. An
    error of the network or the server is appended to it and not raised.
    """
    for task_id in task_ids:
        body = json.dumps({family.task_key: task_id}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        send = Send("POST", action_path(family.query), body, headers)
        try:
            yield from observe(with_retries(send, timing), exchanges)
        except CallsheetError as error:
            exchanges.append(Exchange(send, None, error.message))
        if exchanges[-1].is_accepted or exchanges[-1].refusal.kind != "not_found":
            return


def task_finding(
    family: Family | None,
    exchanges: Sequence[Exchange],
    *,
    action: Action | None,
    overrides: Overrides,
    others: Sequence[Family] = (),
) -> ProbeFinding:
    """Return the finding on how the last reply about a job is read."""
    if family is None or not exchanges:
        return ProbeFinding(
            topic="task", came="nothing was asked", read="no query", unclear=_NO_QUERY
        )
    last = exchanges[-1]
    if not last.is_accepted:
        return _refused(last, family, others)
    asked = str(json.loads(last.send.body or b"{}")[family.task_key])
    reading = _read_status(last, family, asked, action=action, overrides=overrides)
    view = expand(last.json)
    media = dict.fromkeys(find_keyed_path(view, (), link) for link in reading.media)
    sets = {
        **_paths_of_id_and_state(reading.evidence, asked, reading.raw_state),
        "media": ",".join(filter(None, media)),
        "envelope-ok": find_success_sign(open_envelope(last.json, overrides)),
    }
    return ProbeFinding(
        topic="task",
        came=outline(last.json),
        read=f"{family.query}: {_describe_reading(reading, sets)}",
        unclear="; ".join(_list_doubts(reading)),
        setting=f"{format_overrides(sets)}{_state_setting(reading)}" or NOT_ASKED.setting,
        evidence=reading.why(),
    )


def _read_status(
    last: Exchange, family: Family, asked: str, *, action: Action | None, overrides: Overrides
) -> ReplyFields:
    """Read the answer about the job ``asked``; that id goes first among its task ids."""
    reading = read_reply(
        last.json,
        sent={family.task_key: asked},
        media=action.media if action is not None else (),
        role="query",
        overrides=overrides,
        expected=expected_media(family.create or family.wait),
        id_key=family.task_key,
        meanings=family.meanings,
    )
    ids = sorted(reading.task_ids, key=lambda task_id: task_id != asked)
    return reading._replace(task_ids=tuple(ids))


def _refused(last: Exchange, family: Family, others: Sequence[Family]) -> ProbeFinding:
    """Return the finding on a query that was refused or not answered."""
    came = "no answer"
    if last.reply is not None:
        came = f"HTTP {last.reply.status}, {outline(last.json)}"
    queries = [other.query for other in others if other.query and other.query != family.query]
    hint = f"; another action that asks: --task {queries[0]}:ID" if queries else ""
    return ProbeFinding(
        topic="task",
        came=came,
        read=f"{family.query} did not tell about this task",
        unclear=one_line(last.refusal.message, 300) + hint,
        setting="--set error-message=PATH --set envelope-ok=PATH=VALUE",
    )


def _paths_of_id_and_state(
    evidence: Sequence[Candidate], task: str, raw_state: str
) -> dict[str, str]:
    """Return the paths of the requested id and of the state, each empty where it has none."""
    ids = [c for c in evidence if c.part == "task_id" and c.value == task]
    words = [c for c in evidence if c.part == "state" and c.chosen and raw_state]
    return {
        "task-id": path_of(ids[0]) if ids else "",
        "state": path_of(words[0]) if words else "",
    }


def _describe_reading(reading: ReplyFields, sets: dict[str, str]) -> str:
    words = [f"{reading.raw_state or 'no word'} means {reading.state or 'nothing known'}"]
    words += [f"state at {sets['state']}"] if sets["state"] else []
    words += [f"task id at {sets['task-id']}"] if sets["task-id"] else []
    words += [f"{len(reading.media)} links at {sets['media']}"] if reading.media else []
    words += ["progress is reported"] if reading.progress is not None else []
    words += ["cost is reported"] if reading.cost is not None else []
    return ", ".join(words)


def _list_doubts(reading: ReplyFields) -> list[str]:
    """Return what was not understood of a reply, in words."""
    doubts = []
    if not reading.is_recognised:
        doubts.append("neither a state nor a result was recognised")
    if reading.has_new_word:
        doubts.append(f"the word {reading.raw_state!r} is not known and counts as running")
    if reading.state == "done" and not reading.media:
        doubts.append("it is done and names no media")
    return doubts


def _state_setting(reading: ReplyFields) -> str:
    """Return the ``--set`` that classifies an unknown state; ``""`` where it is known."""
    if not reading.has_new_word:
        return ""
    done, failed = (format_overrides({name: reading.raw_state}) for name in ("done", "failed"))
    return f" {done} or {failed}"
