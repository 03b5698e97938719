"""Whatever went wrong: a line and a hint on stderr, an object on stdout, an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING

import click

from callsheet.errors import CallsheetError, Interrupted, UsageError

if TYPE_CHECKING:
    from callsheet.cli.session import Session


class Unexpected(CallsheetError):
    """A fault of ours, told in one line."""

    code = "unexpected"


def from_click(error: click.ClickException) -> UsageError:
    """Click's words as ours: nothing was sent."""
    flag = getattr(error, "option_name", None)
    hint = ""
    possible = getattr(error, "possibilities", None)
    if possible:
        hint = (
            f"did you mean {min(possible)}?"
            if len(possible) == 1
            else ("did you mean one of " + ", ".join(sorted(possible)) + "?")
        )
    message = error.format_message().split("\n")[0]
    if isinstance(error, click.NoSuchOption):
        message = f"there is no flag {error.option_name} here"
    context = getattr(error, "ctx", None)
    return UsageError(message, hint=hint or _help_of(context), flag=flag)


def _help_of(context: click.Context | None) -> str:
    return f"{context.command_path} --help" if context is not None else ""


def from_any(error: BaseException) -> CallsheetError:
    """Any exception as one that can be told."""
    if isinstance(error, CallsheetError):
        return error
    if isinstance(error, click.ClickException):
        return from_click(error)
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return Interrupted("interrupted")
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "callsheet" in f.filename] or list(frames)
    where = f"{os.path.basename(ours[-1].filename)}:{ours[-1].lineno}" if ours else "?"
    return Unexpected(
        f"{type(error).__name__} in {where}: {error}", hint="--debug shows where it came from"
    )


def report(session: Session, error: BaseException) -> int:
    """Tell the error and return the exit code."""
    from callsheet.cli import output

    told = from_any(error)
    if "debug" in session.flags or "--debug" in session.argv:
        traceback.print_exception(error, file=sys.stderr)
    session.warn(f"{session.prog}: {told.message}")
    if told.hint:
        session.warn(f"  {_hint(session, told)}")
    if output.wants_document(session):
        output.write_json({"error": told.as_json()})
    return told.exit_code


def _hint(session: Session, error: CallsheetError) -> str:
    """The hint; a command line of ours gets the name of the program in front."""
    from callsheet.cli.words import OWN

    first = error.hint.split(" ", 1)[0]
    return f"{session.prog} {error.hint}" if first in OWN else error.hint
