"""The wheel alone, without extras, runs `ads` and says what the rest would need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packing import VERSION, clean_environ, run

if TYPE_CHECKING:
    from pathlib import Path

    from callsheet_sandbox.server import Running

OF_EXTRAS = [
    "aiohttp",
    "av",
    "datamodel_code_generator",
    "jinja2",
    "pytest",
    "ruff",
    "starlette",
    "uvicorn",
]


def test_nothing_of_the_extras_is_there(plain: Path, tmp_path: Path) -> None:
    ask = (
        "import importlib.util, sys\n"
        "print([name for name in sys.argv[1:] if importlib.util.find_spec(name)])"
    )
    words = [plain / "python", "-c", ask, "callsheet", *OF_EXTRAS]

    assert run(words, env=clean_environ(tmp_path), cwd=tmp_path).out == "['callsheet']\n"


@pytest.mark.parametrize("word", ["version", "--version"])
def test_ads_tells_its_version(plain: Path, tmp_path: Path, word: str) -> None:
    done = run([plain / "ads", word], env=clean_environ(tmp_path), cwd=tmp_path)

    assert (done.code, done.err) == (0, "")
    assert VERSION in done.out


def test_ads_talks_to_a_server(plain: Path, tmp_path: Path, sandbox: Running) -> None:
    env = clean_environ(tmp_path, {"ADS_HOST": sandbox.url, "ADS_API_KEY": sandbox.key})
    done = run([plain / "ads", "actions", "list"], env=env, cwd=tmp_path)

    assert (done.code, done.err) == (0, "")
    assert "ai.video.generate" in done.out


def test_the_groups_are_those_of_the_server(plain: Path, tmp_path: Path, sandbox: Running) -> None:
    before = run([plain / "ads", "--help"], env=clean_environ(tmp_path), cwd=tmp_path)
    env = clean_environ(tmp_path, {"ADS_HOST": sandbox.url, "ADS_API_KEY": sandbox.key})
    after = run([plain / "python", "-m", "callsheet", "--help"], env=env, cwd=tmp_path)
    done = run([plain / "python", "-c", "import ads_client"], env=env, cwd=tmp_path)

    assert "Actions of the server" not in before.out
    assert "login --host" in before.out
    assert "\n  video " in after.out
    assert (after.code, after.err) == (0, "")
    assert "No module named 'ads_client'" in done.err


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["generate", "--host", "http://127.0.0.1:9"], "codegen"),
        (["check", "--offline"], "codegen"),
        (["sandbox"], "sandbox"),
    ],
)
def test_a_missing_extra_is_named(
    plain: Path, tmp_path: Path, words: list[str], extra: str
) -> None:
    done = run([plain / "callsheet", *words], env=clean_environ(tmp_path), cwd=tmp_path)

    assert done.code != 0
    assert done.out == ""
    assert f'pip install "callsheet[{extra}]"' in done.err.replace("'", '"')
    assert "Traceback" not in done.err
    assert len(done.err.splitlines()) <= 2
