"""Keep a client of a sandbox of any size, and tell what each run changes in it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from program import PREFIXES, ROOT, Completed

from callsheet_sandbox.many import make_action

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from callsheet_sandbox.server import Running

PACKAGE = "lab_client"
ROOTS = os.pathsep.join(str(ROOT / name) for name in ("runtime", "codegen", "sandbox"))
COMMAND = "import sys; from callsheet.cli.callsheet import main; sys.exit(main())"
TABLE = f'[tool.callsheet]\npackage = "{PACKAGE}"\ncommand = "lab"\nout = "."\n'


def environ(home: Path, **more: str) -> dict[str, str]:
    """Return an environment without this machine's settings, with its state in ``home``."""
    excluded = (*PREFIXES, "LAB_", "LC_", "LANG", "TZ", "PYTHONHASHSEED")
    neutral = {name: text for name, text in os.environ.items() if not name.startswith(excluded)}
    return neutral | {"HOME": str(home), "PYTHONPATH": ROOTS} | more


@dataclass(frozen=True)
class Upkeep:
    """The project's folder, its maintainer's home, and the server."""

    folder: Path
    home: Path
    server: Running
    logged: list[str] = field(default_factory=list)

    def prepare(self) -> Upkeep:
        """Write the project's configuration."""
        self.folder.mkdir(parents=True)
        self.home.mkdir(exist_ok=True)
        (self.folder / "pyproject.toml").write_text(TABLE)
        return self

    def generate(self, *words: str, ask: bool = True, **env: str) -> Completed:
        """Run ``callsheet generate``, against the server or from the lock."""
        host = ("--host", self.server.url) if ask else ("--locked",)
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, "generate", *host, *words],
            env=environ(self.home, LAB_API_KEY=self.server.key, **env),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return Completed(done.stdout, done.stderr, done.returncode)

    def files(self) -> dict[str, tuple[str, int]]:
        """Return the digest and the time of writing of each file of the package and the lock."""
        files = {}
        for path in sorted([*(self.folder / PACKAGE).rglob("*"), *self.folder.glob("*.lock.json")]):
            if path.is_file():
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                files[path.relative_to(self.folder).as_posix()] = (digest, path.stat().st_mtime_ns)
        return files

    def new_requests(self) -> list[str]:
        """Return the requests since the last call, as method and path."""
        log = [f"{request['method']} {request['path']}" for request in self.server.requests()]
        new = log[len(self.logged) :]
        self.logged.extend(new)
        return new

    def change(self, number: int, **extra: Any) -> str:
        """Give an action of the server more fields; return its id."""
        action = make_action(number, extra=extra)
        self.server.world.realms["plain"].put_action(action)
        return action.id


def changed_files(
    before: Mapping[str, tuple[str, int]], after: Mapping[str, tuple[str, int]]
) -> set[str]:
    """Return the files that were added, removed or written again."""
    return {path for path in before | after if before.get(path) != after.get(path)}
