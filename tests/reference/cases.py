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
    label = case.get("name") or case.get("scheme") or f"{case['method']}-{case['path'][5:]}"
    return f"line-{case['line']}-{label}".replace("/", "-")


def fill(template: Any, variables: Mapping[str, str | None]) -> Any:
    """Return a value of a case with what this run knows in the place of ``{name}``."""
    if isinstance(template, dict):
        return {key: fill(part, variables) for key, part in template.items()}
    if isinstance(template, list):
        return [fill(part, variables) for part in template]
    if not isinstance(template, str):
        return template
    if template == "{null}":
        return None
    for name, text in variables.items():
        template = template.replace(f"{{{name}}}", text or "")
    return template


def words(line: str, variables: Mapping[str, str | None]) -> list[str]:
    """Return a command line as a shell would split it."""
    return shlex.split(fill(line, variables).replace("\\\n", " "))
