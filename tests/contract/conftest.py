"""A gate in the place of the sandbox's pauses, so that no test is judged by the clock."""

from __future__ import annotations

import asyncio
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from callsheet_sandbox.faults import answers, exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_REAL_SLEEP = asyncio.sleep
_TRIES = 12_000


class Gate:
    """Pauses that end when the test opens the gate; ``seconds`` lists how long each would be."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._opened = threading.Event()

    async def sleep(self, seconds: float) -> None:
        """Stand in for ``asyncio.sleep``."""
        self.seconds.append(seconds)
        await _REAL_SLEEP(0)
        while not self._opened.is_set():
            await _REAL_SLEEP(0.005)

    def open(self) -> None:
        """End every pause, now and later."""
        self._opened.set()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Put a closed gate in the place of the pauses of faults; open it at the end."""
    gate = Gate()
    for module in (answers, exchange):
        monkeypatch.setattr(module, "asyncio", SimpleNamespace(sleep=gate.sleep))
    yield gate
    gate.open()


def wait_until(happened: Callable[[], object]) -> None:
    """Return once ``happened`` is true; raise ``TimeoutError`` where it never becomes so."""
    for _ in range(_TRIES):
        if happened():
            return
        time.sleep(0.005)
    raise TimeoutError
