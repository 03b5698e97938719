"""The program in an empty folder and home, and three servers written by others."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from faults.forge import Order, forge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults.forge import Forge

SERVERS = Path(__file__).parent / "servers"
MEDIA = SERVERS / "media"
JOB_SECONDS = "0.2"
_VARYING = {
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}": "ID",
    r"\b(?:asset_)?[0-9a-f]{18,20}\b": "ID",
    r"\b[0-9a-f]{8}_result[0-9a-f]{4}": "FILE",
    r"\b[0-9a-f]{8}\b": "REF",
    r"\b\d{10}\b": "SECONDS",
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\+00:00|Z)?": "WHEN",
    r"(?m)^! \S+: [^\n]*\d s( [^\n]*)?\n": "",
    r" +$": "",
}


@dataclass(frozen=True)
class Ran:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return standard output as one JSON document."""
        return json.loads(self.out)


@dataclass
class Session:
    """Somebody's first hour at one server: the program, its folder, and what was typed."""

    name: str
    url: str
    key: str
    folder: Path
    warm: Forge
    typed: list[str] = field(default_factory=list)

    def __call__(self, line: str, *, show: int = 14, **environ: str) -> Ran:
        """Run a command line; its first ``show`` lines go into the page, none for zero."""
        words = shlex.split(line.replace("HOST", self.url).replace("KEY", self.key))
        roots = os.pathsep.join(os.path.abspath(path) for path in sys.path if path)
        given = {"PATH": os.environ["PATH"], "HOME": str(self.folder.parent), "PYTHONPATH": roots}
        given |= {"COLUMNS": "100", **environ}
        order = Order(tuple(words[1:]), given, self.folder, "faults.forge:unbound")
        code, out, err = self.warm.run(order)
        ran = Ran(code, out.decode(), err.decode())
        assert "Traceback" not in ran.err
        if show:
            self._write(line, ran, show)
        return ran

    def _write(self, line: str, ran: Ran, show: int) -> None:
        notes = "".join(f"! {text}\n" for text in ran.err.splitlines())
        text = self.stable(notes + ("" if ran.code else ran.out))
        lines = text.splitlines()
        cut = ["…"] if len(lines) > show else []
        self.typed += [
            f"$ {self.stable(line)}",
            *lines[:show],
            *cut,
            *([f"= {ran.code}"] if ran.code else []),
        ]

    def stable(self, text: str) -> str:
        """Return a text without what is different in each run."""
        text = text.replace(self.url, f"https://{self.name}.example")
        text = text.replace(str(self.folder) + "/", "").replace(str(self.folder.parent), "~")
        for pattern, word in _VARYING.items():
            text = re.sub(pattern, word, text)
        return text

    def note(self, text: str) -> None:
        """Put a sentence into the page."""
        self.typed += ["", f"# {text}"]

    def posts(self, action: str = "") -> list[dict[str, Any]]:
        """Return the POSTs that the server counted, of all actions or of one."""
        with urllib.request.urlopen(f"{self.url}/_log", timeout=10) as reply:
            rows: list[dict[str, Any]] = json.load(reply)["posts"]
        return [row for row in rows if row["path"].endswith(f"/{action}") or not action]

    def content(self, name: str) -> bytes:
        """Return the bytes of a file in the folder."""
        return (self.folder / name).read_bytes()


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """Give the process from which those of the program are forked."""
    folder = tmp_path_factory.mktemp("warm")
    roots = os.pathsep.join(os.path.abspath(path) for path in sys.path if path)
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": roots}
    with forge(folder / "forge", environ) as process:
        yield process


@pytest.fixture
def session(request: pytest.FixtureRequest, tmp_path: Path, warm: Forge) -> Iterator[Session]:
    """Give a first hour at the server that the test's parameter names."""
    folder = tmp_path / "home" / "work"
    folder.mkdir(parents=True)
    for picture in MEDIA.glob("sample_*"):
        (folder / picture.name).write_bytes(picture.read_bytes())
    argv = [sys.executable, str(SERVERS / f"{request.param}.py"), "--job-seconds", JOB_SECONDS]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url, key = re.findall(r"on (\S+) key=(\S+)", server.stdout.readline())[0]
        try:
            yield Session(request.param, url, key, folder, warm)
        finally:
            server.kill()
