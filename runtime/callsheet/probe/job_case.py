"""Turn a job and what its server answered into a case that can be played again."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.jsonio import strict_json
from callsheet.probe.recording import Redactor, texts_of
from callsheet.protocol.media import kind_of_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from callsheet.probe.report import Exchange
    from callsheet.storage.ledger import LedgerEntry

EXITS = {
    "saved": 0, "done": 1, "refused": 1, "unsent": 1, "running": 4, "intent": 5, "unknown": 5,
    "failed": 6,
}  # fmt: skip
"""The exit code with which a job ends that is left in a state, where a file was asked for."""
_FILES = {"video": "good.mp4", "image": "good.png", "audio": "good.wav"}
_LONG = 400
_INLINE = re.compile(r"(data:[\w/+.-]*;base64,)?[A-Za-z0-9+/=_-]{400,}")
_ADDRESS = re.compile(r"https?://|/\S*\.[a-z0-9]{2,5}(?:[?#]|\Z)", re.I)
_TEXT = "x"


class JobRecord(NamedTuple):
    """What is known of a job.

    ``schemas`` are the input schemas of its actions by id, ``polls`` the questions about it in
    order, ``links`` those that were read as its results, ``evidence`` the lines that say why.
    """

    entry: LedgerEntry
    query: str
    schemas: Mapping[str, Any]
    polls: Sequence[Exchange]
    links: Sequence[str] = ()
    evidence: Sequence[str] = ()


def build_case(record: JobRecord) -> dict[str, Any]:
    """Return the case: without keys, and with texts, ids, links and hosts replaced."""
    entry = record.entry
    cleaner = _Cleaner(record)
    server: dict[str, Any] = {"actions": dict(record.schemas)}
    if entry.first_reply is not None:
        server["POST of the paid action"] = cleaner.reply(entry.first_reply)
    polls = [cleaner.exchange(poll) for poll in record.polls if poll.reply is not None]
    if polls:
        server[f"POST of {record.query}, one after the other, the last for ever"] = polls
    if entry.task_ids:
        server["the job is known by"] = "u1"
    words = ["PROGRAM", "call", entry.action, "--input", json.dumps(cleaner.body()), "--wait"]
    words += ["--out", f"out{_extension(entry)}", "--timeout", "8s", "--json"]
    return {
        "id": f"report.{entry.action}",
        "what": cleaner.text(f"{entry.action} is {entry.state}: {entry.error or entry.said or ''}"),
        "seen in the wild at": "a report",
        "server": server,
        "typed": [shlex.join(words)],
        "evidence": [cleaner.text(line) for line in record.evidence],
        "must": {"exit": EXITS[entry.state], "ledger": entry.state},
    }


def _extension(entry: LedgerEntry) -> str:
    name = entry.target or "out.mp4"
    return "." + name.rpartition(".")[2] if kind_of_name(name) else ".mp4"


class _Cleaner:
    """Replaces what is private in the replies of one job, everywhere by the same."""

    def __init__(self, record: JobRecord) -> None:
        self._entry = record.entry
        self._ids = {text: f"u{n}" for n, text in enumerate(record.entry.task_ids, 1)}
        self._results = tuple(record.links)
        self._others: dict[str, str] = {}
        self._body = strict_json((record.entry.body or "{}").encode())
        self._known = set(_texts(record.schemas))
        self._redactor = Redactor(texts=texts_of(record.entry.body or ""))

    def body(self) -> Any:
        """Return the body that was sent; texts that no schema names are replaced."""
        return self._walk(self._body, self._field)

    def _field(self, text: str) -> str:
        if text in self._known:
            return text
        return "@B/f/input.png" if _ADDRESS.match(text) else _TEXT

    def exchange(self, exchange: Exchange) -> Any:
        """Return one reply as a case holds it."""
        reply = exchange.reply
        assert reply is not None  # noqa: S101 - the caller leaves out what was not answered
        document = strict_json(reply.body)
        if document is None:
            return self.reply(
                {"@status": reply.status, "@text": reply.body.decode("utf-8", "replace")}
            )
        return self.reply({"@status": reply.status, "@body": document})

    def reply(self, parts: Mapping[str, Any]) -> Any:
        """Return an answer (``@status``, ``@body`` or ``@text``) without what is private."""
        cleaned = {**parts}
        if "@body" in cleaned:
            cleaned["@body"] = self._redactor.job(self._walk(cleaned["@body"], self._value))
        else:
            cleaned["@text"] = self.text(str(cleaned.get("@text", "")))
        return cleaned["@body"] if cleaned.get("@status") == 200 and "@body" in cleaned else cleaned

    def text(self, text: str) -> str:
        """Return a line with ids, links and what the user wrote replaced."""
        words = (self._link(word) if _ADDRESS.match(word) else word for word in text.split(" "))
        return self._redactor.text(self._without_ids(" ".join(words)))

    def _value(self, text: str) -> str:
        if text in self._results or _ADDRESS.match(text):
            return self._link(text)
        if len(text) > _LONG and (match := _INLINE.fullmatch(text)):
            is_video = _FILES["video"] == self._file()
            return (match[1] or "") + ("@GOODB64" if is_video else "@PNGB64")
        return self._without_ids(text)

    def _without_ids(self, text: str) -> str:
        for task_id, name in self._ids.items():
            text = text.replace(task_id, name)
        return text

    def _link(self, link: str) -> str:
        if link in self._results:
            return f"@B/f/{self._file()}"
        ending = re.search(r"\.([a-z0-9]{2,5})(?=[?#]|\Z)", link)
        name = f"other-{len(self._others) + 1}{ending[0] if ending else ''}"
        return f"@B/f/{self._others.setdefault(link, name)}"

    def _file(self) -> str:
        kind = kind_of_name(_extension(self._entry))
        return _FILES.get(kind, _FILES["video"])

    def _walk(self, node: Any, change: Any) -> Any:
        if isinstance(node, dict):
            return {key: self._walk(member, change) for key, member in node.items()}
        if isinstance(node, list):
            return [self._walk(member, change) for member in node]
        return change(node) if isinstance(node, str) else node


def _texts(node: Any) -> Iterable[str]:
    if isinstance(node, dict):
        for member in node.values():
            yield from _texts(member)
    elif isinstance(node, list):
        for member in node:
            yield from _texts(member)
    elif isinstance(node, str):
        yield node
