"""Handle Ctrl-C and SIGTERM."""

from __future__ import annotations

import _thread
import os
import signal
from typing import Any

INTERRUPTED = 130


class Terminated(KeyboardInterrupt):
    """SIGTERM, on the road of Ctrl-C."""


def listen() -> None:
    """Hear signals from now on; before anything is sent or written, Python's own way will do."""
    signal.signal(signal.SIGTERM, _terminate)
    if not heard():
        signal.signal(signal.SIGINT, _interrupt)


def heard() -> bool:
    """Whether Ctrl-C was pressed: the next one ends at once."""
    return signal.getsignal(signal.SIGINT) is _interrupted_again


def _terminate(number: int, frame: Any) -> None:
    raise Terminated


def _interrupt(number: int, frame: Any) -> None:
    """The first Ctrl-C ends the work in order, the second one ends at once."""
    signal.signal(signal.SIGINT, _interrupted_again)
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told)
    _thread.start_new_thread(_listen, (heard,))
    raise KeyboardInterrupt


def _listen(heard: int) -> None:
    """End at the next Ctrl-C, though the main thread be in a call that does not return."""
    while signal.SIGINT not in os.read(heard, 64):
        pass
    os._exit(INTERRUPTED)


def _interrupted_again(number: int, frame: Any) -> None:
    os._exit(INTERRUPTED)
