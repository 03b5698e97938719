"""What the tests of several folders share: a sandbox, and settings that are nobody's own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from callsheet_sandbox.pytest import sandbox

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["home", "sandbox"]

FOLDERS = ("CONFIG", "STATE", "CACHE")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give clients in this process empty folders, and nothing of the user's settings."""
    for name in list(os.environ):
        if name.startswith(("ADS_", "CALLSHEET_", "XDG_")):
            monkeypatch.delenv(name)
    for prefix in ("ADS", "CALLSHEET"):
        for kind in FOLDERS:
            monkeypatch.setenv(f"{prefix}_{kind}_DIR", str(tmp_path / kind.lower()))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path
