"""Find the actions that make one job, and the hints about cost and media."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from callsheet.schema.keywords import subschemas
from callsheet.schema.references import SchemaRefused
from callsheet.schema.shape import ShapeReader
from callsheet.spec import TIMEOUT_FIELD, Family, Role
from callsheet.text import kebab

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from callsheet.config.overlay import Overlay
    from callsheet.schema.admission import AdmissionCache


def is_free(marks: Mapping[str, Any]) -> bool:
    """Tell whether the server marks the action as one that costs nothing."""
    hints = marks.get("annotations")
    read_only = isinstance(hints, Mapping) and hints.get("readOnlyHint") is True
    return read_only or marks.get("readOnly") is True or marks.get("billable") is False


_LINK = frozenset(("url", "urls", "uri", "uris"))
_MEDIUM = frozenset(("image", "images", "video", "videos", "audio", "picture", "photo", "media"))
_BESIDE = frozenset(
    ("thumbnail", "cover", "poster", "preview", "callback", "webhook", "input", "reference")
)


def media_fields(
    outputs: Iterable[Any], configured: Sequence[str], action_id: str, admit: AdmissionCache
) -> tuple[str, ...]:
    """Return wire names of media links: the configured ones and those of the output schemas.

    The action's own medium comes first (``imageUrl`` under ``ai.image``). An output schema
    that may not be used counts as none.
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
    if words & _LINK and words & _MEDIUM:
        yield name
    yield from _links(inner)


AND_WAIT = "_and_wait"
_QUERY_WORDS = (
    "query",
    "status",
    "poll",
    "get",
    "check",
    "result",
    "retrieve",
    "fetch",
    "show",
    "info",
)
_DOING = frozenset(("cancel", "delete", "remove", "stop", "abort", "retry", "create", "update"))
_TASK_IDS = frozenset(
    ("taskid", "id", "jobid", "requestid", "predictionid", "generationid", "runid", "operationid")
)
_MOST_QUERIES = 100
_LONGEST_WAIT = 7 * 24 * 3_600_000

Member = tuple[Role, Family]


def find_families(
    schemas: Mapping[str, Mapping[str, Any] | None], overlay: Overlay
) -> dict[str, Member]:
    """Return the role and family of each action that has one, by id.

    A family is what the overlay names, or X with X_and_wait and an action of the same group
    that asks (by its name) and needs a task id alone. An X_and_wait that finds no X, or no
    action that asks, is a family of its own in the role ``wait``.
    """
    members: dict[str, Member] = {}
    for create in sorted(overlay.families):
        if create in schemas:
            _enter(members, _configured_family(create, overlay.families[create], schemas))
    queries = _QueryActions(schemas)
    for wait in sorted(name for name in schemas if name.endswith(AND_WAIT)):
        if wait not in members:
            _enter(members, _family_by_name(wait, schemas, members, queries))
    return members


def _enter(members: dict[str, Member], family: Family) -> None:
    """Enter a family; an action that several families ask stays with the first."""
    if family.create:
        members[family.create] = ("create", family)
    if family.wait:
        members[family.wait] = ("wait", family)
    if family.query:
        members.setdefault(family.query, ("query", family))


def _configured_family(
    create: str, settings: Mapping[str, str], schemas: Mapping[str, Mapping[str, Any] | None]
) -> Family:
    wait = settings.get("wait", create + AND_WAIT)
    query = settings["query"] if settings["query"] in schemas else ""
    key = settings.get("task-key") or task_key(schemas.get(query)) or "taskId"
    wait = wait if wait in schemas else ""
    return Family(
        create=create, wait=wait, query=query, task_key=key, timeout_ms=_deadline(schemas.get(wait))
    )


def _family_by_name(
    wait: str,
    schemas: Mapping[str, Mapping[str, Any] | None],
    members: Mapping[str, Member],
    queries: _QueryActions,
) -> Family:
    create = wait.removesuffix(AND_WAIT)
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

    def __init__(self, schemas: Mapping[str, Mapping[str, Any] | None]) -> None:
        self._groups: dict[str, list[tuple[int, str, set[str]]]] = {}
        for name in sorted(schemas):
            group, _, last = name.rpartition(".")
            words = set(kebab(last).split("-"))
            rank = next((index for index, word in enumerate(_QUERY_WORDS) if word in words), None)
            queries = self._groups.setdefault(group, [])
            if rank is None or words & _DOING or len(queries) >= _MOST_QUERIES:
                continue
            if task_key(schemas[name]):
                queries.append((rank, name, words))

    def of(self, create: str) -> str:
        """Return the action that asks about the jobs of ``create``; empty where there is none."""
        group, _, word = create.rpartition(".")
        own = set(kebab(word).split("-"))
        ranked = (
            (-len(words & own), rank, name)
            for rank, name, words in self._groups.get(group, ())
            if name != create
        )
        return min(ranked, default=(0, 0, ""))[2]


def task_key(schema: Mapping[str, Any] | None) -> str:
    """Return the task id's property where it is the only required (or the only) one; else ""."""
    if not schema:
        return ""
    root = ShapeReader(schema).read(schema)
    keys = root.required or frozenset(root.properties)
    if len(keys) != 1:
        return ""
    (key,) = keys
    return key if key.lower().replace("_", "").replace("-", "") in _TASK_IDS else ""


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
