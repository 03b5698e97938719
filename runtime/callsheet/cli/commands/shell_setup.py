"""Set up a shell so that it completes a program's words, and take that back."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from callsheet.errors import CallsheetError, UsageError
from callsheet.storage.atomic_file import replace_file
from callsheet.stored import folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from callsheet.cli.context import Context


_MARK = "# completion of {prog}, written by `{prog} completion install`"
_SOURCING = {
    "bash": '[ -r "{path}" ] && . "{path}"',
    "zsh": '[ -r "{path}" ] && . "{path}"',
    "powershell": 'if (Test-Path "{path}") {{ . "{path}" }}',
}
_SUFFIXES = {"bash": "bash", "zsh": "zsh", "fish": "fish", "powershell": "ps1"}
_ASK_PROFILE = ("-NoProfile", "-NonInteractive", "-Command", "$PROFILE")
_PATIENCE = 10.0


class Setup(NamedTuple):
    """The script of a program for one shell, and the file of the shell that has to read it.

    ``startup`` is empty where the shell looks into the folder of the script by itself.
    """

    script: str
    startup: str
    line: str


def usual_shell(context: Context) -> str:
    """Return the shell that the user's account names; raise ``UsageError`` where none is named."""
    if os.name == "nt":
        return "powershell"
    name = os.path.basename(context.environ.get("SHELL", ""))
    name = "powershell" if name == "pwsh" else name
    if name not in _SUFFIXES:
        raise UsageError(
            "the shell in use is not known", hint=f"{context.prog} completion install bash"
        )
    return name


def setup_of(context: Context, shell: str) -> Setup:
    """Return where a shell reads the completion of the program in use."""
    prog, home = context.prog, context.environ.get("HOME") or os.path.expanduser("~")
    if shell == "fish":
        above = context.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
        return Setup(os.path.join(above, "fish", "completions", f"{prog}.fish"), "", "")
    own = folder("config", context.program.command, context.program.env, context.environ)
    script = os.path.join(os.path.abspath(own), f"completion.{_SUFFIXES[shell]}")
    if set(script) & set('"$`\\\n') and os.name != "nt":
        raise UsageError(f"{script} cannot be written into a file of {shell}")
    line = f"{_SOURCING[shell].format(path=script)}  {_MARK.format(prog=prog)}"
    return Setup(script, _startup_file(context, shell, home), line)


def _startup_file(context: Context, shell: str, home: str) -> str:
    """Return the file that a shell reads when it starts; of PowerShell the one that it names."""
    if shell == "bash":
        return os.path.join(home, ".bashrc")
    if shell == "zsh":
        return os.path.join(context.environ.get("ZDOTDIR") or home, ".zshrc")
    for program in ("pwsh", "powershell"):
        with suppress(OSError, subprocess.SubprocessError):
            done = subprocess.run(  # noqa: S603 - no shell; every word is written here
                [program, *_ASK_PROFILE], capture_output=True, timeout=_PATIENCE, check=True
            )
            if path := done.stdout.decode("utf-8", "replace").strip():
                return path
    name = "Microsoft.PowerShell_profile.ps1"
    parts = ("Documents", "PowerShell") if os.name == "nt" else (".config", "powershell")
    return os.path.join(home, *parts, name)


def install(context: Context, shell: str, script: str) -> list[str]:
    """Write the script and the line that reads it; return what was done, a line each.

    A second time changes nothing. Raises ``CallsheetError`` where a file cannot be written.
    """
    setup = setup_of(context, shell)
    done = [_store(setup.script, lambda _: script, "wrote")]
    if setup.startup:
        done.append(
            _store(setup.startup, lambda text: _with_line(text, setup.line), "added a line to")
        )
    return [*filter(None, done)] or [f"{shell} completes {context.prog} already"]


def uninstall(context: Context, shell: str) -> list[str]:
    """Remove the script and the line that reads it; return what was done, a line each."""
    setup = setup_of(context, shell)
    done = []
    if setup.startup and os.path.exists(setup.startup):
        done.append(
            _store(
                setup.startup, lambda text: _without_line(text, setup.line), "removed a line from"
            )
        )
    with suppress(FileNotFoundError):
        os.unlink(setup.script)
        done.append(f"removed {setup.script}")
    return [*filter(None, done)] or [f"{context.prog} was not set up for {shell}"]


def _store(path: str, change: Callable[[str], str], deed: str) -> str:
    """Change the text of a file; return what was done, empty where nothing changed.

    A link stays one, and the rights of the file stay. Raises ``CallsheetError``.
    """
    target = os.path.realpath(path)
    try:
        before = ""
        with (
            suppress(FileNotFoundError),
            open(target, encoding="utf-8", errors="surrogateescape", newline="") as file,
        ):
            before = file.read()
        after = change(before)
        if after == before:
            return ""
        mode = os.stat(target).st_mode & 0o777 if os.path.exists(target) else 0o644
        replace_file(target, after.encode("utf-8", "surrogateescape"))
        os.chmod(target, mode)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise CallsheetError(f"{path} cannot be written: {why}", code="output") from None
    return f"{deed} {path}"


def _with_line(text: str, line: str) -> str:
    """Return a text that ends with ``line``, where it does not hold it already."""
    if line in text.splitlines():
        return text
    rest = _without_line(text, line)
    gap = "" if not rest or rest.endswith("\n") else "\n"
    return f"{rest}{gap}{line}\n"


def _without_line(text: str, line: str) -> str:
    """Return a text without the line that bears our mark, whatever path stands in it."""
    mark = line[line.rindex("# completion of ") :]
    return "".join(row for row in text.splitlines(keepends=True) if not row.rstrip().endswith(mark))
