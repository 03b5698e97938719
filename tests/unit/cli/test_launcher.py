"""The launcher prints stored pages, completed flags and the version on os and sys alone."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from unit.cli.given import action, param

from callsheet.cli.help.pages import flag_rows
from callsheet.launcher import complete, completion_request, main
from callsheet.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

RUN = """
import sys, demo_client
before = set(sys.modules)
from callsheet.launcher import main
code = main("demo_client", "demo", "DEMO", sys.argv[1:])
sys.stderr.write(repr(sorted(set(sys.modules) - before)))
sys.exit(code)
"""
HEAVY = {"click", "httpx", "json", "pathlib", "re", "dataclasses", "pydantic", "jsonschema", "rich"}
ROWS = "--prompt\tWhat it shows.\n--proof\t\n--host\tTalk to this server\n--help\tShow this page\n"
COMPLETING = {"_DEMO_COMPLETE": "bash_complete"}


@pytest.fixture
def client(tmp_path: Path) -> Path:
    """Write a package with two stored pages and the flags of one command."""
    package = tmp_path / "demo_client"
    (package / "help").mkdir(parents=True)
    (package / "__init__.py").write_text("", "utf-8")
    (package / "help" / "_.txt").write_text("the program\n", "utf-8")
    (package / "help" / "video.generate.txt").write_text("the page, é\n", "utf-8")
    (package / "help" / "video.generate.flags").write_text(ROWS, "utf-8")
    (tmp_path / "secret.txt").write_text("elsewhere", "utf-8")
    return tmp_path


def run(client: Path, *words: str, **environ: str) -> tuple[int, str, set[str]]:
    """Run the launcher; return its exit code, its output and the modules that it imported."""
    paths = [str(client), *filter(None, sys.path)]
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words],
        env={"PYTHONPATH": ":".join(paths), "LC_ALL": "C"} | environ,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    modules = done.stderr.rpartition("\n")[2]
    return done.returncode, done.stdout, set(modules.strip("[]").replace("'", "").split(", "))


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ([], "the program\n"),
        (["--help"], "the program\n"),
        (["video", "generate", "--help"], "the page, é\n"),
        (["video", "generate", "-h"], "the page, é\n"),
        (["--version"], f"demo {__version__}\n"),
        (["version"], f"{__version__}\n"),
    ],
)
def test_pages_need_no_more_than_os_and_sys(client: Path, words: list[str], page: str) -> None:
    code, output, modules = run(client, *words)

    assert (code, output) == (0, page)
    assert modules & HEAVY == set()
    assert "callsheet.launcher" in modules


@pytest.mark.parametrize("words", [["../../secret"], ["video.generate"], ["video/generate"], [""]])
def test_a_word_is_no_path(client: Path, words: list[str]) -> None:
    _, output, _ = run(client, *words, "--help")

    assert "elsewhere" not in output
    assert "the page" not in output


def test_stored_flags_need_no_more_than_os_and_sys(client: Path) -> None:
    code, output, modules = run(client, **COMPLETING, COMP_WORDS="demo video generate --pro")

    assert (code, output) == (0, "plain,--prompt\nplain,--proof\n")
    assert modules & HEAVY == set()


def test_a_package_without_stored_flags_asks_the_tree_of_commands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("_DEMO_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "demo video generate --pro")
    monkeypatch.setattr("callsheet.cli.main.run", lambda *args: 7)

    assert main("callsheet", "demo", "DEMO", []) == 7


def test_the_flags_of_an_action_are_stored_fields_first_and_help_last() -> None:
    audio = param("audio", kind="boolean", doc="Sound\nand\tmore")
    rows = flag_rows(action(param("prompt", doc="What it shows."), audio, param("host")))
    flags = [row.partition("\t")[0] for row in rows.splitlines()]

    assert rows.startswith("--prompt\tWhat it shows.\n--audio\tSound and more\n--no-audio\tSound")
    assert flags[3:6] == ["--host", "--json", "--out"]
    assert flags.count("--host") == 1
    assert flags[-1] == "--help"
    assert "--prompt-file" not in flags


@pytest.mark.parametrize(
    ("shell", "prefix", "lines"),
    [
        ("bash", "--", "plain,--prompt\nplain,--proof\nplain,--host\nplain,--help\n"),
        ("bash", "--fa", ""),
        ("zsh", "--prom", "plain\t--prompt\tWhat it shows.\n"),
        ("fish", "--pro", "plain\t--prompt\tWhat it shows.\nplain\t--proof\t\n"),
    ],
)
def test_a_shell_reads_the_rows_that_start_so(shell: str, prefix: str, lines: str) -> None:
    assert complete(shell, prefix, ROWS) == lines


def test_a_plain_line_asks_for_the_flags_of_its_command() -> None:
    environ = {"V": "zsh_complete", "COMP_WORDS": "ads video generate --pr"}

    assert completion_request("V", environ) == ("zsh", ["video", "generate"], "--pr")


@pytest.mark.parametrize(
    "line",
    [
        "ads ",
        "ads --ho",
        "ads video gen",
        "ads video generate ",
        "ads video generate --prompt x --",
        'ads video generate "--',
        "ads video generate --scene=a",
        "ads ../secret --",
    ],
)
def test_anything_else_is_left_to_the_tree_of_commands(line: str) -> None:
    assert completion_request("V", {"V": "bash_complete", "COMP_WORDS": line}) is None


def test_an_unknown_shell_is_left_to_the_tree_of_commands() -> None:
    environ = {"V": "elvish_complete", "COMP_WORDS": "ads video generate --"}

    assert completion_request("V", environ) is None
