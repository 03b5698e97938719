"""Say why a reply was read as it was: what was considered, what was chosen, what spoke for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from callsheet.jsonio import parse_pointer, to_pointer
from callsheet.protocol import job_fields, reasons
from callsheet.protocol import job_words as jobs
from callsheet.protocol.envelope import read_signs
from callsheet.protocol.inline_data import shorten
from callsheet.protocol.media import find_links
from callsheet.protocol.result_links import weigh_link
from callsheet.text import one_line, shell_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from callsheet.protocol.job_fields import JobParts
    from callsheet.protocol.job_state import Hit
    from callsheet.protocol.media import RequestMarks
    from callsheet.protocol.values import Overrides


Part = Literal["refusal", "task_id", "state", "media", "reason", "progress", "cost"]

SETTINGS: dict[Part, str] = {
    "refusal": "envelope-ok",
    "task_id": "task-id",
    "state": "state",
    "media": "media",
    "reason": "error-message",
}
"""The setting that forces a part; progress and cost have none."""
_SHOWN = 120
_PLAIN_KEY = r"[^.\[\],=*$\s]+"


class Candidate(NamedTuple):
    """A value of a reply that was considered for one part of its reading.

    ``pointer`` is a JSON pointer into the reply, ``value`` the text that stands there, ``rules``
    are the names of the rules that spoke for it (``+state key``) or against it
    (``-an input``). ``chosen`` is true for what was decided on.
    """

    part: Part
    pointer: str
    value: str
    rules: tuple[str, ...] = ()
    chosen: bool = False


def evidence_lines(evidence: Iterable[Candidate]) -> list[str]:
    """Return one line a candidate, safe to show: part, verdict, place, value, rules, setting."""
    return [_line(candidate) for candidate in evidence]


def _line(candidate: Candidate) -> str:
    verdict = "chosen" if candidate.chosen else "not chosen"
    rules = f" ({', '.join(candidate.rules)})" if candidate.rules else ""
    place = one_line(candidate.pointer, _SHOWN) or "the whole reply"
    value = one_line(candidate.value, _SHOWN)
    setting = "" if candidate.chosen else setting_for(candidate)
    hint = f"; choose it with --set {shell_word(setting)}" if setting else ""
    return f"{candidate.part.replace('_', ' ')}: {verdict}: {place} = {value}{rules}{hint}"


def setting_for(candidate: Candidate) -> str:
    """Return the ``NAME=PATH`` that chooses a candidate; empty where no setting can."""
    name, path = SETTINGS.get(candidate.part), path_of(candidate)
    if not name or not path:
        return ""
    return f"{name}={path}" + (f"={candidate.value}" if candidate.part == "refusal" else "")


def path_of(candidate: Candidate) -> str:
    """Return the place of a candidate as the path of a setting; empty where no path leads there.

    Indexes become ``[]`` for media, which are chosen together.
    """
    path = ""
    for step in parse_pointer(candidate.pointer):
        if step.isdecimal():
            path += "[]" if candidate.part == "media" else f"[{step}]"
        elif re.fullmatch(_PLAIN_KEY, step):
            path += f".{step}"
        else:
            return ""
    return path.lstrip(".")


class Source(NamedTuple):
    """What a reading was made from.

    ``layers`` are the reply and the contents of its envelopes, ``marks`` those of the request,
    ``names`` the fields that hold media.
    """

    parts: JobParts
    layers: tuple[Any, ...]
    overrides: Overrides
    marks: RequestMarks
    names: tuple[str, ...]


class Decision(NamedTuple):
    """What was decided about a reply: its first task id, its state, the word for it, the links."""

    task_id: str
    state: str
    raw_state: str
    media: frozenset[str]
    is_refused: bool


def gather(source: Source, decision: Decision) -> tuple[Candidate, ...]:
    """Return what was considered for each part of a reading, what was chosen first."""
    candidates = (
        *_refusals(source.layers, is_refused=decision.is_refused),
        *_ids(source.parts, decision),
        *_states(source.parts, decision),
        *_links(source, decision),
        *_reasons(source.layers, decision, source.overrides),
        *_single("progress", source.parts.progress),
        *_single("cost", source.parts.cost),
    )
    return tuple(sorted(candidates, key=lambda candidate: not candidate.chosen))


def _refusals(layers: Sequence[Any], *, is_refused: bool) -> Iterator[Candidate]:
    for sign in read_signs(layers[0]) if isinstance(layers[0], dict) else ():
        is_yes = sign.says == "yes"
        rules = ("-reports success" if is_yes else "+reports a refusal",)
        pointer, text = to_pointer(sign.steps), str(sign.value)
        yield Candidate("refusal", pointer, text, rules, chosen=is_refused and not is_yes)


def _ids(parts: JobParts, decision: Decision) -> Iterator[Candidate]:
    for hit in parts.ids:
        rules = (jobs.ID_RULES[hit.rule], *_holder_rules(hit))
        is_first = hit.text == decision.task_id
        yield Candidate("task_id", to_pointer(hit.steps), hit.text, rules, is_first)
    for hit in job_fields.foreign_ids(parts.tables):
        yield Candidate("task_id", to_pointer(hit.steps), hit.text, ("-id of another thing",))


def _states(parts: JobParts, decision: Decision) -> Iterator[Candidate]:
    for hit in parts.states:
        meaning = f"+means {hit.state}" if hit.state else "-an unknown word"
        is_chosen = hit is parts.word and one_line(hit.text, 200) == decision.raw_state
        rules = (meaning, *_holder_rules(hit))
        yield Candidate("state", to_pointer(hit.steps), hit.text, rules, is_chosen)
    flag, fault, is_wordless = parts.flag, parts.fault, not decision.raw_state
    if flag is not None:
        rules = (f"+a flag that means {flag.state}",)
        is_chosen = is_wordless and flag.state == decision.state
        yield Candidate("state", to_pointer(flag.steps), flag.text, rules, is_chosen)
    if fault is not None:
        rules = ("+a fault: without a result the job has failed",)
        is_chosen = is_wordless and decision.state == "failed"
        yield Candidate("reason", to_pointer(fault.steps), fault.text, rules, is_chosen)


def _holder_rules(hit: Hit) -> Iterator[str]:
    if hit.table.is_ours:
        yield "+beside the id that was asked for"
    rule = jobs.HOLDER_RULES.get(hit.table.kind)
    if rule:
        yield rule


def _links(source: Source, decision: Decision) -> Iterator[Candidate]:
    for location in find_links(source.layers[:1]):
        link = weigh_link(location, source.marks, source.names)
        is_chosen = link.medium.link in decision.media and link.is_possible
        pointer, text = to_pointer(location.path), shorten(link.medium.link)
        yield Candidate("media", pointer, text, link.rules, is_chosen)


def _reasons(
    layers: Sequence[Any], decision: Decision, overrides: Overrides
) -> Iterator[Candidate]:
    if decision.state == "failed":
        texts = reasons.find_reasons(layers, decision.raw_state, overrides)
        for index, reason in enumerate(texts):
            rules = (reasons.RULES[reason.rule],)
            yield Candidate("reason", to_pointer(reason.steps), reason.text, rules, index == 0)


def _single(part: Part, hit: Hit | None) -> Iterator[Candidate]:
    if hit is not None:
        yield Candidate(part, to_pointer(hit.steps), hit.text, (f"+named {part}",), chosen=True)
