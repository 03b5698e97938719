"""Hold what a line did against what its case says must come of it."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shapes.home import Run
    from shapes.play import Verdict
    from shapes.server import Post, Requests

_TRACEBACK = "traceback (most recent call last)"


@dataclass(frozen=True)
class Step:
    """One line that was typed, and everything that can be seen of it afterwards."""

    run: Run
    rows: Any
    kind_of: Callable[[str], str]
    requests: Requests
    paid: Sequence[Post]
    schemas: Mapping[str, Any]

    @property
    def out(self) -> str:
        """Return the path after ``--out``, or an empty text."""
        words = shlex.split(self.run.typed) if self.run.typed != "python" else []
        return words[words.index("--out") + 1] if "--out" in words else ""

    @property
    def file(self) -> str:
        """Return what lies at the path after ``--out``."""
        return self.kind_of(self.out) if self.out else "none"

    @property
    def states(self) -> list[str]:
        """Return the states of the ledger's rows."""
        return [str(row.get("state")) for row in self.rows or [] if isinstance(row, dict)]


def judge(must: Mapping[str, Any], index: int, step: Step, verdict: Verdict) -> None:
    """Add what speaks against a line to the verdict."""
    if "callsheet" in must:
        code = step.run.code
        if code not in must["callsheet"][index]:
            verdict.reasons.append(f"exit {code} of {step.run.typed}")
        verdict.broken += always(step)
        verdict.reasons += always(step)
        return
    wanted = must["then"][index - 1] if index else _first(must)
    reasons = [
        words
        for name, value in wanted.items()
        if (words := _CHECKS[name](value, step, wanted)) is not None
    ]
    if not index and "or_says" in must and reasons and _says_one(must["or_says"], step):
        reasons = [words for words in reasons if not words.startswith(("ids", "count"))]
    law = always(step)
    _flag(wanted, step, verdict)
    lead = f"[{step.run.typed}] "
    verdict.broken += [lead + words for words in law]
    verdict.reasons += [lead + words for words in reasons + law]


def always(step: Step) -> list[str]:
    """Return what breaks the rules that hold for every case."""
    broken = []
    if step.run.code is None:
        broken.append(f"killed after {step.run.seconds} s")
    if len(step.paid) > 1:
        broken.append(f"{len(step.paid)} paid POSTs")
    if _TRACEBACK in step.run.text:
        broken.append("a traceback")
    words = step.run.typed.split()
    if "--json" in words and step.run.document is None:
        broken.append("no JSON on standard output")
    return broken


def allowed_files(wanted: Mapping[str, Any]) -> list[str]:
    """Return the files that a line may leave under ``--out``, without ``none``."""
    named = wanted.get("file", wanted.get("file_if_0", "good"))
    return [kind for kind in _list(named) if kind != "none"]


def _flag(wanted: Mapping[str, Any], step: Step, verdict: Verdict) -> None:
    """Mark wrong bytes under ``--out``, and a success that wrote no file of the job."""
    allowed = ["good"] if "file_as" in wanted else allowed_files(wanted)
    if step.out and step.file not in {"none", *allowed}:
        verdict.wrong_bytes = True
    asked = bool(step.out or (allowed and "file" in wanted))
    if asked and step.run.code == 0 and step.file not in allowed:
        verdict.empty_success = True


def _first(must: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in must.items() if k not in {"then", "or_says"}}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _says_one(texts: Sequence[str], step: Step) -> bool:
    return any(text.lower() in step.run.text for text in texts)


def _exit(value: Any, step: Step, _wanted: Any) -> str | None:
    code = step.run.code
    return None if code in _list(value) else f"exit {code}, not {value}"


def _file(value: Any, step: Step, _wanted: Any) -> str | None:
    return None if step.file in _list(value) else f"file {step.file}, not {value}"


def _file_as(value: str, step: Step, _wanted: Any) -> str | None:
    kind = step.kind_of(value)
    return None if kind == "good" else f"{value} is {kind}"


