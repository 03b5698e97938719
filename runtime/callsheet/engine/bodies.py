"""What an invocation sends: the body's bytes, the reference, and how long an answer may take."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

from callsheet.errors import InvalidInput, UsageError
from callsheet.flows import sendable
from callsheet.strictjson import once
from callsheet.text import one_line

if TYPE_CHECKING:
    from callsheet.spec import Action


def encode(value: Any) -> bytes:
    """JSON as the user gave it: key order and number forms are kept."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"the body cannot be written as JSON: {error}") from None


def decode(data: bytes) -> Any:
    """The JSON of a body; raises ``InvalidInput``."""
    try:
        return json.loads(data.decode(), object_pairs_hook=once, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"the body is not JSON: {error}") from None


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON number")


def reference(key: str | None) -> str:
    """The client reference; raises ``UsageError`` for one that cannot stand in a header."""
    if key is not None and not re.fullmatch("[!-~]{1,255}", key):
        raise UsageError("an idempotency key is 1 to 255 printable ASCII characters without spaces")
    return key or _uuid()


def _uuid() -> str:
    """A random UUID; the module of that name takes 2 ms to import."""
    bits = int.from_bytes(os.urandom(16)) & ~(0xF << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62
    text = f"{bits:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def require_name(action_id: str) -> None:
    """Raise ``UsageError`` for an id that cannot be a segment of a path."""
    if not sendable(action_id):
        raise UsageError(f"{one_line(action_id)!r} cannot be the id of an action")


def silence_of(action: Action, value: Any) -> float:
    """Seconds that a server may keep silent: a blocking action takes its time and 30 s."""
    if action.role != "wait":
        return 60.0
    said = value.get("timeoutMs") if isinstance(value, dict) else None
    if isinstance(said, bool) or not isinstance(said, int | float) or said <= 0:
        said = action.family.timeout_ms if action.family is not None else 600_000
    return min(said, 86_400_000) / 1000 + 30.0
