"""Find the job of a call or of a name, and the action that asks about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from callsheet.errors import (
    AuthError,
    CallsheetError,
    LimitReached,
    NetworkError,
    OutcomeUnknown,
    StillRunning,
    UsageError,
)
from callsheet.flows.bodies import is_poll_link
from callsheet.flows.effects import Flow, KeepReply, Record, Sleep, record_leniently
from callsheet.flows.jobs import Job, job_of_row, poll_hint, query_job, wait
from callsheet.protocol.media import expected_media
from callsheet.protocol.replies import read_reply
from callsheet.spec import Family
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from callsheet.catalog.host import Host
    from callsheet.engine.invoke import Engine, Invocation
    from callsheet.flows.invoke import ParsedReply
    from callsheet.flows.retry import Timing
    from callsheet.storage.ledger_entry import LedgerEntry


T = TypeVar("T")


def is_job(invocation: Invocation) -> bool:
    """Tell whether the reply to a paid action stands for a job: it has an id and no result.

    A state that is final says nothing where a medium is expected and missing.
    """
    fields = invocation.reply.fields
    is_open = fields.state == "running" or bool(fields.state and invocation.expected)
    return invocation.action.paid and bool(fields.task_ids) and not fields.media and is_open


def _may_hold_id(invocation: Invocation) -> bool:
    """Tell whether a reply may hold an id under a key that only the action that asks names."""
    fields = invocation.reply.fields
    is_empty = not fields.task_ids and not fields.media
    is_open = bool(invocation.expected) or fields.state == "running"
    return invocation.action.paid and is_empty and is_open


def started_job(engine: Engine, invocation: Invocation) -> Flow[Job | None]:
    """Return the job that an invocation started, or ``None`` where none can be queried.

    A reply with an id and no result is a job whatever the catalogue looks like: the action
    that asks is guessed then, and recorded with the job.
    """
    action, reply = invocation.action, invocation.reply
    family, task_ids = action.family, reply.fields.task_ids
    if family is None and (is_job(invocation) or _may_hold_id(invocation)):
        family = yield from _guess_family(engine, action.id, reply.json)
        task_ids = _ids_for(family, reply) if family is not None else task_ids
        if family is not None and task_ids:
            facts = {"family": family._asdict(), "task_ids": task_ids}
            yield from record_leniently(Record("accepted", invocation.ref, facts))
    if has_poll_link(task_ids):
        family = family or Family(create=action.id)
    elif family is None or not family.query or not task_ids:
        return None
    job = Job(
        ref=invocation.ref,
        action=action.id,
        family=family,
        task_ids=task_ids,
        started=invocation.started,
        host=engine.settings.host,
        overrides=engine.host.overrides,
        media=action.media,
        hint=poll_hint(reply, engine.timing.wall()),
        expected=invocation.expected,
        marks=invocation.marks,
    )
    return (yield from _with_terms(engine, job))


def has_poll_link(task_ids: Sequence[str]) -> bool:
    """Tell whether one of the ids of a job is a link by which it is asked about."""
    return any("://" in task_id for task_id in task_ids)


def require_job(engine: Engine, invocation: Invocation) -> Flow[Job | None]:
    """Return the job to wait for, or ``None`` where the reply started none.

    Raises ``StillRunning`` for a job that nothing asks about; its reply is kept.
    """
    job = yield from started_job(engine, invocation)
    if job is None and is_job(invocation):
        reply = invocation.reply
        path = yield KeepReply(invocation.ref, reply.http.body, reply.fields.why())
        raise _unaskable(invocation.action.id, reply.fields.task_ids[0], path)
    return job


def find_job(engine: Engine, name: str, family: Family | None = None) -> Flow[Job]:
    """Return the job that a person names, from the ledger or by its task id alone.

    A task id that is not in the ledger needs a family: ``family``, or the only one that is
    advertised. Raises ``OutcomeUnknown`` for a job whose task id is not known, ``UsageError`` for
    a job of another host or a name that several have, ``StillRunning`` where nothing asks about it.
    """
    row = engine.find_row(name)
    if row is not None:
        if not row.task_ids:
            raise _without_id(row)
        return (yield from recorded_job(engine, row, row.task_ids))
    if has_poll_link((name,)) and not is_poll_link(engine.settings.require_host(), name):
        raise UsageError(
            f"no task {one_line(name, 200)} in this ledger, and it is not a link of this server",
            hint="tasks list",
        )
    if family is None:
        family = yield from _only_family(engine.host, name)
    action_id = family.create or family.wait
    job = Job(
        "", action_id, family, (name,), engine.timing.wall(), engine.settings.require_host(),
        engine.host.overrides, expected=expected_media(action_id),
    )  # fmt: skip
    return (yield from _with_terms(engine, job))


def _without_id(row: LedgerEntry) -> OutcomeUnknown:
    reason = f": {row.error}" if row.error else ""
    return OutcomeUnknown(
        f"{row.action} ({row.ref[:8]}) is {row.state}, no task id is known{reason}",
        hint=f"tasks recover {row.ref[:8]}",
        action=row.action,
    )


def recorded_job(engine: Engine, row: LedgerEntry, task_ids: Sequence[str]) -> Flow[Job]:
    """Return the job of a ledger row; raise ``StillRunning`` where nothing asks about it."""
    if not (row.family or {}).get("query"):
        first_reply = (row.first_reply or {}).get("@body")
        family = yield from _guess_family(engine, row.action, first_reply)
        if family is None and has_poll_link(task_ids):
            family = Family(create=row.action)
        if family is None:
            raise _unaskable(row.action, task_ids[0])
        row = row._replace(family=family._asdict())
    return (yield from _with_terms(engine, job_of_row(row, engine.host.overrides, task_ids)))


def refresh_running(engine: Engine, rows: Iterable[LedgerEntry], seconds: float) -> Flow[str]:
    """Ask once about each running job of this host, and record those that are over.

    What may cost money is not asked. It ends after ``seconds``, and where the server cannot be
    reached or refuses the key. Return why a job was not asked about; empty where each one was.
    """
    end, missing = engine.timing.clock() + seconds, ""
    for row in rows:
        job, left = _freely_asked(engine, row), end - engine.timing.clock()
        if job is None:
            missing = missing or f"no free way to ask about {row.ref[:8]} is known"
            continue
        if left <= 0:
            return f"the server took more than {seconds:g} s"
        try:
            yield from query_job(job, engine.timing, left)
        except (NetworkError, AuthError, LimitReached) as error:
            return error.message
        except CallsheetError as error:
            missing = missing or error.message
    return missing


def wait_for_all(
    engine: Engine, jobs: Sequence[Job], seconds: float
) -> Flow[list[ParsedReply | CallsheetError]]:
    """Wait for jobs together, at most ``seconds``; return the last reply of each, or its error."""
    deadline = engine.timing.clock() + seconds
    waits = [wait(engine.with_history(job), engine.timing, deadline=deadline) for job in jobs]
    return (yield from interleave(waits, engine.timing))


def interleave(flows: Sequence[Flow[T]], timing: Timing) -> Flow[list[T | CallsheetError]]:
    """Run flows in turn: while one sleeps, the others go on. Return what each returns or raises."""
    outcomes: dict[int, T | CallsheetError] = {}
    due = [(0.0, number) for number in range(len(flows))]
    while due:
        due.sort()
        when, number = due.pop(0)
        if (pause := when - timing.clock()) > 0:
            yield Sleep(pause)
        returned: list[T] = []
        try:
            sleep = yield from _run_to_sleep(flows[number], returned)
        except CallsheetError as error:
            outcomes[number] = error
            continue
        if sleep is not None:
            due.append((timing.clock() + sleep.seconds, number))
        else:
            outcomes[number] = returned[0]
    return [outcomes[number] for number in range(len(flows))]


def _run_to_sleep(flow: Flow[T], returned: list[T]) -> Flow[Sleep | None]:
    """Run a flow until it sleeps, and return that; at its end append what it returns."""
    answer: Any = None
    error: BaseException | None = None
    while True:
        try:
            effect = flow.send(answer) if error is None else flow.throw(error)
        except StopIteration as stop:
            returned.append(stop.value)
            return None
        if isinstance(effect, Sleep):
            return effect
        answer = error = None
        try:
            answer = yield effect
        except GeneratorExit:
            flow.close()
            raise
        except BaseException as raised:  # the flow decides what any of them means
            error = raised


def _freely_asked(engine: Engine, row: LedgerEntry) -> Job | None:
    """Return the job of a row where this host can be asked about it and that is free."""
    family = Family(**row.family) if row.family else Family()
    if (
        row.host != engine.settings.host
        or not row.task_ids
        or engine.host.is_billable(family.query)
    ):
        return None
    is_free = bool(family.query) and (not family.guessed or engine.has_proof(family.query))
    if not is_free and not any(is_poll_link(row.host, task_id) for task_id in row.task_ids):
        return None
    return job_of_row(row, engine.host.overrides)._replace(asked=engine.asked)


def _guess_family(engine: Engine, action_id: str, reply: Any) -> Flow[Family | None]:
    """Look for the action that asks about a job of another action, in its group first.

    The list that speaks against a guess is at most an hour old, where the host can be asked.
    ``reply`` is the JSON that told of the job.
    """
    from callsheet.actions.families import guess_family, is_named_as_query
    from callsheet.actions.resolve import ActionResolver

    host = engine.host
    try:
        catalogue = yield from host.catalogue()
    except CallsheetError:
        return None
    yield from host.recent_marks(action_id)
    catalogue = host.cached() or catalogue
    is_configured = action_id in host.overlay.families
    origin = read_reply(reply).origin
    id_keys = [hit.key for hit in origin.parts.ids] if origin is not None else []
    ids = catalogue.ids()
    near = ids if is_configured else catalogue.ids_beside(action_id)
    far = [name for name in ids if name == action_id or is_named_as_query(name)]
    for names in (near,) if is_configured else (near, far):
        resolver = ActionResolver(catalogue.entries(names), host.overlay, {}, {}, families={})
        schemas, entries = resolver.schemas, resolver.entries
        if family := guess_family(action_id, schemas, host.overlay, entries, id_keys):
            return family
    return None


def _with_terms(engine: Engine, job: Job) -> Flow[Job]:
    """Return the job with ``asked``, updated with whether its query costs."""
    query = job.family.query
    if job.family.guessed or engine.host.is_billable(query):
        yield from engine.is_free_question(query)
    return job._replace(asked=engine.asked)


def _ids_for(family: Family, reply: ParsedReply) -> tuple[str, ...]:
    """Return the ids of a reply, first that under the key by which the job is asked about."""
    own = read_reply(reply.json, role="query", id_key=family.task_key).task_ids
    return tuple(dict.fromkeys((*own[:1], *reply.fields.task_ids)))


def _unaskable(action: str, task_id: str, path: str = "") -> StillRunning:
    """Return the error for a job that was to be waited for and cannot be asked about.

    ``path`` is that of its reply, where one was kept.
    """
    copy = f" (the whole answer: {path})" if path else ""
    return StillRunning(
        f"{action} started {task_id}, and no action of the server is known to ask about it{copy}",
        hint=f'name it in [tool.callsheet.families]: "{action}" = {{query = "ID"}}',
        task_id=task_id,
        action=action,
    )


def _only_family(host: Host, name: str) -> Flow[Family]:
    yield from host.catalogue()
    families = host.families()
    if len(families) == 1:
        return families[0]
    raise UsageError(
        f"no task {name} in this ledger",
        hint="`tasks list` shows the jobs, and `tasks list --search TEXT` those with these words",
    )
