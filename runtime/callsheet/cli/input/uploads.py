"""Upload local files that are given to media flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.cli.input.body import Body, local_files
from callsheet.cli.input.values import LocalFile
from callsheet.errors import UsageError

if TYPE_CHECKING:
    from callsheet.cli.context import Context
    from callsheet.cli.input.request import CommandRequest
    from callsheet.engine.uploading import UploadAction
    from callsheet.storage.partial_file import SavedFile


def pending(body: Body) -> list[str]:
    """The local files that the body names."""
    return list(dict.fromkeys(local_files(body.value)))


def resolved(context: Context, made: CommandRequest) -> CommandRequest:
    """The request with a link in the place of each local file; raises ``UsageError``.

    The same file is sent once. Everything else was checked before: an upload may cost money.
    """
    if not pending(made.body):
        return made
    if made.body.doubt is not None:
        raise made.body.doubt
    store = known_store(context)
    links: dict[str, str] = {}
    if made.action.id == store.action:
        links = {path: _inline(context, store, path) for path in pending(made.body)}
    return made._replace(body=made.body.changed(_replaced(context, store, made.body.value, links)))


def _replaced(context: Context, store: UploadAction, value: Any, links: dict[str, str]) -> Any:
    if isinstance(value, LocalFile):
        if value not in links:
            links[value] = send(context, store, str(value))
        return links[value]
    if isinstance(value, dict):
        return {k: _replaced(context, store, item, links) for k, item in value.items()}
    if isinstance(value, list):
        return [_replaced(context, store, item, links) for item in value]
    return value


def _inline(context: Context, store: UploadAction, path: str) -> str:
    """The file itself, for the action that stores files: it takes no link."""
    if store.encoding == "multipart":
        raise UsageError(
            f"{store.action} takes a file as a form", hint="a media flag, or --upload, sends one"
        )
    from callsheet.engine.uploading import encode_file, require_uploadable

    require_uploadable(path)
    context.console.warn(f"→ {context.settings.require_host()} {store.action} takes {path}")
    with open(path, "rb") as file:
        return encode_file(store, path, file.read())


def send(context: Context, store: UploadAction, path: str) -> str:
    """Upload one file and return its link; stderr names the file and the host first."""
    from callsheet.engine import uploading

    uploading.require_uploadable(path)
    context.console.warn(f"→ {context.settings.require_host()} {store.action} uploads {path}")
    link: str = context.run(uploading.upload(context.engine, store, path))
    return link


def known_store(context: Context) -> UploadAction:
    """The action of this host that stores files; raises ``UsageError`` where there is none."""
    from callsheet.engine import uploading

    store: UploadAction = context.run(uploading.find_upload_action(context.engine))
    return store


def store(context: Context, saved: SavedFile | None) -> str:
    """``--upload``: store the saved file and return its link; raises ``UsageError``."""
    if saved is None:
        raise UsageError("--upload stores the saved file: say --out too", flag="--upload")
    return send(context, known_store(context), saved.path)
