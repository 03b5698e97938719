"""Bound the time that a request takes in all, even if single bytes keep coming."""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from callsheet.flows.effects import Pace


REPORT_AFTER = 10.0
"""Seconds without a byte after which the silent host is reported to the user."""
FOREVER = float("inf")


class Watch:
    """The time that one request has left, in seconds.

    It is over ``within`` seconds after the beginning. A body that may be long moves the end on
    while ``pace.least`` bytes come in each ``pace.window``. Never is it later than ``latest``.
    ``tell`` is called once, when nothing was heard until ``tell_at``. Both are readings of
    ``clock``.
    """

    def __init__(
        self,
        within: float,
        pace: Pace,
        *,
        latest: float = FOREVER,
        tell: Callable[[], object] | None = None,
        tell_at: float = FOREVER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock, self._pace, self._latest = clock, pace, latest
        self._tell, self._tell_at = tell, tell_at
        self.seconds = within
        self._end = min(clock() + within, latest)
        self._came = 0

    def left(self) -> float:
        """Return the seconds until the end."""
        return self._end - self._clock()

    def is_over(self) -> bool:
        """Tell whether the time has run out; a timer of the system may be early by a little."""
        return self.left() <= 0.01

    def check(self) -> None:
        """Raise ``TimeoutError`` when the time has run out."""
        if self.left() <= 0:
            raise TimeoutError

    def came(self, size: int) -> None:
        """Count bytes of a body that may be long: enough of them move the end on."""
        self._came += size
        if self._came >= self._pace.least:
            self._came = 0
            self.seconds = self._pace.window
            self._end = min(max(self._end, self._clock() + self._pace.window), self._latest)

    def bound(self, timeout: float | None) -> float:
        """Return the seconds that a step may take: ``timeout``, or less at the end of the time.

        Call ``tell`` where that is due.
        """
        self._tell_if_due()
        left = max(self.left(), 0.001)
        return left if timeout is None else min(left, timeout)

    def read(self, stream: Any, size: int, timeout: float | None) -> bytes:
        """Read from a connection of httpcore, and call ``tell`` meanwhile where that is due.

        Raises ``httpcore.ReadTimeout``.
        """
        from httpcore import ReadTimeout

        silence = self._clock() + (FOREVER if timeout is None else timeout)
        while True:
            self._tell_if_due()
            now = self._clock()
            left = min(silence, self._end) - now
            if left <= 0:
                raise ReadTimeout
            until_told = self._tell_at - now if self._tell is not None else FOREVER
            try:
                data: bytes = stream.read(size, min(left, max(until_told, 0.001)))
            except ReadTimeout:
                continue
            self._tell_at = max(self._tell_at, self._clock() + REPORT_AFTER)
            return data

    def _tell_if_due(self) -> None:
        if self._tell is not None and self._clock() >= self._tell_at:
            tell, self._tell = self._tell, None
            tell()


_current: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watching(watch: Watch) -> Iterator[None]:
    """Let the connections that this thread uses meanwhile keep to a watch."""
    token = _current.set(watch)
    try:
        yield
    finally:
        _current.reset(token)


def keep_time(client: Any) -> None:
    """Make the connections of an ``httpx.Client`` keep to the watch of the thread that uses them.

    The time-outs of httpx begin anew with every byte, and httpx has no public place for another.
    """
    for transport in (client._transport, *client._mounts.values()):
        pool = getattr(transport, "_pool", None)
        if pool is not None:
            pool._network_backend = _Backend(pool._network_backend)


def _bound(timeout: float | None) -> float | None:
    watch = _current.get()
    return timeout if watch is None else watch.bound(timeout)


class _Stream:
    """A connection of httpcore that keeps to the watch."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.close, self.get_extra_info = stream.close, stream.get_extra_info

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there; raise ``httpcore.ReadTimeout``."""
        watch = _current.get()
        if watch is not None:
            return watch.read(self._stream, max_bytes, timeout)
        data: bytes = self._stream.read(max_bytes, timeout)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it, in parts whose time counts; raise ``httpcore.WriteTimeout``."""
        for start in range(0, len(buffer), _PART):
            self._stream.write(buffer[start : start + _PART], _bound(timeout))

    def start_tls(self, timeout: float | None = None, **options: Any) -> _Stream:
        """Return the encrypted connection over this one."""
        return _Stream(self._stream.start_tls(timeout=_bound(timeout), **options))


_PART = 64 << 10


class _Backend:
    """Opens connections of httpcore that keep to the watch."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def connect_tcp(self, host: str, port: int, timeout: Any = None, **options: Any) -> _Stream:
        """Connect to the first address of a host that answers, in ``timeout`` seconds in all."""
        from httpcore import ConnectError, ConnectTimeout

        end = time.monotonic() + (_bound(timeout) or FOREVER)
        failure: Exception = ConnectTimeout()
        addresses = _addresses(host, port, end - time.monotonic())
        for index, address in enumerate(addresses):
            left = end - time.monotonic()
            if left <= 0:
                break
            share = left / (len(addresses) - index)  # a dead one leaves time for the others
            limit = None if left == FOREVER else share
            try:
                return _Stream(self._backend.connect_tcp(address, port, timeout=limit, **options))
            except (ConnectError, ConnectTimeout) as error:
                failure = error
        raise failure


def _addresses(host: str, port: int, seconds: float) -> list[str]:
    """Resolve the name of a host; raise ``httpcore.ConnectError`` or ``ConnectTimeout``.

    Nothing else ends the question for a name, so a thread asks that may be left behind.
    """
    if host == "localhost" or ":" in host or host.replace(".", "").isdigit():
        return [host]
    import socket
    import threading
    from queue import Empty, SimpleQueue

    from httpcore import ConnectError, ConnectTimeout

    answers: SimpleQueue[list[str] | Exception] = SimpleQueue()

    def resolve() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(entry[4][0]) for entry in entries)))
        except Exception as error:  # raised again by the thread that waits
            answers.put(error)

    threading.Thread(target=resolve, daemon=True).start()
    try:
        answer = answers.get(timeout=min(seconds, threading.TIMEOUT_MAX))
    except Empty:
        raise ConnectTimeout(f"the name {host} was not resolved in time") from None
    if isinstance(answer, OSError):
        raise ConnectError(str(answer)) from answer
    if isinstance(answer, Exception):
        raise answer
    return answer
