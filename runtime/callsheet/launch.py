"""The way in of a generated program: stored help, completed flags and the version at no cost."""

import os
import sys

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
    from callsheet.shellflags import answer, asked

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
        from callsheet import __version__

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
