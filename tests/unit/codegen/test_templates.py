"""A project's own template stands for ours of that name, and is held to what ours are held to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unit.codegen.given import built, catalogue, plain_models

from callsheet.errors import UsageError
from callsheet_codegen.cache import ProjectCache, Store, sha_of, shas_of, stat_of
from callsheet_codegen.config import load
from callsheet_codegen.render import render_project, templates_folder

if TYPE_CHECKING:
    from pathlib import Path

CLIENT, GROUP = "client.py.jinja", "group.py.jinja"


def rendered(templates: Path | None = None) -> dict[str, str]:
    build = built(catalogue(), plain_models)
    return render_project(build.project_for, build.plan.stale, templates)


def test_a_template_of_the_project_stands_for_ours(tmp_path: Path) -> None:
    ours = (templates_folder() / CLIENT).read_text("utf-8")
    (tmp_path / CLIENT).write_text(ours.replace("Calls the server's actions", "Makes films"))
    before, after = rendered(), rendered(tmp_path)

    changed = {path for path, text in after.items() if text != before[path]}
    assert changed == {"client.py", "aclient.py"}
    assert "Makes films by group" in after["client.py"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{% if %}", "client.py.jinja:1: Expected an expression"),
        ("\n{{ nothing }}", "StrictUndefined"),
        ("{% for x in nothing %}{% endfor %}", "'nothing' is undefined"),
        ("{{ project.__class__.__mro__ }}", "unsafe"),
        ("import os\nX = os\n", "client.py:1: Import"),
        ("from os import environ\nX = environ\n", "an import of os"),
        ("X = open('/etc/passwd')\n", "a call of open"),
        ("def (\n", "ruff"),
        ("{% include 'none.jinja' %}", "none.jinja"),
    ],
)
def test_a_broken_template_is_a_sentence(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / CLIENT).write_text(text)
    with pytest.raises(UsageError) as caught:
        rendered(tmp_path)

    assert caught.value.message.startswith("the templates of this project do not work: ")
    assert words in caught.value.message
    assert str(tmp_path) in caught.value.message
    assert "templates" in caught.value.hint


def test_a_template_that_stands_for_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "grup.py.jinja").write_text("")
    with pytest.raises(UsageError, match="replaces no template") as caught:
        rendered(tmp_path)

    assert GROUP in caught.value.hint


def test_the_folder_is_named_from_the_table(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.callsheet]\npackage="a"\ntemplates="own"\n')
    with pytest.raises(UsageError, match="own is not a folder"):
        load(tmp_path, {})
    (tmp_path / "own").mkdir()

    assert load(tmp_path, {}).templates == tmp_path / "own"


def test_what_another_template_made_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "client.py").write_text("made")
    (tmp_path / CLIENT).write_text("one")
    location = str(tmp_path / "client.py")
    templates = shas_of([str(tmp_path / CLIENT)])
    row = ["key", sha_of(location), *(stat_of(location) or ())]
    stored = {"files": {"client.py": row}, "actions": {}, "blocks": {}, "templates": templates}
    store = Store(str(tmp_path / "cache"), "tools")
    store.put("p.work", {"folder": str(tmp_path), **stored})
    (tmp_path / CLIENT).write_text("two")

    paths = [
        list(ProjectCache(store, "p", tmp_path, "", shas).state().files)
        for shas in (templates, shas_of(templates), {})
    ]
    assert paths == [["client.py"], [], []]
