"""Reads the cases of the reference document and fills in what only a run knows."""

from __future__ import annotations

import shlex
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

Case = dict[str, Any]
CASES: dict[str, list[Case]] = tomllib.loads(
    Path(__file__).with_name("cases.toml").read_text("utf-8")
)
JOB_KEYS = ["taskId", "status", "videoUrl", "localPath", "url", "provider", "model"]


def params(kind: str) -> list[Any]:
    """Return the cases of a kind for ``parametrize``, each with its name and line."""
    return [pytest.param(case, id=name_of(case)) for case in CASES[kind]]


def name_of(case: Case) -> str:
    """Return the name of a case as it stands in a test's id."""
    said = case.get("name") or case.get("scheme") or f"{case['method']}-{case['path'][5:]}"
    return f"line-{case['line']}-{said}".replace("/", "-")


def filled(value: Any, known: Mapping[str, str | None]) -> Any:
    """Return a value of a case with what this run knows in the place of ``{name}``."""
    if isinstance(value, dict):
        return {key: filled(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, known) for item in value]
    if not isinstance(value, str):
        return value
    if value == "{null}":
        return None
    for name, text in known.items():
        value = value.replace(f"{{{name}}}", text or "")
    return value


def words(line: str, known: Mapping[str, str | None]) -> list[str]:
    """Return a command line as a shell would split it."""
    return shlex.split(filled(line, known).replace("\\\n", " "))
