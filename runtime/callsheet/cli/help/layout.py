"""Lay out help as text."""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING

from callsheet.cli.help.example import example_line
from callsheet.cli.input import options, values
from callsheet.text import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from callsheet.protocol.prices import Price
    from callsheet.spec import Action, Param


_DOC_LIMIT = 2000
_CHOICES_SHOWN = 40
_LONGEST_VALUE = 80
_READ = {"string": "text", "boolean": "true or false", "object": "an object", "array": "a list"}


def clean(text: str) -> str:
    """Return server text for a help page: nothing that moves a cursor, a screenful at most."""
    return safe_text(text, _DOC_LIMIT, multiline=True).strip()


def one_line(text: str) -> str:
    """Return server text on one line."""
    return " ".join(clean(text).split())


def describe(param: Param) -> str:
    """Return the line of help about one parameter: its text, then ``[limits; default; …]``."""
    doc = one_line(param.doc)
    facts = one_line("; ".join(_facts(param)))
    return f"{doc} [{facts}]".strip() if facts else doc


def signature(param: Param, action: Action) -> str:
    """Return how the flag of a parameter is typed, such as ``--size TEXT``, ``--hd / --no-hd``."""
    form = next(form for candidate, form in options.flags_by_param(action) if candidate is param)
    flag, role = form[0]
    if role == "json":
        return f"--{flag} JSON"
    if role == "yes":
        return " / ".join(f"--{name}" for name, _ in form)
    return f"--{flag} {options.metavar(param)}"


def _facts(param: Param) -> Iterable[str]:
    """Yield what help says of a parameter beside its own text: choices, kinds, limits, default."""
    if param.choices and not options.short_choices(param):
        names = [c if isinstance(c, str) else json.dumps(c) for c in param.choices]
        more = f", … ({len(names)} in all)" if len(names) > _CHOICES_SHOWN else ""
        yield "one of " + ", ".join(names[:_CHOICES_SHOWN]) + more
    if param.reads:
        yield " or ".join(_READ.get(kind, f"a {kind}") for kind in param.reads if kind != "null")
    yield from values.limits_in_words(param)
    if param.sent is not None:
        yield f"sent unless you say otherwise: {_plain(param.sent)}"
    elif param.default is not None:
        yield f"server default: {_plain(param.default)}"
    if param.kind == "array" or "array" in param.reads:
        yield "may be repeated" + (", or a JSON list" if param.kind == "array" else "")
    if param.comma:
        yield "comma-separated"
    if param.only == "wait":
        yield "with --blocking"
    if param.nullable:
        yield "null allowed"
    wire = ".".join(param.path)
    if wire != param.flag:
        yield f"field {wire}"


def _plain(text: str) -> str:
    """Return a default as a person would type it."""
    try:
        default = json.loads(text)
    except ValueError:
        return text
    return safe_text(default if isinstance(default, str) and default else text, _LONGEST_VALUE)


_GLUE = "\ue000"
"""Stands for a space that no line may end at, while text is wrapped."""
_LINE_END = re.compile(r"(?<=[^\n])\n(?=[^\s-])")
"""The end of a line inside a paragraph of a docstring."""
_SPAN = re.compile(r"`[^`\n]{1,70}`")

Rows = list[tuple[str, str]]


def paragraph(text: str, indent: str = "  ", *, width: int = 80) -> str:
    """Wrap ``text`` to ``width`` columns; links and text in backquotes stay whole."""
    return "\n".join(_wrapped(line, indent, indent, width) for line in text.splitlines()).rstrip()


