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
    """The action that stores a file: the field of the file, its encoding, the field of the link."""

    action: str
    field: str
    encoding: str = "data-uri"
    result: str = "url"


def find_upload_action(engine: Engine) -> Flow[UploadAction]:
    """Return the configured upload action, else an advertised one that takes a file only.

    Raises ``UsageError`` where the host offers neither.
    """
    configured = engine.host.overlay.upload
    catalogue = yield from engine.host.catalogue()
    if configured and catalogue.get(configured["action"]) is not None:
        return UploadAction(**configured)
    advertised = next(_file_actions(catalogue.actions), None)
    if advertised is None:
        raise UsageError(
            "this server wants a URL: it offers no way to upload a file that is known here",
            hint="upload the file elsewhere and give its link",
        )
    return advertised


def _file_actions(actions: Iterable[Advertised]) -> Iterator[UploadAction]:
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
    """Raise ``UsageError`` for a file that cannot be read or is too large."""
    try:
        size = os.path.getsize(path)
        readable = os.access(path, os.R_OK)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    if not readable:
        raise UsageError(f"{path} cannot be read")
    if size > LARGEST:
        raise UsageError(f"{path} is larger than 32 MiB", hint="upload it elsewhere, give its link")


def upload(engine: Engine, store: UploadAction, path: str) -> Flow[str]:
    """Upload one file and return its link; the request is recorded like any that may cost money."""
    require_uploadable(path)
    with open(path, "rb") as file:
        content = file.read()
    action = yield from engine.host.find(store.action)
    if store.encoding == "multipart":
        body, content_type = _multipart(store.field, os.path.basename(path), content)
        value: Any = {store.field: hashlib.sha256(content).hexdigest()}
    else:
        value = {store.field: encode_file(store, path, content)}
        body, content_type = encode(value), "application/json"
        yield from engine.host.validate(action, value)
    headers = {"Content-Type": content_type}
    invocation = yield from engine.invoke_encoded(action, body, value, headers=headers)
    payload = invocation.reply.fields.payload
    link = payload.get(store.result) if isinstance(payload, dict) else None
    if not isinstance(link, str) or not link:
        raise ServerError(
            f"{store.action} stored {path} and answered without {store.result}",
            action=store.action,
        )
    return link


def encode_file(store: UploadAction, path: str, content: bytes) -> str:
    """Encode the bytes of a file as base64 or, where the action takes one, as a data URI."""
    text = base64.b64encode(content).decode()
    return text if store.encoding == "base64" else f"data:{media_type_of(path)};base64,{text}"


def _multipart(field: str, name: str, content: bytes) -> tuple[bytes, str]:
    """Build a form of one file; return it and its content type."""
    boundary = uuid.uuid4().hex
    escapes = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
    field, filename = field.translate(escapes), name.translate(escapes)
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="{field}"; filename="{filename}"\r\n'
        f"Content-Type: {media_type_of(name)}\r\n\r\n"
    )
    form = head.encode("utf-8", "replace") + content + f"\r\n--{boundary}--\r\n".encode()
    return form, f"multipart/form-data; boundary={boundary}"


def media_type_of(path: str) -> str:
    """Return the media type that the extension of a name stands for; default ``image/png``."""
    extension = os.path.splitext(path)[1].lower().replace(".jpeg", ".jpg")
    return next((kind for kind, suffix in EXTENSIONS.items() if suffix == extension), "image/png")
