"""Find the ids, the state, the progress and the cost of a job in a reply."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.protocol import job_words as jobs
from callsheet.protocol.job_state import Hit, Holder, Steps, Table, choose_word, meaning, read_state
from callsheet.protocol.media import is_link
from callsheet.protocol.values import number, word, words
from callsheet.protocol.vocabulary import OK_WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from callsheet.protocol.job_words import State


_ORDER: dict[Holder, int] = {"job": 0, "content": 1, "product": 2, "other": 3, "aside": 4}
_DEPTH, _MOST_TABLES = 6, 100
_LONGEST_ID, _LONGEST_WORD = 512, 200
_BARE_KEYS = frozenset({"result", "data", "response", "output"})
_UUID_LIKE = re.compile(r"[0-9a-fA-F]{4,12}(?:-[0-9a-fA-F]{4,12}){2,4}")
_FOREIGN = -1
_WEAK = frozenset({_FOREIGN, jobs.BY_LONE, jobs.BY_CONTENT})


class JobParts(NamedTuple):
    """What a reply may tell of a job, the likeliest first: before anything is decided.

    ``word`` is that of ``states`` which tells the state, ``flag`` a key of true or false in its
    place; ``fault`` says that the job has failed, ``message`` more than ok; ``queue`` is a place
    in a queue, ``pause`` milliseconds to wait.
    """

    tables: list[Table]
    ids: list[Hit]
    states: list[Hit]
    word: Hit | None
    flag: Hit | None
    fault: Hit | None
    progress: Hit | None
    cost: Hit | None
    message: Hit | None
    queue: Hit | None
    pause: Hit | None


def collect(
    root: Any,
    asked: frozenset[str] = frozenset(),
    *,
    id_key: str = "",
    starts_job: bool = False,
    meanings: Mapping[str, State] = {},
) -> JobParts:
    """Collect what a reply may tell of a job; ``root`` is it with its strings of JSON parsed.

    ``asked`` are the ids that were asked for, ``id_key`` is the property that the action which
    asks wants. ``starts_job`` is true for the reply to a request that made a job: there an id of
    unknown meaning counts where it is alone. ``meanings`` are the words of states, numbers among
    them, that the configuration gives a meaning.
    """
    tables = find_tables(root, asked)
    states = _find_states(tables, meanings)
    return JobParts(
        tables=tables,
        ids=_find_ids(tables, key_parts(id_key), starts_job=starts_job),
        states=states,
        word=choose_word(states),
        flag=_find_flag(tables),
        fault=_first(tables, _is_fault_at),
        progress=_first(tables, _is_progress),
        cost=_first_amount(tables, _names_cost),
        message=_first(tables, _is_message),
        queue=_first_amount(tables, jobs.QUEUE_KEYS.__contains__),
        pause=_first_amount(tables, jobs.POLL_KEYS.__contains__),
    )


def _first(tables: Iterable[Table], counts: Callable[[str, Any], bool]) -> Hit | None:
    for table in tables:
        for key, value in table.fields.items():
            if counts(key, value):
                return Hit(table, key, str(value)[:1000])
    return None


def _first_amount(tables: Iterable[Table], is_named: Callable[[str], bool]) -> Hit | None:
    for table in tables:
        for key, value in table.fields.items():
            amount = number(value) if is_named(key) else None
            if amount is not None and amount >= 0:
                return Hit(table, key, str(value)[:100], amount=amount)
    return None


@lru_cache(maxsize=4096)
def key_parts(key: str) -> tuple[str, ...]:
    """Split a key into its words; ``taskid`` gives task and id, ``jobstatus`` job and status."""
    parts = words(key)
    last = parts[-1] if parts else ""
    for end in ("id", "uuid", "status", "state"):
        stem = last.removesuffix(end)
        if stem != last and stem in jobs.JOINED_NOUNS:
            return (*parts[:-1], stem, end)
    return parts


@lru_cache(maxsize=4096)
def _holder(key: str) -> Holder:
    """Return what the object under a key is, by the words of the key."""
    parts = key_parts(key)
    if not parts:
        return "other"
    last, every = parts[-1], frozenset(parts)
    if any(part.startswith(jobs.ECHO_STARTS) for part in parts):
        return "foreign"
    if state_rank(key) is not None:
        return "state"
    if last in jobs.ASIDE_NOUNS:
        return "aside"
    if last not in jobs.FOREIGN_NOUNS and every & jobs.TASK_NOUNS:
        return "job"
    if last in jobs.CONTENT_NOUNS and not (every & jobs.FOREIGN_NOUNS):
        return "content"
    if every & jobs.FOREIGN_NOUNS:
        return "foreign"
    return "product" if every & jobs.MADE_NOUNS else "other"


def find_tables(root: Any, asked: frozenset[str] = frozenset()) -> list[Table]:
    """Return the objects of a reply that may describe the job, outer ones first.

    ``root`` is the reply with its strings of JSON parsed; ``asked`` are the ids that were asked
    for. A list of one counts as its entry. An object under a key of a name that says nothing is
    looked into where it stands alone in an object that tells neither id nor state.
    """
    top = _table(root, (), "content", asked)
    tables = [top] if top else []
    for table in tables:  # grows
        if len(table.steps) < 2 * _DEPTH and len(tables) < _MOST_TABLES:
            tables += _inner_tables(table, asked)
    return tables


def _table(value: Any, steps: Steps, kind: Holder, asked: frozenset[str]) -> Table | None:
    if isinstance(value, list) and len(value) == 1:
        value, steps = value[0], (*steps, 0)
    if not isinstance(value, dict):
        return None
    return Table(value, steps, kind, is_ours=bool(asked) and has_asked_id(value, asked))


def has_asked_id(table: dict[str, Any], asked: frozenset[str]) -> bool:
    """Tell whether an object holds one of the ids that were asked for."""
    return any(id_text(value) in asked for key, value in table.items() if id_rule(key) is not None)


def _inner_tables(table: Table, asked: frozenset[str]) -> Iterator[Table]:
    others: list[Table] = []
    for key, value in table.fields.items():
        if not isinstance(value, dict | list):
            continue
        kind: Holder = "job" if key in asked else _holder(key)
        if kind == "foreign":
            continue
        inner = _table(value, (*table.steps, key), kind, asked)
        if inner is None:
            continue
        if kind == "state":
            yield inner._replace(kind=table.kind, is_ours=table.is_ours, is_word=True)
        elif kind == "other":
            others.append(inner)
        else:
            # What lies within a product or beside a job is no more the job than that.
            yield inner._replace(kind=max(kind, table.kind, key=_depends_on))
    if len(others) == 1 and not any(
        id_rule(key) is not None or state_rank(key) is not None for key in table.fields
    ):
        yield others[0]


def _depends_on(kind: Holder) -> int:
    return _ORDER[kind] if kind in {"product", "aside"} else 0


def tells_job(table: Mapping[str, Any]) -> bool:
    """Tell whether an object has an id and a state in words: those of a job, not of a request."""
    has_id = any(
        value and (names_task(key) or id_rule(key) == jobs.BY_OBJECT)
        for key, value in table.items()
    )
    states = (value for key, value in table.items() if state_rank(key) is not None)
    return has_id and any(
        isinstance(text, str) and bool(word(text)) and not text.isdecimal() for text in states
    )


def names_task(key: str) -> bool:
    """Tell whether a key names the id of a job and of nothing else."""
    return id_rule(key) in {jobs.BY_TASK, jobs.BY_JOB}


def only_tells_of_job(key: str) -> bool:
    """Tell whether a key names the id, the state or the cost of a job, and no result."""
    is_cost = not jobs.COST_WORDS.isdisjoint(key_parts(key))
    return is_cost or id_rule(key) is not None or state_rank(key) is not None


# --- task ids


@lru_cache(maxsize=4096)
def id_rule(key: str) -> int | None:
    """Return the number of the rule by which a key names a task id, or ``None``."""
    rule = _any_id_rule(key)
    return None if rule in _WEAK else rule


@lru_cache(maxsize=4096)
def _any_id_rule(key: str) -> int | None:
    """Return the rule of a key that names an id of anything: ``_FOREIGN`` for another thing's."""
    parts = key_parts(key)
    if not parts:
        return None
    *stem, end = parts
    if not stem:
        return jobs.ID_KEYS.get(end)
    last = stem[-1]
    if end == "name":
        return jobs.BY_NAME if last in jobs.TASK_NOUNS else None
    if end not in jobs.ID_ENDS:
        return None
    if last == "request":
        return jobs.BY_REQUEST
    if any(part in jobs.FOREIGN_NOUNS or part.startswith(jobs.ECHO_STARTS) for part in stem):
        return _FOREIGN
    if last in jobs.ID_NOUNS:
        return jobs.BY_TASK if stem == ["task"] else jobs.BY_JOB
    if end not in jobs.OWN_IDS | {"ids", "uuids"}:
        return None
    return jobs.BY_PRODUCT if last in jobs.MADE_NOUNS else jobs.BY_LONE


