"""With 5,000 actions stored, a command reads the schemas that it uses, and nothing grows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from callsheet.catalog import stored
from callsheet.catalog.snapshot import Catalogue
from callsheet.catalog.store import CatalogueCache
from callsheet.cli.context import Context
from callsheet.cli.main import guarded
from callsheet.config.bindings import Bindings
from callsheet.spec import Advertised

if TYPE_CHECKING:
    from pathlib import Path

HOST = "https://ads.example"
PROGRAM = Bindings(command="ads", env="ADS")
MANY = 5000
KINDS = ("make", "make_and_wait", "query", "edit", "sort", "rate")


def _action(number: int) -> Advertised:
    group, kind = divmod(number, len(KINDS))
    word = KINDS[kind]
    field = {"query": "taskId"}.get(word, "prompt")
    schema = {"type": "object", "properties": {field: {"type": "string"}}, "required": [field]}
    text = f"Does {word} of {group}."
    return Advertised(f"ai.area{group:03}.{word}", description=text, input=schema)


class Run:
    """Runs of the program in this process, with the folder as its home."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read = 0
        names = ("CACHE", "CONFIG", "STATE")
        self.environ = {"ADS_HOST": HOST, **{f"ADS_{name}_DIR": str(folder) for name in names}}
        original = stored._parse

        def counted(text: str) -> Any:
            self.read += text != "null"
            return original(text)

        monkeypatch.setattr(stored, "_parse", counted)

    def __call__(self, *words: str) -> int:
        """Return the exit code."""
        self.read = 0
        code: int = guarded(Context(PROGRAM, words, self.environ), words)
        return code


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a cache with many actions, whose names and schemas were looked at once."""
    folder = tmp_path_factory.mktemp("large")
    actions = tuple(map(_action, range(MANY)))
    CatalogueCache(str(folder)).store(Catalogue(HOST, 0.0, actions, {}))
    environ = {"ADS_HOST": HOST, "ADS_CACHE_DIR": str(folder), "ADS_CONFIG_DIR": str(folder)}
    assert len(Context(PROGRAM, (), environ).stored.rows()) == MANY
    return folder


@pytest.mark.parametrize(
    ("words", "most"),
    [
        (["--help"], 0),
        (["area001", "--help"], 0),
        (["area001", "--help", "--json"], 0),
        (["area001", "make", "--help"], 3),
        (["area001", "edit", "--prompt", "sea", "--dry-run"], 3),
        (["area001", "make", "--prompt", "sea", "--dry-run"], 8),
        (["call", "ai.area001.edit", "--prompt", "sea", "--dry-run"], 3),
        (["actions", "list", "--cached"], 0),
        (["actions", "list", "--cached", "--set", "free=ai.*"], 0),
        (["actions", "schema", "ai.area001.edit"], 1),
    ],
)
def test_a_command_reads_the_schemas_that_it_uses(
    large: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    words: list[str],
    most: int,
) -> None:
    run = Run(large, monkeypatch)
    assert run(*words) == 0, capfd.readouterr().err
    assert run.read <= most


def test_a_word_is_completed_without_a_schema(
    large: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from callsheet.cli.completion import completions
    from callsheet.cli.tree import root

    run = Run(large, monkeypatch)
    context = Context(PROGRAM, (), run.environ)
    words = completions(root(context), context, ["area001"], "ma")
    ids = completions(root(context), context, ["actions", "schema"], "ai.area001.m")
    assert [word.value for word in words] == ["make"]
    assert [word.value for word in ids] == ["ai.area001.make", "ai.area001.make_and_wait"]
    assert run.read == 0


def test_a_list_says_what_it_said_when_it_was_fetched(
    large: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run = Run(large, monkeypatch)
    run("actions", "list", "--cached", "--json")
    rows = {row["id"]: row for row in json.loads(capfd.readouterr().out)}
    assert len(rows) == MANY
    assert rows["ai.area001.make_and_wait"] == {
        "id": "ai.area001.make_and_wait",
        "command": None,
        "kind": "job, blocking",
        "cost": "may cost",
        "group": "area001",
        "source": "cached",
        "summary": "Does make_and_wait of 1",
        "schema": True,
        "price": None,
    }
    assert rows["ai.area001.query"]["cost"] == "free"
    run("actions", "list", "--cached", "--json", "--set", "free=ai.*")
    assert {row["cost"] for row in json.loads(capfd.readouterr().out)} == {"free"}
    run("actions", "list", "--cached", "--json")
    assert "may cost" in capfd.readouterr().out
