"""Draw docs/terminal.svg: a session with the sandbox, as a terminal shows it."""

from __future__ import annotations

import codecs
import io
import os
import pty
import re
import subprocess
import sys
import tempfile
import termios
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import pyte
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.style import Style
from rich.text import Text

from callsheet_sandbox.options import Options
from callsheet_sandbox.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyte.screens import Char

ROOT = Path(__file__).resolve().parents[1]
DRAWN = ROOT / "docs" / "terminal.svg"
KEY = "sk-sandbox-0123456789"
COLUMNS, LINES = 100, 40
COMMANDS = (
    f"ads login --host http://127.0.0.1:8787 --api-key {KEY}",
    'ads image generate --promt "a lamp"',
    'ads image generate --prompt "a lamp" --out output/lamp.png',
    "ads actions search stock",
)
LAST = 'ads video generate --prompt "ocean waves at sunset" --out output/waves.mp4'
FAR_ENOUGH = r"processing 6\d %"


def typed(stream: pyte.Stream, command: str) -> None:
    """Show a prompt and what is typed after it."""
    stream.feed(f"\x1b[32m$\x1b[0m \x1b[1m{command}\x1b[0m\r\n")


def capture(command: str, environ: Mapping[str, str], folder: str, *, until: str = "") -> str:
    """Return what a terminal of the picture's size gets from a command, up to a text."""
    words = f'ads() {{ "{sys.executable}" -m ads_client "$@"; }}; {command}'
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (LINES, COLUMNS))
    with subprocess.Popen(
        ["/bin/sh", "-c", words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environ,
        cwd=folder,
    ) as child:
        os.close(theirs)
        output = "".join(pieces(ours, until))
        child.terminate()
    os.close(ours)
    match = re.search(f"{until}[^\r]*", output) if until else None
    return output[: match.end()] if match else output


def pieces(descriptor: int, until: str) -> Iterator[str]:
    """Yield what comes from a terminal, to its end or to the first match of a pattern."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with suppress(OSError):  # the end of a terminal
        while chunk := os.read(descriptor, 4096):
            text = decoder.decode(chunk)
            yield text
            if until and re.search(f"{until}[^\r]*\r", text):
                return


def session(folder: str) -> pyte.Screen:
    """Play the commands; the last one is left where its job is well under way."""
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.Stream(screen)
    inherited = {
        k: v for k, v in os.environ.items() if not k.startswith(("ADS_", "XDG_", "NO_COLOR"))
    }
    environ = inherited | {"HOME": folder, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    with serve(Options(speed="demo", keys=(KEY,)), port=8787):
        for command in COMMANDS:
            typed(stream, command)
            stream.feed(capture(command, environ, folder))
        typed(stream, LAST)
        stream.feed(capture(LAST, environ, folder, until=FAR_ENOUGH))
    return screen


def style(char: Char) -> Style:
    """Return the look of one place of the screen."""
    colour = {"default": None, "brown": "yellow"}.get(char.fg, char.fg)
    return Style(color=colour and colour.replace("bright", "bright_"), bold=char.bold)


def line(screen: pyte.Screen, number: int) -> Text:
    """Return one line of the screen with its colours."""
    drawn = Text(no_wrap=True)
    places = [screen.buffer[number][column] for column in range(COLUMNS)]
    for look, run in groupby(places, key=style):
        drawn.append("".join(char.data for char in run), look)
    drawn.rstrip()
    return drawn


def main() -> None:
    """Write the picture; what the fonts' host would serve is left out of it."""
    with tempfile.TemporaryDirectory() as folder:
        screen = session(folder)
    used = [number for number in range(LINES) if screen.display[number].strip()]
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    for number in range(used[-1] + 1):
        console.print(line(screen, number))
    plain = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.S)
    DRAWN.write_text(
        console.export_svg(title="ads", code_format=plain, unique_id="terminal"), "utf-8"
    )
    sys.stdout.write(f"{DRAWN.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
