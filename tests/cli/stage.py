"""Plays a transcript: sets the stage, runs each command line as a process, keeps what it left."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cli.masking import Names
from cli.transcript import FOLDER, Left
from faults.forge import Order
from program import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from cli.transcript import TranscriptStep
    from faults.forge import Forge
    from program import Program

    from callsheet_sandbox.server import Running

_CODEGEN = "from callsheet.cli.callsheet import main; exit(main())"
_PATIENCE = 20


@dataclass(frozen=True)
class Played:
    """One command line that was run, with what it really printed."""

    words: tuple[str, ...]
    environ: Mapping[str, str]
    out: str
    code: int


@dataclass
class CommandStage:
    """A program, its server, and what the next command line is to meet."""

    program: Program
    server: Running
    warm: Forge
    names: Names = field(init=False)
    played: list[Played] = field(default_factory=list)
    stop: str = ""
    first: int = 0

    def __post_init__(self) -> None:
        self.names = Names(
            {
                self.server.url: "{host}",
                self.server.key: "{key}",
                str(self.program.folder): "{here}",
                str(self.program.home): "{home}",
                sys.prefix: "{python-prefix}",
            }
        )

    def play(self, steps: list[TranscriptStep]) -> str:
        """Do what the steps say; returns the transcript of it."""
        lines: list[str] = []
        for step in steps:
            lines.append(f"{step.kind} {step.text}")
            if step.kind == "%":
                self.set(step.text)
            elif step.kind == "$":
                lines += self.run(step.text).lines()
        return "\n".join(lines).rstrip("\n") + "\n"

    def set(self, text: str) -> None:
        """Set the stage by one line."""
        word, _, rest = self.names.real(text).partition(" ")
        verbs: dict[str, Callable[[str], object]] = {
            "action": self._action,
            "advance": lambda said: self.server.advance(float(said)),
            "client": self._client,
            "credits": lambda said: self.server.set_credits(int(said)),
            "faults": self.server.set_faults,
            "file": self._file,
            "first": lambda said: setattr(self, "first", int(said)),
            "healthy": lambda _: self.server.clear_faults(),
            "nobody": lambda _: shutil.rmtree(self.program.home),
            "signal": lambda said: setattr(self, "stop", said),
        }
        verbs[word](rest)

    def _action(self, name: str) -> None:
        self.server.add_action(json.loads((FOLDER / f"{name}.json").read_text("utf-8")))

    def _client(self, out: str) -> None:
        """Make the folder a project that was generated: its table, its lock, its package."""
        shutil.copytree(self.program.client, self.program.folder / out)
        project = (ROOT / "pyproject.toml").read_text("utf-8")
        table = project[project.index("[tool.callsheet]") :]
        text = table.replace('out = "generated"', f'out = "{out}"')
        (self.program.folder / "pyproject.toml").write_text(text, "utf-8")

    def _file(self, said: str) -> None:
        name, _, text = said.partition(" ")
        path = self.program.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n", "utf-8")

    def run(self, text: str) -> Left:
        """Run a command line: ``[NAME=VALUE…] PROGRAM WORD… [<<< TEXT]``."""
        words = shlex.split(self.names.real(text))
        environ: dict[str, str] = {}
        while "=" in words[0]:
            name, _, environ[name] = words.pop(0).partition("=")
        typed = f"{words.pop()}\n" if words[-2:-1] == ["<<<"] else ""
        words = [word for word in words if word != "<<<"]
        out, err, code = self._process(words, environ, typed)
        assert "Traceback" not in err, err
        self.played.append(Played(tuple(words), environ, out, code))
        if self.first:
            out = "".join(out.splitlines(keepends=True)[: self.first])
        self.stop, self.first = "", 0
        return Left(self.names.masked(out), self.names.masked(err), code)

    def _process(
        self, words: list[str], environ: Mapping[str, str], typed: str
    ) -> tuple[str, str, int]:
        own = ["-m", self.program.package] if words[0] == "ads" else ["-c", _CODEGEN]
        own_name = ("SSL_CERT_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
        machine = self.program.environ()
        kept = {k: v for k, v in machine.items() if not k.upper().startswith(own_name)}
        roots = [kept["PYTHONPATH"], str(ROOT / "codegen"), str(ROOT / "sandbox")]
        kept |= {"COLUMNS": "80", "PYTHONPATH": os.pathsep.join(roots)}
        if words[0] == "ads" and not self.stop:
            env = kept | dict(environ)
            order = Order(tuple(words[1:]), env, self.program.folder, stdin=typed.encode())
            code, out, err = self.warm.run(order)
            return out.decode("utf-8", "replace"), err.decode("utf-8", "replace"), code
        place = self.program.home.parent
        paths = [place / "stdout", place / "stderr"]
        with (
            paths[0].open("wb") as out,
            paths[1].open("wb") as err,
            subprocess.Popen(
                [sys.executable, *own, *words[1:]],
                env=kept | dict(environ),
                cwd=self.program.folder,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
            ) as process,
        ):
            try:
                if self.stop:
                    self._stopped(process, paths[1])
                process.communicate(typed.encode(), timeout=60)
            finally:
                process.kill()
        texts = [path.read_bytes().decode("utf-8", "replace") for path in paths]
        return texts[0], texts[1], process.returncode

    def _stopped(self, process: subprocess.Popen[bytes], err: Path) -> None:
        """Send a signal: ``INT at TEXT`` once stderr says so, ``INT charged`` once it cost."""
        number, _, when = self.stop.partition(" ")
        last, before = time.monotonic() + _PATIENCE, len(self.server.charges())
        while process.poll() is None and time.monotonic() < last:
            said = err.read_text("utf-8").find(when.removeprefix("at ")) >= 0
            if len(self.server.charges()) > before if when == "charged" else said:
                process.send_signal(signal.Signals[f"SIG{number}"])
                return
            time.sleep(0.01)
        raise AssertionError(f"{self.stop}: it never came to that")
