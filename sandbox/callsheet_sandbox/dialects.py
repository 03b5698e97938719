"""Read the dialect files: how one server words its lists, schemas, tasks and errors."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from callsheet_sandbox.templates import Json

BUILT_IN = Path(__file__).parent / "dialects"


@dataclass(frozen=True, slots=True)
class Auth:
    """Which kinds of key are read (both, bearer, x-api-key); whether the catalogue is public."""

    kinds: str = "both"
    public: bool = False


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Whether a repeated key is answered without a new charge, and echoed in a header."""

    honoured: bool = False
    echo: bool = False


@dataclass(frozen=True, slots=True)
class LinkShape:
    """Whether media links lack scheme and host or a file extension, and the text behind them."""

    relative: bool = False
    bare: bool = False
    query: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The template around a body, and the parts (list, schema, reply) that wear it."""

    body: Json = "$data"
    around: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Page size, by cursor or by page number, the query parameters read, and a Link header."""

    size: int
    by: str = "cursor"
    ask: tuple[str, ...] = ("cursor",)
    link: bool = False


@dataclass(frozen=True, slots=True)
class ListShape:
    """Templates of the list and of one item.

    `brief` are the ids (globs) listed without a schema, `without` those that are not offered.
    """

    body: Json = field(default_factory=lambda: {"actions": "$items"})
    item: Json = field(default_factory=lambda: {"id": "$id"})
    keyed: bool = False
    brief: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    page: Page | None = None


@dataclass(frozen=True, slots=True)
class SchemaShape:
    """Template of a schema document, its `$schema`, and documents that are no JSON Schema."""

    body: Json = "$input"
    draft: str | None = None
    foreign: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class States:
    """The words or numbers for each state; several running words are passed through in order."""

    pending: tuple[str | int | bool, ...] = ("pending",)
    processing: tuple[str | int | bool, ...] = ("processing",)
    success: str | int | bool = "success"
    failed: str | int | bool = "failed"
    timeout: str | int | bool = "timeout"


@dataclass(frozen=True, slots=True)
class TaskShape:
    """Templates of task replies, the property that a query asks with, and the vocabulary.

    `deliver` says how a finished file arrives: behind a link, as its base64, as a data URI, as
    the body of the query's reply (`body`), or in the events of the create reply (`events`).
    """

    reply: Json = field(default_factory=dict)
    create: Json = None
    output: Mapping[str, Json] = field(default_factory=dict)
    ask: str = "taskId"
    progress: str = "fraction"
    deliver: str = "link"
    states: States = field(default_factory=States)


@dataclass(frozen=True, slots=True)
class Errors:
    """Status and words by kind of refusal, and the shapes by status (else `default`)."""

    status: Mapping[str, int] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Throttle:
    """How many first queries of a task get 429, and whether Retry-After is seconds or a date.

    `posts` is how many POSTs a second are let in, 0 for all.
    """

    queries: int = 0
    form: str = "seconds"
    posts: int = 0


@dataclass(frozen=True, slots=True)
class Dialect:
    """Everything that one dialect file says; README.md beside the files explains each key."""

    name: str
    title: str
    charges: str = "acceptance"
    auth: Auth = field(default_factory=Auth)
    idempotency: Idempotency = field(default_factory=Idempotency)
    caching: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    links: LinkShape = field(default_factory=LinkShape)
    envelope: Envelope = field(default_factory=Envelope)
    list: ListShape = field(default_factory=ListShape)
    schema: SchemaShape = field(default_factory=SchemaShape)
    task: TaskShape = field(default_factory=TaskShape)
    errors: Errors = field(default_factory=Errors)
    redirects: Mapping[str, int] = field(default_factory=dict)
    throttle: Throttle = field(default_factory=Throttle)


_PARTS: Mapping[str, type] = {
    "auth": Auth,
    "idempotency": Idempotency,
    "links": LinkShape,
    "envelope": Envelope,
    "list": ListShape,
    "page": Page,
    "schema": SchemaShape,
    "task": TaskShape,
    "states": States,
    "errors": Errors,
    "throttle": Throttle,
}
_TEMPLATES = {"body", "item", "reply", "create", "output", "shapes", "foreign"}


def read_dialect(name: str, document: Json) -> Dialect:
    """Make a dialect of a file's content; ValueError names an unknown or missing key."""
    return cast("Dialect", _part(Dialect, {"name": name, **document}, name))


def read_dialects(folder: Path = BUILT_IN) -> dict[str, Dialect]:
    """Read every ``*.json`` of a folder, by name."""
    return {
        path.stem: read_dialect(path.stem, json.loads(path.read_text(encoding="utf-8")))
        for path in sorted(folder.glob("*.json"))
    }


def _part(kind: type, fields: Mapping[str, Json], location: str) -> object:
    names = {f.name for f in dataclasses.fields(kind)}
    if unknown := sorted(set(fields) - names):
        raise ValueError(f"dialect {location}: unknown key {unknown[0]!r}; known: {sorted(names)}")
    try:
        return kind(**{key: _value(key, setting, location) for key, setting in fields.items()})
    except TypeError as error:
        raise ValueError(f"dialect {location}: {error}") from error


def _value(key: str, setting: Json, location: str) -> Json:
    if key in _TEMPLATES:
        return setting
    if key in _PARTS and isinstance(setting, dict):
        return _part(_PARTS[key], setting, f"{location}.{key}")
    return tuple(setting) if isinstance(setting, list) else setting
