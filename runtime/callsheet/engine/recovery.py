"""Settle calls whose outcome is unknown, and cancel jobs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from callsheet.engine.jobs import recorded_job
from callsheet.errors import CallsheetError, ServerError, UsageError
from callsheet.flows.effects import Flow, Record
from callsheet.flows.jobs import Job, query_job
from callsheet.flows.retry import action_request, with_retries
from callsheet.jsonio import canonical
from callsheet.protocol.error_replies import error_for
from callsheet.protocol.paging import ItemList, PageWalk, find_items
from callsheet.protocol.replies import read_reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from callsheet.engine.invoke import Engine
    from callsheet.flows.invoke import ParsedReply
    from callsheet.protocol.replies import ReplyFields
    from callsheet.spec import Advertised
    from callsheet.storage.ledger import LedgerEntry


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
    """Ask the server to stop a job; raises ``UsageError`` where it offers no such action."""
    catalogue = yield from engine.host.catalogue()
    member = job.family.query or job.family.create or job.family.wait
    action_id, key = find_cancel_action(member, catalogue.actions)
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
"""Seconds after which a request that the server does not list cannot still arrive."""
ENDED_EARLY = "the program ended while the request was out"
_DEPTH = 6


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
        rows = [self.row(name)] if name else self.ledger.unsettled()
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
        """Look one reference up on the host, where it offers that; else it stays unknown."""
        if row.state == "intent":
            yield Record("unknown", row.ref, {"error": row.error or ENDED_EARLY})
        try:
            entries = yield from self._fetch_listed(row.ref)
        except CallsheetError as error:
            self.notes.append(f"{row.ref[:8]} cannot be looked up: {error.message}")
            return
        if entries is None:
            return
        for entry in entries:
            fields = read_reply(
                entry, media=row.media or (), role="query", overrides=self.overrides
            )
            if fields.task_ids:
                yield from self._record(row, fields, fields.task_ids, entry)
                return
        yield from self._record_unlisted(row)

    def _record_unlisted(self, row: LedgerEntry) -> Flow[None]:
        """Record that the server lists no such job: it was not accepted, unless just now.

        Only jobs are sure to be listed: an upload, for example, may have been charged.
        """
        old = self.engine.timing.wall() - row.created > SETTLING
        reason = "the server lists no job with this reference"
        state = "refused" if row.family and old else "unknown"
        yield Record(state, row.ref, {"error": reason})

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

    def _fetch_listed(self, ref: str) -> Flow[list[Mapping[str, Any]] | None]:
        """Return the jobs that the host lists under a reference, or ``None`` without such a list.

        An entry counts only if it names the reference: a server may ignore the filter.
        """
        lookup = self.engine.host.overlay.tasks
        if not lookup:
            return None
        catalogue = yield from self.engine.host.catalogue()
        if catalogue.get(lookup["action"]) is None:
            return None
        body: dict[str, Any] = {lookup["match"]: ref}
        walk = PageWalk()
        fields: Mapping[str, Any] = {}
        while True:
            data, headers = yield from self._listed_page(lookup["action"], {**body, **fields})
            matches = list(_matching(data, lookup["match"], ref))
            if matches:
                return matches
            place = find_items(data) or ItemList()
            walk.take(place.evidence(headers), [canonical(item) for item in place.items])
            if walk.next is None and not walk.is_whole:
                raise ServerError(walk.missing or "the list of jobs may go on")
            if walk.next is None:
                return []
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
