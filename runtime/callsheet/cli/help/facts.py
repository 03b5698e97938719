"""What help says of one parameter: how its flag is typed, what it takes, what is assumed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from callsheet.cli.input import checks, options
from callsheet.text import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callsheet.spec import Action, Param

_DOC_LIMIT = 2000
_CHOICES_SHOWN = 40
_LONGEST_VALUE = 80
_READ = {"string": "text", "boolean": "true or false", "object": "an object", "array": "a list"}


def clean(text: str) -> str:
    """Server text for a help page: nothing that moves a cursor, no more than a screenful."""
    return safe_text(text, _DOC_LIMIT, multiline=True).strip()


def one_line(text: str) -> str:
    """Server text on one line."""
    return " ".join(clean(text).split())


def describe(param: Param) -> str:
    """What the help says about one parameter."""
    doc = one_line(param.doc)
    facts = one_line("; ".join(_facts(param)))
    return f"{doc} [{facts}]".strip() if facts else doc


def signature(param: Param, action: Action) -> str:
    """How the flag of a parameter is typed."""
    form = next(form for one, form in options.forms(action) if one is param)
    flag, role = form[0]
    if role == "json":
        return f"--{flag} JSON"
    if role == "yes":
        return " / ".join(f"--{name}" for name, _ in form)
    return f"--{flag} {options.metavar(param)}"


def _facts(param: Param) -> Iterable[str]:
    if param.choices and not options.short_choices(param):
        names = [c if isinstance(c, str) else json.dumps(c) for c in param.choices]
        more = f", … ({len(names)} in all)" if len(names) > _CHOICES_SHOWN else ""
        yield "one of " + ", ".join(names[:_CHOICES_SHOWN]) + more
    if param.reads:
        yield " or ".join(_READ.get(kind, f"a {kind}") for kind in param.reads if kind != "null")
    yield from checks.limits_in_words(param)
    if param.default is not None:
        yield f"server default: {_plain(param.default)}"
    if param.kind == "array":
        yield "may be repeated, or a JSON list"
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
    """A default as one would type it."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return safe_text(value if isinstance(value, str) and value else text, _LONGEST_VALUE)
