"""Put local files into a body: the link of an upload, or the bytes themselves."""

from __future__ import annotations

import io
import os
from typing import IO, TYPE_CHECKING, Any, NamedTuple, TypeAlias

from callsheet.engine.file_fields import DATA_URI, FORM, FileField, UploadAction, file_field
from callsheet.engine.local_files import refuse_names
from callsheet.engine.uploading import LocalContent, find_upload_action, read_local, store_file
from callsheet.errors import CallsheetError, InvalidInput, UsageError
from callsheet.jsonio import parse_pointer, to_pointer
from callsheet.schema.admission import admit
from callsheet.schema.references import SchemaRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from callsheet.engine.invoke import Engine
    from callsheet.flows.effects import Flow
    from callsheet.spec import Action

    Steps = tuple[str, ...]


OpenFile: TypeAlias = os.PathLike[str] | IO[bytes]
FileInput: TypeAlias = str | OpenFile
"""A link or data as text, or a local file: its path object, or the file opened for reading."""
_LINK = "https://example.com/"
"""Stands for the link of a file that is not uploaded yet."""


class FileWay(NamedTuple):
    """How one local file goes out: encoded inside the body, or by its link after an upload."""

    encoding: str = ""
    store: UploadAction | None = None

    def words(self, path: str) -> str:
        """Return the sentence that a dry run prints."""
        if self.store is not None:
            return f"{path} would be uploaded first, by {self.store.words}; its link replaces it"
        forms = {DATA_URI: "a data URI", FORM: "a part of a form"}
        return f"{path} would go out inside the body, as {forms.get(self.encoding, 'base64')}"


def file_ways(
    engine: Engine, action: Action, places: Sequence[Steps]
) -> Flow[dict[Steps, FileWay]]:
    """Return how each local file of a body goes out, by its place; raise ``UsageError``.

    A field that takes the file itself gets it; where a link will do too, an upload goes before.
    """
    ways: dict[Steps, FileWay] = {}
    if not places:
        return ways
    schema, configured = (yield from _schema_of(engine, action)), engine.host.overlay.upload
    is_upload = bool(configured) and configured["action"] == action.id
    for steps in places:
        field = None if is_upload else file_field(schema, steps)
        ways[steps] = yield from _way(engine, action, field)
    return ways


def _way(engine: Engine, action: Action, field: FileField | None) -> Flow[FileWay]:
    """Return how a file goes out; raise ``UsageError`` where it needs an upload and none exists."""
    if field is not None and not field.takes_link:
        return FileWay(field.encoding)
    try:
        store = yield from find_upload_action(engine)
    except UsageError:
        if field is None:
            raise
        return FileWay(field.encoding)
    return FileWay(store.encoding) if action.id == store.action else FileWay(store=store)


def _schema_of(engine: Engine, action: Action) -> Flow[Any]:
    """Return the admitted schema of an action's body; ``{}`` where there is no usable one."""
    try:
        return admit((yield from engine.host.schema(action)))
    except (CallsheetError, SchemaRefused):
        return {}


def require_inline(action_id: str, encoding: str) -> None:
    """Raise ``UsageError`` for a form: a JSON body has no place for one."""
    if encoding == FORM:
        raise UsageError(
            f"{action_id} takes a file as a form, which only the command line sends",
            hint="client.upload(path) sends one where the answer is a link",
        )


def read_open(source: str | OpenFile) -> LocalContent:
    """Read a local file by its path, or from where it was opened; raise ``UsageError``."""
    if isinstance(source, str | os.PathLike):
        return read_local(os.fspath(source))
    name = getattr(source, "name", "")
    name = name if isinstance(name, str) and name else "file"
    if isinstance(source, io.TextIOBase):
        raise UsageError(f"{name} is open as text", hint='open it with the mode "rb"')
    try:
        content = source.read()
    except (OSError, ValueError) as error:
        raise UsageError(f"{name} cannot be read: {error}") from None
    return LocalContent(name, content).require_size()


def fill_files(engine: Engine, action: Action, body: Any, *, check: bool) -> Flow[Any]:
    """Return a body with a link or the bytes in the place of each path object and open file.

    The same file is uploaded once. All that can be refused is refused before: an upload may cost
    money. Raises ``InvalidInput``, ``UsageError``, ``LimitReached`` and the errors of an upload.
    """
    if check:
        refuse_names(action.params, body)
    files = dict(_files(body))
    if not files:
        return body
    for steps in files:
        _require_media(action, steps)
    contents = {id(source): read_open(source) for source in files.values()}
    ways = yield from file_ways(engine, action, list(files))
    for way in ways.values():
        require_inline(action.id, way.encoding)
    if check:
        yield from _check_rest(engine, action, body, files)
    if any(way.store is not None for way in ways.values()):
        yield from require_budget(engine, action, _replace(body, lambda steps: _LINK + "file"))
    texts: dict[tuple[int, FileWay], str] = {}
    for steps, source in files.items():
        way, key = ways[steps], (id(source), ways[steps])
        if key not in texts and way.store is not None:
            texts[key] = yield from store_file(engine, way.store, contents[id(source)])
        elif key not in texts:
            texts[key] = contents[id(source)].encode(way.encoding)
    return _replace(body, lambda steps: texts[id(files[steps]), ways[steps]])


def require_budget(engine: Engine, action: Action, value: Any) -> Flow[None]:
    """Raise ``LimitReached`` where a call would not be sent: ask before an upload for it."""
    action = yield from engine.apply_terms(action)
    facts = yield from engine.budget.facts(action, value)
    if engine.ledger is not None:
        engine.ledger.require_budget(engine.settings.host, action.id, facts)


def _check_rest(
    engine: Engine, action: Action, body: Any, files: dict[Steps, OpenFile]
) -> Flow[None]:
    """Validate a body; what has to be said of a file's link is known once it is uploaded."""
    try:
        yield from engine.host.validate(action, _replace(body, lambda steps: _LINK + "file"))
    except InvalidInput as error:
        place = tuple(parse_pointer(error.pointer))
        if not any(steps[: len(place)] == place for steps in files):
            raise


def _require_media(action: Action, steps: Steps) -> None:
    """Raise ``InvalidInput`` unless the field at ``steps``, or the list that it is in, is media."""
    path = tuple(step for step in steps if not step.isdecimal())
    if not any(param.media and param.path == path for param in action.params):
        pointer = to_pointer(steps)
        raise InvalidInput(
            f"{pointer}: a file was given, and this field is not known to take media",
            pointer=pointer,
            hint="client.upload(path) returns a link; `media` in the configuration names the field",
        )


def _is_file(value: Any) -> bool:
    return isinstance(value, os.PathLike) or callable(getattr(value, "read", None))


def _files(value: Any, steps: Steps = ()) -> Iterator[tuple[Steps, OpenFile]]:
    """Yield each path object and open file in a body, with the steps that lead to it."""
    if _is_file(value):
        yield steps, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _files(inner, (*steps, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _files(inner, (*steps, str(index)))


def _replace(value: Any, text_of: Callable[[Steps], str], steps: Steps = ()) -> Any:
    """Return the body with a text in the place of each file; ``steps`` lead to its place."""
    if _is_file(value):
        return text_of(steps)
    if isinstance(value, dict):
        return {name: _replace(inner, text_of, (*steps, name)) for name, inner in value.items()}
    if isinstance(value, list):
        inner_values = enumerate(value)
        return [_replace(inner, text_of, (*steps, str(index))) for index, inner in inner_values]
    return value
