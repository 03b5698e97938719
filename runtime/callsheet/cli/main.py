"""Run the program once, and handle its interruption."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from callsheet.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callsheet.cli.context import Context
    from callsheet.storage.ledger import LedgerEntry


_NOTHING_DONE = ("unsent", "refused")


def interruption(context: Context) -> Interrupted:
    """Describe the interruption by what the ledger knows of this run's last paid request."""
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
    words, line = _meaning(row, task_id)
    return Interrupted(words, hint=line, task_id=task_id, action=action)


def _meaning(row: LedgerEntry, task_id: str | None) -> tuple[str, str]:
    """Return how the request stands, and the command line that goes on from there."""
    from callsheet.cli.saving import resume_line
    from callsheet.text import shell_word

    action, state = row.action, row.state
    if state in {"intent", "unknown"}:
        words = f"interrupted while {action} was sent: its outcome is unknown"
        return words, f"tasks recover {row.ref[:8]}"
    if task_id and state == "running":
        return f"interrupted; the job goes on as {task_id}", f"tasks wait {shell_word(task_id)}"
    line = resume_line(task_id) if task_id and state == "done" else ""
    return f"interrupted; {action} is {state}", line


INTERRUPTED, TERMINATED = 130, 143


def run(package: str, command: str, env: str, argv: Sequence[str]) -> int:
    """Run the program and return its exit code."""
    from callsheet.cli.context import context_for

    context = context_for(package, command, env, argv)
    try:
        code = guarded(context, argv)
    finally:
        context.close()
    if code in {INTERRUPTED, TERMINATED} and _was_interrupted():
        _leave(code)
    return code


def _was_interrupted() -> bool:
    from callsheet.cli import signals

    return signals.was_interrupted()


def _leave(code: int) -> None:
    """End the process without Python's own clean-up.

    It would wait for threads that still listen to a server, and kill itself with SIGINT where
    the interruption met the import of a module.
    """
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def guarded(context: Context, argv: Sequence[str]) -> int:
    """Run the command line; turn every failure into an exit code."""
    from callsheet.cli.output import errors

    try:
        code = _invoke(context, argv)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (KeyboardInterrupt, Interrupted) as error:
        return _interrupted(context, error)
    except Exception as error:
        return errors.report(context.console, error)


def _interrupted(context: Context, error: BaseException) -> int:
    """Report the interruption and what goes on without this process."""
    from callsheet.cli.output import errors
    from callsheet.cli.signals import Terminated

    report = error if isinstance(error, Interrupted) else interruption(context)
    errors.report(context.console, report)
    return TERMINATED if isinstance(error.__cause__ or error, Terminated) else INTERRUPTED


def complete_variable(prog: str) -> str:
    """Return the environment variable by which a shell asks for completions."""
    return f"_{prog.replace('-', '_').upper()}_COMPLETE"


def _invoke(context: Context, argv: Sequence[str]) -> int:
    from callsheet.cli import tree

    root = tree.root(context)
    variable = complete_variable(context.prog)
    shell = context.environ.get(variable, "").partition("_")[0]
    if shell:
        from callsheet.cli.completion import answer

        return answer(root, context, shell)
    with root.make_context(context.prog, list(argv), obj=context) as ctx:
        code = root.invoke(ctx)
    return code if isinstance(code, int) else 0
