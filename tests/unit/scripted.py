"""Drives flows by hand: scripted answers, a clock that only sleeping moves, effects kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from callsheet.backoff import Quota
from callsheet.flows.effects import (
    Download,
    Effect,
    Flow,
    Gather,
    HttpReply,
    Notify,
    Record,
    Send,
    Sleep,
)
from callsheet.flows.invoke import InvocationRequest
from callsheet.flows.retry import Timing
from callsheet.protocol.values import Overrides
from callsheet.spec import Action, Family

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")
HOST = "https://ads.example"
URL = f"{HOST}/api/actions/x"
FAMILY = Family(create="ai.v.make", wait="ai.v.make_and_wait", query="ai.v.query")
MAKE = Action(id="ai.v.make", role="create", family=FAMILY)


class Stage:
    """Where a flow plays: ``effects`` is what it asked for, ``now`` what time it is.

    Each send, gather or download takes the next answer: a reply, an exception to raise, or a
    function of the effect. The last answer is given again and again. ``record`` sees each
    ledger entry, and may raise.
    """

    def __init__(self, *answers: Any, tokens: int = 500, random: float = 0.5) -> None:
        self.now = 1_000_000.0
        self.effects: list[Effect] = []
        self._answers = list(answers)
        self.record: Callable[[Record], None] | None = None
        self.quota = Quota(tokens)
        self.timing = Timing(lambda: self.now, lambda: self.now, lambda: random, self.quota)

    def run(self, flow: Flow[T]) -> T:
        """Return what the flow returns; raise what it raises."""
        answer: Any = None
        error: BaseException | None = None
        while True:
            try:
                effect = flow.throw(error) if error is not None else flow.send(answer)
            except StopIteration as stop:
                outcome: T = stop.value
                return outcome
            self.effects.append(effect)
            answer = error = None
            try:
                answer = self._answer(effect)
            except BaseException as raised:
                error = raised

    def _answer(self, effect: Effect) -> Any:
        if isinstance(effect, Sleep):
            self.now += effect.seconds
        if isinstance(effect, Record) and self.record is not None:
            self.record(effect)
        if not isinstance(effect, Send | Gather | Download):
            return None
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if callable(answer):
            answer = answer(effect)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def of(self, kind: type[T]) -> list[T]:
        """Return the effects of one kind, in order."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    @property
    def sends(self) -> list[Send]:
        return self.of(Send)

    @property
    def pauses(self) -> list[float]:
        return [effect.seconds for effect in self.of(Sleep)]

    @property
    def events(self) -> list[str]:
        """Return the names of the ledger entries, in order."""
        return [effect.event for effect in self.of(Record)]

    @property
    def states(self) -> list[str]:
        """Return the states that were reported of the job, in order."""
        return [effect.update.state for effect in self.of(Notify)]

    @property
    def kinds(self) -> list[str]:
        return [type(effect).__name__ for effect in self.effects]


def reply(body: Any = b"", status: int = 200, url: str = URL, **headers: str) -> HttpReply:
    """Return an answer; ``retry_after="3"`` is its header ``retry-after``."""
    from json import dumps

    raw = body if isinstance(body, bytes) else dumps(body).encode()
    named = {name.replace("_", "-"): header for name, header in headers.items()}
    return HttpReply(status, named, raw, url)


def replies(states: Iterable[str]) -> list[HttpReply]:
    """Answers to polls, one a state."""
    return [reply({"taskId": "t-1", "status": state}) for state in states]


def order(action: Action = MAKE, **changes: Any) -> InvocationRequest:
    """Return a submission of ``{"prompt": "waves"}``."""
    request = InvocationRequest(
        action=action,
        body=b'{"prompt":"waves"}',
        value={"prompt": "waves"},
        ref="ref-1",
        host=HOST,
        overrides=Overrides(),
    )
    return request._replace(**changes)
