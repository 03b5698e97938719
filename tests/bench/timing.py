"""What one run costs: wall and CPU seconds and peak memory, of a process or of a step in one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FOLDER = Path(__file__).parent


class Sample(NamedTuple):
    """Seconds on the clock, seconds of CPU (user and system), and peak memory in MB."""

    wall: float
    cpu: float
    peak: float = 0.0


class TimedPart(Protocol):
    """Whatever is measured in a trial."""

    def sample(self) -> Sample:
        """Run it once."""

    def close(self) -> None:
        """End what it keeps running."""


class BrokenPart(Exception):
    """What is measured did not do its work; the text says what it printed."""


def once(prepare: Callable[[], object]) -> Callable[[], object]:
    """Return what prepares a part before its first run, and never again."""
    pending = [prepare]
    return lambda: pending.pop()() if pending else None


@dataclass
class Process:
    """One run of a program from start to exit, by the operating system's own accounting.

    ``before`` is run untimed before each run. With ``reported`` the sample is what the
    program prints as its last line, for what is measured inside it. ``expected`` must
    stand in what it prints.
    """

    words: list[str]
    environ: Mapping[str, str]
    folder: Path
    code: int = 0
    before: Callable[[], object] | None = None
    reported: bool = False
    expected: str = ""

    def sample(self) -> Sample:
        """Run it; raises ``BrokenPart`` for another exit code than the expected one."""
        if self.before is not None:
            self.before()
        with (self.folder / "said.txt").open("w+b") as output:
            started = time.perf_counter()
            process = subprocess.Popen(
                self.words,
                env=self.environ,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            text = output.read().decode(errors="replace")
        if process.returncode != self.code or self.expected not in text:
            raise BrokenPart(f"{' '.join(self.words)[:300]}: {process.returncode}\n{text[-2000:]}")
        if self.reported:
            return Sample(*map(float, text.strip().splitlines()[-1].split()))
        return Sample(wall, used.ru_utime + used.ru_stime)

    def close(self) -> None:
        """Do nothing: it keeps nothing."""


@dataclass
class Loop:
    """A step that a process of its own repeats: imports and set-up are not counted.

    ``name`` is a module of ``bench.loops``; its ``prepare(**facts)`` gives the step.
    """

    name: str
    environ: Mapping[str, str]
    folder: Path
    facts: Mapping[str, Any] = field(default_factory=dict)
    times: int = 1
    python: str = sys.executable
    _process: subprocess.Popen[str] | None = None

    def sample(self) -> Sample:
        """Repeat the step ``times``; the seconds are of all of them together."""
        if self._process is None:
            self._process = self._start()
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{self.times}\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise BrokenPart(f"{self.name}: {process.communicate()[1][-2000:]}")
        return Sample(*json.loads(line))

    def _start(self) -> subprocess.Popen[str]:
        words = [self.python, str(FOLDER / "looping.py"), self.name, json.dumps(dict(self.facts))]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            words,
            env=self.environ,
            cwd=self.folder,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
        )

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate()
            self._process = None
