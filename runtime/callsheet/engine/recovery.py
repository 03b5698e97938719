"""Look up calls whose outcome is unknown, and cancel jobs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.backoff import http_date
from callsheet.engine.jobs import recorded_job
from callsheet.errors import CallsheetError, ServerError, UsageError
from callsheet.flows.effects import Flow, Record
from callsheet.flows.jobs import Job, query_job
from callsheet.flows.retry import action_request, with_retries
from callsheet.jsonio import canonical
from callsheet.protocol.error_replies import error_for
from callsheet.protocol.job_fields import names_task
from callsheet.protocol.paging import ItemList, PageWalk, find_items
from callsheet.protocol.replies import read_reply
from callsheet.spec import Family

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from callsheet.engine.invoke import Engine
    from callsheet.flows.invoke import ParsedReply
    from callsheet.protocol.replies import ReplyFields
    from callsheet.spec import Advertised
    from callsheet.storage.ledger_entry import LedgerEntry


CANCEL_WORDS = ("cancel", "abort", "stop")


def find_cancel_action(family_member: str, actions: Iterable[Advertised]) -> tuple[str, str]:
    """Return the id of the action that cancels jobs of a group, and its field of the task id.

    Its name says so and it requires a task id only; both are empty where there is none.
    """
    group = family_member.rpartition(".")[0]
    candidates: list[tuple[int, str, str]] = []
    for action in actions:
        parent, _, last = action.id.rpartition(".")
        words = last.lower().replace("-", "_").split("_")
        rank = next((n for n, word in enumerate(CANCEL_WORDS) if word in words), None)
        key = _task_key(action) if rank is not None and parent == group else ""
        if key and rank is not None:
            candidates.append((rank * 2 + (len(words) > 1), action.id, key))
    return min(candidates)[1:] if candidates else ("", "")


def _task_key(action: Advertised) -> str:
    from callsheet.actions.families import task_key
    from callsheet.schema.admission import admit
    from callsheet.schema.references import SchemaRefused

    try:
        schema = admit(action.input) if isinstance(action.input, dict) else None
    except SchemaRefused:
        return ""
    return task_key(schema)


def cancel(engine: Engine, job: Job) -> Flow[ParsedReply]:
    """Invoke the action that cancels a job; raise ``UsageError`` where the server has none."""
    catalogue = yield from engine.host.catalogue()
    member = job.family.query or job.family.create or job.family.wait
    beside = catalogue.select(catalogue.ids_beside(member))
    action_id, key = find_cancel_action(member, beside.values())
    if not action_id:
        raise UsageError(
            f"the server offers no action that cancels {job.action}",
            hint="the job goes on when you stop waiting",
        )
    action = yield from engine.host.find(action_id)
    invocation = yield from engine.invoke(action, {key: job.task_ids[0]})
    reply: ParsedReply = invocation.reply
    return reply


SETTLING = 120.0
"""Seconds by the server's clock after which a request that it does not list was not accepted."""
UNLISTED = "the server lists no job with this reference"
UNLISTED_AT = f"{UNLISTED}, first asked at "
ENDED_EARLY = "the program ended while the request was out"
_DEPTH = 6


class ListedJobs(NamedTuple):
    """The entries that a host lists under one reference, over all pages.

    ``date`` is the server's time of its first page as it sent it, ``outside`` the texts
    around the entries: an id among them is that of the lookup.
    """

    entries: list[Mapping[str, Any]]
    date: str
    outside: frozenset[str]


