"""List the jobs of the ledger as people recognise them."""

from __future__ import annotations

import os
import re
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from callsheet.cli.output import formats as output
from callsheet.cli.output.cells import cell, width
from callsheet.cli.output.formats import duration
from callsheet.engine.jobs import refresh_running
from callsheet.errors import CallsheetError, UsageError
from callsheet.flows.polling import typical_duration
from callsheet.storage.ledger_search import JobFilter
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from callsheet.cli.context import Context
    from callsheet.storage.ledger import Ledger
    from callsheet.storage.ledger_entry import LedgerEntry


COLUMNS = (
    *("ref", "state", "action", "taskId", "when", "file", "cost", "host", "model", "prompt"),
)
_ON_TERMINAL = ("ref", "when", "state", "action", "model", "host", "cost", "file", "prompt")
_DROPPED = ("model", "cost", "file")
"""Columns that a narrow terminal leaves out, the first one first."""
_LONGEST_FILE, _SHORTEST_PROMPT = 16, 12
_MOST_ASKED, _SECONDS_ASKED = 20, 5.0
STATES = ("running", "done", "saved", "failed", "unknown", "refused", "unsent", "intent")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_WEEK = 6 * 86_400


def row(ledger: Ledger, job: LedgerEntry) -> dict[str, Any]:
    """Return one job as a row of ``tasks list``; texts for a person, and the raw values."""
    expected = usual_duration(ledger, job)
    return {
        "ref": job.ref[:8],
        "state": ledger.state_of(job),
        "action": job.action,
        "taskId": job.task_ids[0] if job.task_ids else None,
        "when": datetime.fromtimestamp(job.created).astimezone().isoformat(" ", "seconds"),
        "age": duration(time.time() - job.created),
        "prompt": job.prompt or None,
        "model": job.model or None,
        "file": job.files[0].path if job.files else None,
        "files": files_of(job),
        "target": job.target,
        "cost": whole_number(job.cost),
        "usually": duration(expected) if expected is not None else None,
        "host": job.host,
        "reference": job.ref,
        "taskIds": job.task_ids,
        "created": job.created,
        "seconds": job.seconds,
        "error": job.error,
    }


def usual_duration(ledger: Ledger, job: LedgerEntry) -> float | None:
    """Return the seconds that such a job usually takes; ``None`` where none was measured."""
    family = job.family or {}
    names = job.action, family.get("create", ""), family.get("wait", "")
    return typical_duration(ledger.durations(job.host, *names))


def files_of(job: LedgerEntry) -> list[dict[str, Any]]:
    """Return the files that a job was saved to, as plain data."""
    return [file._asdict() for file in job.files]


def whole_number(cost: float | None) -> float | int | None:
    """Return a cost without a fraction as an integer."""
    return int(cost) if cost is not None and cost == int(cost) else cost


def list_jobs(
    context: Context,
    *,
    limit: int,
    search: str,
    since: str,
    state: str | None,
    action: str,
    cached: bool,
) -> None:
    """List the jobs that were started from here, newest first.

    The server is asked once about each of the last 20 that still run, for 5 seconds at most.
    """
    ledger = context.ledger()
    begun = parse_since(since, time.time()) if since else 0.0
    wanted = JobFilter(search, begun, state or "", action)
    if wanted.state in {"", "running", "done", "failed"}:
        _refresh(context, wanted._replace(state="running"), cached=cached)
    jobs = ledger.jobs(limit=limit, only=wanted)
    rows = [row(ledger, job) for job in jobs]
    console = context.console
    columns: Sequence[str] = COLUMNS
    if console.on_terminal() and output.chosen_format(console) in {"", "table"}:
        from shutil import get_terminal_size

        rows, columns = fit(rows, get_terminal_size().columns, time.time())
    output.emit_list(console, rows, columns)
    if not jobs and wanted != JobFilter():
        console.note("no job of the ledger matches")
    note_cost(context, jobs)


