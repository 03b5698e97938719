"""Answer stored help, the version and completed flags without imports."""

import os
import sys

from callsheet.stored import PagesInUse, fitting_page, screen_width

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Mapping


_HELP = ("--help", "-h")
_GC_THRESHOLD = 100_000
_QUOTING = frozenset("'\"\\$`")


def _page(arguments: list[str]) -> str | None:
    """Return the file name of the requested help, such as ``tasks.list.txt``.

    ``None`` unless the arguments are empty, or plain words with ``--help`` or ``-h`` at the end.
    """
    if not arguments:
        return "_.txt"
    if arguments[-1] not in _HELP:
        return None
    words = arguments[:-1]
    if any(not word.replace("-", "").isalnum() or word[0] == "-" for word in words):
        return None
    return (".".join(words) or "_") + ".txt"


def _answer(place: PagesInUse, arguments: list[str], variable: str) -> str | None:
    """Return a page, or a shell's completions of a flag; ``None`` for everything else."""
    # A shell asks what may follow without arguments, as somebody asks for help.
    if variable not in os.environ:
        name = _page(arguments)
        page = place.read(name) if name is not None else None
        return None if page is None else fitting_page(page, screen_width())
    request = completion_request(variable, os.environ)
    if request is None:
        return None
    shell, words, prefix = request
    rows = place.read(".".join(words) + ".flags")
    return None if rows is None else complete(shell, prefix, rows)


def _print(page: bytes) -> int:
    """Write a page to stdout; return 1 after a line on stderr where it cannot be written, else 0.

    A closed pipe counts as written.
    """
    if sys.stdout is None:
        return 0
    try:
        sys.stdout.buffer.write(page)
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not isinstance(error, BrokenPipeError):
            from callsheet.cli.callsheet import print_line

            print_line(f"the page cannot be written: {error.strerror}", error=True)
            return 1
    return 0


def main(
    package: str = "", command: str = "ads", env: str = "ADS", argv: list[str] | None = None
) -> int:
    """Run the program ``command`` of the generated ``package``; return its exit code.

    Without a package it is the program that we install, whose actions are those of the host in
    use. ``env`` is the prefix of its environment variables. Nothing but ``os`` and ``sys`` is
    imported where the answer is a stored page, the flags that complete a word, or the version.
    Without ``argv`` it runs ``sys.argv``, and collects hardly any garbage until the process ends.
    """
    arguments = sys.argv[1:] if argv is None else argv
    variable = f"_{command.replace('-', '_').upper()}_COMPLETE"
    if variable not in os.environ and arguments in (["--version"], ["version"]):
        from callsheet.version import __version__

        text = __version__ if arguments == ["version"] else f"{command} {__version__}"
        return _print(f"{text}\n".encode())
    file = sys.modules[package].__file__ if package in sys.modules else None
    home = os.path.dirname(os.path.abspath(file)) if file else ""
    answer = _answer(PagesInUse(home, command, env, os.environ), arguments, variable)
    if answer is not None:
        return _print(answer.encode())
    from callsheet.cli.main import run

    if argv is not None:
        return run(package, command, env, arguments)
    import gc

    # A command makes no garbage worth a look on its way, nor for the interpreter at its end.
    gc.set_threshold(_GC_THRESHOLD)
    code = run(package, command, env, arguments)
    gc.freeze()
    return code


def completion_request(
    variable: str, environ: "Mapping[str, str]"
) -> tuple[str, list[str], str] | None:
    """Return the shell, the words of a command, and the prefix of the flag that follows them.

    ``variable`` names the shell, ``COMP_WORDS`` holds the line; the program's name is left out.
    ``None`` for another shell, for quotes, for another flag before, and where no flag is typed.
    """
    shell = environ.get(variable, "").partition("_")[0]
    line = environ.get("COMP_WORDS", "")
    words = line.split()[1:]
    if shell not in {"bash", "zsh", "fish"} or _QUOTING & set(line) or not words:
        return None
    prefix = "" if line[-1:].isspace() else words.pop()
    plain = words and all(word.replace("-", "").isalnum() and word[0] != "-" for word in words)
    simple = plain and prefix.startswith("--") and "=" not in prefix
    return (shell, words, prefix) if simple else None


def complete(shell: str, prefix: str, rows: str) -> str:
    """Return the lines for a shell about each row whose flag starts with ``prefix``.

    A row is ``FLAG<TAB>HELP``. bash reads ``plain,FLAG``, the others ``plain<TAB>FLAG<TAB>HELP``.
    """
    head, end = ("plain,", "\t") if shell == "bash" else ("plain\t", "\n")
    matches = [row for row in rows.split("\n") if row.startswith(prefix)]
    return "".join(f"{head}{row.partition(end)[0]}\n" for row in matches)
