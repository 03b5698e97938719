"""Find the actions that make one job, and the hints about cost and media."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from callsheet.protocol import vocabulary as vocab
from callsheet.protocol.job_fields import state_rank
from callsheet.protocol.job_state import read_state
from callsheet.protocol.job_words import TASK_NOUNS
from callsheet.protocol.media import makes_text
from callsheet.protocol.media_words import MEDIUM_WORDS
from callsheet.schema.keywords import subschemas
from callsheet.schema.references import SchemaRefused
from callsheet.schema.shape import ShapeReader
from callsheet.spec import TIMEOUT_FIELD, Family, Role
from callsheet.text import kebab, word_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from callsheet.config.overlay import Overlay
    from callsheet.protocol.job_words import State
    from callsheet.schema.admission import AdmissionCache
    from callsheet.spec import Advertised


def is_free(marks: Mapping[str, Any]) -> bool:
    """Tell whether the marks say that an action costs nothing; ``billable: true`` wins."""
    hints = marks.get("annotations")
    read_only = isinstance(hints, Mapping) and hints.get("readOnlyHint") is True
    if marks.get("billable") is True:
        return False
    return read_only or marks.get("readOnly") is True or marks.get("billable") is False


def may_be_query(marks: Mapping[str, Any]) -> bool:
    """Tell whether no mark contradicts the guess that the action is a free query."""
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
    """Return the wire names of fields with media: configured ones and those of output schemas.

    They hold links, or files as base64. The action's own medium comes first (``imageUrl``
    under ``ai.image``). An output schema that may not be used counts as none.
    """
    names = dict.fromkeys(configured)
    for output in outputs:
        try:
            schema = admit(output) if output is not None else {}
        except SchemaRefused:
            continue
        names |= dict.fromkeys(sorted(_media_names(schema)))
    own = set(kebab(action_id).split("-"))
    return tuple(sorted(names, key=lambda name: not own & set(kebab(name).split("-"))))


def _media_names(schema: object) -> Iterator[str]:
    """Yield the wire names of a schema's fields, at any depth, that hold media."""
    if isinstance(schema, dict):
        rest = dict(schema)
        for name, inner in rest.pop("properties", {}).items():
            yield from _media_names_of_field(name, inner)
        for inner in subschemas(rest):
            yield from _media_names(inner)


def _media_names_of_field(name: str, inner: object) -> Iterator[str]:
    """Yield the name of a field that holds media, and those of fields below it."""
    words = set(kebab(name).split("-"))
    if words & _BESIDE:
        return
    if (words & _LINK and words & _MEDIUM) or _holds_file(inner):
        yield name
    yield from _media_names(inner)


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
_ENUM_NAMES = word_list("""
    enumNames x-enumNames x-enum-varnames x-enum-descriptions enumDescriptions x-enum-names
""")
_NAMED_NUMBER = (
    r"(?<![\w.])(\d{1,3})[`'\")]?\s*(?:[:=]|->?|is\b|means\b)?\s*[`'\"(]?([A-Za-z][A-Za-z_-]+)"
)
"""Number and word in a description: ``0 queued, 1: running, 2 = done``."""
_MAX_QUERIES = 100
_LONGEST_WAIT = 7 * 24 * 3_600_000

Member = tuple[Role, Family]
Schemas = Mapping[str, "Mapping[str, Any] | None"]
Entries = Mapping[str, "Advertised"]


def create_id_of(wait: str) -> str:
    """Return the X of an id ``X_and_wait``, in any spelling; "" for an id that does not end so."""
    create = re.sub(_AND_WAIT, "", wait)
    return create if create not in {wait, ""} else ""


def find_families(schemas: Schemas, overlay: Overlay, entries: Entries) -> dict[str, Member]:
    """Return the role and family of each action that has one, by id.

    A family is what the overlay names, or X with X_and_wait and a query action of the same group:
    its name says so and it needs a task id alone. An X_and_wait without an X or a query action
    is a family of its own in the role ``wait``. Where a word is one of jobs, X and a query
    action without doubt are a family too.
    """
    members: dict[str, Member] = {}
    for create in sorted(overlay.families):
        if create in schemas:
            _add_members(members, _configured_family(create, overlay.families[create], schemas))
    queries = _QueryActions(schemas, entries)
    for wait in sorted(filter(create_id_of, schemas)):
        if wait not in members:
            _add_members(members, _family_by_name(wait, schemas, members, queries))
    for create in sorted(set(schemas) - members.keys()):
        family = queries.guess(create) if _starts_jobs(create) else None
        if family is not None and family.by_words:
            _add_members(members, family._replace(guessed=False))
    return members


