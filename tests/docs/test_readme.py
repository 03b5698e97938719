"""The README's sessions are typed on a terminal, and its Python is run."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pexpect
import pyte
import pytest
from program import ROOT

from callsheet_sandbox.options import Options
from callsheet_sandbox.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from program import Program

    from callsheet_sandbox.server import Running

README = (ROOT / "README.md").read_text("utf-8")
LIBRARY = (ROOT / "docs/library.md").read_text("utf-8")
LONGEST_README = 120
KEY = "sk-sandbox-0123456789"
README_URL = "http://127.0.0.1:8787"
LINES, COLUMNS = 60, 250
VARYING = {
    r"[0-9a-f]{8}-[0-9a-f-]{27}": "<id>",
    r"\b[0-9a-f]{8}\b": "<ref>",
    r"\b\d\d:\d\d\b": "<time>",
    r"\S*/here/": "",
    r" +": " ",
}


def blocks(language: str, page: str = README) -> list[str]:
    """Return a page's blocks in a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.M | re.S)


PYTHON = [*blocks("python"), *blocks("python", LIBRARY)]


def test_the_page_is_short() -> None:
    assert len(README.splitlines()) < LONGEST_README


def sessions() -> Iterator[tuple[str, str]]:
    """Yield each command of the console blocks with what the README shows below it."""
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def normalised(text: str, server: str) -> list[str]:
    """Return the lines without what differs from run to run."""
    text = text.replace(server, README_URL)
    for pattern, word in VARYING.items():
        text = re.sub(pattern, word, text)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with serve(Options(speed="fast", keys=(KEY,))) as running:
        yield running


def on_terminal(program: Program, command: str) -> str:
    """Return what a terminal shows after a command line was run in a shell."""
    child = pexpect.spawn(
        "/bin/sh",
        ["-c", f'ads() {{ "{sys.executable}" -m ads_client "$@"; }}; {command}'],
        env={**program.environ(), "TERM": "xterm", "LC_ALL": "C.UTF-8", "COLUMNS": str(COLUMNS)},
        cwd=str(program.folder),
        encoding="utf-8",
        dimensions=(LINES, COLUMNS),
        timeout=30,
    )
    child.expect(pexpect.EOF)
    child.close()
    screen = pyte.Screen(COLUMNS, LINES)
    pyte.Stream(screen).feed(child.before or "")
    return "\n".join(screen.display)


def test_the_sessions_show_what_is_printed(cli: Program, server: Running) -> None:
    expected = [(command, normalised(output, README_URL)) for command, output in sessions()]

    printed = [
        (command, normalised(on_terminal(cli, command.replace(README_URL, server.url)), server.url))
        for command, _ in expected
    ]

    assert printed == expected
    assert (cli.folder / "output" / "waves.mp4").stat().st_size > 10_000


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_the_python_runs(cli: Program, server: Running, number: int) -> None:
    environ = cli.environ() | {"ADS_HOST": server.url, "ADS_API_KEY": server.key}

    process = subprocess.run(
        [sys.executable, "-c", PYTHON[number].replace(README_URL, server.url)],
        env=environ,
        cwd=cli.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout or (cli.folder / "waves.mp4").exists()


def test_the_table_is_this_repositorys() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")

    assert blocks("toml") == [project[project.index("[tool.callsheet]") :].rstrip() + "\n"]


def test_the_picture_is_there_and_can_be_drawn() -> None:
    (path,) = re.findall(r"!\[[^\]]+\]\((\S+)\)", (ROOT / "docs/cli.md").read_text("utf-8"))
    drawn = ElementTree.parse(ROOT / "docs" / path).getroot()

    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    assert "ads video generate" in "".join(drawn.itertext()).replace("\xa0", " ")
    assert "url(http" not in (ROOT / "docs" / path).read_text("utf-8")