def _ledger(value: Any, step: Step, _wanted: Any) -> str | None:
    states = step.states
    good = bool(states) and all(state in _list(value) for state in states)
    return None if good else f"ledger {states}, not {value}"


def _task(value: str, step: Step, _wanted: Any) -> str | None:
    places = f'"{value}"'
    rows = json.dumps(step.rows, ensure_ascii=False)
    texts = (step.run.stdout, rows)
    return None if any(places in text for text in texts) else f"task {value} is nowhere"


def _says(value: Any, step: Step, _wanted: Any) -> str | None:
    return None if _says_one(_list(value), step) else f"says nothing of {value!r}"


def _never(value: Sequence[str], step: Step, _wanted: Any) -> str | None:
    bad = [text for text in value if text.lower() in step.run.text]
    return f"says {bad}" if bad else None


def _out_has(value: str, step: Step, _wanted: Any) -> str | None:
    return None if value in step.run.stdout else f"stdout without {value!r}"


def _within(value: float, step: Step, _wanted: Any) -> str | None:
    seconds = step.run.seconds
    return None if seconds <= value else f"{seconds} s, not within {value}"


def _posts(value: Sequence[int], step: Step, _wanted: Any) -> str | None:
    least, most = value
    count = len(step.paid)
    return None if least <= count <= most else f"{count} paid POSTs, not {least} to {most}"


def _gets(value: int, step: Step, _wanted: Any) -> str | None:
    count = len(step.requests.gets)
    return None if count <= value else f"{count} GETs, more than {value}"


def _body(value: Any, step: Step, _wanted: Any) -> str | None:
    bodies = [post.body for post in step.paid]
    return None if bodies == [value] else f"bodies {bodies}, not {value}"


def _flag_named(value: str, step: Step, _wanted: Any) -> str | None:
    document = step.run.document
    error = document.get("error") if isinstance(document, dict) else None
    flag = error.get("flag") if isinstance(error, dict) else None
    return None if flag == value else f"flag {flag!r}, not {value!r}"


def _listed(step: Step) -> list[str]:
    rows = step.run.document
    return [str(row["id"]) for row in rows] if isinstance(rows, list) else []


def _ids(value: Sequence[str], step: Step, _wanted: Any) -> str | None:
    ids = _listed(step)
    return None if sorted(ids) == sorted(value) else f"ids {ids}"


def _ids_have(value: Sequence[str], step: Step, _wanted: Any) -> str | None:
    missing = set(value) - set(_listed(step))
    return f"ids without {sorted(missing)}" if missing else None


def _count(value: int, step: Step, _wanted: Any) -> str | None:
    count = len(_listed(step))
    return None if count == value else f"count {count}, not {value}"


def _schema_of(value: str, step: Step, _wanted: Any) -> str | None:
    same = step.run.document == step.schemas[value]
    return None if same else f"not the schema of {value}: {step.run.stdout[:120]!r}"


def _lines(value: int, step: Step, _wanted: Any) -> str | None:
    count = len(step.run.stdout.splitlines())
    return None if count >= value else f"{count} lines, fewer than {value}"


def _if_0(check: Callable[..., str | None]) -> Callable[..., str | None]:
    return lambda value, step, wanted: check(value, step, wanted) if step.run.code == 0 else None


_CHECKS: dict[str, Callable[..., str | None]] = {
    "exit": _exit,
    "file": _file,
    "file_as": _file_as,
    "ledger": _ledger,
    "task": _task,
    "says": _says,
    "says one of": _says,
    "never": _never,
    "out_has": _out_has,
    "within": _within,
    "posts": _posts,
    "gets_at_most": _gets,
    "body": _body,
    "flag": _flag_named,
    "ids": _ids,
    "ids_have": _ids_have,
    "count": _count,
    "schema_of": _schema_of,
    "lines": _lines,
}
_CHECKS |= {f"{name}_if_0": _if_0(check) for name, check in list(_CHECKS.items())}
