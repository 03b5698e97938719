"""Redact replies, record them, and turn a job into a test case that the sandbox replays."""

from __future__ import annotations

import json
import os
import re
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from callsheet.errors import UsageError
from callsheet.jsonio import strict_json
from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.job_fields import state_rank
from callsheet.protocol.media import kind_of_name
from callsheet.protocol.paging import is_cursor_key
from callsheet.protocol.values import parse_nested, word, words
from callsheet.secret import redact_text
from callsheet.text import word_set

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from callsheet.config.settings import Settings
    from callsheet.flows.effects import HttpReply, Send
    from callsheet.probe.report import Exchange
    from callsheet.secret import Secret
    from callsheet.storage.ledger_entry import LedgerEntry


REMOVED = "(removed)"
_LIKE_A_KEY = re.compile(r"\b(?:sk|pk|rk|key)[-_][A-Za-z0-9_-]{8,}|\bBearer\s+[!-~]{8,}", re.I)
_LINK = re.compile(
    r"(https?://|\{origin\}/|(?<=[\s\"'(])/|^/)(?:[^\s/@\"'<>]*@)?([^\s\"'<>?#]*)"
    r"(?:\?[^\s\"'<>]*|#[^\s\"'<>/][^\s\"'<>]*)"
)
_INLINE = re.compile(r"data:([\w/+.-]*);base64,[A-Za-z0-9+/=_-]+")
_CREDENTIAL = word_set("""
    secret password authorization cookie signature credential apikey sessiontoken accesstoken
    refreshtoken token
""")
_WRITTEN = frozenset({"prompt", "prompts", "text", "caption", "script", "lyrics", "subject"})
_ECHO = word_set("""
    input inputs param params parameters request body args arguments options payload
""")
_SPOKEN = frozenset(
    {*vocab.MESSAGE_KEYS, *vocab.ERROR_KEYS, *vocab.CODE_KEYS, *map(word, vocab.TITLE_KEYS)}
)
EXITS = {
    "saved": 0, "done": 1, "refused": 1, "unsent": 1, "running": 4, "intent": 5, "unknown": 5,
    "failed": 6,
}  # fmt: skip
"""The exit code with which a job ends that is left in a state, where a file was asked for."""
_FILES = {"video": "good.mp4", "image": "good.png", "audio": "good.wav"}
_LONG = 400
_INLINE_FILE = re.compile(r"(data:[\w/+.-]*;base64,)?[A-Za-z0-9+/=_-]{400,}")
_ADDRESS = re.compile(r"https?://|/\S*\.[a-z0-9]{2,5}(?:[?#]|\Z)", re.I)
_TEXT = "x"


class Redactor:
    """Removes what is private from replies of one host.

    ``secrets`` are the keys in use, ``texts`` what the user once sent, ``links`` those that
    must stay whole because a replay asks for them.
    """

    def __init__(
        self,
        secrets: Sequence[Secret] = (),
        *,
        texts: Sequence[str] = (),
        links: Collection[str] = (),
    ) -> None:
        self.secrets = tuple(secrets)
        self.texts = sorted({text for text in texts if len(text) > 3}, key=len, reverse=True)
        self.links = frozenset(links)

    def text(self, text: str) -> str:
        """Return a text without keys, sent texts, signatures and inline media.

        One of ``links`` is returned as it is.
        """
        if text in self.links:
            return text
        text = redact_text(text, self.secrets)
        text = _LIKE_A_KEY.sub(REMOVED, text)
        for private in self.texts:
            text = text.replace(private, REMOVED)
        text = _INLINE.sub(rf"data:\1;base64,{REMOVED}", text)
        return _LINK.sub(r"\1\2", text)

    def catalogue(self, document: Any) -> Any:
        """Return a redacted copy of a list or schema document; the server's own texts stay."""
        return self._walk(document, job=False)

    def job(self, document: Any) -> Any:
        """Return a redacted copy of a reply about a job, without what the user wrote.

        Free text is removed too, except in the fields of messages, codes and states.
        """
        return self._walk(document, job=True)

    def _walk(self, node: Any, *, job: bool, key: str = "", is_removed: bool = False) -> Any:
        if isinstance(node, dict):
            return {
                self.text(name): self._walk(
                    member,
                    job=job,
                    key=name,
                    is_removed=is_removed or (job and name.lower() in _ECHO),
                )
                for name, member in node.items()
            }
        if isinstance(node, list):
            return [self._walk(member, job=job, key=key, is_removed=is_removed) for member in node]
        if not isinstance(node, str):
            return node
        nested = parse_nested(node)
        if nested is not node:
            return json.dumps(
                self._walk(nested, job=job, key=key, is_removed=is_removed), ensure_ascii=False
            )
        return REMOVED if is_removed or self._is_private(node, key, job=job) else self.text(node)

    def _is_private(self, text: str, key: str, *, job: bool) -> bool:
        """Tell whether a text under a key is a credential, or in a job's reply the user's own."""
        if _CREDENTIAL & {"".join(words(key)), *words(key)} and not is_cursor_key(key):
            return bool(text)
        if not job:
            return False
        is_written = bool(_WRITTEN.intersection(words(key)))
        is_spoken = word(key) in _SPOKEN or state_rank(key) is not None
        return is_written or (not is_spoken and any(char.isspace() for char in text))


