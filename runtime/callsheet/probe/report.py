"""What a probe found out, one finding a topic."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from callsheet.text import one_line

_LONGEST = 4000
TOPICS = ("host", "redirects", "key", "list", "schemas", "families", "task")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How one topic stands, in words for a person.

    ``came`` tells the shape alone: types, key names, statuses. ``read`` says what was made of
    it, ``unclear`` what was not understood (empty when all was), ``setting`` what forces this
    reading.
    """

    topic: str
    came: str
    read: str
    unclear: str = ""
    setting: str = ""

    def safe(self) -> Finding:
        """The same without what a terminal would obey, each text on one line."""
        return Finding(**{name: one_line(text, _LONGEST) for name, text in asdict(self).items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The findings in the order of ``TOPICS``, the files written, and how much was sent.

    ``actions`` counts what the host advertises: none where it is no such server, or refuses.
    ``queries`` counts the POSTs among ``requests``: one with a task, none without.
    """

    host: str
    findings: tuple[Finding, ...]
    actions: int = 0
    saved: tuple[str, ...] = ()
    requests: int = 0
    queries: int = 0

    def __getitem__(self, topic: str) -> Finding:
        """The finding of a topic; ``KeyError`` for any other word."""
        return {finding.topic: finding for finding in self.findings}[topic]

    def as_json(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {
            "host": self.host,
            "actions": self.actions,
            "findings": [asdict(finding) for finding in self.findings],
            "saved": list(self.saved),
            "requests": self.requests,
            "queries": self.queries,
        }
