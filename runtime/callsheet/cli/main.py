"""Runs one command line: completion, and one place where every failure ends."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from callsheet.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callsheet.cli.session import Session

INTERRUPTED, TERMINATED = 130, 143


def run(package: str, command: str, env: str, argv: Sequence[str]) -> int:
    """Run the program and return its exit code."""
    from callsheet.cli.session import session_for

    session = session_for(package, command, env, argv)
    try:
        code = guarded(session, argv)
    finally:
        session.close()
    if code in {INTERRUPTED, TERMINATED} and _was_interrupted():
        _leave(code)
    return code


def _was_interrupted() -> bool:
    from callsheet.cli import signals

    return signals.heard()


def _leave(code: int) -> None:
    """End without what Python does at its end.

    It would wait for threads that still listen to a server, and kill itself with SIGINT where
    the interruption met the import of a module.
    """
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def guarded(session: Session, argv: Sequence[str]) -> int:
    """Run the command line of a session; every failure becomes an exit code."""
    from callsheet.cli.output import failure

    try:
        code = _invoke(session, argv)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (KeyboardInterrupt, Interrupted) as error:
        return _interrupted(session, error)
    except Exception as error:
        return failure.report(session, error)


def _interrupted(session: Session, error: BaseException) -> int:
    """Tell what goes on without us."""
    from callsheet.cli import interruption
    from callsheet.cli.output import failure
    from callsheet.cli.signals import Terminated

    told = error if isinstance(error, Interrupted) else interruption.told(session)
    failure.report(session, told)
    return TERMINATED if isinstance(error.__cause__ or error, Terminated) else INTERRUPTED


def complete_variable(prog: str) -> str:
    """The environment variable by which a shell asks for completions."""
    return f"_{prog.replace('-', '_').upper()}_COMPLETE"


def _invoke(session: Session, argv: Sequence[str]) -> int:
    from callsheet.cli import tree

    root = tree.root(session)
    variable = complete_variable(session.prog)
    wanted = session.environ.get(variable)
    if wanted:
        from callsheet.cli.completing import answer

        return answer(root, session, wanted.partition("_")[0])
    with root.make_context(session.prog, list(argv), obj=session) as context:
        code = root.invoke(context)
    return code if isinstance(code, int) else 0
