"""``callsheet init``, ``generate``, ``check`` and ``diff`` in a project that is not ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from callsheet_codegen import cli
from callsheet_codegen.cli import generate

if TYPE_CHECKING:
    from pathlib import Path

    from callsheet_sandbox.server import Running

ZOO = {
    "id": "zoo.feed",
    "title": "Feed",
    "description": "Feed an animal.",
    "input": {"type": "object", "properties": {"what": {"type": "string"}}},
    "output": {"type": "object"},
    "cost": 0,
}


@pytest.fixture
def project(home: Path, sandbox: Running, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a project with a table, as its maintainer's shell sees it."""
    folder = home / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("[project]\nname = 'acme'\nversion = '1'\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ACME_HOST", sandbox.url)
    monkeypatch.setenv("ACME_API_KEY", sandbox.key)
    assert cli.init(["--package", "acme_client", "--host", sandbox.url]) == 0
    return folder


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(capsys.readouterr().out)
    return loaded


def test_generate_says_its_source_first_and_the_changes_last(
    project: Path, sandbox: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert generate([]) == 0
    first = told(capsys)
    assert generate([]) == 0
    second = told(capsys)
    sandbox.add_action(ZOO)
    assert generate([]) == 0
    third = told(capsys)

    assert first[0] == "source: http://127.0.0.1 ([tool.callsheet] host)"
    assert first[-1] == "first lock: 10 actions"
    assert second[1].startswith("note: the server says that its list has not changed")
    assert second[2:] == [
        f"{project / 'acme_client'}: 0 files removed, 0 written",
        "since the lock: no action and no flag changed",
    ]
    assert third[-1] == "  additive  `acme zoo feed` is new (zoo.feed)"


def test_the_lock_alone_gives_the_same_tree(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate([]) == 0
    capsys.readouterr()
    assert generate(["--locked", "--json", "--host", "http://127.0.0.1:1"]) == 0
    report = document(capsys)

    assert report["written"] == []
    assert report["source"] == "http://127.0.0.1"
    assert json.loads((project / "catalog.lock.json").read_text())["source"] == "http://127.0.0.1"


def test_check_tells_tree_and_server_apart(
    project: Path, sandbox: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate([]) == 0
    assert cli.check([]) == 0
    sandbox.add_action(ZOO)
    capsys.readouterr()

    assert cli.check(["--offline"]) == 0
    assert cli.check(["--json"]) == 8
    server = document_of_last(capsys)
    sandbox.remove_action("zoo.feed")
    (project / "acme_client/cli.py").write_text("")
    assert cli.check(["--json"]) == 8
    tree = document_of_last(capsys)

    assert [(f["subject"], f["drift"]) for f in server] == [("tree", False), ("server", True)]
    assert [(f["subject"], f["drift"]) for f in tree] == [("tree", True), ("server", False)]
    assert "  additive  `acme zoo feed` is new (zoo.feed)" in server[1]["lines"]
    assert "  cli.py (edited by hand)" in tree[0]["lines"]


def document_of_last(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    out = capsys.readouterr().out
    findings: list[dict[str, Any]] = json.loads(out[out.index("{") :])["findings"]
    return findings


def test_diff_says_what_is_new(
    project: Path, sandbox: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate([]) == 0
    sandbox.add_action(ZOO)
    capsys.readouterr()

    assert cli.diff(["--json"]) == 0
    assert [change["kind"] for change in document(capsys)["changes"]] == ["added"]
    assert not (project / "acme_client/groups/zoo.py").exists()


def test_an_action_that_fell_back_costs_only_strict(
    project: Path, sandbox: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = {**ZOO, "input": {"type": "object", "properties": {"a": {"$ref": "#/no"}}}}
    sandbox.add_action(broken)

    assert generate([]) == 0
    assert any(line.startswith("warning: zoo.feed") for line in told(capsys))
    assert generate(["--strict"]) == 1
    assert (project / "acme_client/groups/video.py").exists()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--host", "http://127.0.0.1:1"], 1, "127.0.0.1:1"),
        (["--host", "http://example.com"], 2, "unencrypted"),
        (["--package", "not-a-name"], 2, "package is 'not-a-name'"),
        (["--locked"], 2, "there is no lock"),
    ],
)
def test_a_mistake_is_one_line_and_a_code(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str], *, code: int, message: str
) -> None:
    capsys.readouterr()
    assert generate([*words, "--json"]) == code
    streams = capsys.readouterr()

    assert message in json.loads(streams.out)["error"]["message"]
    assert "Traceback" not in streams.err
    assert sorted(path.name for path in project.iterdir()) == ["pyproject.toml"]


def test_a_file_of_somebody_else_is_never_overwritten(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "acme_client").mkdir()
    (project / "acme_client/client.py").write_text("mine")

    assert generate([]) == 2
    assert "client.py exists and was not written by callsheet" in capsys.readouterr().err
    assert sorted(path.name for path in (project / "acme_client").iterdir()) == ["client.py"]


def test_a_file_changed_by_hand_is_overwritten_with_force_alone(
    project: Path, sandbox: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate([]) == 0
    edited = project / "acme_client/groups/video.py"
    edited.write_text("# mine\n")
    assert generate([]) == 0
    assert "note: groups/video.py was changed by hand and is left as it is" in told(capsys)
    sandbox.add_action({**ZOO, "id": "ai.video.feed"})
    assert generate([]) == 2
    assert "groups/video.py was changed by hand" in capsys.readouterr().err
    assert edited.read_text() == "# mine\n"

    assert generate(["--force"]) == 0
    assert "def feed(" in edited.read_text()


def test_the_changelog_gets_a_dated_entry(project: Path, sandbox: Running) -> None:
    (project / "CHANGELOG.md").write_text(
        "# Changelog\n\n## [Unreleased]\n\n## 2020-01-01\n\nOld.\n"
    )
    assert generate(["--changelog"]) == 0
    sandbox.add_action(ZOO)
    assert generate(["--changelog"]) == 0
    text = (project / "CHANGELOG.md").read_text()
    heads = [line for line in text.splitlines() if line.startswith("## ")]

    assert (heads[0], len(heads), heads[2]) == ("## [Unreleased]", 3, "## 2020-01-01")
    assert "### Added\n\n- `acme zoo feed` is new \\(zoo.feed\\)\n\n## 2020-01-01" in text
