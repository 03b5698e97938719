"""Record the exchanges of a probe, and hold its findings."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, TypeVar

from callsheet.flows.effects import Flow, Gather, HttpReply, Send
from callsheet.jsonio import strict_json
from callsheet.protocol.envelope import open_envelope
from callsheet.protocol.error_replies import Refusal, read_refusal
from callsheet.text import one_line

T = TypeVar("T")


class Exchange(NamedTuple):
    """One request and its reply; ``trouble`` says in words why there is no reply."""

    send: Send
    reply: HttpReply | None = None
    trouble: str = ""

    @property
    def json(self) -> Any:
        """Return the reply's JSON; ``None`` without a reply and where it is not JSON."""
        return strict_json(self.reply.body) if self.reply is not None else None

    @property
    def is_accepted(self) -> bool:
        """Tell whether the reply has a 2xx status and JSON whose envelope does not refuse."""
        if self.reply is None or not 200 <= self.reply.status < 300:
            return False
        document = self.json
        return document is not None and open_envelope(document).refusal is None

    @property
    def refusal(self) -> Refusal:
        """Return the refusal of the envelope, else of the HTTP reply, else ``trouble`` as one."""
        if self.reply is None:
            return Refusal(message=self.trouble)
        inside = open_envelope(self.json).refusal
        return inside or read_refusal(self.reply.status, self.reply.headers, self.reply.body)


def observe(flow: Flow[T], exchanges: list[Exchange]) -> Flow[T]:
    """Return the same flow, which appends each of its exchanges to ``exchanges``, in order.

    It returns and raises what ``flow`` does; effects that send nothing are passed on alone.
    """
    answer: Any = None
    error: Exception | None = None
    while True:
        try:
            effect = flow.throw(error) if error is not None else flow.send(answer)
        except StopIteration as stop:
            returned: T = stop.value
            return returned
        answer = error = None
        try:
            answer = yield effect
        except Exception as raised:  # the flow decides what it means
            error = raised
        sends = effect.sends if isinstance(effect, Gather) else (effect,)
        replies = answer if isinstance(effect, Gather) else (error or answer,)
        for send, reply in zip(sends, replies or (), strict=False):
            if isinstance(send, Send):
                is_reply = isinstance(reply, HttpReply)
                exchanges.append(
                    Exchange(send, reply) if is_reply else Exchange(send, None, str(reply))
                )


_LONGEST = 4000
TOPICS = ("host", "redirects", "key", "list", "schemas", "families", "files", "task")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeFinding:
    """How one topic stands, in words for a person.

    ``came`` tells the shape alone: types, key names, statuses. ``read`` says what was made of
    it, ``unclear`` what was not understood (empty when all was), ``setting`` what forces this
    reading. ``evidence`` are lines about each value that was considered.
    """

    topic: str
    came: str
    read: str
    unclear: str = ""
    setting: str = ""
    evidence: tuple[str, ...] = ()

    def safe(self) -> ProbeFinding:
        """Return the finding without control characters, each text cut to a line of 4000."""
        fields = asdict(self)
        evidence = tuple(one_line(text, _LONGEST) for text in fields.pop("evidence"))
        texts = {name: one_line(text, _LONGEST) for name, text in fields.items()}
        return ProbeFinding(**texts, evidence=evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The findings in the order of ``TOPICS``, the files written, and how much was sent.

    ``actions`` counts what the host advertises: 0 where it is another kind of server, or refuses.
    ``queries`` counts the POSTs among ``requests``: one with a task, none without.
    """

    host: str
    findings: tuple[ProbeFinding, ...]
    actions: int = 0
    saved: tuple[str, ...] = ()
    requests: int = 0
    queries: int = 0

    def __getitem__(self, topic: str) -> ProbeFinding:
        """Return the finding of a topic; raise ``KeyError`` for any other word."""
        return {finding.topic: finding for finding in self.findings}[topic]

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {
            "host": self.host,
            "actions": self.actions,
            "findings": [asdict(finding) for finding in self.findings],
            "saved": list(self.saved),
            "requests": self.requests,
            "queries": self.queries,
        }
