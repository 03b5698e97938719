"""Handle Ctrl-C and SIGTERM."""

from __future__ import annotations

import _thread
import os
import signal
from typing import Any

INTERRUPTED = 130


class Terminated(KeyboardInterrupt):
    """SIGTERM, handled as Ctrl-C is."""


def listen() -> None:
    """Handle signals from now on; Python's own handling will do until something is sent."""
    signal.signal(signal.SIGTERM, _terminate)
    if not was_interrupted():
        signal.signal(signal.SIGINT, _interrupt)


def was_interrupted() -> bool:
    """Tell whether Ctrl-C was pressed: the next one ends the process at once."""
    return signal.getsignal(signal.SIGINT) is _interrupted_again


def _terminate(number: int, frame: Any) -> None:
    raise Terminated


def _interrupt(number: int, frame: Any) -> None:
    """End the work in order at the first Ctrl-C; the second one ends the process at once."""
    signal.signal(signal.SIGINT, _interrupted_again)
    reader, writer = os.pipe()
    if hasattr(os, "set_blocking"):  # Windows asks for none
        os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    _thread.start_new_thread(_watch, (reader,))
    raise KeyboardInterrupt


def _watch(reader: int) -> None:
    """End the process at the next Ctrl-C, even where the main thread hangs in a call."""
    while signal.SIGINT not in os.read(reader, 64):
        pass
    os._exit(INTERRUPTED)


def _interrupted_again(number: int, frame: Any) -> None:
    os._exit(INTERRUPTED)
