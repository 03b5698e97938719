"""Listens to a flow: every request that it sends, with what came back."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

from callsheet.flows import Flow, Gather, Reply, Send
from callsheet.protocol import Refusal, open_envelope, read_refusal
from callsheet.strictjson import strict_json

T = TypeVar("T")


class Exchange(NamedTuple):
    """One request and its reply; ``trouble`` says in words why there is none."""

    send: Send
    reply: Reply | None = None
    trouble: str = ""

    @property
    def json(self) -> Any:
        """The reply's JSON; ``None`` where it has none."""
        return strict_json(self.reply.body) if self.reply is not None else None

    @property
    def accepted(self) -> bool:
        """Whether the reply is JSON that does not say no, whatever HTTP says."""
        if self.reply is None or not 200 <= self.reply.status < 300:
            return False
        data = self.json
        return data is not None and open_envelope(data).refusal is None

    @property
    def refusal(self) -> Refusal:
        """The server's no, or the trouble with the network in its place."""
        if self.reply is None:
            return Refusal(message=self.trouble)
        inside = open_envelope(self.json).refusal
        return inside or read_refusal(self.reply.status, self.reply.headers, self.reply.body)


def watched(flow: Flow[T], seen: list[Exchange]) -> Flow[T]:
    """The same flow; ``seen`` gets each of its exchanges, in order."""
    answer: Any = None
    error: Exception | None = None
    while True:
        try:
            effect = flow.throw(error) if error is not None else flow.send(answer)
        except StopIteration as stop:
            found: T = stop.value
            return found
        answer = error = None
        try:
            answer = yield effect
        except Exception as raised:  # the flow decides what it means
            error = raised
        sends = effect.sends if isinstance(effect, Gather) else (effect,)
        replies = answer if isinstance(effect, Gather) else (error or answer,)
        for send, reply in zip(sends, replies or (), strict=False):
            if isinstance(send, Send):
                seen.append(_exchange(send, reply))


def _exchange(send: Send, reply: Reply | Exception) -> Exchange:
    if isinstance(reply, Reply):
        return Exchange(send, reply)
    return Exchange(send, None, str(reply))
