"""Run programs as their users do: empty folders of their own, and none of this user's settings."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(__file__).parent / "data"
MORE = Path(__file__).parent / "more"
"""The rest of the cases: `make shapes` plays them, the tests do not."""
CATALOGUES = DATA / "catalogues.json"
FAULTS = Path(__file__).parent / "fails.txt"
PACKAGE = "pg"
KEY = "sk-shapes-0123456789abcdef"
DEADLINE = 40.0
_SOURCES = ("generated", "runtime", "codegen", "sandbox")
_PREFIXES = ("ADS_", "CALLSHEET_", "XDG_", f"{PACKAGE.upper()}_")
_CALLSHEET = "from callsheet.cli.callsheet import main; exit(main())"
_OTHER_KEY = re.compile(r"then with the key (\S+) on the same cache: ")


@dataclass(frozen=True)
class Run:
    """How one line ended; the exit code is None where it had to be killed."""

    typed: str
    code: int | None
    stdout: str
    stderr: str
    seconds: float

    @property
    def document(self) -> Any:
        """Return the JSON document on standard output, or None where there is none."""
        try:
            return json.loads(self.stdout)
        except ValueError:
            return None

    @property
    def text(self) -> str:
        """Return everything that was printed, in lower case."""
        return f"{self.stdout}\n{self.stderr}".lower()


@dataclass(frozen=True)
class Home:
    """The folders of one user; ``work`` is the working directory."""

    folder: Path
    url: str
    key: str = KEY
    package: Path | None = None

    @property
    def work(self) -> Path:
        """Return the working directory, which is made when it is first asked for."""
        work = self.folder / "work"
        work.mkdir(parents=True, exist_ok=True)
        return work

    def environ(self, extra: Mapping[str, str]) -> dict[str, str]:
        """Return the environment: the host and the key by variables, folders by XDG."""
        foreign = {k: v for k, v in os.environ.items() if not _of_user(k)}
        folders = {
            f"XDG_{kind}_HOME": str(self.folder / kind.lower())
            for kind in ("CONFIG", "STATE", "CACHE")
        }
        login = {}
        for prefix in ("ADS", PACKAGE.upper()):
            login |= {f"{prefix}_HOST": self.url, f"{prefix}_API_KEY": self.key}
        sources = [str(ROOT / name) for name in _SOURCES]
        package = [str(self.package)] if self.package else []
        own = {"HOME": str(self.folder), "PYTHONPATH": os.pathsep.join([*package, *sources])}
        return foreign | folders | login | own | dict(extra)

    def type(self, line: str, env: Mapping[str, str] | None = None) -> Run:
        """Run a typed line to its end."""
        extra = dict(env or {})
        if match := _OTHER_KEY.match(line):
            for prefix in ("ADS", PACKAGE.upper()):
                extra[f"{prefix}_API_KEY"] = match[1]
            line = line[match.end() :]
        program, *words = shlex.split(line)
        return self.run(line, [*_PROGRAMS[program], *words], extra)

    def run(self, typed: str, words: Sequence[str], env: Mapping[str, str] | None = None) -> Run:
        """Run Python with these words, and kill it after a time that no case needs."""
        start = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, *words],
            env=self.environ(env or {}),
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        try:
            stdout, stderr = process.communicate(timeout=DEADLINE)
            code: int | None = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            code = None
        return Run(typed, code, stdout, stderr, round(time.monotonic() - start, 2))


def known_faults() -> dict[str, str]:
    """Return the cases that do not hold, each with its reason."""
    lines = FAULTS.read_text("utf-8").splitlines()
    rows = [line.partition(": ") for line in lines if not line.startswith("#")]
    return {case: reason for case, _, reason in rows if reason}


def _of_user(name: str) -> bool:
    return name.startswith(_PREFIXES) or name.lower().endswith("_proxy")


_PROGRAMS = {
    "PROGRAM": ["-m", PACKAGE],
    "ads": ["-m", "ads_client"],
    "callsheet": ["-c", _CALLSHEET],
}
