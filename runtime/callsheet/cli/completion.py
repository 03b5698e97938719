"""Answer what a shell asks to complete a command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from callsheet.cli.context import hints_in
from callsheet.cli.output import formats as output
from callsheet.errors import CallsheetError
from callsheet.text import is_typable, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from click.shell_completion import CompletionItem

    from callsheet.cli.context import Context
    from callsheet.storage.ledger_entry import LedgerEntry


_LONGEST = 80
_TASKS = 100


def print_completions(root: click.Command, context: Context, shell: str) -> int:
    """Print what may follow ``COMP_WORDS``, the line from the command to the cursor.

    bash reads ``TYPE,VALUE``, the others ``TYPE<tab>VALUE<tab>HELP``. Return 0 always: no error
    may appear in the middle of a line that somebody is typing.
    """
    from click.shell_completion import split_arg_string

    line = context.environ.get("COMP_WORDS", "")
    words = split_arg_string(line)
    prefix = words.pop() if words and not line[-1:].isspace() else ""
    context.hints = hints_in(words)
    try:
        matches = completions(root, context, words[1:], prefix)
    except (CallsheetError, click.ClickException):
        return 0
    flag = prefix[: prefix.find("=") + 1] if shell == "fish" and prefix.startswith("--") else ""
    output.write("".join(_line(match, shell, flag) + "\n" for match in matches))
    return 0


def completions(
    command: click.Command, context: Context, words: list[str], prefix: str
) -> list[CompletionItem]:
    """Return what may follow these words of a command and begins with ``prefix``."""
    from click.shell_completion import ShellComplete

    shell = ShellComplete(command, {"obj": context}, context.prog, "")
    return shell.get_completions(words, prefix)


def _line(match: CompletionItem, shell: str, flag: str) -> str:
    """Return one completion as the shell reads it; fish wants ``flag`` before its value."""
    if shell == "bash":
        return f"{match.type},{match.value}"
    word = f"{flag}{match.value}"
    if shell == "zsh":
        word = word.replace(":", "\\:")
    return f"{match.type}\t{word}\t{one_line(match.help or '', _LONGEST)}"


def matching(words: Iterable[str] | Iterable[tuple[str, str]], prefix: str) -> list[CompletionItem]:
    """Return the words that begin with ``prefix``; none that a shell would execute.

    Each is a word, or a pair of a word and its help.
    """
    from click.shell_completion import CompletionItem

    pairs = ((word, "") if isinstance(word, str) else word for word in words)
    return [
        CompletionItem(word, help=text)
        for word, text in pairs
        if word.startswith(prefix) and is_typable(word)
    ]


def paths(prefix: str, kind: str = "file") -> list[CompletionItem]:
    """Tell the shell to complete files, or folders (``dir``), itself."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(prefix, kind)]


def ids(ctx: click.Context, param: click.Parameter, prefix: str) -> list[CompletionItem]:
    """Complete an action's id from the cached catalogue, else from the bindings."""
    from callsheet.actions.naming import summary_line
    from callsheet.cli.server_actions import bound_actions

    context: Context = ctx.obj
    host = context.host
    if host.cached() is not None:
        return matching(((row.id, row.summary) for row in host.rows()), prefix)
    actions = bound_actions(context.bindings)
    return matching(((action.id, summary_line(action)) for action in actions), prefix)


def tasks(ctx: click.Context, param: click.Parameter, prefix: str) -> list[CompletionItem]:
    """Complete what names a job of this host: task id, else reference, else its place, as ``@1``.

    Newest first; each with its action, state and prompt.
    """
    names: list[tuple[str, str]] = []
    for place, job in _recent_jobs(ctx.obj):
        words = (*job.task_ids[:1], job.ref[: max(8, len(prefix))], f"@{place}")
        fitting = (word for word in words if word.startswith(prefix))
        text = ", ".join(filter(None, (job.action, job.state, job.prompt)))
        names += [(word, text) for word in (next(fitting, None),) if word]
    return matching(names, prefix)


def task_ids(ctx: click.Context, param: click.Parameter, prefix: str) -> list[CompletionItem]:
    """Complete a task id from the jobs of this host in the ledger, newest first."""
    jobs = [job for _, job in _recent_jobs(ctx.obj) if job.task_ids]
    return matching([(job.task_ids[0], f"{job.action}, {job.state}") for job in jobs], prefix)


def _recent_jobs(context: Context) -> list[tuple[int, LedgerEntry]]:
    """Return the jobs of this host among the last ones, with their place in the list."""
    jobs = enumerate(context.ledger().jobs(limit=_TASKS), 1)
    return [(place, job) for place, job in jobs if job.host == context.settings.host]


def flag_values(ctx: click.Context, param: click.Parameter, prefix: str) -> list[CompletionItem]:
    """Complete the value of one of our own flags; nothing where it can be any text."""
    from callsheet.config.credentials import WAYS
    from callsheet.config.profiles import ProfileFile
    from callsheet.stored import folder

    name = max(param.opts, key=len).lstrip("-")
    if param.metavar and set(param.metavar.split("|")) & {"PATH", "FILE"}:
        return paths(prefix)
    if name == "profile":
        context: Context = ctx.obj
        program = context.program
        directory = folder("config", program.command, program.env, context.environ)
        return matching(ProfileFile(directory).names(), prefix)
    choices = {"format": output.FORMATS, "auth": WAYS, "dry-run": ("curl",)}
    return matching(choices.get(name, ()), prefix)
