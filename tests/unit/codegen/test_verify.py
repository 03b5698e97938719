"""Whatever no template writes is refused, where and why it stands."""

from __future__ import annotations

import pytest

from callsheet_codegen.verify import HEADER, Unsafe, verify

GROUP = "groups/video.py"
MODEL = "models/video.py"


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "from os import system",
        "from pydantic import BaseModel",
        "from callsheet import *",
        "from ...outside import x",
        "from callsheet.config.settings import load",
        "eval('1')",
        "x = open('f')",
        "x = ().__class__",
        "x = __import__",
        "x = (lambda: 1)",
        "x = [i for i in y]",
        "x = f'{y}'",
        "for x in y: pass",
        "while 1: pass",
        "with a: pass",
        "try: pass\nexcept: pass",
        "global x",
        "del x",
        "@decorate\ndef f(): pass",
        "@property.setter\ndef f(): pass",
        "def __del__(self): pass",
        "class __X: pass",
        "x.system('true')",
        "(yield)",
        "1 + 1",
        "not python",
        "x := 1",
        "def f(__x): pass",
        "f(__x=1)",
        "from callsheet import __import__",
        "from callsheet import Client as __c",
        "from callsheet import os\uff3f",
        "x = 1 # noqa",
        "# -*- coding: utf-7 -*-",
        "x = '\u202e'",
        "x = 'a\x0cb'",
        "x = 1\x0c",
        "x = '\ufeff'",
        "match x:\n    case 1: pass",
        "type X = int",
    ],
)
def test_it_is_refused(source: str) -> None:
    with pytest.raises(Unsafe, match=GROUP):
        verify(GROUP, source)


@pytest.mark.parametrize("source", ["import os", "from callsheet import Client", "x = run()"])
def test_models_may_less(source: str) -> None:
    with pytest.raises(Unsafe):
        verify(MODEL, source)


def test_the_line_is_named() -> None:
    with pytest.raises(Unsafe, match=r"groups/video\.py:2: Import"):
        verify(GROUP, "x = 1\nimport os\n")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (GROUP, 'from callsheet import Group\nclass A(Group):\n    """import os"""\n'),
        (GROUP, "from ..commands.video import GENERATE"),
        (MODEL, "from callsheet.model import Field\nx: str | None = Field(default=None)\n"),
        (MODEL, "A.model_rebuild()"),
        (GROUP, f'{HEADER}\n"""A group."""\n'),
        ("models/__init__.py", "from importlib import import_module"),
    ],
)
def test_what_templates_write_passes(path: str, source: str) -> None:
    verify(path, source)


@pytest.mark.parametrize(
    "source",
    [
        "from callsheet import o\uff53\nx = 'é'\n",
        "x = 'é'\no\uff53 = 1\n",
        "x = ('é'  # noqa\n 'ü')\n",
        f"{HEADER} noqa\nx = 1\n",
        f"{HEADER}\nx = 1  {HEADER[:3]}\n",
    ],
)
def test_a_string_hides_no_name_and_no_comment(source: str) -> None:
    with pytest.raises(Unsafe):
        verify(GROUP, source)


@pytest.mark.parametrize("source", ['"""Ä # ü\n\né"""\nx = "#é"\n', f'{HEADER}\nx = "é" "ü"\n'])
def test_strings_hold_any_word(source: str) -> None:
    verify(GROUP, source)
