"""``callsheet generate``: flags in; where nothing is left to do, it says so and loads nothing."""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from callsheet_codegen import memory

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Write the client; 0, 1 with ``--strict`` where something fell back, else an error's code."""
    from callsheet.errors import UsageError

    try:
        given = _parser().parse_args(argv)
    except UsageError as error:
        from callsheet_codegen.generating import fail

        return fail(error, as_json="--json" in (sys.argv if argv is None else argv))
    base = memory.base_of(memory.cache_folder(os.environ), os.getcwd(), places(given))
    tools = memory.tools_mark()
    held = memory.left(base, tools) if given.locked and not given.fresh else None
    said = memory.said_at_rest(held) if held and not given.force else None
    if said is not None:
        return _tell(said, given)
    memory.forget(base)
    return _run(given, base, tools, early=given.locked and held is None)


def _run(given: argparse.Namespace, base: str, tools: str, *, early: bool) -> int:
    """Look, and do what is to be done; ``early`` where models are to be made, most probably."""
    from callsheet_codegen.models import Makers

    gc.set_threshold(100_000)  # of a run that is over in seconds next to nothing is garbage
    makers = Makers()
    try:
        if early:
            makers.launch(1)  # it takes half a second, in which there is other work
        from callsheet_codegen.generating import run

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


def _parser() -> argparse.ArgumentParser:
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


def _tell(said: dict[str, Any], given: argparse.Namespace) -> int:
    """Say once more what the last run said, which would do nothing now."""
    stream = sys.stderr if given.json else sys.stdout
    stream.write("".join(f"{line}\n" for line in said["lines"]))
    if given.json:
        sys.stdout.write(json.dumps(said["document"], indent=1) + "\n")
    return int(given.strict and said["fell_back"])
