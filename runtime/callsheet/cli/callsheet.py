"""Run the subcommands of ``callsheet``; import each only when it is used."""

from __future__ import annotations

import importlib
import importlib.util
import sys

# subcommand: ("module:function", the extra that it needs, its summary)
SUBCOMMANDS = {
    "init": ("callsheet_codegen.cli:init", "codegen", "Start a project that generates a client"),
    "generate": ("callsheet_codegen.cli:generate", "codegen", "Write a client for a server"),
    "check": ("callsheet_codegen.cli:check", "codegen", "Say whether server, lock and tree agree"),
    "diff": ("callsheet_codegen.cli:diff", "codegen", "Show what changed on the server"),
    "sandbox": ("callsheet_sandbox.cli:main", "sandbox", "Run a local server with the contract"),
}

# The packages that each extra installs and no other: looked for before the subcommand starts.
_NEEDED = {"codegen": ("jinja2", "datamodel_code_generator"), "sandbox": ("starlette",)}


def _help() -> str:
    lines = [f"  {word:10}{text}" for word, (_, _, text) in SUBCOMMANDS.items()]
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


def print_line(text: str, *, error: bool = False) -> None:
    """Write a line to stdout, or with ``error`` to stderr.

    Where stdout fails, report that on stderr and let ``main`` return 1. Nothing is raised: a
    closed stream and a failure of stderr are ignored.
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
            print_line(f"callsheet: the output cannot be written: {_failures[-1]}", error=True)


def _report_missing(word: str, package: str, extra: str) -> int:
    """Name the package that a subcommand lacks, and how to install it; return exit code 2."""
    print_line(f'callsheet: `{word}` needs {package}: pip install "callsheet[{extra}]"', error=True)
    return 2


def _report_unknown(word: str) -> int:
    """Report an unknown subcommand with the nearest that exists; return exit code 2."""
    from callsheet.text import did_you_mean

    hint = did_you_mean(word, SUBCOMMANDS) or "callsheet --help lists the commands"
    print_line(f"callsheet: there is no command `{word}`\n  {hint}", error=True)
    return 2


def main(argv: list[str] | None = None) -> int:
    """Run the program and return its exit code: 2 for an unknown subcommand or a missing extra.

    1 stands in the place of 0 where stdout could not be written.
    """
    _failures.clear()
    try:
        code = _run(sys.argv[1:] if argv is None else argv)
    except SystemExit as stop:  # the pages of argparse
        code = stop.code if isinstance(stop.code, int) else 0
    return code or int(bool(_failures))


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in {"--help", "-h"}:
        print_line(_help())
        return 0
    word, rest = arguments[0], arguments[1:]
    if word in {"--version", "version"}:
        from callsheet.version import __version__

        print_line(f"callsheet {__version__}" if word == "--version" else __version__)
        return 0
    if word not in SUBCOMMANDS:
        return _report_unknown(word)
    target, extra, _ = SUBCOMMANDS[word]
    for package in _NEEDED.get(extra, ()):
        if importlib.util.find_spec(package) is None:
            return _report_missing(word, package, extra)
    module, _, name = target.partition(":")
    try:
        code = getattr(importlib.import_module(module), name)(rest)
    except ModuleNotFoundError as error:
        return _report_missing(word, error.name or "a package", extra)
    return code if isinstance(code, int) else 0
