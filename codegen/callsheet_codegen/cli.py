"""Provide the command line of init, generate, check and diff."""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from callsheet_codegen import cache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callsheet.errors import CallsheetError
    from callsheet_codegen import diff as comparing
    from callsheet_codegen.config import Config


def generate(argv: Sequence[str] | None = None) -> int:
    """Write the client; 0, 1 with ``--strict`` where something fell back, else an error's code."""
    from callsheet.errors import UsageError

    try:
        given = _generate_parser().parse_args(argv)
    except UsageError as error:
        from callsheet_codegen.run import fail

        return fail(error, as_json="--json" in (sys.argv if argv is None else argv))
    base = cache.base_of(cache.cache_folder(os.environ), os.getcwd(), places(given))
    tools = cache.tools_mark()
    held = cache.left(base, tools) if given.locked and not given.fresh else None
    said = cache.said_at_rest(held) if held and not given.force else None
    if said is not None:
        return _repeat(said, given)
    cache.forget(base)
    return _generate(given, base, tools, early=given.locked and held is None)


def _generate(given: argparse.Namespace, base: str, tools: str, *, early: bool) -> int:
    """Look, and do what is to be done; ``early`` where models are to be made, most probably."""
    from callsheet_codegen.models.pool import ModelPool

    gc.set_threshold(100_000)  # of a run that is over in seconds next to nothing is garbage
    makers = ModelPool()
    try:
        if early:
            makers.launch(1)  # it takes half a second, in which there is other work
        from callsheet_codegen.run import run

        return run(given, base, tools, makers)
    finally:
        makers.close()
        gc.freeze()  # nor is anything to be looked for when the process ends


def places(given: argparse.Namespace) -> tuple[str | None, ...]:
    """The flags that say what is written where."""
    return given.package, given.out, given.lock


class _Parser(argparse.ArgumentParser):
    """A parser whose refusals are told like every other one: a line, a hint, an object."""

    def error(self, message: str) -> NoReturn:
        """Raise ``UsageError``."""
        from callsheet.errors import UsageError

        raise UsageError(message, hint=f"{self.prog} --help")


def _generate_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="callsheet generate",
        description="Write a typed client and a command line for a server's actions.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--json", action="store_true", help="print one JSON document")
    add("--package", help="the package to write (default: [tool.callsheet])")
    add("--out", help="the folder that holds the package folder")
    add("--lock", help="the lock (default: catalog.lock.json in --out)")
    add("--host", help="the server to ask")
    add("--locked", action="store_true", help="ask no server: use the lock")
    add("--refresh", action="store_true", help="ask for every schema, whatever the list says")
    add("--fresh", action="store_true", help="make every file anew, whatever is remembered")
    add("--force", action="store_true", help="overwrite generated files that were changed by hand")
    add("--strict", action="store_true", help="exit 1 where something fell back")
    add(
        "--changelog",
        nargs="?",
        const="CHANGELOG.md",
        metavar="FILE",
        help="tell the changes in a dated entry of FILE (CHANGELOG.md)",
    )
    return parser


def _repeat(said: dict[str, Any], given: argparse.Namespace) -> int:
    """Say once more what the last run said, which would do nothing now."""
    stream = sys.stderr if given.json else sys.stdout
    stream.write("".join(f"{line}\n" for line in said["lines"]))
    if given.json:
        sys.stdout.write(json.dumps(said["document"], indent=1) + "\n")
    return int(given.strict and said["fell_back"])


def init(argv: Sequence[str] | None = None) -> int:
    """Write ``[tool.callsheet]`` and the script entry; 0, or 2 where that cannot be done."""
    parser = _parser("init", "Prepare a project: [tool.callsheet] and the program's entry.")
    parser.add_argument("--package", required=True, help="the package to generate (acme_client)")
    parser.add_argument("--command", help="the program's name (default: from the package)")
    parser.add_argument("--host", default="", help="the server's address")
    parser.add_argument("--out", help="the folder of the package (default: src, or .)")
    return _run(parser, argv, _init)


def check(argv: Sequence[str] | None = None) -> int:
    """Compare tree, lock and server; 0, or 8 where either differs."""
    from callsheet_codegen import diff as comparing

    parser = _parser("check", "Say whether the generated files, the lock and the server agree.")
    _place(parser)
    parser.add_argument("--host", help="the server to ask (default: the lock's source)")
    parser.add_argument("--offline", action="store_true", help="do not ask the server")
    comparing.flags(parser)
    return _run(parser, argv, _check)


def diff(argv: Sequence[str] | None = None) -> int:
    """Say what changed between two versions; 0, or 8 where ``--fail-on`` says so."""
    from callsheet_codegen import diff as comparing

    parser = _parser("diff", "Show what changed: lock against server, or between two versions.")
    parser.add_argument(
        "versions",
        nargs="*",
        metavar="VERSION",
        help="a lock or a revision of git: one is compared with the lock, two with each other",
    )
    _place(parser)
    parser.add_argument("--host", help="the server to ask")
    comparing.flags(parser)
    return _run(parser, argv, _diff)