def _wrapped(line: str, first: str, later: str, width: int) -> str:
    """Wrap one line; ``first`` and ``later`` indent the first line and those that follow."""
    glued = _SPAN.sub(lambda span: span[0].replace(" ", _GLUE), line)
    text = textwrap.fill(
        glued,
        width,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return text.replace(_GLUE, " ")


def _usage(words: str, more: Iterable[str], width: int) -> str:
    """Lay out the line of usage; what follows the command's ``words`` is wrapped below itself."""
    head = f"Usage: {words} "
    indent = " " * min(len(head), width // 3)
    return _wrapped(" ".join(part.replace(" ", _GLUE) for part in more), head, indent, width)


def table(title: str, rows: Rows, *, width: int = 80) -> str:
    """Lay out a titled list of names with their meanings, in two columns."""
    column = min(width * 2 // 5, max((len(name) for name, _ in rows), default=0) + 4)
    return "\n".join([f"{title}:", *(_row(name, text, column, width) for name, text in rows)])


def _row(name: str, text: str, column: int, width: int) -> str:
    head = f"  {name}"
    body = paragraph(text, " " * column, width=width)
    if not body:
        return head
    return f"{head.ljust(column)}{body[column:]}" if len(head) < column - 1 else f"{head}\n{body}"


def _flag_rows(rows: Iterable[options.Row]) -> Rows:
    return [
        (f"--{name}[={meta[1:]}" if meta.startswith("[") else f"--{name} {meta}".rstrip(), doc)
        for name, meta, doc in rows
    ]


HELP = ("--help", "Show this page; with --json as data")


def global_flags_line(prog: str) -> str:
    """Return the line that says where the flags of every command are listed."""
    return f"Flags for every command: {prog} --help"


def own_rows() -> Rows:
    """Return the flags that every command takes, for the program's own page."""
    return _flag_rows(options.GLOBAL_FLAGS)


def action_help(
    action: Action,
    prog: str,
    note: str = "",
    more: Iterable[options.Row] = (),
    *,
    price: Price | None = None,
    width: int = 80,
) -> str:
    """Lay out the page of one action: required flags, then the others, then ours and ``more``.

    ``price`` is what the host in use asks for any call alike.
    """
    params = options.params_with_flag(action)
    required = [p for p in params if p.required]
    typed = [signature(p, action) for p in required if p.kind != "boolean"]
    parts = [_usage(" ".join([prog, *action.command]), [*typed, "[OPTIONS]"], width)]
    parts.append(paragraph(clean(action.doc or action.summary), width=width))
    for title, chosen in (
        ("Required", required),
        ("Options", [p for p in params if not p.required]),
    ):
        rows = [(signature(p, action), describe(p)) for p in chosen]
        parts.append(table(title, rows, width=width) if rows else "")
    ours = _flag_rows((*options.SHOWN_FLAGS, *options.job_or_page_rows(action), *more))
    parts.append(table("Output and request", [*ours, HELP], width=width))
    parts.append(f"Example:\n  {example_line(action, prog)}")
    parts.append(_notes(action, prog, params, price, width))
    parts.append(paragraph(note, "", width=width))
    return "\n\n".join(part for part in parts if part) + "\n"


def _notes(
    action: Action, prog: str, params: Sequence[Param], price: Price | None, width: int
) -> str:
    lines = []
    if not action.typed:
        lines.append("Its schema could not be read: give the whole body with --input.")
    if any(p.kind == "string" for p in params):
        lines.append("Any TEXT flag --NAME has a form --NAME-file PATH that reads it from a file.")
    if any(p.kind in {"object", "array"} or p.media for p in params):
        lines.append("JSON, VALUE lists and media also read @FILE, and @- for standard input.")
    cost = str(price or "may spend credits") if action.paid else "free"
    lines += [f"Action {action.id} ({cost}).", global_flags_line(prog)]
    return "\n".join(paragraph(line, "", width=width) for line in lines)


def group_help(words: Sequence[str], entries: Rows, note: str = "", *, width: int = 80) -> str:
    """Lay out the page of a group; ``words`` starts with the program's name."""
    rows = [(name, one_line(summary)) for name, summary in entries]
    parts = [
        _usage(" ".join(words), ["COMMAND", "[OPTIONS]"], width),
        table("Commands", rows, width=width),
    ]
    parts.append(paragraph(note, "", width=width))
    return "\n\n".join(part for part in parts if part) + "\n"


def builtin_help(
    words: str, arguments: Iterable[str], doc: str, rows: Rows, prog: str, *, width: int = 80
) -> str:
    """Lay out the page of a built-in command; ``words`` are those that run it."""
    parts = [
        _usage(words, [*arguments, "[OPTIONS]"], width),
        paragraph(re.sub(_LINE_END, " ", doc), width=width),
        table("Options", [*rows, HELP], width=width),
        paragraph(global_flags_line(prog), "", width=width),
    ]
    return "\n\n".join(parts) + "\n"
