"""Settle calls whose outcome is unknown, and cancel jobs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from callsheet.errors import CallsheetError, UsageError
from callsheet.flows.effects import Flow, Record, Send
from callsheet.flows.jobs import Job, job_of, query_job
from callsheet.flows.retry import action_path, with_retries
from callsheet.protocol.error_replies import error_for
from callsheet.protocol.replies import read_reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from callsheet.engine.invoke import Engine
    from callsheet.flows.invoke import ParsedReply
    from callsheet.protocol.replies import ReplyFields
    from callsheet.spec import Advertised
    from callsheet.storage.ledger import Ledger, LedgerEntry


WORDS = ("cancel", "abort", "stop")


def find_cancel_action(family_member: str, actions: Iterable[Advertised]) -> tuple[str, str]:
    """The id of the action that cancels jobs of a member's group, and the field of the task id.

    It is named so and needs a task id alone; both are empty where there is none.
    """
    group = family_member.rpartition(".")[0]
    found: list[tuple[int, str, str]] = []
    for action in actions:
        above, _, last = action.id.rpartition(".")
        words = last.lower().replace("-", "_").split("_")
        rank = next((n for n, word in enumerate(WORDS) if word in words), None)
        key = _key(action) if rank is not None and above == group else ""
        if key and rank is not None:
            found.append((rank * 2 + (len(words) > 1), action.id, key))
    return min(found)[1:] if found else ("", "")


def _key(action: Advertised) -> str:
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
            hint="stopping to wait leaves the job alive",
        )
    action = yield from engine.host.find(action_id)
    outcome = yield from engine.invoke(action, {key: job.task_ids[0]})
    answer: ParsedReply = outcome.reply
    return answer


SETTLING = 120.0
"""Seconds after which a request that the server does not list cannot be on its way any more."""
LEFT = "the program ended while the request was out"
_DEPTH = 6


class Recovery:
    """The open jobs of one ledger: unknown ones are looked up, unsaved ones are named."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.overrides = engine.host.overrides
        self.notes: list[str] = []

    @property
    def ledger(self) -> Ledger:
        """The ledger; raises ``UsageError`` where none is kept."""
        if self.engine.ledger is None:
            raise UsageError("no ledger is kept here, so nothing is known of earlier jobs")
        return self.engine.ledger

    def row(self, name: str) -> LedgerEntry:
        """The job with this reference or task id, on this host; raises ``UsageError``."""
        row = self.ledger.find(name)
        if row is None:
            raise UsageError(f"nothing here knows the job {name}", hint="tasks list")
        if row.host != self.engine.settings.host:
            raise UsageError(
                f"the job {name} is on {row.host}, and this is {self.engine.settings.host}",
                hint=f"name its host: --host {row.host}",
                flag="--host",
            )
        return row

    def recover(self, name: str = "") -> Flow[list[LedgerEntry]]:
        """Look up what is unknown, and return every open job as it stands then.

        ``name`` narrows it to one. A job of another host is listed as it is. Raises
        ``UsageError`` for a name that nothing knows.
        """
        rows = [self.row(name)] if name else self.ledger.unsettled()
        for row in rows:
            if self.ledger.is_unknown(row) and row.host == self.engine.settings.host:
                yield from self._reconcile(row)
        found = [self.ledger.find(row.ref) for row in rows]
        return [row for row in found if row is not None]

    def supply(self, name: str, task_id: str) -> Flow[LedgerEntry]:
        """Take the user's word for the task id of a job, once the server knows it."""
        row = self.row(name)
        job = self._job(row, (task_id,))
        answer = yield from query_job(job._replace(ref=""), self.engine.timing)
        yield from self._note(row, answer.fields, (task_id,), answer.json)
        return self.row(row.ref)

    def _job(self, row: LedgerEntry, task_ids: tuple[str, ...]) -> Job:
        if not row.family or not row.family.get("query"):
            raise UsageError(
                f"{row.action} is no job that can be asked about by a task id",
                hint="tasks forget drops it from the list",
            )
        return job_of(row, self.overrides, task_ids)

    def _reconcile(self, row: LedgerEntry) -> Flow[None]:
        """Ask the host about one reference, where it offers that; what is left stays unknown."""
        if row.state == "intent":
            yield Record("unknown", row.ref, {"error": row.error or LEFT})
        try:
            entries = yield from self._listed(row.ref)
        except CallsheetError as error:
            self.notes.append(f"{row.ref[:8]} cannot be looked up: {error.message}")
            return
        if entries is None:
            return
        for entry in entries:
            reading = read_reply(
                entry, media=row.media or (), role="query", overrides=self.overrides
            )
            if reading.task_ids:
                yield from self._note(row, reading, reading.task_ids, entry)
                return
        yield from self._unlisted(row)

    def _unlisted(self, row: LedgerEntry) -> Flow[None]:
        """The server answers, and lists no such job: it was not accepted, unless just now.

        Only a job is sure to be listed: an upload, say, may have been charged all the same.
        """
        old = self.engine.timing.wall() - row.created > SETTLING
        said = "the server lists no job with this reference"
        state = "refused" if row.family and old else "unknown"
        yield Record(state, row.ref, {"error": said})

    def _note(
        self, row: LedgerEntry, reading: ReplyFields, task_ids: tuple[str, ...], reply: Any
    ) -> Flow[None]:
        values = {
            "task_ids": list(dict.fromkeys((*task_ids, *reading.task_ids))),
            "said": reading.raw_state,
            "cost": reading.cost,
        }
        over = reading.state if reading.state in {"done", "failed"} else ""
        if over:
            values["reply"] = reply
        yield Record(over or "accepted", row.ref, values)

    def _listed(self, ref: str) -> Flow[list[Mapping[str, Any]] | None]:
        """The jobs that the host lists under a reference; none where it offers no such list.

        An entry counts only where it names the reference itself: a server may not obey the
        filter.
        """
        said = self.engine.host.overlay.tasks
        if not said:
            return None
        catalogue = yield from self.engine.host.catalogue()
        if catalogue.get(said["action"]) is None:
            return None
        body = {said["match"]: ref}
        reply = yield from with_retries(
            Send(
                "POST",
                action_path(said["action"]),
                json.dumps(body).encode(),
                {"Content-Type": "application/json"},
            ),
            self.engine.timing,
        )
        try:
            data = json.loads(reply.body) if 200 <= reply.status < 300 else None
        except (ValueError, RecursionError):
            data = None
        if data is None or read_reply(data, sent=body, overrides=self.overrides).refusal:
            raise error_for(
                reply.status,
                reply.headers,
                reply.body,
                action=said["action"],
                host=self.engine.settings.host,
                overrides=self.overrides,
            )
        return list(_matching(data, said["match"], ref))


def _matching(data: Any, key: str, ref: str, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Every object in a reply that names the reference under this key."""
    if isinstance(data, dict):
        if data.get(key) == ref:
            yield data
            return
        data = list(data.values())
    if isinstance(data, list) and depth < _DEPTH:
        for item in data:
            yield from _matching(item, key, ref, depth + 1)
