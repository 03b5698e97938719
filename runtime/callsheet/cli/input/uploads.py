"""Upload local files that are given to media flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.cli.input import body as bodies
from callsheet.cli.input.checks import check_body
from callsheet.errors import CallsheetError, UsageError

if TYPE_CHECKING:
    from callsheet.cli.context import Context
    from callsheet.cli.input.request import CommandRequest
    from callsheet.cli.input.values import LocalFile
    from callsheet.engine.file_fields import FileField, UploadAction
    from callsheet.storage.partial_file import SavedFile


class FileWay(NamedTuple):
    """How one local file goes out: encoded inside the body, or by its link after an upload."""

    encoding: str = ""
    store: UploadAction | None = None

    def words(self, path: str) -> str:
        """Return the sentence that a dry run prints."""
        if self.store is not None:
            return f"{path} would be uploaded first, by {self.store.words}; its link replaces it"
        form = "a data URI" if self.encoding == "data-uri" else "base64"
        return f"{path} would go out inside the body, as {form}"


def file_ways(context: Context, request: CommandRequest) -> dict[tuple[str, ...], FileWay]:
    """Return how each local file of a body goes out, by its place; raise ``UsageError``.

    A field that takes the file itself gets it; where a link will do too, an upload goes before.
    """
    from callsheet.engine.file_fields import file_field

    places = [steps for steps, _ in bodies.local_files(request.body.value)]
    if not places:
        return {}
    schema, configured = _schema_of(context, request), context.host.overlay.upload
    is_upload = bool(configured) and configured["action"] == request.action.id
    return {
        steps: _way(context, request, None if is_upload else file_field(schema, steps))
        for steps in places
    }


def _way(context: Context, request: CommandRequest, field: FileField | None) -> FileWay:
    if field is not None and not field.takes_link:
        return FileWay(field.encoding)
    try:
        store = find_store(context)
    except UsageError:
        if field is None:
            raise
        return FileWay(field.encoding)
    is_own = request.action.id == store.action
    return FileWay(store.encoding) if is_own else FileWay(store=store)


def _schema_of(context: Context, request: CommandRequest) -> Any:
    from callsheet.schema.admission import admit
    from callsheet.schema.references import SchemaRefused

    try:
        return admit(context.run(context.host.schema(request.action)))
    except (CallsheetError, SchemaRefused):
        return {}


def upload_files(context: Context, request: CommandRequest) -> CommandRequest:
    """Return the request with a link or the bytes in the place of each local file.

    The same file is uploaded once. The rest of the body is checked before: an upload may cost
    money. Raises ``UsageError``.
    """
    if not any(bodies.local_files(request.body.value)):
        return request
    if "no-check" not in context.flags:
        check_body(context, request)
    links: dict[str, str] = {}
    ways = file_ways(context, request)

    def text_of(steps: tuple[str, ...], file: LocalFile) -> str:
        way = ways[steps]
        if way.store is None:
            return _encode(context, request.action.id, way.encoding, str(file))
        if file not in links:
            links[file] = upload(context, way.store, str(file))
        return links[file]

    value = bodies.replace_files(request.body.value, text_of)
    return request._replace(body=request.body.with_value(value))


def _encode(context: Context, action: str, encoding: str, path: str) -> str:
    """Return the file itself, for a field that takes it."""
    if encoding == "multipart":
        raise UsageError(
            f"{action} takes a file as a form", hint="a media flag, or --upload, sends one"
        )
    from callsheet.engine.uploading import encode_file, require_uploadable

    require_uploadable(path)
    context.console.warn(f"→ {context.settings.require_host()} {action} takes {path}")
    with open(path, "rb") as file:
        return encode_file(encoding, path, file.read())


def upload(context: Context, store: UploadAction, path: str) -> str:
    """Return the link of a file; before it is uploaded stderr names it and the host."""
    from callsheet.engine import uploading

    def tell() -> None:
        context.console.warn(f"→ {context.settings.require_host()} {store.action} uploads {path}")

    link: str = context.run(uploading.store_file(context.engine, store, path, tell))
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