ORIGIN = "{origin}"
_HEADERS = word_set("""
    content-type etag last-modified link location retry-after www-authenticate ratelimit-limit
    ratelimit-remaining ratelimit-reset
""")
_LINK_HEADER = re.compile(r"<([^<>]*)>")


def check_folder(folder: str) -> None:
    """Make the folder; raise ``UsageError`` where that fails or it holds JSON files already."""
    try:
        os.makedirs(folder, exist_ok=True)
        has_replies = any(name.endswith(".json") for name in os.listdir(folder))
    except OSError as error:
        raise UsageError(f"{folder} cannot be used: {error.strerror}", flag="--save") from None
    if has_replies:
        raise UsageError(
            f"{folder} holds JSON files already", hint="name an empty folder", flag="--save"
        )


def write(
    folder: str, exchanges: Sequence[Exchange], settings: Settings, *, secrets: Sequence[str] = ()
) -> tuple[str, ...]:
    """Write a redacted file for each reply, in the order of the requests; return their paths.

    ``secrets`` are texts of the user beside the key. Requests without a reply are left out.
    Raises ``UsageError`` when a file exists already or cannot be written.
    """
    recorder = _Recorder(exchanges, settings, secrets)
    paths = []
    replied = [(x.send, x.reply) for x in exchanges if x.reply is not None]
    for number, (send, reply) in enumerate(replied, start=1):
        record = recorder.record(send, reply)
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", record["path"].removeprefix("/api/"))[:80]
        path = os.path.join(folder, f"{number:03d}-{record['method'].lower()}-{name}.json")
        try:
            with open(path, "x", encoding="utf-8") as file:
                json.dump(record, file, ensure_ascii=False, indent=2)
                file.write("\n")
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}", flag="--save") from None
        paths.append(path)
    return tuple(paths)


def texts_of(body: str) -> tuple[str, ...]:
    """Return every text value in a JSON body; none where it is empty or not JSON."""
    return tuple(_texts(strict_json(body.encode()) if body else None))


def _texts(document: Any) -> Iterator[str]:
    stack = [document]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            yield node
        elif isinstance(node, dict):
            stack += node.values()
        elif isinstance(node, list):
            stack += node


