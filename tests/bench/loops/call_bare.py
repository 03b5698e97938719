"""The same calls with httpx and jsonschema-rs, and durable commits in place of the ledger."""

import sqlite3
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs


def prepare(
    host: str, key: str, action: str, body: dict[str, Any], commits: int = 0
) -> Callable[[], None]:
    """Return a step that makes one call: validate, send, parse.

    With ``commits`` the call is a paid one, which leaves on a connection of its own, as ours does.
    """
    client = httpx.Client(
        headers={"Authorization": f"Bearer {key}"},
        trust_env=False,
        limits=httpx.Limits(max_keepalive_connections=0 if commits else None),
    )
    url = f"{host}/api/actions/{action}"
    schema = client.get(f"{url}/schema").json()["inputSchema"]
    validator = jsonschema_rs.validator_for(schema)
    commit = _committing()

    def step() -> None:
        assert validator.is_valid(body)
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
