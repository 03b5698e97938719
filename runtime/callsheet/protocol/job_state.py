"""Decide whether a job is running, done or failed, from what a reply says about it."""

# A reply is decided on in three steps, in the order of this file:
# 1. `read_state` reads one word of the server, by the lists of `job_words`.
# 2. `choose_word` takes the word that tells the job's state, where a reply has several.
# 3. `settle` decides by that word, a flag, a fault and the media of the result.
# `job_fields` finds these values in a reply. `replies` passes them on, without the status of an
# envelope that only speaks of the request. A wait (`flows.jobs`) ends with a state of `OVER`.

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from callsheet.protocol import job_words as jobs
from callsheet.protocol.values import word, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callsheet.protocol.job_words import State
    from callsheet.protocol.media import Medium
    from callsheet.spec import Role


OVER = ("done", "failed")
"""States that end a job."""
Steps = tuple[str | int, ...]
Holder = Literal["job", "content", "product", "other", "aside", "foreign", "state"]
_LONGEST_STATE = 100


class Table(NamedTuple):
    """An object of a reply that may describe the job.

    ``steps`` lead to it from the reply, ``kind`` says what its key stands for. ``is_ours`` is
    true where it holds the id that was asked for; ``is_word`` for the value of a state's key.
    """

    fields: dict[str, Any]
    steps: Steps
    kind: Holder
    is_ours: bool = False
    is_word: bool = False


class Hit(NamedTuple):
    """A value that counts for one part of the reading: its place, and the number of its rule.

    ``amount`` is that of a cost or a pause.
    """

    table: Table
    key: str
    text: str
    rule: int = 0
    state: State = ""
    amount: float = 0.0

    @property
    def steps(self) -> Steps:
        """Return the steps to the value."""
        return (*self.table.steps, self.key)


@lru_cache(maxsize=1024)
def read_state(text: str) -> State:
    """Return the state that a word stands for, whole or by parts; ``""`` for an unknown word."""
    plain = word(text)
    if plain in jobs.RUNNING:
        return "running"
    if plain in jobs.FAILED or plain in jobs.TIMED_OUT:
        return "failed"
    if plain in jobs.DONE or plain in jobs.WEAK_DONE:
        return "done"
    parts = words(text) if len(text) <= _LONGEST_STATE else ()
    return _by_parts(parts) if parts else ""


def _by_parts(parts: tuple[str, ...]) -> State:
    """Read a state of several words, or of one that ends in a word that is known."""
    every, last = frozenset(parts), parts[-1]
    start, ending = _suffix(last)
    is_denied = bool(every & jobs.NEGATIONS) or start in jobs.NEGATIONS
    is_early = any(part.startswith(jobs.EARLY_STARTS) for part in (*parts[:-1], start))
    if not is_denied and (every & jobs.FAILED_PARTS or ending == "failed"):
        is_mixed = any(part in jobs.DONE or part.startswith("retr") for part in parts)
        return "" if is_mixed else "failed"
    if every & jobs.RUNNING or last.endswith("ing") or parts[0] == "in":
        is_over = last in jobs.DONE_ENDS and not (is_early or is_denied)
        return "done" if is_over else "running"
    is_done = last in jobs.DONE_ENDS or ending == "done"
    return "done" if is_done and not (is_early or is_denied) else ""


def _suffix(part: str) -> tuple[str, State]:
    """Divide a word before an end that tells a state: ``jobsuccess`` gives job and done."""
    for suffix, state in jobs.SUFFIXES.items():
        if part != suffix and part.endswith(suffix):
            return part.removesuffix(suffix), state
    return "", ""


def meaning(value: Any, meanings: Mapping[str, State]) -> State:
    """Return the state that a word stands for: by ``meanings``, else by ``read_state``."""
    return (meanings.get(word(value)) if meanings else None) or read_state(str(value))


def choose_word(hits: Sequence[Hit]) -> Hit | None:
    """Return the word that tells the job's state, of ``hits`` in their order.

    An unknown word counts before a known one only in the job's own object. A word that means
    done yields to the other word of an object within its own, and of one beside it.
    """
    if not hits:
        return None
    first = hits[0]
    is_own = first.table.is_ours or first.table.kind == "job"
    chosen = first if is_own else next((hit for hit in hits if hit.state), first)
    if chosen.state != "done":
        return chosen
    return next((hit for hit in hits if _contradicts(hit, chosen)), chosen)


def _contradicts(hit: Hit, outer: Hit) -> bool:
    if hit.state not in {"running", "failed"} or hit.table.kind not in {"job", "content"}:
        return False
    size = len(outer.table.steps)
    if hit.table.steps == outer.table.steps:
        return hit.rule == outer.rule
    return hit.table.steps[:size] == outer.table.steps


def settle(
    hit: Hit | None,
    flag: Hit | None,
    media: Sequence[Medium],
    *,
    role: Role,
    has_id: bool,
    has_fault: bool,
    is_forced: bool,
    expected: frozenset[str],
) -> State:
    """Return the state of a job; ``""`` where a reply does not tell one.

    ``hit`` is the word of the state, ``flag`` a key of true or false that counts where there is no
    word, ``media`` the links of the result. ``has_id`` is true where the reply names a task,
    ``has_fault`` where it reports a fault, ``is_forced`` where the configuration names the place
    of the state. ``role`` is the action's (``""`` outside a family), ``expected`` are the kinds of
    medium that it makes.

    Done beside a fault and without a result is failed. Without a word the reply to a create
    request is done only with a medium that is certainly the action's own: a ``result_url`` may be
    an address to poll.
    """
    state = _state_of_word(hit, flag, is_job=bool(role) or is_forced)
    if role == "wait" and has_id and hit and is_timeout(hit.text):
        state = "running"
    if not role or (state and state != "done"):
        return state
    if state == "done":
        if has_fault and not (hit and media):
            return "failed"
        is_weak = hit is not None and word(hit.text) in jobs.WEAK_DONE
        return "running" if is_weak and expected and not media else "done"
    if media:
        first = media[0]
        is_own = not expected or first.kind in expected or first.named
        if first.is_known and (role != "create" or is_own):
            return "done"
    return "failed" if has_fault and role == "query" else ""


def is_timeout(raw_state: str) -> bool:
    """Tell whether the word of a state says that time ran out: that of the job, or of waiting."""
    return word(raw_state) in jobs.TIMED_OUT


def _state_of_word(hit: Hit | None, flag: Hit | None, *, is_job: bool) -> State:
    """Return the state of the word, else of the flag; an unknown word of a job means running."""
    if hit is None:
        return flag.state if flag else ""
    return hit.state or ("running" if is_job else "")
