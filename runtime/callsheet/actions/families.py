"""Find the actions that make one job, and the hints about cost and media."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.media import makes_text
from callsheet.schema.keywords import subschemas
from callsheet.schema.references import SchemaRefused
from callsheet.schema.shape import ShapeReader
from callsheet.spec import TIMEOUT_FIELD, Family, Role
from callsheet.text import kebab

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from callsheet.config.overlay import Overlay
    from callsheet.schema.admission import AdmissionCache
    from callsheet.spec import Advertised


def is_free(marks: Mapping[str, Any]) -> bool:
    """Tell whether the server marks the action as one that costs nothing."""
    hints = marks.get("annotations")
    read_only = isinstance(hints, Mapping) and hints.get("readOnlyHint") is True
    if marks.get("billable") is True:
        return False
    return read_only or marks.get("readOnly") is True or marks.get("billable") is False


def may_be_asked(marks: Mapping[str, Any]) -> bool:
    """Tell whether no mark speaks against a guess that the action only answers a question."""
    changes = marks.get("readOnly") is False or marks.get("destructive") is True
    return not changes and marks.get("billable") is not True


_LINK = frozenset(("url", "urls", "uri", "uris"))
_MEDIUM = frozenset(("image", "images", "video", "videos", "audio", "picture", "photo", "media"))
_ENCODED = ("byte", "base64")
_BESIDE = frozenset(
    ("thumbnail", "cover", "poster", "preview", "callback", "webhook", "input", "reference")
)


def media_fields(
    outputs: Iterable[Any], configured: Sequence[str], action_id: str, admit: AdmissionCache
) -> tuple[str, ...]:
    """Return wire names of media: the configured ones and those of the output schemas.

    They hold links, or files as base64. The action's own medium comes first (``imageUrl``
    under ``ai.image``). An output schema that may not be used counts as none.
    """
    names = dict.fromkeys(configured)
    for output in outputs:
        try:
            schema = admit(output) if output is not None else {}
        except SchemaRefused:
            continue
        names |= dict.fromkeys(sorted(_links(schema)))
    own = set(kebab(action_id).split("-"))
    return tuple(sorted(names, key=lambda name: not own & set(kebab(name).split("-"))))


def _links(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        rest = dict(schema)
        for name, inner in rest.pop("properties", {}).items():
            yield from _links_of_field(name, inner)
        for inner in subschemas(rest):
            yield from _links(inner)


def _links_of_field(name: str, inner: object) -> Iterator[str]:
    words = set(kebab(name).split("-"))
    if words & _BESIDE:
        return
    if (words & _LINK and words & _MEDIUM) or _holds_file(inner):
        yield name
    yield from _links(inner)


def _holds_file(schema: object) -> bool:
    """Tell whether a field, or each entry of a list, is a file as base64 or of a media type."""
    if not isinstance(schema, dict):
        return False
    media_type = schema.get("contentMediaType")
    kind = media_type.partition("/")[0] if isinstance(media_type, str) else ""
    is_encoded = schema.get("contentEncoding") == "base64" or schema.get("format") in _ENCODED
    return kind in _MEDIUM or is_encoded or _holds_file(schema.get("items"))


_AND_WAIT = r"(?<=.)(?:[_-]?[aA]nd[_-]?[wW]ait|[_-]AND[_-]WAIT)$"
_QUERY_WORDS = (*vocab.ASKING_WORDS, "check", "show", "info")
_TASK_IDS = frozenset(
    ("taskid", "id", "jobid", "requestid", "predictionid", "generationid", "runid", "operationid")
)
_MOST_QUERIES = 100
_LONGEST_WAIT = 7 * 24 * 3_600_000

Member = tuple[Role, Family]
Schemas = Mapping[str, "Mapping[str, Any] | None"]
Entries = Mapping[str, "Advertised"]


def create_of(wait: str) -> str:
    """Return the X of ``X_and_wait`` in any spelling; empty for an id that does not end so."""
    create = re.sub(_AND_WAIT, "", wait)
    return create if create not in {wait, ""} else ""


def find_families(schemas: Schemas, overlay: Overlay, entries: Entries) -> dict[str, Member]:
    """Return the role and family of each action that has one, by id.

    A family is what the overlay names, or X with X_and_wait and an action of the same group
    that asks (by its name) and needs a task id alone. An X_and_wait that finds no X, or no
    action that asks, is a family of its own in the role ``wait``. Where the words are those of
    jobs, X and an action that certainly asks are a family too; that it costs nothing is a guess.
    """
    members: dict[str, Member] = {}
    for create in sorted(overlay.families):
        if create in schemas:
            _enter(members, _configured_family(create, overlay.families[create], schemas))
    queries = _QueryActions(schemas, entries)
    for wait in sorted(filter(create_of, schemas)):
        if wait not in members:
            _enter(members, _family_by_name(wait, schemas, members, queries))
    for create in sorted(set(schemas) - members.keys()):
        family = queries.guess(create) if _starts_jobs(create) else None
        if family is not None and _speaks_of_jobs(family):
            _enter(members, family)
    return members


def guess_family(
    create: str, schemas: Schemas, overlay: Overlay, entries: Entries
) -> Family | None:
    """Return how a job may be asked about that an action without a family has started."""
    if create in overlay.families:
        return _configured_family(create, overlay.families[create], schemas)
    return _QueryActions(schemas, entries).guess(create)


def _enter(members: dict[str, Member], family: Family) -> None:
    """Enter a family; an action that several families ask stays with the first."""
    if family.create:
        members[family.create] = ("create", family)
    if family.wait:
        members[family.wait] = ("wait", family)
    if family.query:
        members.setdefault(family.query, ("query", family))


def _configured_family(create: str, settings: Mapping[str, str], schemas: Schemas) -> Family:
    wait = settings.get("wait", create + "_and_wait")
    query = settings["query"] if settings["query"] in schemas else ""
    key = settings.get("task-key") or task_key(schemas.get(query)) or "taskId"
    wait = wait if wait in schemas else ""
    return Family(
        create=create, wait=wait, query=query, task_key=key, timeout_ms=_deadline(schemas.get(wait))
    )


def _family_by_name(
    wait: str, schemas: Schemas, members: Mapping[str, Member], queries: _QueryActions
) -> Family:
    create = create_of(wait)
    timeout = _deadline(schemas[wait])
    query = queries.of(create)
    key = task_key(schemas.get(query)) or "taskId"
    if create in schemas and create not in members and query:
        return Family(create=create, wait=wait, query=query, task_key=key, timeout_ms=timeout)
    return Family(wait=wait, query=query, task_key=key, timeout_ms=timeout)


class _QueryActions:
    """Actions that query jobs, by group; each name and schema is read once.

    The name must say that it queries: an action that needs only a task id may cost money (an
    upscale of a finished video), and a query is repeated freely.
    """

    def __init__(self, schemas: Schemas, entries: Entries) -> None:
        self._schemas, self._entries = schemas, entries
        self._groups: dict[str, list[tuple[int, str, list[str]]]] = {}
        for name in sorted(schemas):
            group, words = _parts(name)
            rank = next((index for index, word in enumerate(_QUERY_WORDS) if word in words), None)
            queries = self._groups.setdefault(group, [])
            if rank is None or vocab.DOING_WORDS.intersection(words):
                continue
            if len(queries) < _MOST_QUERIES and task_key(schemas[name]):
                queries.append((rank, name, words))

    def of(self, create: str) -> str:
        """Return the action that asks about the jobs of ``create``; empty where there is none."""
        group, own = _parts(create)
        ranked = (
            (-len(set(words).intersection(own)), rank, name)
            for rank, name, words in self._groups.get(group, ())
            if name != create
        )
        return min(ranked, default=(0, 0, ""))[2]

    def guess(self, create: str) -> Family | None:
        """Return a family whose action that asks is a guess; ``None`` where nothing may be asked.

        Every word of its name must be harmless, the last one must be that of a question, and no
        mark may speak against it.
        """
        group, own = _parts(create)
        harmless = vocab.HARMLESS_WORDS.union(own, kebab(group or "x").split("-"))
        fitting = (
            (-len(set(words).intersection(own)), vocab.ASKING_WORDS.index(words[-1]), name)
            for _, name, words in self._groups.get(group, ())
            if name != create and words[-1] in vocab.ASKING_WORDS and harmless.issuperset(words)
            if may_be_asked(self._entries[name].hints)
        )
        query = min(fitting, default=(0, 0, ""))[2]
        if not query:
            return None
        key = task_key(self._schemas[query])
        return Family(create=create, query=query, task_key=key, guessed=True)


def _parts(name: str) -> tuple[str, list[str]]:
    """Return the group of an id and the words of its last segment."""
    group, _, last = name.rpartition(".")
    return group, kebab(last).split("-")


def _starts_jobs(create: str) -> bool:
    return bool(vocab.STARTING_WORDS.intersection(_parts(create)[1])) and not makes_text(create)


def _speaks_of_jobs(family: Family) -> bool:
    """Tell whether a word is one of jobs: a create and a get alone keep plain records."""
    words = {*kebab(family.create).split("-"), *kebab(family.query).split("-")}
    return bool(words & vocab.JOB_WORDS)


def task_key(schema: Mapping[str, Any] | None) -> str:
    """Return the task id's property where it is the only required (or the only) one; else ""."""
    if not schema:
        return ""
    reader = ShapeReader(schema)
    root = reader.read(schema)
    keys = root.required or frozenset(root.properties)
    if len(keys) != 1:
        return ""
    (key,) = keys
    plain = key.lower().replace("_", "").replace("-", "")
    return key if plain in _TASK_IDS or kebab(key).split("-")[-1] in vocab.ID_WORDS else ""


def _deadline(schema: Mapping[str, Any] | None) -> int:
    """Read the default of ``timeoutMs`` in milliseconds, up to a week; 600,000 if missing."""
    fallback = Family().timeout_ms
    if not schema:
        return fallback
    reader = ShapeReader(schema)
    shape = reader.read(reader.read(schema).properties.get(TIMEOUT_FIELD, True))
    default = shape.shown.get("default")
    if (
        isinstance(default, int | float)
        and not isinstance(default, bool)
        and 0 < default <= _LONGEST_WAIT
    ):
        return int(default)
    return fallback