def _find_ids(tables: Sequence[Table], wanted: tuple[str, ...], *, starts_job: bool) -> list[Hit]:
    hits = [
        hit
        for table in tables
        if not (table.is_word or table.kind == "aside")
        for hit in _ids_in(table, wanted)
    ]
    clear = [hit for hit in hits if hit.rule not in _WEAK]
    weak = [hit for hit in hits if hit.rule in _WEAK and hit.rule != _FOREIGN]
    if starts_job and not clear and len({hit.text for hit in weak}) == 1:
        clear = weak
    if not clear and tables:
        clear = _bare_id(tables[0])
    return sorted(clear, key=_id_order) if len(clear) > 1 else clear


def _bare_id(table: Table) -> list[Hit]:
    """Return the id that is the whole answer, if it looks like a UUID: ``{"result": "018b-…"}``."""
    pairs = list(table.fields.items())
    key, text = pairs[0] if len(pairs) == 1 else ("", "")
    is_id = key in _BARE_KEYS and isinstance(text, str) and _UUID_LIKE.fullmatch(text.strip())
    return [Hit(table, key, text.strip(), jobs.BY_JOB)] if is_id else []


def foreign_ids(tables: Iterable[Table]) -> list[Hit]:
    """Return the ids of other things, which are never asked about."""
    return [hit for table in tables for hit in _ids_in(table, ()) if hit.rule == _FOREIGN]