class Recovery:
    """Looks up the unknown jobs of one ledger, and lists the open ones.

    Raises ``UsageError`` where there is no ledger.
    """

    def __init__(self, engine: Engine) -> None:
        if engine.ledger is None:
            raise UsageError("there is no ledger, so earlier jobs are not known")
        self.engine, self.ledger = engine, engine.ledger
        self.overrides = engine.host.overrides
        self.notes: list[str] = []
        self._lists: dict[str, bool] = {}

    def row(self, name: str) -> LedgerEntry:
        """Return the job with this reference or task id; raise ``UsageError`` if it is not here."""
        row = self.engine.find_row(name)
        if row is None:
            raise UsageError(f"no job {name} in this ledger", hint="tasks list")
        return row

    def recover(self, name: str = "") -> Flow[list[LedgerEntry]]:
        """Look up the unknown jobs, and return every open job with its new state.

        ``name`` selects one job. Jobs of other hosts are returned as they are. Raises
        ``UsageError`` for a name that is not in the ledger.
        """
        rows = [self.row(name)] if name else self.ledger.unknown_or_unsaved()
        for row in rows:
            if self.ledger.is_unknown(row) and row.host == self.engine.settings.host:
                yield from self._reconcile(row)
        updated = [self.ledger.find(row.ref) for row in rows]
        return [row for row in updated if row is not None]

    def supply(self, name: str, task_id: str) -> Flow[LedgerEntry]:
        """Record the task id that the user names for a job, once the server knows it."""
        row = self.row(name)
        job = yield from recorded_job(self.engine, row, (task_id,))
        reply = yield from query_job(job._replace(ref=""), self.engine.timing)
        yield from self._record(row, reply.fields, (task_id,), reply.json)
        return self.row(row.ref)

    def _reconcile(self, row: LedgerEntry) -> Flow[None]:
        """Ask about a job by its id, else look its reference up where the host offers that.

        What neither tells stays unknown.
        """
        if row.state == "intent":
            yield Record("unknown", row.ref, {"error": row.error or ENDED_EARLY})
        try:
            if (yield from self._ask_by_id(row)):
                return
            lookup = yield from self._look_up(row.ref)
            if lookup is None:
                return
            jobs = [(ids, entry) for entry in lookup.entries if (ids := self._ids(entry, lookup))]
            if jobs:
                task_ids = tuple(task_id for ids, _ in jobs for task_id in ids)
                fields = self._read(jobs[0][1])
                yield from self._record(row, fields, task_ids, jobs[0][1])
            elif lookup.entries:
                self._note(row, "is listed without the id of a job")
            else:
                yield from self._record_unlisted(row, lookup)
        except CallsheetError as error:
            self._note(row, f"cannot be looked up: {error.message}")

    def _note(self, row: LedgerEntry, text: str) -> None:
        self.notes.append(f"{row.ref[:8]} {text}")

    def _ask_by_id(self, row: LedgerEntry) -> Flow[bool]:
        """Ask about a job whose id is known, where that is free; tell whether it was recorded."""
        family = Family(**row.family) if row.family else Family()
        if not (row.task_ids and family.query and family.is_documented):
            return False
        try:
            job = yield from recorded_job(self.engine, row, row.task_ids)
            reply = yield from query_job(job._replace(ref=""), self.engine.timing)
        except CallsheetError:  # the reference may tell more
            return False
        yield from self._record(row, reply.fields, tuple(row.task_ids), reply.json)
        return True

    def _record_unlisted(self, row: LedgerEntry, lookup: ListedJobs) -> Flow[None]:
        """Record that the server lists no such job.

        It was not accepted where an earlier lookup did not show it either, the server could not
        still be creating it since, and an older job of the same action is listed. The time is
        the server's: clocks of this machine may have been set. Only jobs are sure to be listed:
        an upload, for example, may have been charged.
        """
        first, now = _first_asked(row), http_date(lookup.date)
        if first is None or now is None or now < first:
            yield Record("unknown", row.ref, {"error": UNLISTED_AT + (lookup.date or "no time")})
            first = now
        if first is None or now is None:
            self._note(row, "is not listed; the server sends no time, so it may still appear")
        elif now - first <= SETTLING:
            self._note(row, f"is not listed; look again after {SETTLING / 60:.0f} minutes")
        elif not row.family or not (yield from self._lists_older(row)):
            self._note(
                row,
                f"is not listed, and it is not certain that the server lists every {row.action}",
            )
        else:
            yield Record("refused", row.ref, {"error": UNLISTED})

    def _lists_older(self, row: LedgerEntry) -> Flow[bool]:
        """Tell whether the host lists a job of the same action that was accepted before."""
        for older in self.ledger.accepted_before(row.ref):
            if older.ref not in self._lists:
                lookup = yield from self._look_up(older.ref)
                entries = lookup.entries if lookup is not None else []
                ids = {text for entry in entries for text in self._ids(entry, lookup)}
                self._lists[older.ref] = not ids.isdisjoint(older.task_ids)
            if self._lists[older.ref]:
                return True
        return False

    def _read(self, entry: Mapping[str, Any]) -> ReplyFields:
        return read_reply(entry, role="query", overrides=self.overrides)

    def _ids(self, entry: Mapping[str, Any], lookup: ListedJobs | None) -> tuple[str, ...]:
        """Return the ids of a listed job; none of an object that tells of no job."""
        fields = self._read(entry)
        outside = lookup.outside if lookup is not None else frozenset()
        is_job = bool(fields.state) or any(map(names_task, entry))
        ids = (text for text in fields.task_ids if text not in outside)
        return tuple(ids) if is_job else ()

    def _record(
        self, row: LedgerEntry, fields: ReplyFields, task_ids: tuple[str, ...], reply: Any
    ) -> Flow[None]:
        values = {
            "task_ids": list(dict.fromkeys((*task_ids, *fields.task_ids))),
            "said": fields.raw_state,
            "cost": fields.cost,
        }
        over = fields.state if fields.state in {"done", "failed"} else ""
        if over:
            values["reply"] = reply
        yield Record(over or "accepted", row.ref, values)

    def _look_up(self, ref: str) -> Flow[ListedJobs | None]:
        """Look a reference up on the host; return ``None`` where it offers no such list.

        An entry counts only if it names the reference: a server may ignore the filter. Raises
        ``ServerError`` for a list that may go on.
        """
        table = self.engine.host.overlay.tasks
        if not table:
            return None
        action, match = table["action"], table["match"]
        catalogue = yield from self.engine.host.catalogue()
        if catalogue.get(action) is None:
            return None
        if self.engine.host.is_billable(action):
            raise ServerError(f"the server says that {action} costs")
        walk, date = PageWalk(), ""
        fields: Mapping[str, Any] = {}
        while True:
            data, headers = yield from self._listed_page(action, {match: ref, **fields})
            date = date or headers.get("date", "")
            place = find_items(data)
            source = list(place.items) if place is not None else data
            matches = list(_matching(source, match, ref))
            place = place or ItemList()
            if matches:
                return ListedJobs(matches, date, _texts_round(place, headers))
            walk.take(place.evidence(headers), [canonical(item) for item in place.items])
            if walk.next is None and not walk.is_whole:
                raise ServerError(walk.missing or "the list of jobs may go on")
            if walk.next is None:
                return ListedJobs([], date, frozenset())
            fields = walk.next.body_fields()

    def _listed_page(
        self, action: str, body: dict[str, Any]
    ) -> Flow[tuple[Any, Mapping[str, str]]]:
        """Return one page of the jobs that the host lists, and its headers."""
        reply = yield from with_retries(action_request(action, body), self.engine.timing)
        try:
            data = json.loads(reply.body) if 200 <= reply.status < 300 else None
        except (ValueError, RecursionError):
            data = None
        if data is None or read_reply(data, sent=body, overrides=self.overrides).refusal:
            raise error_for(
                reply.status,
                reply.headers,
                reply.body,
                action=action,
                host=self.engine.settings.host,
                overrides=self.overrides,
            )
        return data, reply.headers


def _first_asked(row: LedgerEntry) -> float | None:
    """Return the server's time of the first lookup that did not list a job, where there was one."""
    error = row.error or ""
    return http_date(error.removeprefix(UNLISTED_AT)) if error.startswith(UNLISTED_AT) else None


def _texts_round(place: ItemList, headers: Mapping[str, str]) -> frozenset[str]:
    """Return the plain values round a list, and the ids that the headers give to the request."""
    values = [value for table in place.tables for value in table.values()]
    texts = [str(value) for value in values if isinstance(value, str | int)]
    return frozenset((*texts, *(text for name, text in headers.items() if name.endswith("-id"))))


def _matching(data: Any, key: str, ref: str, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Yield every object in a reply that has the reference under this key."""
    if isinstance(data, dict):
        if data.get(key) == ref:
            yield data
            return
        data = list(data.values())
    if isinstance(data, list) and depth < _DEPTH:
        for item in data:
            yield from _matching(item, key, ref, depth + 1)
