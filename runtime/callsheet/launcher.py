"""Answer stored help, the version and completed flags without imports."""

import os
import sys

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


_HELP = ("--help", "-h")
_COLLECT = 100_000


def _page(arguments: list[str]) -> str | None:
    """The file name of the help that is asked for; ``None`` where it is not that simple."""
    if not arguments:
        return "_.txt"
    if arguments[-1] not in _HELP:
        return None
    words = arguments[:-1]
    if any(not word.replace("-", "").isalnum() or word[0] == "-" for word in words):
        return None
    return (".".join(words) or "_") + ".txt"


def _stored(package: str, name: str | None) -> bytes | None:
    """The stored help page of this name, ``None`` where the package has none."""
    module = sys.modules.get(package)
    if name is None or module is None or not module.__file__:
        return None
    path = os.path.join(os.path.dirname(module.__file__), "help", name)
    try:
        with open(path, "rb") as page:
            return page.read()
    except OSError:
        return None


def _completed(package: str, variable: str) -> bytes | None:
    """What completes a flag, ``None`` where the tree of commands has to be asked."""
    question = asked(variable, os.environ)
    return None if question is None else answer(question, lambda name: _stored(package, name))


def _print(page: bytes) -> int:
    if sys.stdout is None:
        return 0
    try:
        sys.stdout.buffer.write(page)
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(f"the page cannot be written: {error.strerror}\n")
            return 1
    return 0


def main(package: str, command: str, env: str, argv: list[str] | None = None) -> int:
    """Run the program ``command`` of the generated ``package``; returns its exit code.

    ``env`` is the prefix of its environment variables. Nothing but ``os`` and ``sys`` is
    imported where the answer is a stored page, a flag of one that is completed, or the version.
    """
    arguments = sys.argv[1:] if argv is None else argv
    variable = f"_{command.replace('-', '_').upper()}_COMPLETE"
    # A shell asks what may follow without arguments, as somebody asks for help.
    completing = variable in os.environ
    if not completing and arguments in (["--version"], ["version"]):
        from callsheet.version import __version__

        shown = __version__ if arguments == ["version"] else f"{command} {__version__}"
        return _print(f"{shown}\n".encode())
    page = _completed(package, variable) if completing else _stored(package, _page(arguments))
    if page is not None:
        return _print(page)
    from callsheet.cli.main import run

    if argv is not None:
        return run(package, command, env, arguments)
    import gc

    # A command makes no garbage worth a look on its way, nor for the interpreter at its end.
    gc.set_threshold(_COLLECT)
    code = run(package, command, env, arguments)
    gc.freeze()
    return code


_ACTION = ("Required:", "Options:", "Output and request:")
_PROGRAM = ("Flags, before a command or after it:",)
_UNCLEAR = frozenset("'\"\\$`")


_LONGEST = 80


def asked(variable: str, environ: "Mapping[str, str]") -> tuple[str, list[str], str] | None:
    """The shell, the words of a command, and the begun flag that follows them.

    ``None`` where it is not that simple: quotes, another flag before, no flag at all.
    """
    shell = environ.get(variable, "").partition("_")[0]
    line = environ.get("COMP_WORDS", "")
    words = line.split()[1:]
    if shell not in {"bash", "zsh", "fish"} or _UNCLEAR & set(line) or not words:
        return None
    begun = "" if line[-1:].isspace() else words.pop()
    plain = words and all(word.replace("-", "").isalnum() and word[0] != "-" for word in words)
    simple = plain and begun.startswith("--") and "=" not in begun
    return (shell, words, begun) if simple else None


def answer(
    question: tuple[str, list[str], str], page: "Callable[[str], bytes | None]"
) -> bytes | None:
    """What the shell is told; ``page`` gives a stored page by its name, or ``None``."""
    shell, words, begun = question
    own, program = page(".".join(words) + ".txt"), page("_.txt")
    if own is None or program is None:
        return None
    rows = _rows(own.decode(), _ACTION)
    if not rows:
        return None
    last = {"--help": rows.pop("--help", "")}
    rows = {**rows, **_missing(_rows(program.decode(), _PROGRAM), rows), **last}
    found = [(flag, doc) for flag, doc in rows.items() if flag.startswith(begun)]
    return "".join(_line(shell, flag, doc) for flag, doc in found).encode()


def _missing(rows: dict[str, str], known: dict[str, str]) -> dict[str, str]:
    return {flag: doc for flag, doc in rows.items() if flag not in known}


def _line(shell: str, flag: str, doc: str) -> str:
    return f"plain,{flag}\n" if shell == "bash" else f"plain\t{flag}\t{doc[:_LONGEST]}\n"


def _rows(page: str, heads: tuple[str, ...]) -> dict[str, str]:
    """The flags in these parts of a page; a server's text is indented and never a head."""
    found: dict[str, str] = {}
    within = False
    for line in page.split("\n"):
        if line[:1].strip():
            within = line in heads
        elif within and line.startswith("  --"):
            names, _, doc = line[2:].partition("  ")
            for name in names.split(" / "):
                flag = name.split(" ")[0].partition("[")[0]
                if not flag.endswith(".NAME"):  # stands for many
                    found.setdefault(flag, doc.strip())
    return found
