"""Upload a local file through an action."""

from __future__ import annotations

import base64
import hashlib
import os
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.engine.invoke import encode
from callsheet.errors import ServerError, UsageError
from callsheet.storage.output_path import EXTENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callsheet.engine.invoke import Engine
    from callsheet.flows.effects import Flow
    from callsheet.spec import Advertised


LARGEST = 32 * 1024 * 1024


class UploadAction(NamedTuple):
    """The action that stores a file: its field, how the bytes are written, where the link is."""

    action: str
    field: str
    encoding: str = "data-uri"
    result: str = "url"


def find_upload_action(engine: Engine) -> Flow[UploadAction]:
    """The configured action, else an advertised one that plainly takes a file.

    Raises ``UsageError`` where the host offers neither.
    """
    said = engine.host.overlay.upload
    catalogue = yield from engine.host.catalogue()
    if said and catalogue.get(said["action"]) is not None:
        return UploadAction(**said)
    found = next(_plain_stores(catalogue.actions), None)
    if found is None:
        raise UsageError(
            "this server wants a URL: it offers no way to upload a file that is known here",
            hint="put the file on the web and give its link",
        )
    return found


def _plain_stores(actions: Iterable[Advertised]) -> Iterator[UploadAction]:
    for action in actions:
        schema = action.input if isinstance(action.input, dict) else {}
        required, fields = schema.get("required"), schema.get("properties")
        if not isinstance(required, list) or len(required) != 1 or not isinstance(fields, dict):
            continue
        field = fields.get(required[0])
        if isinstance(field, dict) and (
            field.get("contentEncoding") == "base64" or field.get("format") == "byte"
        ):
            yield UploadAction(action.id, required[0], "base64")


def require_uploadable(path: str) -> None:
    """Raise ``UsageError`` for a file that cannot be uploaded; nothing was sent yet."""
    try:
        size = os.path.getsize(path)
        readable = os.access(path, os.R_OK)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    if not readable:
        raise UsageError(f"{path} cannot be read")
    if size > LARGEST:
        raise UsageError(f"{path} is larger than 32 MiB", hint="put it on the web, give its link")


def upload(engine: Engine, store: UploadAction, path: str) -> Flow[str]:
    """Send one file and return its link; recorded like any request that may cost money."""
    require_uploadable(path)
    with open(path, "rb") as file:
        content = file.read()
    action = yield from engine.host.find(store.action)
    if store.encoding == "multipart":
        body, kind = _multipart(store.field, os.path.basename(path), content)
        value: Any = {store.field: hashlib.sha256(content).hexdigest()}
    else:
        value = {store.field: encode_file(store, path, content)}
        body, kind = encode(value), "application/json"
        yield from engine.host.validate(action, value)
    outcome = yield from engine.invoke_encoded(action, body, value, headers={"Content-Type": kind})
    payload = outcome.reply.fields.payload
    link = payload.get(store.result) if isinstance(payload, dict) else None
    if not isinstance(link, str) or not link:
        raise ServerError(
            f"{store.action} stored {path} and answered without {store.result}",
            action=store.action,
        )
    return link


def encode_file(store: UploadAction, path: str, content: bytes) -> str:
    """A file's bytes as the text that the store's field takes: base64, or a data URI of it."""
    text = base64.b64encode(content).decode()
    return text if store.encoding == "base64" else f"data:{media_type_of(path)};base64,{text}"


def _multipart(field: str, name: str, content: bytes) -> tuple[bytes, str]:
    """A form of one file, and its content type."""
    boundary = uuid.uuid4().hex
    escapes = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
    words = [text.translate(escapes) for text in (field, name)]
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="{words[0]}"; filename="{words[1]}"\r\n'
        f"Content-Type: {media_type_of(name)}\r\n\r\n"
    )
    data = head.encode("utf-8", "replace") + content + f"\r\n--{boundary}--\r\n".encode()
    return data, f"multipart/form-data; boundary={boundary}"


def media_type_of(path: str) -> str:
    """The media type that a name's extension stands for; a picture where it is not known."""
    extension = os.path.splitext(path)[1].lower().replace(".jpeg", ".jpg")
    return next((t for t, known in EXTENSIONS.items() if known == extension), "image/png")
