"""The tables of docs/cli.md that follow from the code: commands and flags."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click
from cli.tree_of import own
from program import ROOT

from callsheet.cli.help.pages import OWN
from callsheet.cli.input import options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callsheet.cli.input.options import Row

PAGE = ROOT / "docs" / "cli.md"
_OURS = {f"--{row[0]}" for row in (*options.GLOBAL_FLAGS, options.ACTION_FLAGS[0])}


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _flag(name: str, meta: str) -> str:
    if not meta:
        return f"`--{name}`"
    return f"`--{name}{'[=' + meta[1:] if meta.startswith('[') else ' ' + meta}`"


def _flags(rows: Iterable[Row]) -> str:
    return _table(("flag", "does"), [(_flag(name, meta), doc) for name, meta, doc in rows])


def _option(option: click.Option) -> str:
    metavar = f" {option.metavar or option.make_metavar(_NOBODY)}" if not option.is_flag else ""
    return f"`{option.opts[-1]}{metavar}` {option.help or ''}"


_NOBODY = click.Context(click.Command("ads"))


def _commands() -> str:
    rows = []
    for path, word in own().items():
        words = [p.make_metavar(_NOBODY) for p in word.params if isinstance(p, click.Argument)]
        options = [
            _option(p)
            for p in word.params
            if isinstance(p, click.Option) and not p.hidden and p.opts[-1] not in _OURS
        ]
        doc = (word.help or "").strip().split("\n\n")[0]
        rows.append((f"`{' '.join([*path, *words])}`", doc, "<br>".join(options)))
    return _table(("command", "does", "its flags"), rows)


def _groups() -> str:
    return _table(("word", "is for"), [(f"`{name}`", line) for name, (_, line) in OWN.items()])


TABLES = {
    "words": _groups,
    "commands": _commands,
    "action flags": lambda: _flags(options.ACTION_FLAGS),
    "job flags": lambda: _flags(options.JOB_FLAGS),
    "list flags": lambda: _flags(options.PAGE_FLAGS),
    "other flags": lambda: _flags(options.GLOBAL_FLAGS),
}


def renew(text: str) -> str:
    """Return the page with its tables renewed; each stands between a named comment and ``end``."""
    for name, make in TABLES.items():
        block = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.S)
        text, count = block.subn(lambda match, make=make: match[1] + make() + match[2], text)
        assert count == 1, name
    return text
