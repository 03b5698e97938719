"""``callsheet diff`` between locks and revisions of git: what it prints and how it ends."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from callsheet.catalog.lock import Lock, Snapshot, dump_lock
from callsheet.spec import Advertised
from callsheet_codegen import cli

if TYPE_CHECKING:
    from pathlib import Path

TABLE = '[tool.callsheet]\npackage = "acme_client"\nout = "."\n'
TEXT = {"type": "string"}


def write(path: Path, *, more: bool = False, **properties: Any) -> None:
    """Write a lock of one action with these fields, and no other unless ``more``."""
    schema = {"type": "object", "properties": properties, "additionalProperties": more}
    entry = Advertised(id="zoo.feed_all", input=schema)
    path.write_text(dump_lock(Lock(Snapshot("https://zoo.example", (entry,)))))


@pytest.fixture
def project(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a project under git whose lock lost a field and got another since the last commit."""
    folder = home / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(TABLE)
    write(folder / "catalog.lock.json", food=TEXT, howMany=TEXT)
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "first")):
        author = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", *author, *words], cwd=folder, check=True)
    write(folder / "catalog.lock.json", food=TEXT, forWhom=TEXT)
    monkeypatch.chdir(folder)
    return folder


def test_a_revision_is_compared_with_the_lock(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.diff(["HEAD"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "from HEAD to the lock (https://zoo.example):",
        "`acme zoo feed-all` · `zoo.feed_all` · zoo.feed_all",
        "  breaking  `--how-many` is gone from `acme zoo feed-all`",
        "  additive  `--for-whom` is new in `acme zoo feed-all`",
        "1 breaking, 1 additive in 1 action",
    ]


def test_json_tells_flags_fields_names_and_the_body(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.diff(["HEAD", "HEAD", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["changes"] == []
    assert cli.diff(["HEAD", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)["changes"][0]

    assert first == {
        "kind": "removed",
        "action": "zoo.feed_all",
        "command": "zoo feed-all",
        "method": "zoo.feed_all",
        "severity": "breaking",
        "code": "field-gone",
        "side": "input",
        "pointer": "/howMany",
        "flags": ["how-many"],
        "fields": ["howMany"],
        "names": ["how_many"],
        "text": "`--how-many` is gone from `acme zoo feed-all`",
        "witness": {"howMany": "x"},
    }


@pytest.mark.parametrize(
    ("level", "allow", "code"),
    [("breaking", (), 8), ("additive", (), 8), ("any", ("--allow-unproved",), 8)],
)
def test_the_gate_ends_with_8(
    project: Path, capsys: pytest.CaptureFixture[str], level: str, *, allow: Any, code: int
) -> None:
    assert cli.diff(["HEAD", "--fail-on", level, *allow]) == code
    (project / ".callsheetignore").write_text("field-gone zoo.* /how*  # nobody counts\n")
    assert cli.diff(["HEAD", "--fail-on", level, *allow]) == (0 if level == "breaking" else 8)
    assert capsys.readouterr().out.endswith("1 ignored\n")


def test_unproved_counts_as_breaking_unless_allowed(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(project / "old.json", food=TEXT)
    write(project / "new.json", food={**TEXT, "format": "uri"})
    words = ["old.json", "new.json", "--fail-on", "breaking"]

    assert cli.diff(words) == 8
    assert cli.diff([*words, "--allow-unproved"]) == 0
    assert "  unproved  `--food` now has the format" in capsys.readouterr().out


def test_a_new_field_of_an_open_object_stops_nobody(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(project / "old.json", more=True, food=TEXT)
    write(project / "new.json", more=True, food=TEXT, fps={"type": "integer"})
    words = ["old.json", "new.json", "--fail-on"]

    assert cli.diff([*words, "breaking"]) == 0
    assert "unproved" in capsys.readouterr().out
    assert cli.diff([*words, "additive"]) == 8


def test_annotations_name_the_lock(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.diff(["HEAD", "--format", "github"]) == 0
    lines = capsys.readouterr().out.splitlines()

    assert [line.partition("file=")[2].partition(",")[0] for line in lines] == [
        "catalog.lock.json",
        "catalog.lock.json",
    ]
    assert [line.partition(" ")[0] for line in lines] == ["::error", "::notice"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "nowhere is neither a lock nor a revision"),
        (["--", "-x"], "-x is neither a file nor a revision"),
        (["pyproject.toml"], "the lock cannot be read"),
        (["a", "b", "c"], "two versions at most"),
        (["HEAD", "--host", "https://zoo.example"], "two versions at most"),
        (["HEAD", "--ignore", "nowhere"], "nowhere cannot be read"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert cli.diff(words) == 2
    assert message in capsys.readouterr().err


def test_a_line_of_the_ignore_file_has_three_words(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / ".callsheetignore").write_text("# nothing\n\na b c d\n")

    assert cli.diff(["HEAD"]) == 2
    assert ".callsheetignore:3: 4 words" in capsys.readouterr().err
