"""Run the words of callsheet, importing each when it is used."""

from __future__ import annotations

import importlib
import importlib.util
import sys

WORDS = {
    "init": ("callsheet_codegen.cli:init", "codegen", "Start a project that generates a client"),
    "generate": ("callsheet_codegen.cli:generate", "codegen", "Write a client for a server"),
    "check": ("callsheet_codegen.cli:check", "codegen", "Say whether server, lock and tree agree"),
    "diff": ("callsheet_codegen.cli:diff", "codegen", "Show what changed on the server"),
    "sandbox": ("callsheet_sandbox.cli:main", "sandbox", "Run a local server with the contract"),
}

# What each extra brings that none of the others has: asked for before the word begins.
_NEEDED = {"codegen": ("jinja2", "datamodel_code_generator"), "sandbox": ("starlette",)}


def _help() -> str:
    lines = [f"  {word:10}{text}" for word, (_, _, text) in WORDS.items()]
    return "\n".join(
        [
            "Usage: callsheet COMMAND [OPTIONS]",
            "",
            "Writes programs that talk to a server of actions.",
            "",
            "Commands:",
            *lines,
            "",
            "callsheet COMMAND --help says more.",
        ]
    )


_failures: list[str] = []


def put(text: str, *, error: bool = False) -> None:
    """Write a line to a standard stream; ``main`` ends with 1 where the output cannot be written.

    A stream that is closed is passed over, and so is whatever happens to standard error.
    """
    stream = sys.stderr if error else sys.stdout
    if stream is None:
        return
    try:
        stream.buffer.write(text.encode("utf-8", "replace") + b"\n")
        stream.flush()
    except (OSError, ValueError) as problem:
        from callsheet.text import silence

        silence(stream)
        if not error:
            _failures.append(str(getattr(problem, "strerror", problem)))
            put(f"callsheet: the output cannot be written: {_failures[-1]}", error=True)


def _lacking(word: str, package: str, extra: str) -> int:
    put(f'callsheet: `{word}` needs {package}: pip install "callsheet[{extra}]"', error=True)
    return 2


def _unknown(word: str) -> int:
    from callsheet.text import did_you_mean

    hint = did_you_mean(word, WORDS) or "callsheet --help lists the commands"
    put(f"callsheet: there is no command `{word}`\n  {hint}", error=True)
    return 2


def main(argv: list[str] | None = None) -> int:
    """Run the program and return its exit code; an extra that is missing is named."""
    _failures.clear()
    try:
        code = _run(sys.argv[1:] if argv is None else argv)
    except SystemExit as stop:  # the pages of argparse
        code = stop.code if isinstance(stop.code, int) else 0
    return code or int(bool(_failures))


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in {"--help", "-h"}:
        put(_help())
        return 0
    word, rest = arguments[0], arguments[1:]
    if word in {"--version", "version"}:
        from callsheet.version import __version__

        put(f"callsheet {__version__}" if word == "--version" else __version__)
        return 0
    if word not in WORDS:
        return _unknown(word)
    target, extra, _ = WORDS[word]
    for package in _NEEDED.get(extra, ()):
        if importlib.util.find_spec(package) is None:
            return _lacking(word, package, extra)
    module, _, name = target.partition(":")
    try:
        code = getattr(importlib.import_module(module), name)(rest)
    except ModuleNotFoundError as error:
        return _lacking(word, error.name or "a package", extra)
    return code if isinstance(code, int) else 0