def state_meanings(output: Any, depth: int = 12) -> dict[str, State]:
    """Return number (as text) → state, where an output schema says what numbers of states mean.

    It may say so by titles of constants, by names beside a choice or in a description.
    """
    if depth == 0 or not isinstance(output, dict | list):
        return {}
    meanings: dict[str, State] = {}
    for key, inner in output.items() if isinstance(output, dict) else enumerate(output):
        is_state = isinstance(key, str) and state_rank(key) is not None
        if is_state and isinstance(inner, dict):
            read = {number: read_state(text.strip()) for number, text in _named_numbers(inner)}
            meanings |= {number: state for number, state in read.items() if state}
        meanings |= state_meanings(inner, depth - 1)
    return meanings


def _named_numbers(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each number that a field may be, with the text that names it."""
    numbers = [number for number in _as_list(schema.get("enum")) if type(number) is int]
    for key in _ENUM_NAMES:
        names = _as_list(schema.get(key))
        if len(names) == len(numbers):
            yield from zip(map(str, numbers), map(str, names), strict=True)
    for option in (*_as_list(schema.get("oneOf")), *_as_list(schema.get("anyOf"))):
        if isinstance(option, dict) and type(option.get("const")) is int:
            numbers.append(option["const"])
            yield str(option["const"]), str(option.get("title") or option.get("description"))
    types = {"integer", "number"}.intersection(_as_list(schema.get("type")) or [schema.get("type")])
    if types or numbers:
        yield from re.findall(_NAMED_NUMBER, str(schema.get("description", ""))[:2000])


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def with_meanings(family: Family, entries: Entries) -> Family:
    """Return a family with what its members' output schemas say of the numbers of states."""
    members = (family.create, family.wait, family.query)
    outputs = [entries[name].output for name in members if name in entries]
    return family._replace(meanings=tuple(state_meanings(outputs).items()))


def guess_family(
    create: str,
    schemas: Schemas,
    overlay: Overlay,
    entries: Entries,
    id_keys: Iterable[str] = (),
) -> Family | None:
    """Return a family for an action without one: the configured, else a guessed query action.

    ``id_keys`` are the keys under which its reply holds ids. ``None`` where no query action fits.
    """
    if create in overlay.families:
        return _configured_family(create, overlay.families[create], schemas)
    queries, keys = _QueryActions(schemas, entries), frozenset(map(_normalized_key, id_keys))
    family = queries.guess(create) or queries.guess_elsewhere(create, keys)
    return with_meanings(family, entries) if family is not None else None


def is_named_as_query(name: str) -> bool:
    """Tell whether the last word of an id is one of queries, such as ``status``."""
    return _split_id(name)[1][-1] in vocab.ASKING_WORDS


def _add_members(members: dict[str, Member], family: Family) -> None:
    """Enter a family in ``members`` under each of its ids; a shared query stays with the first."""
    if family.create:
        members[family.create] = ("create", family)
    if family.wait:
        members[family.wait] = ("wait", family)
    if family.query:
        members.setdefault(family.query, ("query", family))


def _configured_family(create: str, settings: Mapping[str, str], schemas: Schemas) -> Family:
    """Return the family that the overlay names for ``create``, without unadvertised members."""
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
    """Return the family of an ``X_and_wait``: with X and a query action, or on its own."""
    create = create_id_of(wait)
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
            group, words = _split_id(name)
            rank = next((index for index, word in enumerate(_QUERY_WORDS) if word in words), None)
            queries = self._groups.setdefault(group, [])
            if rank is None or vocab.DOING_WORDS.intersection(words):
                continue
            if len(queries) < _MAX_QUERIES and task_key(schemas[name]):
                queries.append((rank, name, words))

    def of(self, create: str) -> str:
        """Return the query action in the group of ``create`` whose name fits best; "" without."""
        group, own = _split_id(create)
        ranked = (
            (-len(set(words).intersection(own)), rank, name)
            for rank, name, words in self._groups.get(group, ())
            if name != create
        )
        return min(ranked, default=(0, 0, ""))[2]

    def guess(self, create: str) -> Family | None:
        """Return a family with a guessed query action of the group; ``None`` where none is safe.

        Every word of its name must be harmless, the last one must be that of a query, and no
        mark may contradict it.
        """
        group, own = _split_id(create)
        harmless = vocab.HARMLESS_WORDS.union(own, kebab(group or "x").split("-"))
        fitting = (
            (-len(set(words).intersection(own)), vocab.ASKING_WORDS.index(words[-1]), name)
            for _, name, words in self._groups.get(group, ())
            if name != create and words[-1] in vocab.ASKING_WORDS and harmless.issuperset(words)
            if may_be_query(self._entries[name].hints)
        )
        query = min(fitting, default=(0, 0, ""))[2]
        return self._guessed(create, query) if query else None

    def guess_elsewhere(self, create: str, id_keys: frozenset[str]) -> Family | None:
        """Return a family with a guessed query action of another group than that of ``create``.

        The best fit is taken; ``None`` where nothing or two groups fit equally. ``id_keys`` are
        the keys of the ids in the reply, as ``_normalized_key`` writes them.
        """
        own, (group, _) = _words(create), _split_id(create)
        harmless = vocab.HARMLESS_WORDS.union(TASK_NOUNS, MEDIUM_WORDS, own)
        harmless -= vocab.DOING_WORDS - own
        fitting: list[tuple[int, str, int, str]] = []
        for other, queries in self._groups.items():
            for _, name, words in queries if other != group else ():
                fit = _rank_fit(other, task_key(self._schemas[name]), own, id_keys)
                is_question = is_named_as_query(name) and may_be_query(self._entries[name].hints)
                if fit and is_question and harmless.issuperset(_words(name)):
                    fitting.append((fit, other, vocab.ASKING_WORDS.index(words[-1]), name))
        best = [candidate for candidate in fitting if candidate[0] == max(fitting)[0]]
        is_clear = len({other for _, other, _, _ in best}) == 1
        return self._guessed(create, min(best)[3]) if is_clear else None

    def _guessed(self, create: str, query: str) -> Family:
        """Return a guessed family; ``by_words`` where a name or description speaks of jobs."""
        key = task_key(self._schemas[query])
        entries = filter(None, map(self._entries.get, (create, query)))
        by_words = (
            not vocab.JOB_WORDS.isdisjoint(_words(create) | _words(query))
            or not vocab.JOB_KEY_WORDS.isdisjoint(_words(key))
            or any(re.search(vocab.JOB_PHRASE, entry.description.lower()) for entry in entries)
        )
        return Family(create=create, query=query, task_key=key, guessed=True, by_words=by_words)


_BEST, _GOOD, _FAIR = 3, 2, 1


def _rank_fit(group: str, key: str, own: frozenset[str], id_keys: frozenset[str]) -> int:
    """Return how well a query action of another group fits: 3 is best, 0 not at all.

    Best where ``key``, its property, is named like an id in the reply (``id_keys``), good where
    its group is that of jobs, fair where it is that of the medium in ``own``, the create words.
    """
    nouns, of_key = _words(group), _words(key)
    is_bare = of_key <= vocab.BARE_IDS
    if _normalized_key(key) in id_keys and not is_bare:
        return _BEST
    if nouns & (TASK_NOUNS | vocab.JOB_WORDS) and (is_bare or of_key & vocab.JOB_KEY_WORDS):
        return _GOOD
    return _FAIR if is_bare and _singulars(nouns) & _singulars(own) & _MEDIA_SINGULARS else 0


def _singulars(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word.removesuffix("s") for word in words)


_MEDIA_SINGULARS = _singulars(MEDIUM_WORDS)


def _words(name: str) -> frozenset[str]:
    return frozenset(kebab(name).split("-"))


def _normalized_key(key: str) -> str:
    """Return a key in lower case without underscores and dashes."""
    return key.lower().replace("_", "").replace("-", "")


def _split_id(name: str) -> tuple[str, list[str]]:
    """Return the group of an id and the words of its last segment."""
    group, _, last = name.rpartition(".")
    return group, kebab(last).split("-")


def _starts_jobs(create: str) -> bool:
    """Tell whether an id says that it starts a job: ``video.generate``, ``generate.video``."""
    group, words = _split_id(create)
    is_medium = MEDIUM_WORDS.keys() >= set(words)
    starting = vocab.STARTING_WORDS & (_words(group) if is_medium else frozenset(words))
    return bool(starting) and not (is_named_as_query(create) or makes_text(create))


def task_key(schema: Mapping[str, Any] | None) -> str:
    """Return the property of the task id, if an input schema requires that alone; else "".

    Where none is required it must be the only property.
    """
    if not schema:
        return ""
    reader = ShapeReader(schema)
    root = reader.read(schema)
    keys = root.required or frozenset(root.properties)
    if len(keys) != 1:
        return ""
    (key,) = keys
    return (
        key
        if _normalized_key(key) in _TASK_IDS or kebab(key).split("-")[-1] in vocab.ID_WORDS
        else ""
    )


def _deadline(schema: Mapping[str, Any] | None) -> int:
    """Return the default of ``timeoutMs`` in ms; 600,000 if it is missing or over a week."""
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
