"""``init`` adds to a project's pyproject.toml and changes nothing that stands there."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from callsheet.errors import UsageError
from callsheet_codegen.config import load
from callsheet_codegen.init import init

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = "[project]\nname = 'x'  # mine\nversion = '1'\n"
SCRIPTS = f"{PROJECT}\n[project.scripts] # entries\nother = 'a:b'\n\n[tool.ruff]\n"


@pytest.mark.parametrize("text", [PROJECT, SCRIPTS])
def test_table_and_script_are_added(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    path, lines = init(tmp_path, "acme_client", host="acme.example")
    document = tomllib.loads(path.read_text())

    assert document["project"]["scripts"]["acme"] == "acme_client.cli:main"
    assert document["tool"]["callsheet"]["host"] == "https://acme.example"
    assert [line for line in text.splitlines() if line not in path.read_text().splitlines()] == []
    assert load(tmp_path, {}).package == "acme_client"
    assert lines[-1] == "next: callsheet generate"


def test_without_a_project_the_entry_is_left_to_its_owner(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    _, lines = init(tmp_path, "acme_client", command="ac")

    assert lines[0] == "no [project] here: add the script ac = 'acme_client.cli:main' yourself"
    assert load(tmp_path, {}).out == tmp_path / "src"


@pytest.mark.parametrize(
    ("text", "package"),
    [
        ("[tool.callsheet]\npackage = 'a'\n", "acme_client"),
        ("[project]\nscripts.acme = 'other:main'\n", "acme_client"),
        ("[project]\n", "acme-client"),
        ("[project", "acme_client"),
    ],
)
def test_what_cannot_be_done_changes_nothing(tmp_path: Path, text: str, package: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(UsageError):
        init(tmp_path, package)

    assert (tmp_path / "pyproject.toml").read_text() == text


@pytest.mark.parametrize(
    ("package", "command", "owner"),
    [
        ("acme_client", "pytest", "pytest"),
        ("pluggy", "acme", "pluggy"),
    ],
)
def test_a_name_that_is_taken_here_is_refused(
    tmp_path: Path, package: str, command: str, owner: str
) -> None:
    with pytest.raises(UsageError, match=f"belongs to {owner}, which is installed here"):
        init(tmp_path, package, command=command)
    assert not (tmp_path / "pyproject.toml").exists()

    (tmp_path / "pyproject.toml").write_text(f"[project]\nname = '{owner}'\n")
    init(tmp_path, package, command=command)
