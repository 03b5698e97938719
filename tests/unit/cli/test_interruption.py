"""An interruption tells what became of the last paid request, as far as the ledger knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callsheet.cli import main
from callsheet.cli.context import Context
from callsheet.config.bindings import Bindings

if TYPE_CHECKING:
    from pathlib import Path

REF = "0badcafe-1111-2222-3333-444455556666"
SENT = "interrupted; v.make was sent and its outcome is unknown"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    environ = {"ADS_STATE_DIR": str(tmp_path), "ADS_CONFIG_DIR": str(tmp_path), "HOME": "/"}
    return Context(Bindings(command="ads", env="ADS"), (), environ)


@pytest.mark.parametrize(
    ("event", "task_ids", "message", "hint"),
    [
        ("", [], "interrupted before v.make was sent", ""),
        ("unsent", [], "interrupted", ""),
        (
            "intent",
            [],
            "interrupted; v.make was sent and its outcome is unknown",
            "tasks recover 0badcafe",
        ),
        (
            "unknown",
            [],
            "interrupted; v.make was sent and its outcome is unknown",
            "tasks recover 0badcafe",
        ),
        ("accepted", ["t 1"], "interrupted; the job goes on as t 1", "tasks wait 't 1'"),
        ("done", ["t"], "interrupted; v.make is done", "tasks save t --out PATH"),
        ("done", [], "interrupted; v.make is done", ""),
        ("saved", ["t"], "interrupted; v.make is saved", ""),
    ],
)
def test_the_line_fits_what_is_known(
    context: Context, event: str, task_ids: list[str], message: str, hint: str
) -> None:
    context.paid = ("v.make", REF)
    ledger = context.ledger()
    for name in dict.fromkeys(("intent", event)) if event else ():
        facts: dict[str, Any] = {"host": "h", "action": "v.make"}
        ledger.record(name, REF, facts if name == "intent" else {"task_ids": task_ids})
    error = main.describe_interruption(context)
    ledger.close()
    assert error.message.startswith(message)
    assert (error.hint, error.exit_code) == (hint, 130)
    assert error.task_id == (task_ids[0] if task_ids else None)


def test_without_a_paid_request_there_is_nothing_to_go_on_with(context: Context) -> None:
    error = main.describe_interruption(context)
    assert (error.message, error.hint, error.action) == ("interrupted", "", None)


def test_a_ledger_that_cannot_be_read_is_named(context: Context, tmp_path: Path) -> None:
    context.paid = ("v.make", REF)
    (tmp_path / "ledger.sqlite3").write_bytes(b"no database" * 100)
    error = main.describe_interruption(context)
    assert "ledger.sqlite3" in error.message
    assert error.hint == "tasks recover 0badcafe"
