"""Run the rows of a file, each at most once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from callsheet.batch.check import Plan, RowCheck, body_fields
from callsheet.batch.naming import batch_name, check_name
from callsheet.batch.results import ResultFile
from callsheet.batch.rows import RowFault, RowShape, read_file
from callsheet.batch.run import BatchRun, RunOptions
from callsheet.cli.builtin import format_count
from callsheet.cli.context import Context, hints_in, parse_duration
from callsheet.cli.input import options, prepare
from callsheet.cli.input.request import Sources, build_request, read_option
from callsheet.cli.main import INTERRUPTED, TERMINATED
from callsheet.cli.output import formats as output
from callsheet.cli.output.cells import align
from callsheet.cli.tree import ActionCommand, Lookup
from callsheet.errors import (
    CallsheetError,
    Interrupted,
    LimitReached,
    OutcomeUnknown,
    StillRunning,
    TaskFailed,
    UsageError,
)
from callsheet.spec import Action
from callsheet.storage.batch_journal import OVER, BatchJournal
from callsheet.storage.output_path import resolve
from callsheet.text import did_you_mean, shell_word, with_program

if TYPE_CHECKING:
    from collections import Counter

    from callsheet.batch.results import RowResult
    from callsheet.storage.batch_journal import Batch


RUN_FLAGS: tuple[options.Row, ...] = (
    ("rows", "KIND", "Read FILE as txt, csv or jsonl, whatever its name"),
    ("field", "NAME", "Fill this field with each line of a text file"),
    ("name", "NAME", "Name the batch (default: from the file's path)"),
    ("parallel", "N", "Have at most N jobs open (default: what the server takes)"),
    ("vary", "FLAG=A,B", "Run each row with each of these values"),
    ("stop-after-failures", "N", "Send nothing more after N failures"),
    ("resend-unknown", "", "Send rows of unknown outcome again; it may cost again"),
    ("fetch", "", "Send nothing: wait for what was sent, and save it"),
    ("results", "PATH", "Append the results here (default: NAME.results.jsonl)"),
)
USUAL_FIELDS = frozenset({"prompt", "text"})
"""The fields that a line of text fills where the action requires no single text."""
_UNUSED = frozenset({"no-wait", "blocking"})
_SHOWN_BODIES = 3
_EVERY = 0.5  # seconds between two drawings of the line that moves
_SILENT = 10.0  # seconds between two lines where nothing can be drawn over


class RowsCommand(ActionCommand):
    """The flags of an action that hold for all rows of a file, and those of a batch."""

    def __init__(self, action: Action, file: str) -> None:
        super().__init__(action)
        self.params = [p for p in self.params if p.name not in map(options.own_key, _UNUSED)]
        in_use = {name.lstrip("-") for p in self.params for name in p.opts}
        self.more = tuple(row for row in RUN_FLAGS if row[0] not in in_use)
        self.params += options.own_options(self.more)
        self.file = file

    def perform(self, context: Context, ctx: click.Context) -> int:
        """Check every row, then send them."""
        request = build_request(context, self.action, self.typed(ctx))
        if "dry-run" not in context.flags:
            request = prepare.upload_files(context, request)
        fields = _Columns(self.action)
        shape = RowShape(
            action=request.action.id if self.action.id else "",
            base=request.body.value,
            field=fields.text_field(context.flags.get("field"), request.body.value),
            read_cell=fields.read if self.action.id else None,
            vary=tuple(fields.vary(text) for text in context.flags.all("vary")),
        )
        source = read_file(self.file, sys.stdin.buffer, context.flags.get("rows", ""))
        try:
            name = check_name(context.flags.get("name") or batch_name(self.file, source.digest))
            out = context.flags.get("out") or ""
            plan = Plan(name, source, shape, resolve(out).path if out else "")
            return _BatchCommand(context, plan).run(self.file)
        finally:
            source.close()

    def elsewhere(self, context: Context) -> ActionCommand | None:
        """Return the command on the host that the flags name; ``None`` where it is the same."""
        action = _find_action(context, self.action.id) if self.action.id else self.action
        return None if action == self.action else RowsCommand(action, self.file)


class _Columns:
    """The fields of an action, by flag and by wire name, for the cells of a column."""

    def __init__(self, action: Action) -> None:
        self._action, self._sources = action, Sources()
        self._by_name = {
            name: option
            for option in reversed(options.field_options(action))
            for name in (option.flag, ".".join(option.param.path))
            if option.role != "no" or name == option.flag
        }

    def _option(self, name: str) -> options.FieldOption:
        option = self._by_name.get(name.removeprefix("--"))
        if option is None:
            raise UsageError(
                f"{self._action.id} has no field {name!r}",
                hint=did_you_mean(name, self._by_name),
            )
        return option

    def read(self, name: str, text: str) -> tuple[tuple[str, ...], Any]:
        """Return the path that a column fills, and the value of a cell."""
        option = self._option(name)
        return option.param.path, read_option(option, text, self._sources)

    def vary(self, text: str) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        """Return the path and the values of ``--vary FLAG=A,B``."""
        name, sign, values = text.partition("=")
        if not sign or not values:
            raise UsageError(f"--vary: {text!r} is not FLAG=A,B", flag="--vary")
        read = [self.read(name, value) for value in values.split(",")]
        return read[0][0], tuple(value for _, value in read)

    def text_field(self, name: str | None, base: dict[str, Any]) -> tuple[str, ...]:
        """Return the path that a line of text fills; empty where no field is the only one."""
        if name:
            return self._option(name).param.path
        texts = [
            param
            for param in self._action.params
            if param.kind in {"string", "any"} and not param.media and not param.choices
            if param.path[0] not in base
        ]
        required = [param.path for param in texts if param.required]
        usual = [param.path for param in texts if param.path[-1] in USUAL_FIELDS]
        return next((paths[0] for paths in (required, usual) if len(paths) == 1), ())


def _find_action(context: Context, word: str) -> Action:
    """Return the action of an id; raise ``UsageError`` for one that the host does not list."""
    action = context.run(context.host.find(word))
    catalogue = context.host.cached()
    if catalogue is not None and catalogue.get(action.id) is None and not action.params:
        ids = [entry.id for entry in catalogue.actions]
        raise UsageError(
            f"the server has no action {word!r}",
            hint=did_you_mean(word, ids) or f"{context.prog} actions list",
        )
    return action


def run_rows(context: Context, file: str, rest: tuple[str, ...]) -> Any:
    """Send each row of FILE as a request, and save what they make.

    FILE is text (one line, one prompt), CSV (columns are flags) or JSON lines (bodies, or objects
    with action, input, out and id); - is standard input. ACTION is an id or the words of its
    command; its flags hold for all rows. Every row is checked before the first is sent. The same
    command again goes on: no row is sent twice.
    """
    if not context.settings.host:
        context.use_hints(hints_in(context.argv))
    words = list(rest)
    names = []
    while words and not words[0].startswith("-"):
        names.append(words.pop(0))
    action = Lookup(context).find(tuple(names)) if names else Action(id="")
    action = action or _find_action(context, ".".join(names))
    inner, parent = RowsCommand(action, file), click.get_current_context()
    with inner.make_context(action.id or "run", words, parent=parent, obj=context) as below:
        return inner.invoke(below)


class _BatchCommand:
    """One run of a batch from the command line."""

    def __init__(self, context: Context, plan: Plan) -> None:
        self.context, self.plan = context, plan
        self.ledger = context.ledger()
        self.journal = BatchJournal(self.ledger)
        self.check = RowCheck(context.engine, plan)
        self.signal = 0

    def run(self, file: str) -> int:
        """Check the rows and send them; return the exit code."""
        context, flags = self.context, self.context.flags
        output.check(context.console)
        if "dry-run" in flags:
            self._check_rows(None)
            self._show_plan()
            return 0
        settings = _read_options(context)
        results = os.path.abspath(flags.get("results") or f"{self.plan.name}.results.jsonl")
        facts = {
            "file": file if file == "-" else os.path.abspath(file),
            "results": results,
            "folder": os.getcwd(),
            "words": repeatable_words(context),
        }
        origin = context.settings.origin
        batch = self.journal.open(origin, self.plan.name, facts)
        self._check_rows(batch)
        batch = self.journal.find(origin, self.plan.name) or batch
        if settings.sends:
            self._announce()
        file_of_results = ResultFile(results)
        file_of_results.open()
        try:
            run = BatchRun(context.engine, self.ledger, self.plan, batch, settings)
            counts = self.journal.count(batch)
            before = sum(counts[state] for state in OVER)
            if before:
                context.console.note(f"{before} of {self.check.count} rows are finished already")
            asyncio.run(self._loop(run, file_of_results, before))
        finally:
            file_of_results.close()
        return self._conclude(run, batch, results)

    def _check_rows(self, batch: Batch | None) -> None:
        journal = self.journal if batch is not None else None
        try:
            self.context.run(self.check.run(journal, batch))
        except RowFault as error:
            for line in error.faults[1:]:
                self.context.console.warn(line)
            raise

    def _announce(self) -> None:
        context, rows = self.context, format_count(self.check.count, "row")
        ids = ", ".join(sorted(self.check.actions))
        where = context.settings.require_host()
        if context.host.is_sandbox():
            context.console.note(f"→ sandbox {where} {ids}: {rows} (free)")
        else:
            context.console.note(f"→ {where} {ids}: {rows} (may spend credits)")

    def _show_plan(self) -> None:
        """Print how many rows would be sent, and the first bodies."""
        shown = [body_fields(row) for row in self.check.first[:_SHOWN_BODIES]]
        view = {"name": self.plan.name, "rows": self.check.count, "first": shown}
        output.emit(self.context.console, view)

    async def _loop(self, run: BatchRun, results: ResultFile, before: int) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError):  # Windows: Ctrl-C ends the loop at once
                loop.add_signal_handler(number, self._interrupt, run, number)
        show = _ProgressLine(self.context, run, self.check.count, before)
        drawing = asyncio.create_task(show.draw())
        try:
            async for result in run.iterate(self.check, results):
                show.tell(result)
        finally:
            drawing.cancel()
            show.clear()

    def _interrupt(self, run: BatchRun, number: int) -> None:
        if self.signal:
            os._exit(128 + number)
        self.signal = number
        run.interrupt()

    def _conclude(self, run: BatchRun, batch: Batch, results: str) -> int:
        """Print the totals; return the exit code, the first that applies."""
        context, counts = self.context, self.journal.count(batch)
        left = counts["new"] + counts["open"]
        view: dict[str, Any] = {
            "name": batch.name,
            "rows": sum(counts.values()),
            **{state: counts[state] for state in STATES if counts[state]},
            "unsent": left,
            "cost": whole_number(self.journal.cost(batch)),
            "results": results,
        }
        again = f"{context.prog} " + " ".join(map(shell_word, context.argv))
        error = self._stop() if self.signal else _failure(run, counts, left)
        if error is not None:
            error.hint = with_program(context.prog, error.hint) or f"to go on: {again}"
            view["error"] = error.as_json()
        output.emit(context.console, view, lambda: totals(view))
        if error is None:
            return 0
        context.console.warn(f" {error.message}", head=f"{context.prog}:")
        context.console.warn(f"  {error.hint}")
        return error.exit_code

    def _stop(self) -> Interrupted:
        error = Interrupted("stopped: nothing more is sent; running jobs go on at the server")
        error.exit_code = TERMINATED if self.signal == signal.SIGTERM else INTERRUPTED
        return error


STATES = ("saved", "done", "failed", "refused", "unsaved", "running", "unknown")


def _failure(run: BatchRun, counts: Counter[str], left: int) -> CallsheetError | None:
    """Return the error that a batch ends with: the first of its kinds that applies."""
    stopped = run.stopped
    failed = counts["failed"] + counts["refused"]
    not_sent = f"; {format_count(left, 'row')} not sent" if left else ""
    if counts["unknown"]:
        rows = format_count(counts["unknown"], "row")
        return OutcomeUnknown(
            f"{rows} may have been sent; the outcome is unknown{not_sent}",
            hint="tasks recover",
        )
    if stopped is not None and (isinstance(stopped, LimitReached) or stopped.code != "failures"):
        stopped.message += not_sent
        return stopped
    if counts["running"]:
        return StillRunning(f"stopped waiting; {format_count(counts['running'], 'job')} still run")
    if failed:
        return TaskFailed(f"{format_count(failed, 'row')} failed{not_sent}")
    if counts["unsaved"]:
        rows = format_count(counts["unsaved"], "row")
        return CallsheetError(f"{rows} done, but not saved", code="unsaved")
    if left:
        return StillRunning(f"{format_count(left, 'row')} left to another process")
    return None


def totals(view: dict[str, Any]) -> str:
    """Return the totals of a batch as a person reads them."""
    cells = [
        [name, str(value)]
        for name, value in view.items()
        if value not in (None, 0) and name != "error"
    ]
    return align(cells)


def whole_number(cost: float | None) -> float | int | None:
    """Return a cost without a fraction where it has none."""
    return int(cost) if cost is not None and cost == int(cost) else cost


def _read_options(context: Context) -> RunOptions:
    """Read the flags of a run; raise ``UsageError``."""
    timeout = context.flags.get("timeout")
    return RunOptions(
        parallel=_number(context, "parallel"),
        timeout=parse_duration(timeout) / 1000 if timeout else 0.0,
        stop_after=_number(context, "stop-after-failures"),
        resend_unknown="resend-unknown" in context.flags,
        sends="fetch" not in context.flags,
    )


def _number(context: Context, flag: str) -> int:
    text = context.flags.get(flag)
    if text is None:
        return 0
    if not text.isdecimal() or not 0 < int(text[:9]) < 1_000_000:
        raise UsageError(f"--{flag}: {text!r} is not a whole number above 0", flag=f"--{flag}")
    return int(text)


class _ProgressLine:
    """The line that says how far a batch is; drawn over itself on a terminal."""

    def __init__(self, context: Context, run: BatchRun, rows: int, before: int) -> None:
        self._context, self._run, self._rows, self._before = context, run, rows, before
        console = context.console
        self._moves = output.can_redraw(sys.stderr, console.environ) and not console.quiet
        self._began = self._told = time.monotonic()
        self._shown = False

    async def draw(self) -> None:
        """Draw the line again and again."""
        while True:
            await asyncio.sleep(_EVERY)
            if self._moves:
                self._write()
            elif time.monotonic() - self._told >= _SILENT:
                self._told = time.monotonic()
                self._context.console.note(self._line())

    def tell(self, result: RowResult) -> None:
        """Write a line about a row that went wrong."""
        if result.error is not None or result.state == "unknown":
            self.clear()
            message = (result.error or {}).get("message", "its outcome is unknown")
            self._context.console.note(f"row {result.n} is {result.state}: {message}")

    def _line(self) -> str:
        counts = self._run.counts
        over = sum(counts[state] for state in ("saved", "done", "failed", "refused", "unsaved"))
        done, failed = counts["saved"] + counts["done"], over - counts["saved"] - counts["done"]
        parts = [f"{self._before + done} of {self._rows} done", f"{self._run.running} running"]
        parts += [f"{failed} failed"] if failed else []
        parts += [f"{counts['unknown']} unknown"] if counts["unknown"] else []
        parts += [f"{whole_number(self._run.cost)} credits"] if self._run.cost else []
        left, seconds = self._rows - self._before - over, time.monotonic() - self._began
        if over and left:
            parts.append(f"{output.duration(left * seconds / over)} left")
        return ", ".join(parts)

    def _write(self) -> None:
        sys.stderr.write(f"\r\x1b[K{self._line()}")
        sys.stderr.flush()
        self._shown = True

    def clear(self) -> None:
        """Remove the line."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False


def repeatable_words(context: Context) -> list[str] | None:
    """Return the words that go on with a batch; None where they must not be stored.

    A header may hold a key, and a flag a text that the settings keep out of the ledger.
    """
    has_header = "header" in context.flags
    return None if has_header or not context.settings.store_input else list(context.argv)
