"""``batch`` on the command line, run in this process against a sandbox."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from callsheet.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from callsheet_sandbox.server import Running

    Ads = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def ads(
    sandbox: Running,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Ads:
    """Give the program: its exit code, its document and what it wrote to stderr."""
    monkeypatch.setenv("ADS_HOST", sandbox.url)
    monkeypatch.setenv("ADS_API_KEY", sandbox.key)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def program(*words: str) -> tuple[int, Any, str]:
        code = run("", "ads", "ADS", list(words))
        out, err = capfd.readouterr()
        return code, json.loads(out) if out.startswith("{") else out, err

    return program


def write(name: str, text: str) -> str:
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)
    return name


def test_columns_are_flags_and_rows_override_them(ads: Ads, sandbox: Running) -> None:
    write("rows.csv", "prompt,id,size\na cup,first,\n")
    write("good.csv", "prompt,id,resolution\na cup,first,2K\na jug,second,\n")

    refused, _, words = ads("batch", "run", "rows.csv", "ai.image.generate")
    code, view, _ = ads("batch", "run", "good.csv", "ai.image.generate", "--resolution", "1K")

    assert refused == 2
    assert "has no field" in words
    assert (code, view["done"]) == (0, 2)
    bodies = [r["body"] for r in sandbox.requests() if str(r["path"]).endswith("image.generate")]
    assert sorted(bodies, key=json.dumps) == [
        {"resolution": "1K", "prompt": "a jug"},
        {"resolution": "2K", "prompt": "a cup"},
    ]


def test_a_dry_run_sends_nothing(ads: Ads, sandbox: Running) -> None:
    write("rows.txt", "a cup\na jug\n")

    code, view, _ = ads("batch", "run", "rows.txt", "ai.image.generate", "--dry-run")

    assert (code, view["rows"], view["first"][1]["input"]) == (0, 2, {"prompt": "a jug"})
    assert sandbox.charges() == []


def test_each_value_of_vary_makes_a_row(ads: Ads, sandbox: Running) -> None:
    write("rows.txt", "a cup\n")
    words = ("batch", "run", "rows.txt", "ai.image.generate", "--vary", "resolution=1K,2K")

    code, view, _ = ads(*words, "--out", "{n}-{resolution}.png")

    assert (code, view["saved"], len(sandbox.charges())) == (0, 2, 2)


def test_a_failed_row_is_listed_and_sent_again_by_retry(ads: Ads, sandbox: Running) -> None:
    write("rows.txt", "[fail] a cup\na jug\n")
    words = ("batch", "run", "rows.txt", "ai.image.generate", "--name", "cups", "--out", "{n}.png")

    code, view, _ = ads(*words)
    listed = ads("batch", "failed", "cups")[1]
    again = ads("batch", "retry", "cups")

    assert (code, view["failed"], view["saved"]) == (6, 1, 1)
    assert listed.split("\t")[2] == "failed"
    assert (again[0], len(sandbox.charges())) == (6, 3)


def test_save_fetches_what_a_run_did_not_save(ads: Ads, sandbox: Running) -> None:
    write("rows.txt", "a cup\na jug\n")
    ads("batch", "run", "rows.txt", "ai.image.generate", "--name", "cups")

    code, view, _ = ads("batch", "save", "cups", "--out", "{n}.png")

    assert (code, view["saved"], len(sandbox.charges())) == (0, 2, 2)


def test_an_unknown_action_is_refused(ads: Ads) -> None:
    write("rows.txt", "a cup\n")

    code, _, words = ads("batch", "run", "rows.txt", "ai.image.generat")

    assert (code, "did you mean" in words) == (2, True)


def test_status_and_list_show_the_counts(ads: Ads) -> None:
    write("rows.jsonl", '{"action": "ai.image.generate", "input": {"prompt": "x"}, "id": "a"}\n')
    ads("batch", "run", "rows.jsonl", "--name", "cups")

    assert ads("batch", "list")[1].split("\t")[:2] == ["cups", "1"]
    assert ads("batch", "status", "cups")[1]["done"] == 1
    assert ads("batch", "status", "cusp")[0] == 2
