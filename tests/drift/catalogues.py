"""Read servers at two versions, with the changes between them as a person lists them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from callsheet.diff.change import Change

SERVERS = Path(__file__).parent / "servers"
Truth = tuple[str, str, str, str, str]
"""Severity, code, side, action and pointer of a change."""


@dataclass(frozen=True)
class ChangedServer:
    """One server: its lists of actions as they were and are, and the truth, in order."""

    name: str
    old: list[dict[str, Any]]
    new: list[dict[str, Any]]
    truth: list[Truth]


def servers() -> list[ChangedServer]:
    """Return every server of the set, by name."""
    return [_server(path) for path in sorted(SERVERS.glob("*.json"))]


def _server(path: Path) -> ChangedServer:
    recorded = json.loads(path.read_text("utf-8"))
    truth = [
        (change["severity"], change["code"], change["side"], change["action"], change["pointer"])
        for change in recorded["truth"]
    ]
    return ChangedServer(path.stem, recorded["old"], recorded["new"], sorted(truth))


def as_truth(changes: list[Change]) -> list[Truth]:
    """Return changes in the terms of the truth."""
    return sorted(
        (change.severity, change.code, change.side, change.action, change.pointer)
        for change in changes
    )
