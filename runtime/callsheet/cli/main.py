"""Run the program once, and turn an interruption or failure into a message and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from callsheet.errors import (
    CallsheetError,
    Interrupted,
    OutcomeUnknown,
    OutOfTime,
    StillRunning,
    UsageError,
)
from callsheet.text import did_you_mean, safe_text, silence, with_program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callsheet.cli.context import Context
    from callsheet.cli.output.formats import Console
    from callsheet.spec import Action
    from callsheet.storage.ledger_entry import LedgerEntry


_NOTHING_DONE = ("unsent", "refused")
_OUT_OF_FILES = (errno.EMFILE, errno.ENFILE)


def describe_interruption(context: Context) -> Interrupted:
    """Return the error of an interruption, by what the ledger knows of the last paid request.

    Its message tells how the request stands; its hint is the command that goes on from there.
    """
    from callsheet.errors import Interrupted, UsageError

    if context.paid is None:
        return Interrupted("interrupted")
    action, ref = context.paid
    try:
        row = context.ledger().find(ref)
    except UsageError as error:
        line = f"tasks recover {ref[:8]}"
        return Interrupted(f"interrupted; {error.message}", hint=line, action=action)
    if row is None or row.state in _NOTHING_DONE:
        before = f" before {action} was sent" if row is None else ""
        return Interrupted(f"interrupted{before}", action=action)
    task_id = next(iter(row.task_ids), None)
    words, line = _describe_row(row, task_id)
    return Interrupted(f"interrupted; {words}", hint=line, task_id=task_id, action=action)


def _describe_row(row: LedgerEntry, task_id: str | None) -> tuple[str, str]:
    """Return how a request stands, and the subcommand that goes on from there or ``""``."""
    from callsheet.cli.saving import save_line
    from callsheet.text import task_line

    action, state = row.action, row.state
    if state in {"intent", "unknown"}:
        words = f"{action} was sent and its outcome is unknown"
        return words, f"tasks recover {row.ref[:8]}"
    if task_id and state == "running":
        verb = "save" if row.target else "wait"
        return f"the job goes on as {task_id}", task_line(verb, task_id)
    line = save_line(task_id, "" if row.target else "PATH") if task_id and state == "done" else ""
    return f"{action} is {state}", line


INTERRUPTED, TERMINATED = 130, 143


def run(package: str, command: str, env: str, argv: Sequence[str]) -> int:
    """Run the program and return its exit code; after Ctrl-C end the process with it."""
    from callsheet.cli.context import context_for

    context = context_for(package, command, env, argv)
    try:
        code = _warn_unwritten(context, guarded(context, argv))
    finally:
        context.close()
    if code in {INTERRUPTED, TERMINATED}:
        from callsheet.cli import signals

        if signals.was_interrupted():
            _exit_now(code)
    return code


def _warn_unwritten(context: Context, code: int) -> int:
    """Print each row of a paid call that the ledger could not take, with a warning on stderr.

    Return ``code``; where there were such rows, 5 in the place of 0 and 4.
    """
    rows = context.unwritten()
    if not rows:
        return code
    import json

    warn = context.console.warn
    warn(f" a paid call is not in the ledger: {context.ledger().fault}", head=f"{context.prog}:")
    for row in rows:
        warn(f"  {json.dumps(row)}")
    lines = "this line" if len(rows) == 1 else f"these {len(rows)} lines"
    warn(f"  keep {lines}; when the ledger can be written again: {context.prog} tasks recover")
    return OutcomeUnknown.exit_code if code in {0, StillRunning.exit_code} else code


def _exit_now(code: int) -> None:
    """End the process without Python's own clean-up.

    It would wait for threads that still listen to a server, and kill itself with SIGINT where
    the interruption met the import of a module.
    """
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def guarded(context: Context, argv: Sequence[str]) -> int:
    """Run the command line and return its exit code; report every failure on stderr.

    Only a closed pipe ends with 1 and no message.
    """
    try:
        code = _invoke(context, argv)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except BrokenPipeError:
        silence(sys.stdout)
        return 1
    except (KeyboardInterrupt, Interrupted) as error:
        return _interrupted(context, error)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OUT_OF_FILES:
            context.close()  # what reports the error may have to be opened
        if isinstance(error, OutOfTime):
            error = _out_of_time(context, error)
        elif context.answered is not None:
            from callsheet.cli.run import after_request

            error = after_request(context, from_any(error))
        return report(context.console, error)


def _out_of_time(context: Context, error: OutOfTime) -> CallsheetError:
    """Return ``StillRunning`` where a paid request goes on; else ``error``, its hint set."""
    stop = describe_interruption(context)
    words = stop.message.partition("; ")[2]
    if not words:
        if context.answered is None:
            error.hint = error.hint or "nothing that may cost money was sent"
        return error
    return StillRunning(
        f"{error.message}; {words}", hint=stop.hint, task_id=stop.task_id, action=stop.action
    )


def _interrupted(context: Context, error: BaseException) -> int:
    """Report the interruption and what goes on without this process; return 130, or 143 (TERM)."""
    from callsheet.cli.signals import Terminated

    report(
        context.console, error if isinstance(error, Interrupted) else describe_interruption(context)
    )
    return TERMINATED if isinstance(error.__cause__ or error, Terminated) else INTERRUPTED


def complete_variable(prog: str) -> str:
    """Return the environment variable by which a shell asks for completions."""
    return f"_{prog.replace('-', '_').upper()}_COMPLETE"


def _invoke(context: Context, argv: Sequence[str]) -> int:
    """Run the command, or print completions where a shell asks for them; return the exit code."""
    from callsheet.cli import tree

    root = tree.root(context)
    variable = complete_variable(context.prog)
    shell = context.environ.get(variable, "").partition("_")[0]
    if shell:
        from callsheet.cli.completion import print_completions

        return print_completions(root, context, shell)
    with root.make_context(context.prog, list(argv), obj=context) as ctx:
        code = root.invoke(ctx)
    return code if isinstance(code, int) else 0


class Unexpected(CallsheetError):
    """A fault of this program, reported in one line."""

    code = "unexpected"


def from_click(error: click.ClickException) -> UsageError:
    """Turn an error of click into a ``UsageError`` with our message and hint."""
    flag: str | None = getattr(error, "option_name", None)
    ctx: click.Context | None = getattr(error, "ctx", None)
    message = error.format_message().split("\n")[0]
    hint = f"{_words_before(ctx)} --help" if ctx is not None else ""
    if isinstance(error, click.NoSuchOption):
        message = f"there is no flag {flag} here"
        hint = did_you_mean(error.option_name, _flags_of(ctx)) or hint
    elif isinstance(error, click.BadOptionUsage):
        message = f"{flag} needs a value"
    elif isinstance(error, click.MissingParameter) and error.param is not None:
        message = f"{error.param.make_metavar(ctx or click.Context(click.Command('')))} is needed"
    elif message.startswith("Got unexpected extra argument"):
        words = message.partition("(")[2].rstrip(").")
        message = f"there is no place for {words}"
        hint = _line_with(ctx, words) or "put a value with spaces in quotes"
        if words[:1] in {"{", "["}:
            hint = "--input JSON gives the whole body"
    return UsageError(message, hint=hint, flag=flag)


def _line_with(ctx: click.Context | None, text: str) -> str:
    """Return the line by which a text reaches the action of a command; empty for no such line."""
    action: Action | None = getattr(ctx.command, "action", None) if ctx is not None else None
    if ctx is None or action is None or not action.command:
        return ""
    from callsheet.cli.help.example import line_with_text

    return line_with_text(action, ctx.find_root().info_name or "", text)


def _words_before(ctx: click.Context | None) -> str:
    """Return the words that lead to a command, without what click calls its arguments."""
    words: list[str] = []
    while ctx is not None:
        words.insert(0, ctx.info_name or "")
        ctx = ctx.parent
    return " ".join(words)


def _flags_of(ctx: click.Context | None) -> list[str]:
    """Return the flags of a command that are not hidden, with their dashes."""
    params = ctx.command.params if ctx is not None else []
    return [
        name
        for param in params
        if isinstance(param, click.Option) and not param.hidden
        for name in param.opts
    ]


def from_any(error: BaseException) -> CallsheetError:
    """Turn any exception into a ``CallsheetError``; an unforeseen one into ``Unexpected``."""
    if isinstance(error, CallsheetError):
        return error
    if isinstance(error, click.ClickException):
        return from_click(error)
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return Interrupted("interrupted")
    if isinstance(error, OSError) and error.errno in _OUT_OF_FILES:
        message = "this process may open no more files"
        return CallsheetError(message, hint="raise the limit: ulimit -n 1024")
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "callsheet" in f.filename] or list(frames)
    location = f"{os.path.basename(ours[-1].filename)}:{ours[-1].lineno}" if ours else "?"
    return Unexpected(
        f"{type(error).__name__} in {location}: {error}", hint="--debug shows where it came from"
    )


def report(console: Console, error: BaseException) -> int:
    """Print the error on stderr, and as JSON on stdout where a document is due.

    Return its exit code. The hint of the error gets the program's name, in place.
    """
    from callsheet.cli.output import formats as output

    reported = from_any(error)
    if console.debug:
        import traceback

        trace = safe_text("".join(traceback.format_exception(error)), multiline=True)
        for line in trace.splitlines():
            console.warn(line)
    reported.hint = with_program(console.prog, reported.hint)
    console.warn(f" {reported.message}", head=f"{console.prog}:")
    if reported.hint:
        console.warn(f"  {reported.hint}")
    if output.wants_document(console):
        with suppress(CallsheetError, BrokenPipeError):
            output.write_json({"error": reported.as_json()})
    return reported.exit_code
