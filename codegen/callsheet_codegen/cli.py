"""Provide the command line of init, generate, check and diff."""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from callsheet_codegen import cache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from callsheet.errors import CallsheetError
    from callsheet_codegen import diff as comparison
    from callsheet_codegen.config import Config
    from callsheet_codegen.models.pool import ModelPool

    Job = Callable[[argparse.Namespace, "Console"], tuple[int, dict[str, Any]]]


_LOCATIONS = ("package", "out", "lock")


class Console:
    """Lines for a person and one JSON document; with ``--json`` the lines go to standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def say(self, *lines: str) -> None:
        """Print lines for a person, safe for a terminal."""
        from callsheet.text import safe_text

        _write(*map(safe_text, lines), error=self.as_json)

    def run(self, job: Callable[[], tuple[int, Any]], *, interrupted: str = "interrupted") -> int:
        """Run a job and print its document; return its exit code, or that of the error it raises.

        ``CallsheetError`` and ``OSError`` are printed; ``interrupted`` is the message for Ctrl-C.
        """
        from callsheet.errors import CallsheetError, Interrupted

        try:
            code, document = job()
        except KeyboardInterrupt:
            return self.fail(Interrupted(interrupted))
        except CallsheetError as error:
            return self.fail(error)
        except OSError as error:
            place = f"{os.fsdecode(error.filename)}: " if error.filename else ""
            return self.fail(CallsheetError(f"{place}{error.strerror or error}"))
        self.print_document(document)
        return code

    def print_document(self, document: object) -> None:
        """Print the JSON document with keys masked, if ``--json`` was given."""
        if self.as_json:
            from callsheet.masking import masked

            _write(masked(json.dumps(document, indent=1)))

    def fail(self, error: CallsheetError) -> int:
        """Print an error with its hint, as JSON too with ``--json``; return its exit code."""
        self.print_document(self.report(error))
        return error.exit_code

    def report(self, error: CallsheetError) -> dict[str, Any]:
        """Print an error with its hint for a person; return the object that stands for it."""
        from callsheet.text import safe_text, with_program

        error.hint = with_program("ads", error.hint)
        hint = [f"  {error.hint}"] if error.hint else []
        _write(*map(safe_text, (f"callsheet: {error.message}", *hint)), error=True)
        return {"error": error.as_json()}


def _write(*lines: str, error: bool = False) -> None:
    from callsheet.cli.callsheet import print_line

    if lines:
        print_line("\n".join(lines), error=error)


class _Parser(argparse.ArgumentParser):
    """A parser whose refusals print like every other error: a line, a hint, an object."""

    def _print_message(self, message: str, file: Any = None) -> None:
        _write(message.rstrip("\n"))

    def error(self, message: str) -> NoReturn:
        """Raise ``UsageError``."""
        from callsheet.errors import UsageError

        raise UsageError(message, hint=f"{self.prog} --help")


def _new_parser(subcommand: str, description: str) -> argparse.ArgumentParser:
    """Return the parser of a subcommand, with ``--json`` alone."""
    parser = _Parser(prog=f"callsheet {subcommand}", description=description, allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def _add_locations(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--package", help="the package to write (default: [tool.callsheet])")
    parser.add_argument("--out", help="the folder that holds the package folder")
    parser.add_argument("--lock", help="the lock (default: catalog.lock.json in --out)")
    parser.add_argument(
        "--client",
        action="append",
        default=[],
        metavar="NAME",
        help="only this one of [tool.callsheet.clients] (may be repeated; default: all)",
    )


def _run(
    parser: argparse.ArgumentParser,
    argv: Sequence[str] | None,
    job: Job,
    *,
    interrupted: str = "interrupted",
) -> int:
    """Parse the flags and run the job with them; print any error and return the exit code.

    ``interrupted`` is the message for Ctrl-C.
    """
    from callsheet.errors import UsageError

    argv = sys.argv[1:] if argv is None else argv
    try:
        flags = parser.parse_args(argv)
    except UsageError as error:
        return Console(as_json="--json" in argv).fail(error)
    console = Console(as_json=flags.json or getattr(flags, "format", None) == "json")
    try:
        os.getcwd()
    except FileNotFoundError:
        return console.fail(UsageError("the working directory was removed", hint="cd to another"))
    return console.run(partial(job, flags, console), interrupted=interrupted)


def _load_configs(flags: argparse.Namespace, names: Sequence[str] = ()) -> dict[str, Config]:
    """Read the clients of the working directory, with the flags, by name; raises ``UsageError``."""
    from pathlib import Path

    from callsheet_codegen.config import load_clients

    locations = {name: getattr(flags, name) for name in _LOCATIONS}
    return load_clients(Path.cwd(), locations, names or flags.client)


def _for_each_client(
    flags: argparse.Namespace, console: Console, job: Callable[[str, Config], tuple[int, Any]]
) -> tuple[int, Any]:
    """Do the job for each client; return the first exit code that is not 0, and one document.

    A client that fails costs the others nothing. Raises ``CallsheetError`` where there is one.
    """
    from callsheet.errors import CallsheetError, UsageError

    configs = _load_configs(flags)
    if "" in configs:
        return job("", configs[""])
    if flags.host and len(configs) > 1:
        raise UsageError("--host works for one client only", hint="name it with --client")
    codes, documents = [], {}
    for name, config in configs.items():
        console.say(f"client {name}:")
        try:
            code, documents[name] = job(name, config)
        except CallsheetError as error:
            code, documents[name] = error.exit_code, console.report(error)
        codes.append(code)
    return next((code for code in codes if code), 0), {"clients": documents}


@contextmanager
def _locked(
    flags: argparse.Namespace, name: str, config: Config, *, create: bool
) -> Iterator[Config]:
    """Lock the folders of a client, finish what a killed run left, and yield its configuration.

    ``create`` makes missing folders. Raises ``CallsheetError``.
    """
    from callsheet_codegen import publish

    say = partial(_write, error=True)
    with publish.locked_tree((config.out, config.lock.parent), say, create=create):
        if not config.lock.exists():  # which lock is ours depends on what lies there by now
            config = _load_configs(flags, [name] if name else ())[name]
        publish.recover(config.folder)
        yield config


def generate(argv: Sequence[str] | None = None) -> int:
    """Write the client; return 0, 1 by ``--strict`` after a fallback, or an error's code."""
    interrupted = "interrupted; nothing was changed"
    return _run(_generate_parser(), argv, _generate_unless_idle, interrupted=interrupted)


