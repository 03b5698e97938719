"""Write and hash a download in a thread of its own."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from queue import SimpleQueue


BLOCK = 8 * 1024 * 1024
START = 1024 * 1024
DIRECT: int = getattr(os, "O_DIRECT", 0)
Bytes: TypeAlias = bytes | memoryview


class Behind:
    """The bytes of one file on their way: written where they belong, and added to ``checksum``.

    The first ones are dealt with as they come, so that a small file costs no thread. What
    follows is gathered in blocks, each as large as all that came before it, up to ``BLOCK``;
    while one fills, two threads write and check the one before it. Blocks go past the page
    cache where the system can do that: it takes less work, and leaves next to nothing to wait
    for when the file is made durable.

    ``landed`` is told how many bytes the file holds, by whoever wrote them. Whatever happens,
    ``stop`` has to be called in the end.
    """

    def __init__(
        self, handle: int, size: int, checksum: Any, landed: Callable[[int], None]
    ) -> None:
        self._handle, self._checksum, self._landed = handle, checksum, landed
        self._size = size
        self._edge = (size // START + 1) * START  # direct writes begin at a round place
        self._direct = False
        self._block: _Block | None = None
        self._spare = memoryview(b"")
        self._workers: tuple[_Worker, ...] = ()

    def write(self, chunk: bytes) -> None:
        """Take the next bytes; raises ``OSError``, for what could not be written before too."""
        rest = self._at_once(chunk) if self._block is None else chunk
        while rest:
            rest = self._gather(rest)

    def settle(self) -> None:
        """Leave nothing that is not in the file; raises what a thread could not do."""
        self.stop()
        for worker in self._workers:
            worker.check()
        block, self._workers = self._block, ()
        if block is not None:
            last = block.view[: block.filled]
            self._put(last, block.at)
            self._checksum.update(last)

    def stop(self) -> None:
        """End the threads with the blocks that they have; what is gathered is not written."""
        for worker in self._workers:
            worker.end()
        if self._workers:
            self._write_directly(False)

    def _at_once(self, chunk: Bytes) -> Bytes:
        """Write and check what comes before the first block; gives back the rest."""
        piece, rest = _parted(chunk, self._edge - self._size)
        self._put(memoryview(piece), self._size)
        self._checksum.update(piece)
        self._size += len(piece)
        self._landed(self._size)
        return rest

    def _gather(self, chunk: Bytes) -> Bytes:
        """Put bytes into the block; gives back those that do not fit."""
        block = self._block or self._begin()
        piece, rest = _parted(chunk, len(block.view) - block.filled)
        end = block.filled + len(piece)
        block.view[block.filled : end] = piece
        block.filled = end
        if end == len(block.view):
            self._hand_over(block)
        return rest

    def _begin(self) -> _Block:
        from mmap import mmap  # its memory begins at a page, as direct writes demand

        self._write_directly(True)
        self._spare = memoryview(mmap(-1, BLOCK))
        self._workers = (_Worker(self._land), _Worker(self._add))
        for worker in self._workers:
            worker.start()
        self._block = block = _Block(memoryview(mmap(-1, BLOCK)), self._edge)
        return block

    def _hand_over(self, block: _Block) -> None:
        for worker in self._workers:
            worker.wait()
        for worker in self._workers:
            worker.give(block)
        # In this order: an interruption between the two leaves a block that may be written
        # once more, never one that is filled with something else.
        self._block = _Block(self._spare, block.at + len(block.view))
        self._spare = block.whole

    def _land(self, block: _Block) -> None:
        self._put(block.view, block.at)
        self._landed(block.at + len(block.view))

    def _add(self, block: _Block) -> None:
        self._checksum.update(block.view)

    def _put(self, rest: memoryview, at: int) -> None:
        """Write all of it; what cannot be written directly is written as usual."""
        while rest:
            try:
                done = os.pwrite(self._handle, rest, at)
            except OSError as error:
                if error.errno != errno.EINVAL or not self._direct:
                    raise
                done = 0
            if done < len(rest):
                self._write_directly(False)
            rest, at = rest[done:], at + done

    def _write_directly(self, wanted: bool) -> None:
        flags = fcntl.fcntl(self._handle, fcntl.F_GETFL)
        with suppress(OSError):  # a file system that knows no direct writes
            fcntl.fcntl(self._handle, fcntl.F_SETFL, flags | DIRECT if wanted else flags & ~DIRECT)
        self._direct = wanted


def _parted(chunk: Bytes, room: int) -> tuple[Bytes, Bytes]:
    """What there is room for, and the rest."""
    if len(chunk) <= room:
        return chunk, b""
    view = memoryview(chunk)
    return view[:room], view[room:]


class _Block:
    """Memory for the bytes that belong at ``at``, as far as it is filled."""

    def __init__(self, whole: memoryview, at: int) -> None:
        self.whole, self.at, self.filled = whole, at, 0
        self.view = whole[:at]


class _Worker:
    """Does one thing to each block that it is given, one after the other, in its own thread."""

    def __init__(self, work: Callable[[_Block], None]) -> None:
        from queue import SimpleQueue

        self._work = work
        self._error: BaseException | None = None
        self._given: SimpleQueue[_Block | None] = SimpleQueue()
        self._free: SimpleQueue[None] = SimpleQueue()
        self._free.put(None)
        self._thread = Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin; no block is there yet, so that an interruption here leaves none half done."""
        self._thread.start()

    def wait(self) -> None:
        """Until the last block is done; raises what went wrong with it."""
        self._free.get()
        self.check()

    def give(self, block: _Block) -> None:
        """The next block, after ``wait``."""
        self._given.put(block)

    def check(self) -> None:
        """Raise what went wrong."""
        if self._error is not None:
            raise self._error

    def end(self) -> None:
        """Let the thread do what it was given, and no more."""
        self._given.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while (block := self._given.get()) is not None:
            try:
                if self._error is None:
                    self._work(block)
            except BaseException as error:  # told to the thread that receives
                self._error = error
            self._free.put(None)
