"""Run a batch, show how it stands, and go on with it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import click

from callsheet.cli.builtin import BuiltinCommand, BuiltinGroup, format_count
from callsheet.cli.commands.batch_run import (
    RUN_FLAGS,
    STATES,
    run_rows,
    totals,
    whole_number,
)
from callsheet.cli.context import Context
from callsheet.cli.input import options
from callsheet.cli.output import formats as output
from callsheet.cli.tree import root
from callsheet.engine.jobs import recorded_job
from callsheet.errors import UsageError
from callsheet.storage.batch_journal import BatchJournal
from callsheet.text import did_you_mean

if TYPE_CHECKING:
    from callsheet.storage.batch_journal import Batch


_COLUMNS = ("name", "rows", "saved", "failed", "running", "unknown", "cost", "age")
_ROW_COLUMNS = ("n", "key", "state", "taskId", "error")


def _list(context: Context) -> None:
    """List the batches of this server, the one that was run last first."""
    journal = BatchJournal(context.ledger())
    rows = [_summary(journal, batch) for batch in journal.batches(context.settings.origin)]
    output.emit_list(context.console, rows, _COLUMNS)


def _summary(journal: BatchJournal, batch: Batch) -> dict[str, Any]:
    """Return a batch as a row of ``batch list``."""
    counts = journal.count(batch)
    return {
        "name": batch.name,
        "rows": sum(counts.values()),
        **{state: counts[state] for state in STATES},
        "unsent": counts["new"] + counts["open"],
        "cost": whole_number(journal.cost(batch)),
        "age": output.duration(time.time() - batch.updated),
        "file": batch.plan.get("file"),
        "results": batch.plan.get("results"),
    }


def _find(context: Context, journal: BatchJournal, name: str) -> Batch:
    """Return a batch of this server; raise ``UsageError`` for a name that it does not have."""
    origin = context.settings.origin
    batch = journal.find(origin, name)
    if batch is None:
        names = [other.name for other in journal.batches(origin)]
        hint = did_you_mean(name, names) or f"{context.prog} batch list"
        raise UsageError(f"there is no batch {name!r} for {origin}", hint=hint)
    return batch


def _status(context: Context, name: str) -> None:
    """Show how many rows of a batch are in which state, and what they cost."""
    journal = BatchJournal(context.ledger())
    _show(context, journal, _find(context, journal, name))


def _show(context: Context, journal: BatchJournal, batch: Batch) -> None:
    """Print how a batch stands."""
    view = _summary(journal, batch)
    output.emit(context.console, view, lambda: totals(view))


def _failed(context: Context, name: str) -> None:
    """List the rows of a batch that failed, were refused, are unknown or not saved."""
    journal = BatchJournal(context.ledger())
    batch = _find(context, journal, name)
    rows = []
    for row in journal.rows(batch, "failed", "refused", "unsaved", "unknown"):
        entry = context.ledger().entry(row.ref)
        rows.append(
            {
                "n": row.n,
                "key": row.key,
                "state": row.state,
                "taskId": next(iter(entry.task_ids), None) if entry is not None else None,
                "error": (entry.error or entry.said) if entry is not None else None,
                "reference": row.ref,
            }
        )
    output.emit_list(context.console, rows, _ROW_COLUMNS)


def _again(context: Context, batch: Batch, *more: str) -> int:
    """Run a batch again as it was run last; raise ``UsageError`` where that is not known."""
    words = batch.plan.get("words")
    if not words or batch.plan.get("file") == "-":
        raise UsageError(
            f"how {batch.name} was run is not stored", hint="run it again with its rows"
        )
    os.chdir(batch.plan["folder"])
    words = ["--host", context.settings.host, *words, *more]
    other = Context(context.bindings, words, context.environ)
    program = root(other)
    try:
        with program.make_context(context.prog, list(words), obj=other) as ctx:
            return int(program.invoke(ctx) or 0)
    finally:
        other.close()


def _retry(context: Context, name: str) -> int:
    """Send the rows of a batch that failed or were refused again, as new requests that may cost."""
    journal = BatchJournal(context.ledger())
    batch = _find(context, journal, name)
    count = journal.retry(batch, ("failed", "refused"))
    context.console.note(f"{format_count(count, 'row')} may be sent again")
    if count:
        return _again(context, batch)
    _show(context, journal, batch)
    return 0


def _save(context: Context, name: str) -> int:
    """Wait for what a batch has sent, and save it, to --out or as first given; send nothing."""
    out = context.flags.get("out")
    batch = _find(context, BatchJournal(context.ledger()), name)
    return _again(context, batch, "--fetch", *(["--out", os.path.abspath(out)] if out else []))


def _cancel(context: Context, name: str) -> None:
    """Ask the server to stop the jobs of a batch that run, where it offers that."""
    from callsheet.engine.recovery import cancel

    journal, ledger = BatchJournal(context.ledger()), context.ledger()
    batch, count = _find(context, journal, name), 0
    for row in journal.rows(batch, "open", "running"):
        entry = ledger.entry(row.ref)
        if entry is None or entry.state != "running":
            continue
        job = context.run(recorded_job(context.engine, entry, entry.task_ids))
        context.run(cancel(context.engine, job))
        count += 1
    context.console.note(f"{format_count(count, 'job')} asked to stop")
    _show(context, journal, batch)


_NAME = click.Argument(["name"], metavar="NAME")

batch = BuiltinGroup(
    "batch",
    "Run the rows of a file, each sent at most once.",
    [
        BuiltinCommand(
            "run",
            run_rows,
            params=[
                click.Argument(["file"], metavar="FILE"),
                click.Argument(
                    ["rest"], metavar="[ACTION] [FLAGS]...", nargs=-1, type=click.UNPROCESSED
                ),
            ],
            ours=(*options.ACTION_FLAGS[1:2], *options.ACTION_FLAGS[3:], *RUN_FLAGS),
            settings={"allow_interspersed_args": False, "ignore_unknown_options": True},
        ),
        BuiltinCommand("list", _list, emits_json=False),
        BuiltinCommand("status", _status, params=[_NAME]),
        BuiltinCommand("failed", _failed, params=[_NAME], emits_json=False),
        BuiltinCommand("retry", _retry, params=[_NAME]),
        BuiltinCommand("cancel", _cancel, params=[_NAME]),
        BuiltinCommand("save", _save, params=[_NAME], ours=options.ACTION_FLAGS[1:2]),
    ],
)
