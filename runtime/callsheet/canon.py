"""Canonical JSON and its digest: one text, and one number, for equal values."""

from __future__ import annotations

import hashlib
import json


def canonical(value: object) -> str:
    """One text for equal JSON: sorted keys, no blanks, ASCII. 1 and 1.0 stay apart."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=plain)


def digest(value: object) -> str:
    """SHA-256 of the canonical text, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def plain(value: object) -> object:
    """A mapping of any kind as JSON takes it; raises ``TypeError`` for anything else."""
    if hasattr(value, "items"):
        return dict(value.items())
    raise TypeError(f"{type(value).__name__} is not JSON")