def _generate_unless_idle(flags: argparse.Namespace, console: Console) -> tuple[int, Any]:
    """Repeat what the last run printed where nothing changed since; else generate."""
    folder = os.path.join(cache.cache_folder(os.environ), "generate")
    store = cache.Store(folder, cache.tools_digest())
    words = [getattr(flags, name) for name in _LOCATIONS]
    project = cache.project_key(os.getcwd(), words)
    is_idle = flags.locked and not flags.fresh and not flags.client
    stamp = store.idle_stamp(project) if is_idle else None
    if stamp and not flags.force and stamp.is_idle():
        console.say(*stamp.output["lines"])
        return int(flags.strict and stamp.output["fell_back"]), stamp.output["document"]

    def job(name: str, config: Config) -> tuple[int, Any]:
        from callsheet_codegen.run import GenerateRun

        key = cache.project_key(os.getcwd(), [*words, name]) if name else project
        store.drop_idle_stamp(key)
        with _locked(flags, name, config, create=True) as own:
            return GenerateRun(flags, own, (store, key), next_pool(), console.say).run()

    with _model_pools(early=flags.locked and stamp is None) as next_pool:
        return _for_each_client(flags, console, job)


@contextmanager
def _model_pools(*, early: bool) -> Iterator[Callable[[], ModelPool]]:
    """Yield what gives the pool of each client; ``early`` starts a worker for the first at once.

    That is where models are most probably to be made.
    """
    from callsheet_codegen.models.pool import ModelPool

    gc.set_threshold(100_000)  # of a run that is over in seconds next to nothing is garbage
    pools = [ModelPool()]

    def next_pool() -> ModelPool:
        pools.append(ModelPool())
        return pools[-2]

    try:
        if early:
            pools[0].launch(1)  # it takes half a second, in which there is other work
        yield next_pool
    finally:
        for pool in pools:
            pool.close()
        gc.freeze()  # nor is anything to be looked for when the process ends


def _generate_parser() -> argparse.ArgumentParser:
    parser = _new_parser(
        "generate", "Write a typed client and a command line for a server's actions."
    )
    _add_locations(parser)
    add = parser.add_argument
    add("--host", help="the server to ask")
    add("--locked", action="store_true", help="ask no server: use the lock")
    add("--refresh", action="store_true", help="ask for every schema, whatever the list says")
    add("--fresh", action="store_true", help="make every file anew, whatever is cached")
    add("--force", action="store_true", help="overwrite generated files that were changed by hand")
    add("--strict", action="store_true", help="exit 1 where something fell back")
    add(
        "--changelog",
        nargs="?",
        const="CHANGELOG.md",
        metavar="FILE",
        help="add a dated entry with the changes to FILE (CHANGELOG.md)",
    )
    return parser


def init(argv: Sequence[str] | None = None) -> int:
    """Write ``[tool.callsheet]`` and the script entry; return 0, or 2 where that cannot be done."""
    parser = _new_parser("init", "Prepare a project: [tool.callsheet] and the program's entry.")
    parser.add_argument("--package", required=True, help="the package to generate (acme_client)")
    parser.add_argument("--command", help="the program's name (default: from the package)")
    parser.add_argument("--host", default="", help="the server's address")
    parser.add_argument("--out", help="the folder of the package (default: src, or .)")
    return _run(parser, argv, _init)


