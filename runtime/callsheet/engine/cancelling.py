"""Finds the action that stops a job, where a server offers one, and asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callsheet.errors import UsageError
from callsheet.schema.admission import admit
from callsheet.schema.pointers import SchemaRefused
from callsheet.surface.families import task_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callsheet.engine.work import Engine
    from callsheet.flows import Answer, Flow, Job
    from callsheet.spec import Advertised

WORDS = ("cancel", "abort", "stop")


def cancelling_action(family_member: str, actions: Iterable[Advertised]) -> tuple[str, str]:
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
    try:
        schema = admit(action.input) if isinstance(action.input, dict) else None
    except SchemaRefused:
        return ""
    return task_key(schema)


def cancel(engine: Engine, job: Job) -> Flow[Answer]:
    """Ask the server to stop a job; raises ``UsageError`` where it offers no such action."""
    catalogue = yield from engine.directory.catalogue()
    member = job.family.query or job.family.create or job.family.wait
    action_id, key = cancelling_action(member, catalogue.actions)
    if not action_id:
        raise UsageError(
            f"the server offers no action that cancels {job.action}",
            hint="stopping to wait leaves the job alive",
        )
    action = yield from engine.directory.find(action_id)
    outcome = yield from engine.call(action, {key: job.task_ids[0]})
    answer: Answer = outcome.answer
    return answer
