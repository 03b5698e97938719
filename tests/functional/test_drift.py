"""The committed client is what its lock gives, and the sandbox still says what the lock holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from program import PREFIXES, ROOT

if TYPE_CHECKING:
    from pathlib import Path

LOCK = ROOT / "generated/catalog.lock.json"
COMMAND = "import sys; from callsheet.cli.callsheet import main; sys.exit(main())"


def test_the_committed_client_has_not_drifted(tmp_path: Path) -> None:
    if json.loads(LOCK.read_text("utf-8"))["source"] != "sandbox":
        pytest.skip("another server's client is committed, and tests ask no server but the sandbox")
    environ = {name: text for name, text in os.environ.items() if not name.startswith(PREFIXES)}
    roots = os.pathsep.join(str(ROOT / name) for name in ("runtime", "codegen", "sandbox"))
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "check"],
        env=environ | {"HOME": str(tmp_path), "PYTHONPATH": roots},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "server: sandbox says what the lock holds" in done.stdout
    assert "tree: the tree " in done.stdout