def _init(flags: argparse.Namespace, console: Console) -> tuple[int, dict[str, Any]]:
    from contextlib import suppress
    from pathlib import Path

    from callsheet.config.settings import origin_of
    from callsheet.errors import UsageError
    from callsheet_codegen.config import load
    from callsheet_codegen.confirmed import ConfirmedFiles
    from callsheet_codegen.init import init
    from callsheet_codegen.source import ANY_KEY

    wishes = {name: getattr(flags, name) for name in ("command", "host", "out")}
    path, lines = init(Path.cwd(), flags.package, **wishes)
    if flags.host:  # the user named it: the key may go there
        config, confirmed = load(path.parent, {}), ConfirmedFiles(os.environ)
        with suppress(UsageError):
            for variable in (f"{config.env}_API_KEY", ANY_KEY):
                confirmed.add(variable, origin_of(config.host), str(path))
    console.say(*lines)
    return 0, {"file": str(path), "written": list(lines)}


def check(argv: Sequence[str] | None = None) -> int:
    """Compare tree, lock and server; return 0, 8 where they differ, or an error's code."""
    from callsheet_codegen import diff as comparison

    parser = _new_parser(
        "check", "Check whether the generated files, the lock and the server agree."
    )
    _add_locations(parser)
    parser.add_argument("--host", help="the server to ask (default: the lock's source)")
    parser.add_argument("--offline", action="store_true", help="do not ask the server")
    comparison.add_flags(parser)
    return _run(parser, argv, _check)


def _check(flags: argparse.Namespace, console: Console) -> tuple[int, Any]:
    return _for_each_client(flags, console, partial(_check_client, flags, console))


def _check_client(
    flags: argparse.Namespace, console: Console, name: str, config: Config
) -> tuple[int, dict[str, Any]]:
    from callsheet.errors import DriftFound
    from callsheet_codegen import diff as comparison

    with _locked(flags, name, config, create=False) as config:
        lock = comparison.locked_version(config).lock
        results = [comparison.check_tree(config, lock)]
    if not flags.offline:
        policy = {name: getattr(flags, name) for name in ("fail_on", "allow_unproved", "ignore")}
        results.append(comparison.check_server(config, lock, host=flags.host, **policy))
    for result in results:
        if flags.format in {"md", "github"} and result.report is not None:
            console.say(*result.report.lines(flags.format))
        else:
            console.say(*(f"{result.subject}: {line}" for line in result.lines))
    drifted = any(result.drift for result in results)
    document = {"drift": drifted, "findings": [result.as_json() for result in results]}
    return DriftFound.exit_code if drifted else 0, document


def diff(argv: Sequence[str] | None = None) -> int:
    """Show what changed between two versions; return 0, 8 by ``--fail-on``, or an error's code."""
    from callsheet_codegen import diff as comparison

    parser = _new_parser("diff", "Show what changed: lock against server, or between two versions.")
    parser.add_argument(
        "versions",
        nargs="*",
        metavar="VERSION",
        help="a lock or a revision of git: one is compared with the lock, two with each other",
    )
    _add_locations(parser)
    parser.add_argument("--host", help="the server to ask")
    comparison.add_flags(parser)
    return _run(parser, argv, _diff)


def _diff(flags: argparse.Namespace, console: Console) -> tuple[int, Any]:
    return _for_each_client(flags, console, partial(_diff_client, flags, console))


def _diff_client(
    flags: argparse.Namespace, console: Console, name: str, config: Config
) -> tuple[int, dict[str, Any]]:
    from callsheet.errors import DriftFound
    from callsheet_codegen import diff as comparison

    old, new = _versions(flags, config)
    form = flags.format or "text"
    if form == "text":
        console.say(*new.notes, f"from {old.name} to {new.name}:")
    report = comparison.compare(old, new, config, flags.ignore)
    console.say(*report.lines(form))
    if form == "text" and not report.changes:
        console.say("no action and no flag changed")
    failed = flags.fail_on and report.fails(flags.fail_on, allow_unproved=flags.allow_unproved)
    document = {"old": old.name, "new": new.name, **report.as_json()}
    return DriftFound.exit_code if failed else 0, document


def _versions(
    flags: argparse.Namespace, config: Config
) -> tuple[comparison.Version, comparison.Version]:
    """Return the old and the new version that the command line names."""
    from callsheet.errors import UsageError
    from callsheet_codegen import diff as comparison

    arguments = flags.versions
    if len(arguments) > 2 or (arguments and flags.host):
        raise UsageError("name two versions at most, and none with --host")
    if not arguments:
        old = comparison.locked_version(config)
        return old, comparison.served_version(config, host=flags.host)
    old, *new = (comparison.read_version(argument, config) for argument in arguments)
    return old, new[0] if new else comparison.locked_version(config)
