"""A program on a terminal: what a person types, and what the screen shows in the end."""

from __future__ import annotations

import re
import shlex
import sys
import unicodedata
from typing import TYPE_CHECKING

import pexpect
import pyte

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LINES, COLUMNS = 300, 120
# What a progress line may do to a terminal: colours, a line drawn anew, a cursor that comes back.
_ALLOWED = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[lh]|2K|1A)|\r(?=\r?\n|\x1b\[(?:2K|1A))")
_SILENT = {"Cc", "Cf", "Cs", "Zl", "Zp"}


class Terminal:
    """A shell that runs one command line; ``seen`` is every byte that the terminal got.

    The shell prints ``above`` before the command and its exit code after it.
    """

    def __init__(self, command: str, *, folder: Path, environ: Mapping[str, str]) -> None:
        self.screen = pyte.Screen(COLUMNS, LINES)
        self.stream = pyte.Stream(self.screen)
        self.seen = ""
        self.shell = pexpect.spawn(
            "/bin/sh",
            ["-c", f"trap : INT; echo above; {command}; echo exit $?"],
            env={**environ, "TERM": "xterm-256color"},
            cwd=str(folder),
            encoding="utf-8",
            dimensions=(LINES, COLUMNS),
            timeout=30,
        )

    def until(self, pattern: str) -> str:
        """Read until the pattern was printed; returns what it matched."""
        self.shell.expect(pattern)
        after = str(self.shell.after)
        self._take(f"{self.shell.before}{after}")
        return after

    def resize(self, lines: int, columns: int) -> None:
        """Give the window another size."""
        self.shell.setwinsize(lines, columns)
        self.screen.resize(lines, columns)

    def type(self, line: str) -> None:
        """Type a line."""
        self.shell.sendline(line)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.shell.sendintr()

    def end(self) -> int:
        """Read to the end; returns the exit code of the command."""
        self.shell.expect(pexpect.EOF)
        self._take(self.shell.before or "")
        self.shell.close()
        # The terminal shows a Ctrl-C wherever the cursor is when it is pressed.
        codes = re.findall(r"^(?:\^C)*exit (\d+)\r?$", self.seen, re.M)
        return int(codes[-1])

    def _take(self, text: str) -> None:
        self.seen += text
        self.stream.feed(text)

    def shown(self) -> list[str]:
        """The lines of the screen, without those that are empty."""
        return [line.rstrip() for line in self.screen.display if line.strip()]

    def trouble(self) -> list[str]:
        """What the program did to the terminal that only a person or a progress line may do."""
        rest = set(_ALLOWED.sub("", self.seen)) - {"\n"}
        faults = [repr(one) for one in rest if unicodedata.category(one) in _SILENT]
        if self.screen.title or self.screen.icon_name:
            faults.append(f"title: {self.screen.title!r}")
        if self.screen.cursor.hidden:
            faults.append("the cursor is hidden")
        if self.shown()[0] != "above":
            faults.append("what stood above is gone")
        if self.screen.mode != pyte.Screen(1, 1).mode:
            faults.append("the terminal is in another mode")
        return sorted(set(faults))


def command(*words: str) -> str:
    """The command line of a program that is given by ``-c`` or ``-m`` words."""
    return shlex.join([sys.executable, *words])