class _Recorder:
    """Turns exchanges of one host into records without its address and without secrets."""

    def __init__(
        self, exchanges: Sequence[Exchange], settings: Settings, texts: Sequence[str]
    ) -> None:
        self.host = settings.host
        self.prefix = urlsplit(settings.host).path
        replies = [exchange.reply for exchange in exchanges if exchange.reply is not None]
        requested = {link for reply in replies for link in self._spellings(reply.url)}
        keys = settings.secrets
        self.redactor = Redactor(keys, texts=texts, links=requested)

    def _spellings(self, url: str) -> tuple[str, ...]:
        """Return the ways to write a link to this address: with its host, without it, as a path."""
        return url, url.replace(self.host, ORIGIN), self._path(url), self.prefix + self._path(url)

    def _path(self, url: str) -> str:
        """Return the path and query of a URL, relative to the host's address."""
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        return parts.path.removeprefix(self.prefix) + query

    def record(self, send: Send, reply: HttpReply) -> dict[str, Any]:
        """Return one reply, redacted, as ``callsheet sandbox --replay`` reads it."""
        sent = send.url or f"{self.host}{send.path}"
        return {
            "method": send.method,
            "path": self.redactor.text(self._path(sent)),
            "status": reply.status,
            "headers": self._headers(reply),
            "body": self._body(reply, is_job=send.method == "POST"),
        }

    def _headers(self, reply: HttpReply) -> dict[str, str]:
        headers = {name: header for name, header in reply.headers.items() if name in _HEADERS}
        if "location" in headers:
            headers["location"] = self._relative(urljoin(reply.url, headers["location"]))
        if "link" in headers:
            headers["link"] = _LINK_HEADER.sub(
                lambda match: f"<{self._relative(urljoin(reply.url, match[1]))}>", headers["link"]
            )
        return {name: self._clean(header) for name, header in headers.items()}

    def _clean(self, header: str) -> str:
        """Redact a header; a requested link and a header with a relative link stay whole."""
        return (
            header
            if header in self.redactor.links or "</" in header
            else self.redactor.text(header)
        )

    def _relative(self, url: str) -> str:
        """Return a link inside the host without its address, any other without its signature."""
        is_own = url == self.host or url.startswith(f"{self.host}/")
        return self._path(url) if is_own else self.redactor.text(url)

    def _body(self, reply: HttpReply, *, is_job: bool) -> Any:
        document = strict_json(reply.body)
        if document is None:
            return self.redactor.text(reply.body.decode("utf-8", "replace"))
        document = json.loads(json.dumps(document, ensure_ascii=False).replace(self.host, ORIGIN))
        return self.redactor.job(document) if is_job else self.redactor.catalogue(document)


class JobRecord(NamedTuple):
    """What is known of a job.

    ``query`` is the action that asks about it, ``schemas`` the input schemas of its actions by id,
    ``polls`` the queries in order, ``links`` those that were read as its results, ``evidence`` the
    lines that say why.
    """

    entry: LedgerEntry
    query: str
    schemas: Mapping[str, Any]
    polls: Sequence[Exchange]
    links: Sequence[str] = ()
    evidence: Sequence[str] = ()


def build_case(record: JobRecord) -> dict[str, Any]:
    """Return the test case: without keys, and with texts, ids, links and hosts replaced."""
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
    """Replaces what is private in the replies of one job, each value by the same placeholder."""

    def __init__(self, record: JobRecord) -> None:
        self._entry = record.entry
        self._ids = {text: f"u{n}" for n, text in enumerate(record.entry.task_ids, 1)}
        self._results = tuple(record.links)
        self._others: dict[str, str] = {}
        self._body = strict_json((record.entry.body or "{}").encode())
        self._known = set(_texts(record.schemas))
        self._redactor = Redactor(texts=texts_of(record.entry.body or ""))

    def body(self) -> Any:
        """Return the body that was sent, with each text replaced that no schema contains."""
        return self._walk(self._body, self._field)

    def _field(self, text: str) -> str:
        if text in self._known:
            return text
        return "@B/f/input.png" if _ADDRESS.match(text) else _TEXT

    def exchange(self, exchange: Exchange) -> Any:
        """Return one reply as a case holds it: its JSON for a 200, else with ``@status``."""
        reply = exchange.reply
        assert reply is not None  # noqa: S101 - the caller leaves out what was not answered
        document = strict_json(reply.body)
        if document is None:
            return self.reply(
                {"@status": reply.status, "@text": reply.body.decode("utf-8", "replace")}
            )
        return self.reply({"@status": reply.status, "@body": document})

    def reply(self, parts: Mapping[str, Any]) -> Any:
        """Return an answer (``@status``, ``@body`` or ``@text``) without what is private.

        For a status of 200 with a body it is the body alone.
        """
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
        """Replace a link, an inline file or the ids in a text of a reply."""
        if text in self._results or _ADDRESS.match(text):
            return self._link(text)
        if len(text) > _LONG and (match := _INLINE_FILE.fullmatch(text)):
            is_video = _FILES["video"] == self._file()
            return (match[1] or "") + ("@GOODB64" if is_video else "@PNGB64")
        return self._without_ids(text)

    def _without_ids(self, text: str) -> str:
        for task_id, name in self._ids.items():
            text = text.replace(task_id, name)
        return text

    def _link(self, link: str) -> str:
        """Return the placeholder of a link: the result file, else the same name each time."""
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
