"""Asks about one job, once, and tells how the reply was read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from callsheet.errors import CallsheetError
from callsheet.flows import Send, action_path, retried
from callsheet.probe.exchange import Exchange, watched
from callsheet.probe.offered import forcing
from callsheet.probe.outline import outline
from callsheet.probe.places import envelope_words, keyed_place
from callsheet.probe.report import Finding
from callsheet.protocol import Overrides, Reading, open_envelope, read_reply
from callsheet.protocol import vocabulary as say
from callsheet.protocol.values import expanded, word
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callsheet.flows import Flow, Timing
    from callsheet.spec import Action, Family

NOT_ASKED = Finding(
    topic="task",
    came="nothing was asked",
    read="--task ID asks about one job (a query costs nothing)",
    setting="--set task-id=PATH --set state=PATH --set media=PATH",
)
_PAYING = "no action that asks about a job is known, and no other one is ever sent"


def chosen(task: str, known: str, families: Sequence[Family]) -> tuple[str, Family | None]:
    """The task id and the family to ask; ``ACTION:ID`` names the query action of one.

    ``known`` is the action that the ledger has for the task, or empty.
    """
    action, colon, rest = task.partition(":")
    asking = [family for family in families if family.query]
    for family in asking:
        if colon and rest and action in {family.query, family.create, family.wait}:
            return rest, family
    for family in asking:
        if known and known in {family.create, family.wait}:
            return task, family
    return task, asking[0] if asking else None


def ask_once(
    task_ids: Sequence[str], family: Family, timing: Timing, seen: list[Exchange]
) -> Flow[None]:
    """One query, repeated only where the server knows it by another of the job's ids.

    ``task_ids`` are the candidates in order; what came of it is in ``seen``.
    """
    for task_id in task_ids:
        body = json.dumps({family.task_key: task_id}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        send = Send("POST", action_path(family.query), body, headers)
        try:
            yield from watched(retried(send, timing), seen)
        except CallsheetError as error:
            seen.append(Exchange(send, None, error.message))
        if seen[-1].accepted or seen[-1].refusal.kind != "not_found":
            return


def task_finding(
    family: Family | None,
    seen: Sequence[Exchange],
    *,
    action: Action | None,
    overrides: Overrides,
    others: Sequence[Family] = (),
) -> Finding:
    """How the reply about a job reads."""
    if family is None or not seen:
        return Finding(topic="task", came="nothing was asked", read="no query", unclear=_PAYING)
    last = seen[-1]
    if not last.accepted:
        return _refused(last, family, others)
    media = action.media if action is not None else ()
    sent = json.loads(last.send.body or b"{}")
    task = str(sent[family.task_key])
    reading = read_reply(last.json, sent=sent, media=media, role="query", overrides=overrides)
    view = expanded(last.json)
    sets = {
        "task-id": keyed_place(view, say.TASK_ID_KEYS, task),
        "state": keyed_place(view, say.STATE_KEYS, reading.said),
        "media": _media_place(view, reading),
        "envelope-ok": envelope_words(open_envelope(last.json, overrides)),
    }
    return Finding(
        topic="task",
        came=outline(last.json),
        read=f"{family.query}: {_words(reading, sets)}",
        unclear="; ".join(_unclear(reading, overrides)),
        setting=f"{forcing(sets)}{_state_setting(reading, overrides)}" or NOT_ASKED.setting,
    )


def _refused(last: Exchange, family: Family, others: Sequence[Family]) -> Finding:
    came = "no answer"
    if last.reply is not None:
        came = f"HTTP {last.reply.status}, {outline(last.json)}"
    rest = [one.query for one in others if one.query and one.query != family.query]
    hint = f"; another action that asks: --task {rest[0]}:ID" if rest else ""
    return Finding(
        topic="task",
        came=came,
        read=f"{family.query} did not tell about this task",
        unclear=one_line(last.refusal.message, 300) + hint,
        setting="--set error-message=PATH --set envelope-ok=PATH=VALUE",
    )


def _media_place(view: object, reading: Reading) -> str:
    found = [keyed_place(view, (), link) for link in reading.media]
    return ",".join(dict.fromkeys(path for path in found if path))


def _words(reading: Reading, sets: dict[str, str]) -> str:
    words = [f"{reading.said or 'no word'} means {reading.state or 'nothing known'}"]
    words += [f"state at {sets['state']}"] if sets["state"] else []
    words += [f"task id at {sets['task-id']}"] if sets["task-id"] else []
    words += [f"{len(reading.media)} links at {sets['media']}"] if reading.media else []
    words += ["progress is told"] if reading.progress is not None else []
    words += ["cost is told"] if reading.cost is not None else []
    return ", ".join(words)


def _unclear(reading: Reading, overrides: Overrides) -> list[str]:
    found = []
    if not reading.understood:
        found.append("neither a state nor a result was recognised")
    if _is_new(reading, overrides):
        found.append(f"the word {reading.said!r} is not known and counts as running")
    if reading.state == "done" and not reading.media:
        found.append("it is done and names no media")
    return found


def _is_new(reading: Reading, overrides: Overrides) -> bool:
    forced = {word(item) for item in (*overrides.done, *overrides.failed)}
    known = say.RUNNING | say.DONE | say.FAILED | say.TIMED_OUT | forced
    return bool(reading.said) and word(reading.said) not in known


def _state_setting(reading: Reading, overrides: Overrides) -> str:
    if not _is_new(reading, overrides):
        return ""
    return f" {forcing({'done': reading.said})} or {forcing({'failed': reading.said})}"
