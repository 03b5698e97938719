"""``tasks list``: what the ledger knows of each job, and what they cost together."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from callsheet.cli.durations import spoken
from callsheet.cli.output import formats as output
from callsheet.engine.pace import usual

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from callsheet.cli.session import Session
    from callsheet.ledger import Ledger

COLUMNS = ("ref", "state", "action", "taskId", "age", "file", "cost", "usually")


def row(ledger: Ledger, job: Mapping[str, Any]) -> dict[str, Any]:
    """One job of the list."""
    expected = _expected(ledger, job)
    return {
        "ref": job["ref"][:8],
        "state": "unknown" if ledger.is_unknown(job) else job["state"],
        "action": job["action"],
        "taskId": (job["task_ids"] or [None])[0],
        "age": spoken(time.time() - job["created"]),
        "file": job["files"][0]["path"] if job["files"] else None,
        "files": job["files"],
        "cost": _plain(job["cost"]),
        "usually": spoken(expected) if expected is not None else None,
        "host": job["host"],
        "created": job["created"],
        "seconds": job["seconds"],
        "error": job["error"],
    }


def kept(session: Session, job: Mapping[str, Any]) -> dict[str, Any]:
    """What the ledger adds to what the server says of a job."""
    found: dict[str, Any] = {}
    if job["files"]:
        found = {"localPath": job["files"][0]["path"], "files": job["files"]}
    expected = _expected(session.ledger(), job)
    if expected is not None:
        found["usualSeconds"] = round(expected, 1)
    return found


def _expected(ledger: Ledger, job: Mapping[str, Any]) -> float | None:
    """The seconds that such a job usually takes."""
    family = job["family"] or {}
    names = job["action"], family.get("create", ""), family.get("wait", "")
    return usual(ledger.durations(job["host"], *names))


def _plain(cost: float | None) -> float | int | None:
    return int(cost) if cost is not None and cost == int(cost) else cost


def tell_cost(session: Session, jobs: Iterable[Mapping[str, Any]]) -> None:
    """Say what the jobs cost together, as far as the server told."""
    told = [job["cost"] for job in jobs if job["cost"] is not None]
    if told:
        session.note(f"{_plain(sum(told))} credits in {len(told)} jobs that say what they cost")


def show(session: Session, limit: int) -> None:
    """List the jobs that were started from here, newest first."""
    ledger = session.ledger()
    jobs = ledger.jobs(limit=limit)
    output.emit_list(session, [row(ledger, job) for job in jobs], COLUMNS)
    tell_cost(session, jobs)
