"""What an interrupted download leaves beside its part, so that a later process can go on."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST, MOST = 2048, 4 * 1024 * 1024
PAUSE = 1.0
LARGEST = 65536


class Trail(NamedTuple):
    """Which file a part belongs to, and how many of its bytes are on the disk for certain.

    ``validator`` is the strong ETag of the file, ``expected`` its whole size where it is known.
    """

    identity: str
    validator: str
    size: int
    expected: int | None

    @classmethod
    def read(cls, part: str) -> Trail | None:
        """The trail of a part; none where there is none that this user wrote."""
        try:
            handle = os.open(trail_path(part), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as file:
                ours = os.fstat(handle).st_uid == os.geteuid()
                data = json.loads(file.read(LARGEST)) if ours else None
        except (OSError, ValueError, RecursionError):
            return None
        return _read(data)

    def write(self, part: str) -> None:
        """Write the trail of a part whose bytes are on the disk; raises ``OSError``."""
        path = trail_path(part)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with os.fdopen(os.open(path + ".new", flags, 0o600), "w", encoding="utf-8") as file:
            json.dump(self._asdict(), file)
        os.replace(path + ".new", path)

    @staticmethod
    def remove(part: str) -> None:
        """Forget how far a part has come."""
        with suppress(OSError):
            os.unlink(trail_path(part))


class Tracker:
    """Lays the trails of one part, one after the other; ``clock`` measures and never jumps."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.follow(None)

    def follow(self, last: Trail | None) -> None:
        """Count from this trail, or from none."""
        self._last, self._at = last, self._clock()

    def is_due(self, size: int) -> bool:
        """Whether it is time for a trail of so many bytes."""
        return is_due(size, self._last, self._clock() - self._at)

    def lay(self, left: Trail, part: str, handle: int) -> None:
        """Bring all bytes of a part to the disk, then say so; raises ``OSError``."""
        os.fsync(handle)
        left.write(part)
        self.follow(left)


def _read(data: Any) -> Trail | None:
    if not isinstance(data, dict) or set(data) != set(Trail._fields):
        return None
    left = Trail(**data)
    texts = isinstance(left.identity, str) and isinstance(left.validator, str)
    whole = type(left.expected) is int or left.expected is None
    sound = texts and whole and left.identity and left.validator.isprintable()
    return left if sound and type(left.size) is int and left.size > 0 else None


def part_path(target: str, word: str = "") -> str:
    """The hidden name beside ``target``; the same in every process, unless a word is added."""
    folder, name = os.path.split(target)
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    word = f".{word}" if word else ""
    return os.path.join(folder, f".{name[:40]}.{digest}{word}.part")


def trail_path(part: str) -> str:
    """The name of a part's trail."""
    return part.removesuffix(".part") + ".trail"


def is_due(size: int, last: Trail | None, ago: float) -> bool:
    """Whether losing what has come since the last trail, ``ago`` seconds before, would be a pity.

    Much has to have come, and not at once: a trail waits for the disk, and what took less than
    ``PAUSE`` is soon fetched again.
    """
    if last is None:
        return size >= FIRST
    return ago >= PAUSE and size - last.size >= min(MOST, max(FIRST, last.size))
