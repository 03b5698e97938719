"""A client is written for every dialect of the sandbox, and makes a video there."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from functional.writing import imported, write

from callsheet_codegen.models import Worker
from callsheet_sandbox.dialects import read_dialects

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from callsheet_codegen.config import Config
    from callsheet_codegen.models import Made, Modeller, Request
    from callsheet_sandbox.server import Running

AUTHS = {
    name: "x-api-key" if dialect.auth.kinds == "x-api-key" else "bearer"
    for name, dialect in read_dialects().items()
}


@pytest.fixture(scope="module")
def modeller() -> Iterator[Modeller]:
    """Yield one process for every client."""
    worker = Worker()

    def make(requests: Mapping[str, Request]) -> Mapping[str, Made]:
        return {name: worker.ask(request) for name, request in requests.items()}

    yield make
    worker.close()


@pytest.fixture(params=sorted(AUTHS))
def client(
    request: pytest.FixtureRequest, home: Path, sandbox: Running, modeller: Modeller
) -> Config:
    """Give the client that is written for one dialect."""
    name = str(request.param)
    host = sandbox.dialect_url(name)
    return write(home / "out", name, host=host, key=sandbox.key, modeller=modeller)


def methods(config: Config, group: str) -> set[str]:
    tree = ast.parse((config.folder / f"groups/{group}.py").read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_library_and_command_make_a_video(
    client: Config, home: Path, sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = sandbox.dialect_url(client.command)
    library = imported(client, monkeypatch)
    auth = AUTHS[client.command]
    ledger = str(home / "ledger")
    with library.Client(host=host, api_key=sandbox.key, auth=auth, ledger=ledger) as made:
        made.video.generate(prompt="waves").save(str(home / "library.mp4"))
    done = subprocess.run(
        [sys.executable, "-m", client.package, *COMMAND, str(home / "command.mp4")],
        env={**os.environ, **environ(client, host, sandbox.key)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert methods(client, "video") == {"generate", "generate_and_wait", "query"}
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["localPath"] == str(home / "command.mp4")
    for name in ("library.mp4", "command.mp4"):
        assert (home / name).read_bytes()[4:8] == b"ftyp"


COMMAND = ("video", "generate", "--prompt", "waves", "--json", "--out")


def environ(config: Config, host: str, key: str) -> dict[str, str]:
    roots = os.pathsep.join((str(config.out), *(path for path in sys.path if path)))
    said = {"HOST": host, "API_KEY": key, "AUTH": AUTHS[config.command]}
    return {f"{config.env}_{name}": text for name, text in said.items()} | {"PYTHONPATH": roots}
