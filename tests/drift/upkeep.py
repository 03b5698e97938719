"""A project that keeps a client of a sandbox of any size, and what each run changes in it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from program import PREFIXES, ROOT, Completed

from callsheet_sandbox.many import made

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from callsheet_sandbox.server import Running

PACKAGE = "lab_client"
ROOTS = os.pathsep.join(str(ROOT / name) for name in ("runtime", "codegen", "sandbox"))
COMMAND = "import sys; from callsheet.cli.callsheet import main; sys.exit(main())"
TABLE = f'[tool.callsheet]\npackage = "{PACKAGE}"\ncommand = "lab"\nout = "."\n'


def environ(home: Path, **more: str) -> dict[str, str]:
    """Nothing of this machine's settings; everything that is kept lies in ``home``."""
    away = (*PREFIXES, "LAB_", "LC_", "LANG", "TZ", "PYTHONHASHSEED")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(away)}
    return kept | {"HOME": str(home), "PYTHONPATH": ROOTS} | more


@dataclass(frozen=True)
class Upkeep:
    """The project's folder, where its maintainer lives, and the server."""

    folder: Path
    home: Path
    server: Running
    seen: list[str] = field(default_factory=list)

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
        """Every file of the package and the lock: digest and time of writing."""
        found = {}
        for path in sorted([*(self.folder / PACKAGE).rglob("*"), *self.folder.glob("*.lock.json")]):
            if path.is_file():
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                found[path.relative_to(self.folder).as_posix()] = (digest, path.stat().st_mtime_ns)
        return found

    def asked(self) -> list[str]:
        """The requests since the last look, as method and path."""
        log = [f"{one['method']} {one['path']}" for one in self.server.requests()]
        fresh = log[len(self.seen) :]
        self.seen.extend(fresh)
        return fresh

    def change(self, number: int, **extra: Any) -> str:
        """Give an action of the server more fields; its id."""
        action = made(number, extra=extra)
        self.server.world.realms["plain"].put_action(action)
        return action.id


def differing(
    before: Mapping[str, tuple[str, int]], after: Mapping[str, tuple[str, int]]
) -> set[str]:
    """The files that came, went, or were written again."""
    return {path for path in before | after if before.get(path) != after.get(path)}
