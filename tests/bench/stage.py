"""Where the bench is played: folders, environments, servers and written clients."""

from __future__ import annotations

import compileall
import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.serving import KEY, served
from bench.timing import FOLDER, Process

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = FOLDER.parents[1]
SOURCES = [ROOT / name for name in ("runtime", "codegen", "sandbox")]
# A client is made from the address of its server, so that each size has its own.
PORTS = {3: 47611, 30: 47616, 100: 47621, 500: 47626, 1000: 47631, 5000: 47641}
PROGRAMS = FOLDER / "programs"


def clean_environ() -> dict[str, str]:
    """Return this environment without settings of Python or of the program: .pyc files are used."""
    dropped = ("ADS_", "XDG_", "PYTHON", "CALLSHEET_", "_ADS")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)}


def _digest() -> str:
    """Digest what written clients depend on: generator, runtime and bench."""
    digest = hashlib.sha256()
    folders = [*SOURCES[:2], ROOT / "templates"]
    paths = [path for folder in folders for path in sorted(folder.rglob("*.*"))]
    for path in [*paths, FOLDER / "catalogue.py", PROGRAMS / "write_client.py"]:
        if path.suffix in {".py", ".jinja"}:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@dataclass
class BenchStage:
    """One run of the bench. ``sizes`` are the numbers of actions, ascending."""

    folder: Path
    sizes: Sequence[int]
    quick: bool = False
    hosts: dict[int, str] = field(default_factory=dict)
    stack: ExitStack = field(default_factory=ExitStack)

    def prepare(self) -> None:
        """Start the servers, write the clients that are not there yet, compile, log in."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for outdated in set(self.folder.glob("clients-*")) - {self.client(0).parent}:
            shutil.rmtree(outdated)
        shutil.rmtree(self.folder / "projects", ignore_errors=True)
        for source in SOURCES:
            compileall.compile_dir(source, quiet=2)
        self._compile_packages()
        for count in self.sizes:
            self._serve(count)
            if not (self.client(count) / "done").exists():
                words = ["write_client.py", str(count), self.hosts[count], str(self.client(count))]
                self._python(words)
            compileall.compile_dir(self.client(count), quiet=2)
            self._log_in(count, self.ads)
        self._serve(self.large)

    def _serve(self, count: int) -> None:
        """Start the server of so many actions, and log in with the program without bindings."""
        self.hosts[count] = self.stack.enter_context(served(count, port=PORTS[count]))
        self._log_in(count, self.unbound)

    def _compile_packages(self) -> None:
        stamp = self.folder / "compiled"
        if not stamp.exists():
            folder = Path(os.__file__).parent
            self._python(["-m", "compileall", "-q", str(folder)], plain=True)
            self._python(["-m", "compileall", "-q", *sys.path[-2:]], plain=True)
            stamp.touch()

    def _python(self, words: list[str], *, plain: bool = False) -> None:
        argv = words if plain else [str(PROGRAMS / words[0]), *words[1:]]
        environ = self.environ(self.sizes[0], generator=True)
        done = subprocess.run(
            [sys.executable, *argv], env=environ, capture_output=True, text=True, check=False
        )
        if done.returncode and not plain:
            raise SystemExit(f"{words}: {done.stdout}{done.stderr}")

    def _log_in(self, count: int, program: Callable[..., Process]) -> None:
        words = ["login", "--host", self.hosts[count], "--api-key", KEY, "--auth", "bearer"]
        program(count, *words).sample()
        program(count, "actions", "list", "--refresh").sample()

    @property
    def large(self) -> int:
        """Return how many actions the host has whose catalogue is cached and never generated."""
        return 500 if self.quick else 5000

    def client(self, count: int) -> Path:
        """Return the source root of the client of so many actions."""
        return self.folder / f"clients-{_digest()}" / str(count)

    def environ(
        self, count: int, *, generator: bool = False, is_bound: bool = True
    ) -> dict[str, str]:
        """Return the environment of a client: its package if bound, the runtime, own folders."""
        home = self.folder / (f"home-{count}" if is_bound else f"unbound-{count}")
        home.mkdir(exist_ok=True)
        package = [self.client(count)] if is_bound else []
        roots = [*package, *(SOURCES if generator else SOURCES[:1])]
        own = {f"ADS_{kind}_DIR": str(home / kind) for kind in ("CONFIG", "STATE", "CACHE")}
        path = os.pathsep.join(map(str, roots))
        return clean_environ() | own | {"HOME": str(home), "PYTHONPATH": path}

    def python(self, *words: str, count: int = 0, **more: object) -> Process:
        """Return a program in a client's environment, so that all of them search the same path."""
        environ = self.environ(count or self.sizes[0])
        return Process([sys.executable, *words], environ, self.folder, **more)  # type: ignore[arg-type]  # keywords of Process

    def program(self, name: str, *words: str, count: int = 0) -> Process:
        """Return one of the programs that the bench compares with."""
        return self.python(str(PROGRAMS / f"{name}.py"), *words, count=count)

    def ads(self, count: int, *words: str, code: int = 0) -> Process:
        """Return the generated program of so many actions."""
        process = self.program("ads", *words, count=count)
        process.code = code
        return process

    def unbound(self, count: int, *words: str, code: int = 0) -> Process:
        """Return the program that we install, used with the host of so many actions."""
        process = self.program("unbound", *words, count=count)
        process.environ, process.code = self.environ(count, is_bound=False), code
        return process
