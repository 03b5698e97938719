"""Runs one command line: signals, completion, and one place where every failure ends."""

from __future__ import annotations

import _thread
import atexit
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import click

from callsheet.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callsheet.cli.session import Session


INTERRUPTED = 130


class Terminated(KeyboardInterrupt):
    """SIGTERM, on the road of Ctrl-C."""


def _terminate(number: int, frame: Any) -> None:
    raise Terminated


def _interrupt(number: int, frame: Any) -> None:
    """The first Ctrl-C ends the work in order, the second one ends at once."""
    signal.signal(signal.SIGINT, _interrupted_again)
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told)
    _thread.start_new_thread(_listen, (heard,))
    # While Python takes itself down it has no handlers left: a signal would kill it.
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _listen(heard: int) -> None:
    """End at the next Ctrl-C, though the main thread be in a call that does not return."""
    while signal.SIGINT not in os.read(heard, 64):
        pass
    os._exit(INTERRUPTED)


def _interrupted_again(number: int, frame: Any) -> None:
    os._exit(INTERRUPTED)


def run(package: str, command: str, env: str, argv: Sequence[str]) -> int:
    """Run the program and return its exit code."""
    from callsheet.cli.session import session_for

    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGINT, _interrupt)
    session = session_for(package, command, env, argv)
    try:
        return guarded(session, argv)
    finally:
        session.close()


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
    except Terminated:
        failure.report(session, Interrupted("terminated"))
        return 143
    except Interrupted as error:
        failure.report(session, error)
        return 143 if isinstance(error.__cause__, Terminated) else INTERRUPTED
    except (Exception, KeyboardInterrupt) as error:
        return failure.report(session, error)


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
