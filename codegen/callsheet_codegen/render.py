"""Jinja, held so tight that nothing but ``Code`` can reach a file."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from callsheet_codegen.code import Code, CodeError


def templates_folder() -> Path:
    """Where the templates are: in the installed package, or beside the source roots."""
    inside = Path(str(resources.files("callsheet_codegen"))) / "templates"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "templates"


def _finalize(value: Any) -> str:
    if not isinstance(value, Code):
        raise CodeError(f"a template wrote {type(value).__name__}, which is no Code")
    return value.text


def _indent(value: Code, width: int) -> Code:
    return value.indented(width)


@cache
def environment() -> Environment:
    """The one environment: undefined names raise, the one filter is ``indent``, no globals."""
    env = Environment(
        loader=FileSystemLoader(templates_folder()),
        undefined=StrictUndefined,
        finalize=_finalize,
        autoescape=False,  # noqa: S701 - HTML escapes would spoil Python; finalize guards
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.filters = {"indent": _indent}
    env.globals = {}
    return env


def render(template: str, **context: object) -> str:
    """The text of one template; raises ``CodeError`` for output that is not ``Code``."""
    return environment().get_template(template).render(**context)