def _id_order(hit: Hit) -> tuple[int, bool, bool, int, int]:
    table = hit.table
    has_state = any(state_rank(key) is not None for key in table.fields)
    is_job = table.kind == "job"
    return hit.rule, not is_job, not has_state, _ORDER[table.kind], -len(table.steps)


def _ids_in(table: Table, wanted: tuple[str, ...]) -> Iterator[Hit]:
    for key, value in table.fields.items():
        if value is None or isinstance(value, dict | bool | float):
            continue
        is_wanted = bool(wanted) and key_parts(key) == wanted
        rule = jobs.BY_QUERY if is_wanted else _any_id_rule(key)
        if rule is None:
            continue
        if table.kind == "product" and rule in {jobs.BY_QUERY, jobs.BY_OBJECT}:
            rule = jobs.BY_PRODUCT
        if isinstance(value, list):
            value = value[0] if len(value) == 1 else None
        text = id_text(value)
        if text and _is_id_by(rule, key, text):
            yield Hit(table, key, text, rule)


def _is_id_by(rule: int, key: str, text: str) -> bool:
    """Tell whether a text can be an id by a rule: names and nouns are often something else."""
    if rule == jobs.BY_NAME:
        return "/" in text or (len(key_parts(key)) > 1 and any(map(str.isdigit, text)))
    if rule >= jobs.BY_NOUN:
        return any(map(str.isdigit, text)) and not ("/" in text and is_link(text))
    return True


def id_text(value: Any) -> str:
    """Return an id as a text; ``""`` for a value that cannot be an id."""
    if isinstance(value, str):
        text = value.strip()
        is_plain = text.isprintable() and " " not in text
        return text if is_plain and len(text) <= _LONGEST_ID else ""
    is_number = type(value) is int and 0 <= value < 10**40
    return str(value) if is_number else ""


# --- states


@lru_cache(maxsize=4096)
def state_rank(key: str) -> int | None:
    """Return the rank of a key that names the state of a job, the surest first; else ``None``.

    0 for ``task_status``, 1 for ``status``, 2 for ``phase``.
    """
    parts = key_parts(key)
    if len(parts) > 1 and parts[-1] in jobs.STATE_NAMES and parts[-2] in jobs.STATE_ENDS:
        parts = parts[:-1]
    if not parts or parts[-1] not in jobs.STATE_ENDS:
        return None
    if len(parts) > 1:
        return 0 if jobs.STATE_STEMS.issuperset(parts[:-1]) else None
    return 2 if parts[-1] == "phase" else 1


def _find_states(tables: Sequence[Table], meanings: Mapping[str, State]) -> list[Hit]:
    """Return the words of states in a reply, the job's own first."""
    hits = [
        Hit(table, key, str(value)[:_LONGEST_WORD], rank, meaning(value, meanings))
        for table in tables
        if table.kind != "aside"
        for key, value in table.fields.items()
        if (rank := _rank_in(table, key, value)) is not None
        and (
            (isinstance(value, str) and value.strip())
            or (type(value) is int and str(value) in meanings)
        )
    ]
    return sorted(hits, key=_state_order) if len(hits) > 1 else hits


def forced_hit(value: Any, meanings: Mapping[str, State]) -> Hit | None:
    """Return the word of a state that the configuration leads to, numbers among them."""
    text = str(value)
    place = Table({}, (), "job")
    return Hit(place, "", text, 0, meaning(value, meanings)) if word(value) else None


