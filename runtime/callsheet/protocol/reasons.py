"""Find why a job failed, in the server's own words, from wherever they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.protocol import job_words as jobs
from callsheet.protocol.job_fields import key_parts
from callsheet.protocol.media import is_link
from callsheet.protocol.values import NONE, Overrides, pick_first, word, words
from callsheet.protocol.vocabulary import HEAD_KEYS, OK_WORDS
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from callsheet.protocol.job_state import Steps


_DEPTH, _MOST = 10, 2000
_LONGEST = 1000
_SHORT = 60
RULES = (
    "+named by the configuration",
    "+under the name of a fault",
    "+a sentence about the job",
    "+a code",
)
"""Rules that make a text the reason, the strongest first."""
_SETTING, FAULT, _SENTENCE, _CODE = range(len(RULES))


class Reason(NamedTuple):
    """A text that may say why a job failed: where it stands, and the number of its rule."""

    steps: Steps
    text: str
    rule: int
    place: tuple[int, int] = (0, 0)


def reason_of(reasons: Sequence[Reason]) -> str:
    """Return the reason in one line, with the code where the server gives one beside it."""
    if not reasons:
        return ""
    first = reasons[0]
    is_listed = isinstance(next(reversed(first.steps), None), int)
    listed = [reason.text for reason in reasons if reason.steps[:-1] == first.steps[:-1]]
    text = "; ".join(listed) if is_listed else first.text + _more(first, reasons)
    code = next((reason.text for reason in reasons if reason.rule == _CODE), "")
    is_telling = code not in text and any(map(str.isalpha, code))
    return one_line(f"{text} ({code})" if is_telling else text, _LONGEST)


def _more(first: Reason, reasons: Sequence[Reason]) -> str:
    """Return the detail that stands beside a reason and says more, after a colon; or ""."""
    for reason in reasons[1:]:
        is_beside = reason.steps[:-1] == first.steps[:-1] and reason.rule == first.rule == FAULT
        if is_beside and word(str(reason.steps[-1])) == "detail" and reason.text not in first.text:
            return f": {reason.text}"
    return ""


def find_reasons(
    layers: Sequence[Any], raw_state: str, overrides: Overrides = NONE
) -> list[Reason]:
    """Return the texts that may say why a job failed, the likeliest first.

    ``layers`` are the reply and the contents of its envelopes, strings of JSON parsed. Texts that
    say ok, or only repeat the state, are none.
    """
    forced = pick_first(tuple(layers), overrides.error_message)
    reasons = [Reason((), one_line(value, _LONGEST), _SETTING) for value in forced if value]
    if layers:
        reasons += [reason for reason in _texts(layers[0]) if _tells(reason, raw_state)]
    return sorted(reasons, key=lambda reason: (reason.rule, reason.place))


def _tells(reason: Reason, raw_state: str) -> bool:
    plain = word(reason.text)
    if not plain or plain == word(raw_state) or plain in jobs.NO_FAULT or plain in OK_WORDS:
        return False
    if len(reason.text) > _SHORT:
        return True
    return not _says_success(reason.text) and not ("/" in reason.text and is_link(reason.text))


def _says_success(text: str) -> bool:
    parts = words(text)
    if not parts or not (jobs.NEGATIONS | jobs.FAILED_PARTS).isdisjoint(parts):
        return False
    return parts[-1] in jobs.DONE_ENDS or any(part.startswith("succe") for part in parts)


def _texts(root: Any) -> Iterator[Reason]:
    """Yield the texts of a reply that its keys call a fault, a sentence or a code."""
    level: list[tuple[Any, Steps, bool]] = [(root, (), False)]
    for depth in range(_DEPTH):
        below: list[tuple[Any, Steps, bool]] = []
        for value, steps, in_fault in level[:_MOST]:
            if isinstance(value, dict):
                below += [
                    (child, (*steps, key), in_fault or _is_cause(key))
                    for key, child in value.items()
                    if not _is_silent(key)
                ]
            elif isinstance(value, list):
                below += [(child, (*steps, at), in_fault) for at, child in enumerate(value)]
            elif isinstance(value, str | int) and not isinstance(value, bool):
                yield from _reason(value, steps, in_fault=in_fault, depth=depth)
        level = below


def _reason(value: str | int, steps: Steps, *, in_fault: bool, depth: int) -> Iterator[Reason]:
    key = next((step for step in reversed(steps) if isinstance(step, str)), "")
    last = next(reversed(key_parts(key)), "")
    if last in jobs.CODE_WORDS:
        is_code = isinstance(value, str) and (in_fault or last == "code")
        rules = [_CODE] if is_code else []
    elif isinstance(value, str) and (last in jobs.TELLING_WORDS or _is_cause(key)):
        rules = [FAULT if in_fault else _SENTENCE]
    elif isinstance(value, str) and " " in value and (in_fault or last in jobs.CONTENT_NOUNS):
        rules = [_SENTENCE]
    else:
        rules = []
    order = jobs.TELLING_WORDS
    at = order.index(last) if last in order else len(order)
    yield from (Reason(steps, one_line(value, _LONGEST), rule, (at, -depth)) for rule in rules)


def _is_cause(key: str) -> bool:
    return not jobs.CAUSE_WORDS.isdisjoint(key_parts(key))


def _is_silent(key: str) -> bool:
    parts = key_parts(key)
    if word(key) in HEAD_KEYS:
        return False
    return not jobs.SILENT_WORDS.isdisjoint(parts) or any(
        part.startswith(jobs.ECHO_STARTS) for part in parts
    )
