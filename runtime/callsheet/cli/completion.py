"""Answer shell completion and write its scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem, ShellComplete, split_arg_string

from callsheet.cli.context import hints_in
from callsheet.cli.output import formats as output
from callsheet.errors import CallsheetError
from callsheet.text import is_typable, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callsheet.cli.context import Context


_LONGEST = 80
_TASKS = 100


def answer(root: click.Command, context: Context, shell: str) -> int:
    """Print what may follow the words in ``COMP_WORDS``: the line from the command to the cursor.

    bash reads ``TYPE,VALUE``, the others ``TYPE<tab>VALUE<tab>HELP``. Whatever goes wrong, no
    error may appear in the middle of a line that somebody is typing.
    """
    line = context.environ.get("COMP_WORDS", "")
    words = split_arg_string(line)
    begun = words.pop() if words and not line[-1:].isspace() else ""
    context.hints = hints_in(words)
    try:
        found = following(root, context, words[1:], begun)
    except (CallsheetError, click.ClickException):
        return 0
    head = begun[: begun.find("=") + 1] if shell == "fish" and begun.startswith("--") else ""
    output.write("".join(_line(one, shell, head) + "\n" for one in found))
    return 0


def following(
    command: click.Command, context: Context, words: list[str], begun: str
) -> list[CompletionItem]:
    """What may stand after these words of a command where ``begun`` was typed already."""
    asked = ShellComplete(command, {"obj": context}, context.prog, "")
    return asked.get_completions(words, begun)


def _line(item: CompletionItem, shell: str, head: str) -> str:
    if shell == "bash":
        return f"{item.type},{item.value}"
    value = f"{head}{item.value}"
    if shell == "zsh":
        value = value.replace(":", "\\:")
    return f"{item.type}\t{value}\t{one_line(item.help or '', _LONGEST)}"


def offered(words: Iterable[str] | Iterable[tuple[str, str]], begun: str) -> list[CompletionItem]:
    """The words that begin so, each alone or with what it means; none that a shell would obey."""
    pairs = ((one, "") if isinstance(one, str) else one for one in words)
    return [
        CompletionItem(word, help=text)
        for word, text in pairs
        if word.startswith(begun) and is_typable(word)
    ]


def paths(begun: str, kind: str = "file") -> list[CompletionItem]:
    """Tells the shell to offer files, or folders (``dir``), itself."""
    return [CompletionItem(begun, kind)]


def ids(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """The ids of the cached catalogue, else of the bindings."""
    from callsheet.actions.naming import summary_line
    from callsheet.catalog import bound

    context: Context = ctx.obj
    catalogue = context.host.cached()
    actions = (
        context.host.surface(catalogue).actions
        if catalogue is not None
        else tuple(bound.generated(context.bindings))
    )
    return offered(((one.id, summary_line(one)) for one in actions), begun)


def tasks(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """The task ids that the ledger knows of this host, newest first."""
    context: Context = ctx.obj
    jobs = [j for j in context.ledger().jobs(limit=_TASKS) if j.host == context.settings.host]
    named = [(j.task_ids[0], f"{j.action}, {j.state}") for j in jobs if j.task_ids]
    return offered(named, begun)


def ours(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """The value of one of our own flags."""
    from callsheet.config.settings import AUTHS

    name = max(param.opts, key=len).lstrip("-")
    if param.metavar and set(param.metavar.split("|")) & {"PATH", "FILE"}:
        return paths(begun)
    if name == "profile":
        return offered(_profiles(ctx.obj), begun)
    known = {"format": output.FORMATS, "auth": AUTHS, "dry-run": ("curl",)}
    return offered(known.get(name, ()), begun)


def _profiles(context: Context) -> list[str]:
    from callsheet.config.profiles import ProfileFile
    from callsheet.config.settings import folder

    bindings = context.bindings
    return ProfileFile(folder("config", bindings.command, bindings.env, context.environ)).names()
