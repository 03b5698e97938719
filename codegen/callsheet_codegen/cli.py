"""``callsheet init``, ``generate``, ``check`` and ``diff``: flags in, words and exit codes out."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from callsheet.diff import formats
from callsheet.errors import CallsheetError, DriftFound, Interrupted, UsageError
from callsheet.text import safe_text
from callsheet_codegen import check as checking
from callsheet_codegen import drift, pipeline, publish, setup, source, versions
from callsheet_codegen.config import load
from callsheet_codegen.diagnostics import fell_back

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callsheet.diff import Change
    from callsheet_codegen.config import Config
    from callsheet_codegen.diagnostics import Diagnostic


def init(argv: Sequence[str] | None = None) -> int:
    """Write ``[tool.callsheet]`` and the script entry; 0, or 2 where that cannot be done."""
    parser = _parser("init", "Prepare a project: [tool.callsheet] and the program's entry.")
    parser.add_argument("--package", required=True, help="the package to generate (acme_client)")
    parser.add_argument("--command", help="the program's name (default: from the package)")
    parser.add_argument("--host", default="", help="the server's address")
    parser.add_argument("--out", help="the folder of the package (default: src, or .)")
    return _run(parser, argv, _init)


def generate(argv: Sequence[str] | None = None) -> int:
    """Write the client; 0, 1 with ``--strict`` where something fell back, else an error's code."""
    parser = _parser("generate", "Write a typed client and a command line for a server's actions.")
    _place(parser)
    parser.add_argument("--host", help="the server to ask")
    parser.add_argument("--locked", action="store_true", help="ask no server: use the lock")
    parser.add_argument("--strict", action="store_true", help="exit 1 where something fell back")
    return _run(parser, argv, _generate)


def check(argv: Sequence[str] | None = None) -> int:
    """Compare tree, lock and server; 0, or 8 where either differs."""
    parser = _parser("check", "Say whether the generated files, the lock and the server agree.")
    _place(parser)
    parser.add_argument("--host", help="the server to ask (default: the lock's source)")
    parser.add_argument("--offline", action="store_true", help="do not ask the server")
    drift.flags(parser)
    return _run(parser, argv, _check)


def diff(argv: Sequence[str] | None = None) -> int:
    """Say what changed between two versions; 0, or 8 where ``--fail-on`` says so."""
    parser = _parser("diff", "Show what changed: lock against server, or between two versions.")
    parser.add_argument(
        "versions",
        nargs="*",
        metavar="VERSION",
        help="a lock or a revision of git: one is compared with the lock, two with each other",
    )
    _place(parser)
    parser.add_argument("--host", help="the server to ask")
    drift.flags(parser)
    return _run(parser, argv, _diff)


class _Parser(argparse.ArgumentParser):
    """A parser whose refusals are told like every other one: a line, a hint, an object."""

    def error(self, message: str) -> NoReturn:
        """Raise ``UsageError``."""
        raise UsageError(message, hint=f"{self.prog} --help")


def _parser(word: str, text: str) -> argparse.ArgumentParser:
    parser = _Parser(prog=f"callsheet {word}", description=text, allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def _place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--package", help="the package to write (default: [tool.callsheet])")
    parser.add_argument("--out", help="the folder that holds the package folder")
    parser.add_argument("--lock", help="the lock (default: catalog.lock.json in --out)")


def _run(parser: argparse.ArgumentParser, argv: Sequence[str] | None, job: Any) -> int:
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
        for line in lines:
            _print(safe_text(line), error=self.quiet)


def _print(text: str, *, error: bool = False) -> None:
    stream = sys.stderr if error else sys.stdout
    stream.write(text + "\n")
    stream.flush()


def _tell(error: CallsheetError, *, as_json: bool) -> int:
    _print(safe_text(f"callsheet: {error.message}"), error=True)
    if error.hint:
        _print(safe_text(f"  {error.hint}"), error=True)
    if as_json:
        _print(json.dumps({"error": error.as_json()}, indent=1))
    return error.exit_code


def _config(given: argparse.Namespace) -> Config:
    flags = {name: getattr(given, name) for name in ("package", "out", "lock")}
    return load(Path.cwd(), flags)


def _init(given: argparse.Namespace, say: _Words) -> tuple[int, dict[str, Any]]:
    wanted = setup.Wanted(
        package=given.package, command=given.command, host=given.host, out=given.out
    )
    path, lines = setup.init(Path.cwd(), wanted)
    say(*lines)
    return 0, {"file": str(path), "written": list(lines)}


def _generate(given: argparse.Namespace, say: _Words) -> tuple[int, dict[str, Any]]:
    config = _config(given)
    publish.recover(config.folder)
    old = pipeline.read_lock(config)
    notes: tuple[Diagnostic, ...] = ()
    if given.locked:
        snapshot = versions.locked(config).lock.snapshot
        say(f"source: the lock, made from {snapshot.source}")
    else:
        with source.choose(config, host=given.host) as chosen:
            say(f"source: {chosen.name} ({chosen.why})")
            snapshot, notes = source.fetch(chosen, config)
    made = pipeline.draft(config, snapshot, old)
    done = pipeline.write(config, made)
    told = (*notes, *made.diagnostics)
    say(*(found.line() for found in told))
    say(*_kept(made.plan.steps))
    say(f"{config.folder}: {len(made.plan.deletes)} files removed, {_wrote(made, done)} written")
    say(*_changed(made.changes, first=old is None, actions=len(made.lock.snapshot.actions)))
    document = {
        "source": made.lock.snapshot.source,
        "package": str(config.folder),
        "lock": str(config.lock),
        "files": made.files,
        "written": list(done),
        "changes": [change.text for change in made.changes],
        "diagnostics": [found.as_json() for found in told],
    }
    return int(given.strict and fell_back(told)), document


def _wrote(made: pipeline.Draft, done: Sequence[str]) -> int:
    return len(done) - len(made.plan.deletes)


def _kept(steps: Any) -> list[str]:
    return [
        f"note: {step.path} is not generated any more and was changed by hand: it stays"
        for step in steps
        if step.kind == "keep"
    ]


def _changed(changes: Sequence[Change], *, first: bool, actions: int) -> list[str]:
    if first:
        return [f"first lock: {actions} actions"]
    if not changes:
        return ["since the lock: no action and no flag changed"]
    return ["since the lock:", *(f"  {line}" for line in formats.text(changes))]


def _check(given: argparse.Namespace, say: _Words) -> tuple[int, dict[str, Any]]:
    config = _config(given)
    lock = versions.locked(config).lock
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
    config = _config(given)
    old, new = _sides(given, config)
    form = given.format or "text"
    if form == "text":
        say(f"from {old.name} to {new.name}:")
    report = drift.compared(old, new, config, given.ignore)
    say(*report.lines(form))
    if form == "text" and not report.changes:
        say("no action and no flag changed")
    failed = given.fail_on and report.fails(given.fail_on, allow_unproved=given.allow_unproved)
    document = {"old": old.name, "new": new.name, **report.as_json()}
    return DriftFound.exit_code if failed else 0, document


def _sides(given: argparse.Namespace, config: Config) -> tuple[versions.Version, versions.Version]:
    words = given.versions
    if len(words) > 2 or (words and given.host):
        raise UsageError("name two versions at most, and none with --host")
    if not words:
        old = versions.locked(config)
        return old, versions.served(config, host=given.host)
    last = versions.named(words[1], config) if len(words) == 2 else versions.locked(config)
    return versions.named(words[0], config), last