def _rank_in(table: Table, key: str, value: Any) -> int | None:
    if table.is_word and key in jobs.STATE_NAMES:
        return 3 + jobs.STATE_NAMES.index(key)
    is_text = key == "ok" and len(words(str(value))) > 1  # {"ok": "ASSEMBLY_EXECUTING"}
    return 2 if is_text else state_rank(key)


def _state_order(hit: Hit) -> tuple[bool, int, int, bool, int]:
    table = hit.table
    return not table.is_ours, _ORDER[table.kind], -len(table.steps), not hit.state, hit.rule


def _find_flag(tables: Iterable[Table]) -> Hit | None:
    """Read ``{"done": true}`` and ``{"successFlag": 1}`` in place of a word; what is true first."""
    for table in tables:
        for key, value in sorted(table.fields.items(), key=lambda field: field[1] is False):
            state = _flag_state(key, value)
            if state and table.kind != "aside":
                return Hit(table, key, str(value).lower(), 0, state)
    return None


def _flag_state(key: str, value: Any) -> State:
    parts = key_parts(key)
    name = "".join(parts[1:] if parts[:1] in {("is",), ("has",)} else parts)
    if isinstance(value, bool):
        state = jobs.FLAGS.get(name, "")
        return state if value else "running" if state == "done" else ""
    return jobs.FLAG_NUMBERS[name].get(word(value), "") if name in jobs.FLAG_NUMBERS else ""


# --- faults, progress, cost


def _is_fault_at(key: str, value: Any) -> bool:
    return _names_fault(key) and is_fault(value)


@lru_cache(maxsize=1024)
def _names_fault(key: str) -> bool:
    parts = key_parts(key)
    if not parts or jobs.FAULT_WORDS.isdisjoint(parts):
        return False
    return parts[-1] in jobs.FAULT_WORDS or parts[-1] in jobs.TELLING_WORDS


def is_fault(value: Any) -> bool:
    """Tell whether a value reports a fault: not false, nothing, 0, a 2xx code or ok."""
    if isinstance(value, dict):
        codes = [child for key, child in value.items() if key_parts(key)[-1:] == ("code",)]
        if any(word(code) and not is_fault(code) for code in codes):
            return False
        return any(map(is_fault, value.values()))
    if isinstance(value, list):
        return any(map(is_fault, value))
    if isinstance(value, bool) or value is None:
        return value is True
    if isinstance(value, int | float):
        return value != 0 and not 200 <= value < 300
    plain = word(value)
    return bool(plain) and plain not in jobs.NO_FAULT and read_state(value) != "done"


def names_progress(key: str) -> bool:
    """Tell whether a key names the progress of a job."""
    return not jobs.PROGRESS_WORDS.isdisjoint(key_parts(key))


def _is_progress(key: str, value: Any) -> bool:
    return names_progress(key) and progress_fraction(value, is_running=False) is not None


def progress_fraction(value: Any, *, is_running: bool) -> float | None:
    """Return a job's progress from 0 to 1, or ``None`` for a value that is not progress.

    Reads numbers, ``"40 %"``, ``"3/7"`` and objects with such a value under a key of progress. A
    number is a percentage with ``%``, above 1, and where a running job reports the integer 1.
    """
    if isinstance(value, dict):
        inner = (
            progress_fraction(child, is_running=is_running)
            for key, child in value.items()
            if not jobs.PROGRESS_WORDS.isdisjoint(words(key))
        )
        return next((fraction for fraction in inner if fraction is not None), None)
    if isinstance(value, str) and "/" in value:
        part, total = (number(text) for text in value.split("/", 1))
        return None if part is None or not total else min(max(part / total, 0.0), 1.0)
    amount = number(value)
    if amount is None:
        return None
    has_sign = isinstance(value, str) and "%" in value
    is_percent = has_sign or amount > 1 or (amount == 1 and is_running and isinstance(value, int))
    return min(max(amount / 100 if is_percent else amount, 0.0), 1.0)


@lru_cache(maxsize=1024)
def _names_cost(key: str) -> bool:
    parts = key_parts(key)
    return not jobs.COST_WORDS.isdisjoint(parts) and jobs.NO_COST_WORDS.isdisjoint(parts)


def queue_place(hit: Hit | None) -> int | None:
    """Return the place in a queue, from 1; ``None`` where a hit is a time or counts from nought."""
    is_place = hit is not None and key_parts(hit.key)[-1] in {"position", "queue"}
    return int(hit.amount) if hit is not None and is_place and hit.amount >= 1 else None


def _is_message(key: str, value: Any) -> bool:
    is_text = key.lower() in {"message", "msg"} and isinstance(value, str)
    return is_text and word(value.strip()) not in OK_WORDS