def _parser(word: str, text: str) -> argparse.ArgumentParser:
    parser = _Parser(prog=f"callsheet {word}", description=text, allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def _place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--package", help="the package to write (default: [tool.callsheet])")
    parser.add_argument("--out", help="the folder that holds the package folder")
    parser.add_argument("--lock", help="the lock (default: catalog.lock.json in --out)")


def _run(parser: argparse.ArgumentParser, argv: Sequence[str] | None, job: Any) -> int:
    from callsheet.errors import CallsheetError, Interrupted

    as_json = "--json" in (sys.argv[2:] if argv is None else argv)
    try:
        given = parser.parse_args(argv)
        given.json = as_json = given.json or getattr(given, "format", None) == "json"
        code, document = job(given, _Words(quiet=given.json))
    except KeyboardInterrupt:
        return _tell(Interrupted("interrupted"), as_json=as_json)
    except CallsheetError as error:
        return _tell(error, as_json=as_json)
    if given.json:
        _print(json.dumps(document, indent=1))
    return int(code)


class _Words:
    """Lines for a person; ``--json`` keeps them from standard output."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet

    def __call__(self, *lines: str) -> None:
        """Print each line."""
        from callsheet.text import safe_text

        for line in lines:
            _print(safe_text(line), error=self.quiet)


def _print(text: str, *, error: bool = False) -> None:
    stream = sys.stderr if error else sys.stdout
    stream.write(text + "\n")
    stream.flush()


def _tell(error: CallsheetError, *, as_json: bool) -> int:
    from callsheet.text import safe_text

    _print(safe_text(f"callsheet: {error.message}"), error=True)
    if error.hint:
        _print(safe_text(f"  {error.hint}"), error=True)
    if as_json:
        _print(json.dumps({"error": error.as_json()}, indent=1))
    return error.exit_code


def _config(given: argparse.Namespace) -> Config:
    from pathlib import Path

    from callsheet_codegen.config import load

    flags = {name: getattr(given, name) for name in ("package", "out", "lock")}
    return load(Path.cwd(), flags)


def _init(given: argparse.Namespace, say: _Words) -> tuple[int, dict[str, Any]]:
    from pathlib import Path

    from callsheet_codegen import init as preparing

    wanted = preparing.Wanted(
        package=given.package, command=given.command, host=given.host, out=given.out
    )
    path, lines = preparing.init(Path.cwd(), wanted)
    say(*lines)
    return 0, {"file": str(path), "written": list(lines)}


def _check(given: argparse.Namespace, say: _Words) -> tuple[int, dict[str, Any]]:
    from callsheet.errors import DriftFound
    from callsheet_codegen import check as checking
    from callsheet_codegen import diff as comparing

    config = _config(given)
    lock = comparing.locked(config).lock
    findings = [checking.tree(config, lock)]
    if not given.offline:
        weights = checking.Weights(
            level=given.fail_on or "any", allow_unproved=given.allow_unproved, ignore=given.ignore
        )
        findings.append(checking.server(config, lock, host=given.host, weights=weights))
    for found in findings:
        if given.format in {"md", "github"} and found.report is not None:
            say(*found.report.lines(given.format))
        else:
            say(*(f"{found.subject}: {line}" for line in found.lines))
    drifted = any(found.drift for found in findings)
    document = {"drift": drifted, "findings": [found.as_json() for found in findings]}
    return DriftFound.exit_code if drifted else 0, document


def _diff(given: argparse.Namespace, say: _Words) -> tuple[int, dict[str, Any]]:
    from callsheet.errors import DriftFound
    from callsheet_codegen import diff as comparing

    config = _config(given)
    old, new = _sides(given, config)
    form = given.format or "text"
    if form == "text":
        say(f"from {old.name} to {new.name}:")
    report = comparing.compared(old, new, config, given.ignore)
    say(*report.lines(form))
    if form == "text" and not report.changes:
        say("no action and no flag changed")
    failed = given.fail_on and report.fails(given.fail_on, allow_unproved=given.allow_unproved)
    document = {"old": old.name, "new": new.name, **report.as_json()}
    return DriftFound.exit_code if failed else 0, document


def _sides(
    given: argparse.Namespace, config: Config
) -> tuple[comparing.Version, comparing.Version]:
    from callsheet.errors import UsageError
    from callsheet_codegen import diff as comparing

    words = given.versions
    if len(words) > 2 or (words and given.host):
        raise UsageError("name two versions at most, and none with --host")
    if not words:
        old = comparing.locked(config)
        return old, comparing.served(config, host=given.host)
    last = comparing.named(words[1], config) if len(words) == 2 else comparing.locked(config)
    return comparing.named(words[0], config), last
