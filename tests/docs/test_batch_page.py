"""The session of docs/batch.md is typed on a terminal, and its Python is run."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from docs.test_readme import blocks, on_terminal
from program import ROOT

if TYPE_CHECKING:
    from program import Program

    from callsheet_sandbox.server import Running

PAGE = (ROOT / "docs/batch.md").read_text("utf-8")
ADDRESS = "http://127.0.0.1:8787"


def plain(text: str) -> list[str]:
    """Return the lines without what differs from run to run."""
    text = re.sub(r"-[0-9a-f]{8}\b", "-<digest>", text)
    text = re.sub(r"\S*/here/", "", text)
    return [re.sub(" +", " ", line).strip() for line in text.splitlines() if line.strip()]


def test_the_session_shows_what_is_printed(cli: Program, sandbox: Running) -> None:
    (session,) = blocks("console", PAGE)
    show, run = re.split(r"^\$ ", session, flags=re.M)[1:]
    prompts = show.partition("\n")[2]
    (cli.folder / "prompts.txt").write_text(prompts, "utf-8")
    command, _, output = run.partition("\n")
    environ = f"ADS_HOST={sandbox.url} ADS_API_KEY={sandbox.key}"

    printed = on_terminal(cli, f"export {environ}; {command}").replace(sandbox.url, ADDRESS)

    assert plain(printed) == plain(output)
    assert len(list((cli.folder / "clips").iterdir())) == 5
    assert len(sandbox.charges()) == 5


def test_the_python_runs(cli: Program, sandbox: Running) -> None:
    (code,) = blocks("python", PAGE)
    environ = cli.environ() | {"ADS_HOST": sandbox.url, "ADS_API_KEY": sandbox.key}

    process = subprocess.run(
        [sys.executable, "-c", code],
        env=environ,
        cwd=cli.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (process.returncode, process.stderr) == (0, "")
    assert sorted(line.split()[1] for line in process.stdout.splitlines()) == ["saved"] * 2
