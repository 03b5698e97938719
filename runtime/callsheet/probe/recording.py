"""Redact and record what was exchanged."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from callsheet.errors import UsageError
from callsheet.jsonio import strict_json
from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.values import parse_nested, words
from callsheet.secret import redact_text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from callsheet.config.settings import Settings
    from callsheet.flows.effects import HttpReply
    from callsheet.probe.report import Exchange
    from callsheet.secret import Secret


REMOVED = "(removed)"
_LIKE_A_KEY = re.compile(r"\b(?:sk|pk|rk|key)[-_][A-Za-z0-9_-]{8,}|\bBearer\s+[!-~]{8,}", re.I)
_LINK = re.compile(
    r"(https?://|\{origin\}/|(?<=[\s\"'(])/|^/)(?:[^\s/@\"'<>]*@)?([^\s\"'<>?#]*)"
    r"(?:\?[^\s\"'<>]*|#[^\s\"'<>/][^\s\"'<>]*)"
)
_INLINE = re.compile(r"data:([\w/+.-]*);base64,[A-Za-z0-9+/=_-]+")
_CREDENTIAL = frozenset(
    {
        *("secret", "password", "authorization", "cookie", "signature", "credential", "apikey"),
        *("sessiontoken", "accesstoken", "refreshtoken", "token"),
    }
)
_WRITTEN = frozenset({"prompt", "prompts", "text", "caption", "script", "lyrics", "subject"})
_ECHO = frozenset(
    {
        *("input", "inputs", "param", "params", "parameters", "request", "body", "args"),
        *("arguments", "options", "payload"),
    }
)
_SPOKEN = frozenset(
    {*vocab.MESSAGE_KEYS, *vocab.ERROR_KEYS, *vocab.STATE_KEYS, *vocab.TITLE_KEYS, *vocab.CODE_KEYS}
)


class Redactor:
    """Removes what is private from replies of one host.

    ``secrets`` are the keys in use, ``texts`` what the user once sent, ``kept`` the links that
    must stay whole because a replay asks for them.
    """

    def __init__(
        self,
        secrets: Sequence[Secret] = (),
        *,
        texts: Sequence[str] = (),
        kept: Collection[str] = (),
    ) -> None:
        self.secrets = tuple(secrets)
        self.texts = sorted({text for text in texts if len(text) > 3}, key=len, reverse=True)
        self.kept = frozenset(kept)

    def text(self, value: str) -> str:
        """One text without keys, sent texts, signatures and inline media."""
        if value in self.kept:
            return value
        value = redact_text(value, self.secrets)
        value = _LIKE_A_KEY.sub(REMOVED, value)
        for private in self.texts:
            value = value.replace(private, REMOVED)
        value = _INLINE.sub(rf"data:\1;base64,{REMOVED}", value)
        return _LINK.sub(r"\1\2", value)

    def catalogue(self, value: Any) -> Any:
        """A list or schema document: its words stay, since they are the server's."""
        return self._walk(value, job=False)

    def job(self, value: Any) -> Any:
        """A reply about a job: what the user wrote, and any free text, goes."""
        return self._walk(value, job=True)

    def _walk(self, value: Any, *, job: bool, key: str = "", gone: bool = False) -> Any:
        if isinstance(value, dict):
            return {
                self.text(name): self._walk(
                    item, job=job, key=name, gone=gone or _is_echo(name, job)
                )
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [self._walk(item, job=job, key=key, gone=gone) for item in value]
        if not isinstance(value, str):
            return value
        read = parse_nested(value)
        if read is not value:
            return json.dumps(self._walk(read, job=job, key=key, gone=gone), ensure_ascii=False)
        return REMOVED if gone or self._is_private(value, key, job=job) else self.text(value)

    def _is_private(self, value: str, key: str, *, job: bool) -> bool:
        if _CREDENTIAL & {"".join(words(key)), *words(key)} and key not in vocab.CURSORS:
            return bool(value)
        if not job:
            return False
        written = bool(_WRITTEN.intersection(words(key)))
        return written or (key not in _SPOKEN and any(char.isspace() for char in value))


def _is_echo(name: str, job: bool) -> bool:
    return job and name.lower() in _ECHO


ORIGIN = "{origin}"
_HEADERS = frozenset(
    {
        *("content-type", "etag", "last-modified", "link", "location", "retry-after"),
        *("www-authenticate", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
    }
)
_LINK_HEADER = re.compile(r"<([^<>]*)>")


def check_folder(folder: str) -> None:
    """Raise ``UsageError`` for a folder that cannot be made or holds recorded replies already."""
    try:
        os.makedirs(folder, exist_ok=True)
        taken = any(name.endswith(".json") for name in os.listdir(folder))
    except OSError as error:
        raise UsageError(f"{folder} cannot be used: {error.strerror}", flag="--save") from None
    if taken:
        raise UsageError(
            f"{folder} holds JSON files already", hint="name an empty folder", flag="--save"
        )


def write(
    folder: str, seen: Sequence[Exchange], settings: Settings, *, secrets: Sequence[str] = ()
) -> tuple[str, ...]:
    """One file a reply, in the order of the requests; returns their paths.

    ``secrets`` are texts of the user beside the key; raises ``UsageError`` when a file cannot
    be written.
    """
    pen = _Pen(seen, settings, secrets)
    paths = []
    for number, exchange in enumerate((one for one in seen if one.reply is not None), start=1):
        record = pen.record(exchange)
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
    """Every text in a JSON body that was once sent."""
    found: list[str] = []
    stack: list[Any] = [strict_json(body.encode()) if body else None]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            stack += value.values()
        elif isinstance(value, list):
            stack += value
    return tuple(found)


class _Pen:
    """Turns exchanges of one host into records without its address and without secrets."""

    def __init__(self, seen: Sequence[Exchange], settings: Settings, texts: Sequence[str]) -> None:
        self.host = settings.host
        self.prefix = urlsplit(settings.host).path
        replies = [one.reply for one in seen if one.reply is not None]
        asked = {form for reply in replies for form in self._forms(reply.url)}
        keys = [settings.key] if settings.key is not None else []
        self.redactor = Redactor(keys, texts=texts, kept=asked)

    def _forms(self, url: str) -> tuple[str, ...]:
        """How a link to this place may be written."""
        return url, url.replace(self.host, ORIGIN), self._path(url), self.prefix + self._path(url)

    def _path(self, url: str) -> str:
        """The path and query of a place, as seen from the host's address."""
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        return parts.path.removeprefix(self.prefix) + query

    def record(self, exchange: Exchange) -> dict[str, Any]:
        """One reply as the replay reads it."""
        reply = exchange.reply
        assert reply is not None  # noqa: S101 - write() leaves out what was not answered
        sent = exchange.send.url or f"{self.host}{exchange.send.path}"
        return {
            "method": exchange.send.method,
            "path": self.redactor.text(self._path(sent)),
            "status": reply.status,
            "headers": self._headers(reply),
            "body": self._body(reply, is_job=exchange.send.method == "POST"),
        }

    def _headers(self, reply: HttpReply) -> dict[str, str]:
        kept = {name: value for name, value in reply.headers.items() if name in _HEADERS}
        if "location" in kept:
            kept["location"] = self._here(urljoin(reply.url, kept["location"]))
        if "link" in kept:
            kept["link"] = _LINK_HEADER.sub(
                lambda found: f"<{self._here(urljoin(reply.url, found[1]))}>", kept["link"]
            )
        return {name: self._clean(value) for name, value in kept.items()}

    def _clean(self, value: str) -> str:
        """A header's value; links inside this host were asked for and stay whole."""
        return value if value in self.redactor.kept or "</" in value else self.redactor.text(value)

    def _here(self, url: str) -> str:
        """A link inside the host without its address; any other without what is signed."""
        own = url == self.host or url.startswith(f"{self.host}/")
        return self._path(url) if own else self.redactor.text(url)

    def _body(self, reply: HttpReply, *, is_job: bool) -> Any:
        data = strict_json(reply.body)
        if data is None:
            return self.redactor.text(reply.body.decode("utf-8", "replace"))
        data = json.loads(json.dumps(data, ensure_ascii=False).replace(self.host, ORIGIN))
        return self.redactor.job(data) if is_job else self.redactor.catalogue(data)
