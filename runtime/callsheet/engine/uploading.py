"""Upload a local file through an action."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
import uuid
from calendar import timegm
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from callsheet.config.settings import join_url, origin_of
from callsheet.engine.file_fields import BASE64, FORM, UploadAction, upload_actions
from callsheet.engine.invoke import encode
from callsheet.errors import CallsheetError, ServerError, UsageError
from callsheet.flows.effects import HttpReply, Send
from callsheet.masking import masked
from callsheet.protocol.media import is_link
from callsheet.protocol.values import by_word, number, word, words
from callsheet.storage.atomic_file import replace_file
from callsheet.storage.output_path import EXTENSIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callsheet.engine.invoke import Engine
    from callsheet.flows.effects import Flow


LARGEST = 32 * 1024 * 1024
_CACHE = "uploads.json"
_MOST_KEPT, _LIFE, _MARGIN = 500, 86_400.0, 600.0  # links, seconds
_LINK_KEYS = ("url", "uri", "link", "href", "src", "location", "path", "data", "result")
_ENDS = ("expires", "expiresat", "expiry", "expiration", "expire", "se", "e", "xexpires")
_AMZ_DATE = "%Y%m%dT%H%M%SZ"


def find_upload_action(engine: Engine) -> Flow[UploadAction]:
    """Return the configured upload action, else an advertised one that takes a file only.

    Raises ``UsageError`` where the host offers neither.
    """
    configured = engine.host.overlay.upload
    catalogue = yield from engine.host.catalogue()
    if configured and catalogue.get(configured["action"]) is not None:
        return UploadAction.of(configured)
    advertised = next(iter(upload_actions(catalogue.actions)), None)
    if advertised is None:
        raise UsageError(
            "this server wants a URL: it offers no way to upload a file that is known here",
            hint="upload the file elsewhere and give its link",
        )
    return advertised


class UploadCache:
    """The links of files that were uploaded, by host and SHA-256; a damaged file counts as none."""

    def __init__(self, folder: str) -> None:
        self.path = os.path.join(folder, _CACHE)

    def _load(self) -> dict[str, list[Any]]:
        try:
            with open(self.path, encoding="utf-8") as file:
                kept = json.load(file)
        except (OSError, ValueError, RecursionError):
            return {}
        entries = kept.items() if isinstance(kept, dict) else ()
        return {key: entry for key, entry in entries if _is_entry(entry)}

    def find(self, host: str, digest: str, now: float) -> str | None:
        """Return the link of a file while it lives; ``now`` is a time of day in seconds."""
        link, ends = self._load().get(f"{host} {digest}", ["", 0.0])
        return link if ends > now else None

    def keep(self, host: str, digest: str, link: str, ends: float) -> None:
        """Remember a link until ``ends``, unless it holds a key; a full disk costs nothing."""
        if masked(link) != link:
            return
        entries = self._load()
        entries.pop(f"{host} {digest}", None)
        entries[f"{host} {digest}"] = [link, ends]
        newest = list(entries.items())[-_MOST_KEPT:]
        with suppress(OSError):
            replace_file(self.path, json.dumps(dict(newest)))


def _is_entry(entry: Any) -> bool:
    is_pair = isinstance(entry, list) and len(entry) == 2
    return is_pair and isinstance(entry[0], str) and isinstance(entry[1], int | float)


def end_of_link(link: str, payload: Any, now: float) -> float:
    """Return the time of day, in seconds, until which a link is used again: a day at most.

    Ten minutes before the earliest end that the link or the answer states.
    """
    query = {word(key): value for key, value in parse_qsl(urlsplit(link).query)}
    fields = by_word(payload) if isinstance(payload, dict) else {}
    ends = [_time(table[key]) for table in (query, fields) for key in _ENDS if key in table]
    seconds = [number(table.get(key)) for table in (fields,) for key in ("expiresin", "ttl")]
    ends += [now + amount for amount in seconds if amount is not None]
    if "xamzdate" in query:
        with suppress(ValueError):
            begun = timegm(time.strptime(query["xamzdate"], _AMZ_DATE))
            ends.append(begun + (number(query.get("xamzexpires")) or 0.0))
    return min([now + _LIFE, *(end - _MARGIN for end in ends if end)])


def _time(value: Any) -> float:
    """Read a time of day: seconds or milliseconds since 1970, or ISO 8601; zero for others."""
    amount = number(value)
    if amount is not None:
        return amount / 1000 if amount > 10**11 else amount if amount > 10**9 else 0.0
    try:
        return datetime.fromisoformat(str(value)[:40].replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0


class LocalContent(NamedTuple):
    """The bytes of a local file, and its name or path, which tells their type."""

    name: str
    content: bytes

    def require_size(self) -> LocalContent:
        """Return this; raise ``UsageError`` for more than an upload may have."""
        if len(self.content) > LARGEST:
            raise _too_large(self.name)
        return self

    def encode(self, encoding: str) -> str:
        """Return the bytes as base64 or, where that is asked for, as a data URI."""
        text = base64.b64encode(self.content).decode()
        return text if encoding == BASE64 else f"data:{media_type_of(self.name)};base64,{text}"


def read_local(path: str) -> LocalContent:
    """Read a file; raise ``UsageError`` for one that cannot be read or is too large."""
    try:
        if os.path.getsize(path) > LARGEST:
            raise _too_large(path)
        with open(path, "rb") as file:
            return LocalContent(path, file.read()).require_size()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{path} cannot be read: {why}") from None


def _too_large(name: str) -> UsageError:
    return UsageError(f"{name} is larger than 32 MiB", hint="upload it elsewhere, give its link")


def store_file(
    engine: Engine,
    store: UploadAction,
    local: LocalContent,
    tell: Callable[[], None] = lambda: None,
    *,
    key: str | None = None,
) -> Flow[str]:
    """Upload a file and keep its link; return the kept link of the same bytes while it lives.

    ``tell`` is called before the file leaves; ``key`` is the client reference of that request,
    which is recorded like any that may cost money. Raises ``ServerError`` for a reply without link.
    """
    digest = hashlib.sha256(local.content).hexdigest()
    host, cache = engine.settings.require_host(), UploadCache(engine.settings.cache_dir)
    link = cache.find(host, digest, engine.timing.wall())
    if link and (yield from _is_alive(engine, link)):
        return link
    tell()
    link, payload = yield from _upload(engine, store, local, key)
    cache.keep(host, digest, link, end_of_link(link, payload, engine.timing.wall()))
    return link


def _is_alive(engine: Engine, link: str) -> Flow[bool]:
    """Ask the host for a link of its own; links of other hosts live as long as they say."""
    if origin_of(link) != origin_of(engine.settings.require_host()):
        return True
    try:
        reply: HttpReply = yield Send("HEAD", urlsplit(link).path, url=link)
    except CallsheetError:
        return False
    return reply.status < 400 or reply.status == 405


def _upload(
    engine: Engine, store: UploadAction, local: LocalContent, key: str | None
) -> Flow[tuple[str, Any]]:
    """Upload one file; return its link and the content of the answer."""
    path, content = local
    action = yield from engine.host.find(store.action)
    name = os.path.basename(path)
    known = {"name": name, "type": media_type_of(path), "size": len(content)}
    fills: dict[str, Any] = {field: known[what] for field, what in store.fills}
    if store.encoding == FORM:
        body, content_type = multipart(store.field, local, fills)
        value: Any = {store.field: hashlib.sha256(content).hexdigest(), **fills}
    else:
        value = {store.field: local.encode(store.encoding), **fills}
        body, content_type = encode(value), "application/json"
        yield from engine.host.validate(action, value)
    headers = {"Content-Type": content_type}
    invocation = yield from engine.invoke_encoded(action, body, value, key=key, headers=headers)
    payload = invocation.reply.fields.payload
    link = _link_in(payload, store.result)
    link = link and join_url(engine.settings.require_host() + "/", link)
    if not link:
        raise ServerError(
            f"{store.action} stored {path} and answered without {store.result}",
            action=store.action,
        )
    return link, payload


def _link_in(payload: Any, result: str, depth: int = 0) -> str:
    """Return the link of an answer: under the name of the result, else under that of a link."""
    if isinstance(payload, str):
        return payload if is_link(payload) else ""
    if isinstance(payload, list):
        payload = {"url": payload[0]} if payload else {}
    if not isinstance(payload, dict) or depth > 3:
        return ""
    if isinstance(payload.get(result), str):
        return str(payload[result])
    keys = [key for key in payload if (words(key) or ("",))[-1] in _LINK_KEYS]
    tables = [value for value in payload.values() if isinstance(value, dict | list)]
    links = (_link_in(value, result, depth + 1) for value in [*map(payload.get, keys), *tables])
    return next(filter(None, links), "")


def multipart(field: str, local: LocalContent, fills: Mapping[str, Any]) -> tuple[bytes, str]:
    """Build a form of one file and some fields; return it and its content type.

    A text goes out as it is, any other value as JSON.
    """
    name, content = os.path.basename(local.name), local.content
    boundary = uuid.uuid4().hex
    escapes = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
    field, filename = field.translate(escapes), name.translate(escapes)
    texts = "".join(
        f"--{boundary}\r\nContent-Disposition: form-data; "
        f'name="{key.translate(escapes)}"\r\n\r\n'
        f"{value if isinstance(value, str) else encode(value).decode()}\r\n"
        for key, value in fills.items()
    )
    head = (
        f"{texts}--{boundary}\r\n"
        f'Content-Disposition: form-data; name="{field}"; filename="{filename}"\r\n'
        f"Content-Type: {media_type_of(name)}\r\n\r\n"
    )
    form = head.encode("utf-8", "replace") + content + f"\r\n--{boundary}--\r\n".encode()
    return form, f"multipart/form-data; boundary={boundary}"


def media_type_of(path: str) -> str:
    """Return the media type that the extension of a name stands for; default ``image/png``."""
    extension = os.path.splitext(path)[1].lower().replace(".jpeg", ".jpg")
    return next((kind for kind, suffix in EXTENSIONS.items() if suffix == extension), "image/png")
