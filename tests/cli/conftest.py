"""The installed program, which has no generated commands, as a process against the sandbox."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from faults.forge import Order, forge

from callsheet_sandbox.pytest import sandbox, sandbox_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from faults.forge import Forge

    from callsheet_sandbox.server import Running

__all__ = ["sandbox", "sandbox_server"]


PROGRAM = "from callsheet.launcher import main; raise SystemExit(main())"


OVERLAY = {
    "free": ["material.*"],
    "comma": ["imageInput", "videoInput"],
    "media": ["videoUrl", "imageUrl"],
    "aliases": {"timeoutMs": "timeout", "aspectRatio": "aspect"},
    "hidden": {
        "ai.video.*": ["options", "workspaceId"],
        "ai.image.*": ["options", "workspaceId", "imageInput"],
    },
    "upload": {"action": "storage.upload_image", "field": "data", "result": "url"},
}


@dataclass(frozen=True)
class Done:
    """What one run of the program left: exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document that it has to be."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The error object."""
        found: dict[str, Any] = self.json["error"]
        return found


@dataclass(frozen=True)
class BareProgram:
    """The program and the folder in which it runs."""

    folder: Path
    environ: Mapping[str, str]
    server: Running
    warm: Forge

    def __call__(self, *words: str, stdin: str = "", **environ: str) -> Done:
        """Run the program with these words; ``environ`` is added to its environment.

        The process is forked from a warm one, unless a variable concerns the interpreter itself.
        """
        if not any(name.startswith("PYTHON") for name in environ):
            env = {**self.environ, **environ}
            order = Order(words, env, self.folder, "faults.forge:unbound", stdin=stdin.encode())
            code, out, err = self.warm.run(order)
            assert b"Traceback" not in err
            return Done(code, out.decode(), err.decode())
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *words],
            env={**self.environ, **environ},
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert "Traceback" not in done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def inside(self, *words: str) -> Done:
        """Run the program in this process: twenty times as fast, without its start."""
        from callsheet.cli.context import context_for
        from callsheet.cli.main import guarded

        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name in [name for name in os.environ if name.startswith("ADS_")]:
                patch.delenv(name)
            for name, value in self.environ.items():
                patch.setenv(name, value)
            patch.chdir(self.folder)
            patch.setattr("callsheet.cli.signals.listen", lambda: None)
            context = context_for("", "ads", "ADS", words)
            try:
                code = guarded(context, words)
            finally:
                context.close()
        texts = [stream.buffer.getvalue().decode() for stream in (out, err) if not stream.flush()]
        return Done(code, *texts)

    def posts(self) -> list[tuple[str, Any]]:
        """Return what was POSTed: the last part of each path, and the body."""
        return [
            (str(one["path"]).rpartition("/")[2], one["body"])
            for one in self.server.requests()
            if one["method"] == "POST"
        ]


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """Give the process from which those of the program are forked."""
    folder = tmp_path_factory.mktemp("warm")
    roots = os.pathsep.join(os.path.abspath(path) for path in sys.path if path)
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": roots}
    with forge(folder / "forge", environ) as process:
        yield process


@pytest.fixture
def ads(tmp_path: Path, sandbox: Running, warm: Forge) -> BareProgram:
    """Give the program, logged in by its environment, in an empty folder."""
    overlay = tmp_path / "overlay.json"
    overlay.write_text(json.dumps(OVERLAY), "utf-8")
    work = tmp_path / "work"
    work.mkdir()
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(os.path.abspath(path) for path in sys.path if path),
        "HOME": str(tmp_path / "home"),
        "ADS_HOST": sandbox.url,
        "ADS_API_KEY": sandbox.key,
        "ADS_OVERLAY": str(overlay),
    }
    return BareProgram(work, environ, sandbox, warm)
