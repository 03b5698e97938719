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
_ENUM_NAMES = word_list("""
    enumNames x-enumNames x-enum-varnames x-enum-descriptions enumDescriptions x-enum-names
""")
_NAMED_NUMBER = (
    r"(?<![\w.])(\d{1,3})[`'\")]?\s*(?:[:=]|->?|is\b|means\b)?\s*[`'\"(]?([A-Za-z][A-Za-z_-]+)"
)
"""Number and word in a description: ``0 queued, 1: running, 2 = done``."""
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
    action that asks, is a family of its own in the role ``wait``. Where a word is one of
    jobs, X and an action that certainly asks are a family too.
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
        if family is not None and family.by_words:
            _enter(members, family._replace(guessed=False))
    return members


def state_meanings(output: Any, depth: int = 12) -> dict[str, State]:
    """Return what the numbers of states stand for, where an output schema says it.

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
    numbers = [number for number in _list(schema.get("enum")) if type(number) is int]
    for key in _ENUM_NAMES:
        names = _list(schema.get(key))
        if len(names) == len(numbers):
            yield from zip(map(str, numbers), map(str, names), strict=True)
    for option in (*_list(schema.get("oneOf")), *_list(schema.get("anyOf"))):
        if isinstance(option, dict) and type(option.get("const")) is int:
            numbers.append(option["const"])
            yield str(option["const"]), str(option.get("title") or option.get("description"))
    types = {"integer", "number"}.intersection(_list(schema.get("type")) or [schema.get("type")])
    if types or numbers:
        yield from re.findall(_NAMED_NUMBER, str(schema.get("description", ""))[:2000])


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def with_meanings(family: Family, entries: Entries) -> Family:
    """Add to a family what its members' output schemas say of the numbers of states."""
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
    """Return how a job may be asked about that an action without a family has started.

    ``id_keys`` are the keys under which its reply holds ids.
    """
    if create in overlay.families:
        return _configured_family(create, overlay.families[create], schemas)
    queries, keys = _QueryActions(schemas, entries), frozenset(map(_plain, id_keys))
    family = queries.guess(create) or queries.guess_elsewhere(create, keys)
    return with_meanings(family, entries) if family is not None else None


def may_ask(name: str) -> bool:
    """Tell whether the last word of an id is one of actions that ask."""
    return _parts(name)[1][-1] in vocab.ASKING_WORDS


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
        return self._guessed(create, query) if query else None

    def guess_elsewhere(self, create: str, id_keys: frozenset[str]) -> Family | None:
        """Return a family whose action that asks stands in another group than ``create``.

        The one that fits best is taken, and none where two groups fit equally. ``id_keys`` are
        the keys of the ids in the reply, as ``_plain`` writes them.
        """
        own, (group, _) = _words(create), _parts(create)
        harmless = vocab.HARMLESS_WORDS.union(TASK_NOUNS, MEDIUM_WORDS, own)
        harmless -= vocab.DOING_WORDS - own
        fitting: list[tuple[int, str, int, str]] = []
        for other, queries in self._groups.items():
            for _, name, words in queries if other != group else ():
                fit = _fit(other, task_key(self._schemas[name]), own, id_keys)
                is_question = may_ask(name) and may_be_asked(self._entries[name].hints)
                if fit and is_question and harmless.issuperset(_words(name)):
                    fitting.append((fit, other, vocab.ASKING_WORDS.index(words[-1]), name))
        best = [found for found in fitting if found[0] == max(fitting)[0]]
        is_one = len({other for _, other, _, _ in best}) == 1
        return self._guessed(create, min(best)[3]) if is_one else None

    def _guessed(self, create: str, query: str) -> Family:
        """Return a guessed family; it is one by words where any of its words is one of jobs."""
        key = task_key(self._schemas[query])
        entries = filter(None, map(self._entries.get, (create, query)))
        by_words = (
            not vocab.JOB_WORDS.isdisjoint(_words(create) | _words(query))
            or not vocab.JOB_KEY_WORDS.isdisjoint(_words(key))
            or any(re.search(vocab.JOB_PHRASE, entry.description.lower()) for entry in entries)
        )
        return Family(create=create, query=query, task_key=key, guessed=True, by_words=by_words)


_BEST, _GOOD, _FAIR = 3, 2, 1


def _fit(group: str, key: str, own: frozenset[str], id_keys: frozenset[str]) -> int:
    """Return how well an action of another group fits, by its property and its group's nouns.

    The property is named like the id in the reply, or the group is that of jobs, or it is that
    of the medium which is made; zero for any other.
    """
    nouns, of_key = _words(group), _words(key)
    is_bare = of_key <= vocab.BARE_IDS
    if _plain(key) in id_keys and not is_bare:
        return _BEST
    if nouns & (TASK_NOUNS | vocab.JOB_WORDS) and (is_bare or of_key & vocab.JOB_KEY_WORDS):
        return _GOOD
    return _FAIR if is_bare and _stems(nouns) & _stems(own) & _MEDIA_STEMS else 0


def _stems(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word.removesuffix("s") for word in words)


_MEDIA_STEMS = _stems(MEDIUM_WORDS)


def _words(name: str) -> frozenset[str]:
    return frozenset(kebab(name).split("-"))


def _plain(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "")


def _parts(name: str) -> tuple[str, list[str]]:
    """Return the group of an id and the words of its last segment."""
    group, _, last = name.rpartition(".")
    return group, kebab(last).split("-")


def _starts_jobs(create: str) -> bool:
    """Tell whether an id says that something begins: ``video.generate``, ``generate.video``."""
    group, words = _parts(create)
    is_medium = MEDIUM_WORDS.keys() >= set(words)
    starting = vocab.STARTING_WORDS & (_words(group) if is_medium else frozenset(words))
    return bool(starting) and not (may_ask(create) or makes_text(create))


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
    return key if _plain(key) in _TASK_IDS or kebab(key).split("-")[-1] in vocab.ID_WORDS else ""


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
