"""Upload local files that are given to media flags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callsheet.cli.input import body as bodies
from callsheet.cli.input.checks import check_body
from callsheet.errors import UsageError

if TYPE_CHECKING:
    from callsheet.cli.context import Context
    from callsheet.cli.input.request import CommandRequest
    from callsheet.cli.input.values import LocalFile
    from callsheet.engine.uploading import UploadAction
    from callsheet.storage.partial_file import SavedFile


def upload_files(context: Context, request: CommandRequest) -> CommandRequest:
    """Return the request with a link in the place of each local file; raise ``UsageError``.

    The same file is sent once. The rest of the body is checked before: an upload may cost money.
    """
    if not any(bodies.local_files(request.body.value)):
        return request
    if "no-check" not in context.flags:
        check_body(context, request)
    store = find_store(context)
    links: dict[str, str] = {}

    def link_of(file: LocalFile) -> str:
        if file not in links:
            inline = request.action.id == store.action
            links[file] = (_encode if inline else upload)(context, store, str(file))
        return links[file]

    value = bodies.replace_files(request.body.value, link_of)
    return request._replace(body=request.body.with_value(value))


def _encode(context: Context, store: UploadAction, path: str) -> str:
    """Return the file itself, for the action that stores files: it takes no link."""
    if store.encoding == "multipart":
        raise UsageError(
            f"{store.action} takes a file as a form", hint="a media flag, or --upload, sends one"
        )
    from callsheet.engine.uploading import encode_file, require_uploadable

    require_uploadable(path)
    context.console.warn(f"→ {context.settings.require_host()} {store.action} takes {path}")
    with open(path, "rb") as file:
        return encode_file(store, path, file.read())


def upload(context: Context, store: UploadAction, path: str) -> str:
    """Upload one file and return its link; stderr names the file and the host first."""
    from callsheet.engine import uploading

    uploading.require_uploadable(path)
    context.console.warn(f"→ {context.settings.require_host()} {store.action} uploads {path}")
    link: str = context.run(uploading.upload(context.engine, store, path))
    return link


def find_store(context: Context) -> UploadAction:
    """Return the action of this host that stores files; raise ``UsageError`` where it has none."""
    from callsheet.engine import uploading

    store: UploadAction = context.run(uploading.find_upload_action(context.engine))
    return store


def upload_saved(context: Context, saved: SavedFile | None) -> str:
    """Store the saved file for ``--upload`` and return its link; raise ``UsageError``."""
    if saved is None:
        raise UsageError("--upload stores the saved file: --out is needed too", flag="--upload")
    return upload(context, find_store(context), saved.path)
