"""A request has a time in all; a body that comes fast enough has more of it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import httpcore
import pytest
from unit.scripted import HOST, Stage, reply
from unit.servers import said, serving

from callsheet.config.settings import Settings
from callsheet.errors import NetworkError, OutOfTime
from callsheet.flows.effects import Download, Gather, Pace, Send, Sleep
from callsheet.flows.retry import with_retries
from callsheet.transport import watch as watching
from callsheet.transport.sync import Transport
from callsheet.transport.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PACE = Pace(60.0, 1000)


class WaitingClock:
    """A clock that moves when somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class SilentStream:
    """A connection on which nothing comes for ``silence`` seconds; ``waited`` are the time-outs."""

    def __init__(self, clock: WaitingClock, silence: float) -> None:
        self.clock, self.silence = clock, silence
        self.waited: list[float] = []

    def read(self, size: int, timeout: float) -> bytes:
        self.waited.append(timeout)
        if timeout < self.silence:
            self.clock.now += timeout
            self.silence -= timeout
            raise httpcore.ReadTimeout
        self.clock.now += self.silence
        return b"x"


def watch(clock: WaitingClock, within: float, **more: Any) -> Watch:
    return Watch(within, PACE, clock=clock, **more)


def test_each_read_has_what_is_left_and_no_more_than_the_silence() -> None:
    clock = WaitingClock()
    rest = watch(clock, 100.0)
    assert rest.read(SilentStream(clock, 50.0), 9, 60.0) == b"x"
    with pytest.raises(httpcore.ReadTimeout):
        rest.read(SilentStream(clock, 55.0), 9, 60.0)
    assert (clock.now, rest.is_over()) == (200.0, True)

    fresh = watch(clock, 100.0)
    with pytest.raises(httpcore.ReadTimeout):
        fresh.read(SilentStream(clock, 70.0), 9, 60.0)
    assert not fresh.is_over()


def test_a_silent_host_is_told_once_after_ten_seconds() -> None:
    clock, told = WaitingClock(), []
    stream = SilentStream(clock, 35.0)
    rest = watch(clock, 100.0, tell=lambda: told.append(clock.now), tell_at=110.0)
    rest.read(stream, 9, 60.0)
    assert told == [110.0]
    assert stream.waited == [10.0, 50.0]


def test_who_answers_is_not_told() -> None:
    clock, told = WaitingClock(), []
    rest = watch(clock, 100.0, tell=lambda: told.append(clock.now), tell_at=110.0)
    for _ in range(9):
        rest.read(SilentStream(clock, 9.0), 9, 60.0)
    assert told == []


def test_enough_of_a_body_moves_the_end_on_up_to_the_last() -> None:
    clock = WaitingClock()
    rest = watch(clock, 60.0, latest=300.0)
    for _ in range(2):
        clock.now += 50.0
        rest.came(600)
    assert rest.left() == 60.0  # both together were enough
    clock.now += 50.0
    rest.came(999)
    assert rest.left() == 10.0
    rest.came(1)
    assert rest.left() == 50.0


@pytest.fixture
def sync(tmp_path: Path) -> Iterator[Callable[..., Transport]]:
    transports: list[Transport] = []

    def create(url: str, **more: Any) -> Transport:
        settings = Settings("ads", "ADS", *[str(tmp_path)] * 3, host=url)
        transports.append(Transport(settings, None, **more))
        return transports[-1]

    yield create
    for transport in transports:
        transport.close()


def test_nothing_is_asked_after_the_deadline(sync: Any) -> None:
    clock, slept = WaitingClock(), []
    with serving(said({"ok": True})) as server:
        transport = sync(server.url, clock=clock, sleep=slept.append)
        transport.deadline = 130.0
        transport.perform(Sleep(500.0))
        clock.now = 130.0
        transport.perform(Sleep(5.0))
        part: Any = None
        for effect in (
            Send("GET", "/late"),
            Send("POST", "/late", is_bounded=False),
            Download(f"{server.url}/late", part),
        ):
            with pytest.raises(OutOfTime) as caught:
                transport.perform(effect)
            assert (caught.value.sent, caught.value.retryable) == (False, False)
    assert slept == [30.0, 0.0]
    assert server.seen == []


def test_what_may_cost_money_is_not_cut_once_it_has_left(sync: Any) -> None:
    clock = WaitingClock()

    def answer(request: Any) -> Any:
        clock.now += 1000.0
        return said({"ok": "x" * 4_000_000})  # no single read takes it all

    with serving(answer) as server:
        transport = sync(server.url, clock=clock)
        transport.deadline = 130.0
        assert transport.perform(Send("POST", "/", within=2000.0, is_bounded=False)).status == 200
        clock.now = 129.0
        with pytest.raises(OutOfTime):
            transport.perform(Send("POST", "/", within=2000.0))
        assert len(server.posts()) == 2


def test_what_is_asked_at_once_ends_together(sync: Any) -> None:
    with serving(said({"ok": True})) as server:
        answers = sync(server.url).perform(Gather((Send("GET", "/a"), Send("GET", "/b")), -1.0))
        assert [type(answer) for answer in answers] == [OutOfTime, OutOfTime]
    assert server.seen == []


def test_a_name_that_is_not_resolved_in_time_is_given_up(
    sync: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    gate = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: gate.wait(60))
    with pytest.raises(NetworkError, match="not resolved") as caught:
        sync("http://ads.example").perform(Send("GET", "/", within=0.05))
    gate.set()
    assert caught.value.sent is False


def test_retries_have_the_time_of_one_request_without_the_pauses() -> None:
    def late(send: Send) -> Any:
        stage.now += 50.0
        return reply(status=503, retry_after="40")

    stage = Stage(late)
    assert stage.run(with_retries(Send("GET", "/", within=120.0), stage.timing)).status == 503
    assert [send.within for send in stage.sends] == [120.0, 70.0, 20.0]
    assert stage.pauses == [40.0, 40.0]


def test_what_took_all_its_time_is_not_asked_again() -> None:
    stage = Stage(OutOfTime(f"{HOST} did not finish", sent=True))
    with pytest.raises(OutOfTime):
        stage.run(with_retries(Send("GET", "/"), stage.timing))
    assert len(stage.sends) == 1


class DeadAndLiving:
    """A backend to whose first address nothing answers; ``given`` are the time-outs."""

    def __init__(self) -> None:
        self.given: list[float] = []

    def connect_tcp(self, host: str, port: int, *, timeout: float, **options: Any) -> object:
        self.given.append(timeout)
        if len(self.given) == 1:
            raise httpcore.ConnectTimeout
        return httpcore.MockStream([])


def test_a_dead_address_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_addresses", lambda *_: ["2001:db8::1", "192.0.2.1"])
    backend = DeadAndLiving()
    watching._Backend(backend).connect_tcp("host.example", 443, timeout=10.0)
    assert len(backend.given) == 2
    assert backend.given[0] <= 5.0
