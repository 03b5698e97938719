"""Local files on media flags, and ``--upload``: sent through the action that stores them."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.cli.body import Body, local_files
from callsheet.cli.values import LocalFile
from callsheet.errors import ServerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callsheet.cli.request import Request
    from callsheet.cli.session import Session
    from callsheet.files import SavedFile
    from callsheet.spec import Advertised

_LARGEST = 32 * 1024 * 1024


class Store(NamedTuple):
    """The action that stores a file: its field, how the bytes are written, where the link is."""

    action: str
    field: str
    encoding: str = "data-uri"
    result: str = "url"


def pending(body: Body) -> bool:
    """Whether the body names local files."""
    return local_files(body.value)


def resolved(session: Session, made: Request) -> Request:
    """The request with a link in the place of each local file; raises ``UsageError``.

    The same file is sent once. Everything else was checked before: an upload may cost money.
    """
    if not pending(made.body):
        return made
    if made.body.doubt is not None:
        raise made.body.doubt
    store = known_store(session)
    links: dict[str, str] = {}
    return made._replace(body=made.body.changed(_replaced(session, store, made.body.value, links)))


def _replaced(session: Session, store: Store, value: Any, links: dict[str, str]) -> Any:
    if isinstance(value, LocalFile):
        if value not in links:
            links[value] = send(session, store, str(value))
        return links[value]
    if isinstance(value, dict):
        return {k: _replaced(session, store, item, links) for k, item in value.items()}
    if isinstance(value, list):
        return [_replaced(session, store, item, links) for item in value]
    return value


def known_store(session: Session) -> Store:
    """The configured action, else an advertised one that plainly takes a file."""
    said = session.directory.overlay.upload
    catalogue = session.run(session.directory.catalogue())
    if said and catalogue.get(said["action"]) is not None:
        return Store(
            said["action"],
            said["field"],
            said.get("encoding", "data-uri"),
            said.get("result", "url"),
        )
    found = next(_plain_stores(catalogue.actions), None)
    if found is None:
        raise UsageError(
            "this server wants a URL: it offers no way to upload a file that is known here",
            hint="put the file on the web and give its link",
        )
    return found


def _plain_stores(actions: Iterable[Advertised]) -> Iterator[Store]:
    for action in actions:
        schema = action.input if isinstance(action.input, dict) else {}
        required, fields = schema.get("required"), schema.get("properties")
        if not isinstance(required, list) or len(required) != 1 or not isinstance(fields, dict):
            continue
        field = fields.get(required[0])
        if isinstance(field, dict) and (
            field.get("contentEncoding") == "base64" or field.get("format") == "byte"
        ):
            yield Store(action.id, required[0], "base64")


def send(session: Session, store: Store, path: str) -> str:
    """Upload one file and return its link; stderr names the file and the host first."""
    if store.encoding == "multipart":
        raise UsageError("uploads as multipart are not supported", hint="give a link instead")
    if os.path.getsize(path) > _LARGEST:
        raise UsageError(f"{path} is larger than 32 MiB", hint="put it on the web, give its link")
    session.warn(f"→ {session.settings.require_host()} {store.action} uploads {path}")
    with open(path, "rb") as file:
        text = base64.b64encode(file.read()).decode()
    if store.encoding == "data-uri":
        text = f"data:{_type_of(path)};base64,{text}"
    action = session.run(session.directory.find(store.action))
    outcome = session.run(session.engine.call(action, {store.field: text}))
    payload = outcome.answer.reading.payload
    link = payload.get(store.result) if isinstance(payload, dict) else None
    if not isinstance(link, str):
        raise ServerError(f"{store.action} answered without {store.result}", action=store.action)
    return link


def _type_of(path: str) -> str:
    from callsheet.files import EXTENSIONS

    extension = os.path.splitext(path)[1].lower().replace(".jpeg", ".jpg")
    return next((t for t, known in EXTENSIONS.items() if known == extension), "image/png")


def store(session: Session, saved: SavedFile | None) -> str:
    """``--upload``: store the saved file and return its link; raises ``UsageError``."""
    if saved is None:
        raise UsageError("--upload stores the saved file: say --out too", flag="--upload")
    return send(session, known_store(session), saved.path)
