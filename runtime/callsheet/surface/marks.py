"""What a server's marks on an action say about its cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def is_free(marks: Mapping[str, Any]) -> bool:
    """Whether the server marks the action as one that costs nothing."""
    hints = marks.get("annotations")
    read_only = isinstance(hints, Mapping) and hints.get("readOnlyHint") is True
    return read_only or marks.get("readOnly") is True or marks.get("billable") is False
