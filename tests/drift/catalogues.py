"""Servers at two versions, with what changed between them as a person says it."""

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
class Server:
    """One server: its lists of actions as they were and are, and the truth, in order."""

    name: str
    old: list[dict[str, Any]]
    new: list[dict[str, Any]]
    truth: list[Truth]


def servers() -> list[Server]:
    """Every server of the set, by name."""
    return [_server(path) for path in sorted(SERVERS.glob("*.json"))]


def _server(path: Path) -> Server:
    held = json.loads(path.read_text("utf-8"))
    truth = [
        (one["severity"], one["code"], one["side"], one["action"], one["pointer"])
        for one in held["truth"]
    ]
    return Server(path.stem, held["old"], held["new"], sorted(truth))


def told(changes: list[Change]) -> list[Truth]:
    """What was said, in the terms of the truth."""
    return sorted((one.severity, one.code, one.side, one.action, one.pointer) for one in changes)
