"""``completion``: the script that teaches a shell the commands and flags."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.shell_completion import get_completion_class

from callsheet.cli.main import complete_variable
from callsheet.cli.output import formats as output
from callsheet.cli.ownword import Word
from callsheet.errors import UsageError

if TYPE_CHECKING:
    from callsheet.cli.session import Session


def _completion(session: Session, shell: str) -> None:
    """Print the completion script of a shell: bash, zsh or fish.

    For bash: eval "$(PROGRAM completion bash)" in ~/.bashrc.
    """
    found = get_completion_class(shell)
    if found is None:
        raise UsageError(f"there is no completion for {shell!r}", hint="bash, zsh or fish")
    made = found(click.Group(), {}, session.prog, complete_variable(session.prog))
    output.write(made.source_template % made.source_vars())


completion = Word("completion", _completion, params=[click.Argument(["shell"])], data=False)