def _refresh(context: Context, running: JobFilter, *, cached: bool) -> None:
    """Ask how the jobs of the host in use stand that still run; note where one was not asked."""
    host = context.settings.host
    open_jobs = context.ledger().jobs(limit=_MOST_ASKED, only=running._replace(host=host))
    if not host or not open_jobs:
        return
    reason = "--cached"
    if not cached:
        try:  # the list stands without the server, and without bindings that can be read
            reason = context.run(refresh_running(context.engine, open_jobs, _SECONDS_ASKED))
        except CallsheetError as error:
            reason = error.message
    if reason:
        context.console.note(f"running jobs are listed as last recorded: {reason}")


def parse_since(text: str, now: float) -> float:
    """Read ``30m``, ``2h``, ``2d`` or a local date as seconds since the epoch.

    Raises ``UsageError``.
    """
    if match := re.fullmatch(r"([0-9]{1,6})([smhdw])", text.strip()):
        return now - int(match[1]) * _UNITS[match[2]]
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError):
        raise UsageError(
            f"--since: {text!r} is not a time", hint="30m, 2h, 2d or 2026-11-30", flag="--since"
        ) from None


def note_cost(context: Context, jobs: Iterable[LedgerEntry]) -> None:
    """Note the sum of the costs that the server named; nothing where it named none."""
    costs = [job.cost for job in jobs if job.cost is not None]
    if costs:
        total = whole_number(sum(costs))
        context.console.note(f"{total} credits in {len(costs)} jobs that say what they cost")


def fit(
    rows: list[dict[str, Any]], screen: int, now: float
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return short rows and the columns that fit a terminal of so many places.

    Empty columns are left out, and the host where there is one alone. The prompt is cut first;
    then columns are dropped.
    """
    short = [_shortened(entry, now) for entry in rows]
    columns = [name for name in _ON_TERMINAL if any(entry[name] is not None for entry in short)]
    if len({entry["host"] for entry in short}) < 2:
        columns = [name for name in columns if name != "host"]
    widths = {
        name: max(width(text) for text in (name, *(cell(e[name]) for e in short)))
        for name in columns
    }
    for name in (*_DROPPED, ""):
        others = [column for column in columns if column != "prompt"]
        room = screen - sum(widths[column] + 2 for column in others)
        if room >= _SHORTEST_PROMPT or not name:
            break
        columns = [column for column in columns if column != name]
    for entry in short:
        entry["prompt"] = _cut(entry["prompt"] or "", max(room, _SHORTEST_PROMPT))
    return short, columns


def _shortened(entry: dict[str, Any], now: float) -> dict[str, Any]:
    """Return the texts of a row as a terminal shows them: names without their folders."""
    name = os.path.basename(entry["file"] or "")
    model = (entry["model"] or "").rpartition("/")[2]
    return {
        **entry,
        "when": short_time(entry["created"], now),
        "host": re.sub(r"^https?://", "", entry["host"]),
        "model": one_line(model) or None,
        "file": name if len(name) <= _LONGEST_FILE else f"…{name[1 - _LONGEST_FILE :]}",
        "prompt": one_line(entry["prompt"] or "") or None,
    } | ({} if name else {"file": None})


def short_time(moment: float, now: float) -> str:
    """Return a local time: ``15:16`` of today, ``Mon 15:16`` of this week, else the date."""
    then, today = time.localtime(moment), time.localtime(now)
    if then[:3] == today[:3]:
        return time.strftime("%H:%M", then)
    if 0 <= now - moment < _WEEK:
        return time.strftime("%a %H:%M", then)
    return time.strftime("%b %d" if then[0] == today[0] else "%Y-%m-%d", then)


def _cut(text: str, room: int) -> str:
    if width(text) <= room:
        return text
    text = text[:room]
    while width(text) >= room:
        text = text[:-1]
    return f"{text.rstrip()}…"


LIST_OPTIONS = [
    click.Option(["--search"], default="", metavar="TEXT", help="Words of prompt, id or file"),
    click.Option(["--since"], default="", metavar="TIME", help="Started since 30m, 2d, 2026-11-30"),
    click.Option(["--state"], type=click.Choice(STATES), help="Only in this state"),
    click.Option(
        ["--action"], default="", metavar="ID", help="Only of actions whose id contains this"
    ),
    click.Option(
        ["--limit"], metavar="N", type=click.IntRange(1), default=50, help="Print at most this many"
    ),
    click.Option(["--cached"], is_flag=True, help="As last recorded, without asking the server"),
]
