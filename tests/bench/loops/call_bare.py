"""The same calls with a bare httpx client, and durable commits where the ledger would make some."""

import sqlite3
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx


def prepare(
    host: str, key: str, action: str, body: dict[str, Any], commits: int = 0
) -> Callable[[], None]:
    """One step: one call."""
    client = httpx.Client(headers={"Authorization": f"Bearer {key}"}, trust_env=False)
    url = f"{host}/api/actions/{action}"
    commit = _committing()

    def step() -> None:
        reply = client.post(url, json=body)
        assert reply.status_code == 200
        assert reply.json()
        for _ in range(commits):
            commit()

    return step


def _committing() -> Callable[[], None]:
    path = Path(f"commits-{uuid.uuid4().hex}.sqlite3")
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE jobs (ref TEXT PRIMARY KEY, state TEXT, body TEXT)")
    path.unlink()

    def commit() -> None:
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO jobs VALUES (?, 'intent', '{}')", (uuid.uuid4().hex,))
        db.execute("COMMIT")

    return commit
