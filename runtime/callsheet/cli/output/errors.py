"""Turn any exception into a line, a hint, JSON and an exit code."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from callsheet.errors import CallsheetError, Interrupted, UsageError
from callsheet.text import did_you_mean, safe_text, with_program

if TYPE_CHECKING:
    from callsheet.cli.output.console import Console


class Unexpected(CallsheetError):
    """A fault of ours, reported in one line."""

    code = "unexpected"


def from_click(error: click.ClickException) -> UsageError:
    """Return an error of click in our words: nothing was sent."""
    flag: str | None = getattr(error, "option_name", None)
    ctx: click.Context | None = getattr(error, "ctx", None)
    message = error.format_message().split("\n")[0]
    hint = _help_of(ctx)
    if isinstance(error, click.NoSuchOption):
        message = f"there is no flag {flag} here"
        hint = did_you_mean(error.option_name, _flags_of(ctx)) or hint
    elif isinstance(error, click.BadOptionUsage):
        message = f"{flag} needs a value"
    elif isinstance(error, click.MissingParameter) and error.param is not None:
        message = f"{error.param.make_metavar(ctx or click.Context(click.Command('')))} is needed"
    elif message.startswith("Got unexpected extra argument"):
        message = f"there is no place for {message.partition('(')[2].rstrip(').')}"
        hint = "put a value with spaces in quotes"
    return UsageError(message, hint=hint, flag=flag)


def _flags_of(ctx: click.Context | None) -> list[str]:
    params = ctx.command.params if ctx is not None else []
    return [
        name
        for param in params
        if isinstance(param, click.Option) and not param.hidden
        for name in param.opts
    ]


def _help_of(ctx: click.Context | None) -> str:
    return f"{ctx.command_path} --help" if ctx is not None else ""


def from_any(error: BaseException) -> CallsheetError:
    """Turn any exception into one that has a line and an exit code."""
    if isinstance(error, CallsheetError):
        return error
    if isinstance(error, click.ClickException):
        return from_click(error)
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return Interrupted("interrupted")
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "callsheet" in f.filename] or list(frames)
    location = f"{os.path.basename(ours[-1].filename)}:{ours[-1].lineno}" if ours else "?"
    return Unexpected(
        f"{type(error).__name__} in {location}: {error}", hint="--debug shows where it came from"
    )


def report(console: Console, error: BaseException) -> int:
    """Print the error and return the exit code."""
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
        with suppress(CallsheetError):
            output.write_json({"error": reported.as_json()})
    return reported.exit_code
