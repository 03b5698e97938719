"""Templates write Code, and nothing else."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from jinja2 import UndefinedError

from callsheet_codegen.code import CodeError, Doc, Ident
from callsheet_codegen.render import environment, render, templates_folder


@pytest.mark.parametrize("value", ["text", 1, None, ["a"], True])
def test_what_is_no_code_is_refused(value: object) -> None:
    with pytest.raises(CodeError):
        environment().from_string("{{ value }}").render(value=value)


def test_undefined_names_are_refused() -> None:
    with pytest.raises(CodeError, match="StrictUndefined"):
        environment().from_string("{{ nothing }}").render()
    with pytest.raises(UndefinedError):
        environment().from_string("{% if nothing %}{% endif %}").render()


def test_a_constant_of_a_template_is_refused() -> None:
    with pytest.raises(CodeError):
        environment().from_string("{{ 'import os' }}").render()


def test_joined_code_is_no_code() -> None:
    with pytest.raises(CodeError):
        environment().from_string("{{ a ~ b }}").render(a=Ident("a"), b=Ident("b"))


def test_indent_is_the_one_filter() -> None:
    template = environment().from_string("    {{ doc | indent(4) }}\n")

    assert template.render(doc=Doc("a\nb")) == '    """a\n    b\n    """\n'
    assert sorted(environment().filters) == ["indent"]
    assert environment().globals == {}


def test_templates_hold_no_macros() -> None:
    texts = {path.name: path.read_text("utf-8") for path in templates_folder().glob("*.jinja")}

    assert [name for name, text in texts.items() if re.search(r"{%-?\s*(macro|call)", text)] == []
    assert "group.py.jinja" in texts


def test_server_text_that_looks_like_a_template_stays_text() -> None:
    source = Doc("{{ 7 * 7 }} {% raw %}")
    text = render("model.py.jinja", module=SimpleNamespace(source=source, roles=()))

    assert '"""{{ 7 * 7 }} {% raw %}"""' in text
