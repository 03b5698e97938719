"""The server to ask is chosen in one order, and the lock never names a loopback port."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from unit.codegen.given import config

from callsheet_codegen import source

if TYPE_CHECKING:
    from pathlib import Path


def chosen(tmp_path: Path, *, host: str | None, table: str, env: str) -> tuple[str, str] | None:
    environ = {"HOME": str(tmp_path), **({"ACME_HOST": env} if env else {})}
    project = replace(config(tmp_path), host=table)
    found = source.settings_for(project, host=host, environ=environ)
    return (found[0].host, found[1]) if found else None


@pytest.mark.parametrize(
    ("host", "table", "env", "expected"),
    [
        ("https://a.example", "https://b.example", "https://c.example", ("a", "--host")),
        (None, "https://b.example", "https://c.example", ("b", "[tool.callsheet] host")),
        (None, "", "https://c.example", ("c", "ACME_HOST")),
    ],
)
def test_the_order(
    tmp_path: Path, host: str | None, table: str, env: str, *, expected: tuple[str, str]
) -> None:
    name, why = expected

    assert chosen(tmp_path, host=host, table=table, env=env) == (f"https://{name}.example", why)


def test_nothing_configured_leaves_the_sandbox(tmp_path: Path) -> None:
    assert chosen(tmp_path, host=None, table="", env="") is None


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("http://127.0.0.1:8787", "http://127.0.0.1"),
        ("http://localhost:1", "http://localhost"),
        ("https://acme.example:8443", "https://acme.example:8443"),
    ],
)
def test_the_name_in_the_lock(origin: str, name: str) -> None:
    assert source.name_of(origin) == name
