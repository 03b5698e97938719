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

    from callsheet_sandbox.cases.script import Post, Requests

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
        for name, expected in wanted.items()
        if (words := _CHECKS[name](expected, step, wanted)) is not None
    ]
    if not index and "or_says" in must and reasons and _says_any(must["or_says"], step):
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
    needs_file = bool(step.out or (allowed and "file" in wanted))
    if needs_file and step.run.code == 0 and step.file not in allowed:
        verdict.empty_success = True


def _first(must: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in must.items() if k not in {"then", "or_says"}}


def _list(expected: Any) -> list[Any]:
    return expected if isinstance(expected, list) else [expected]


def _says_any(texts: Sequence[str], step: Step) -> bool:
    return any(text.lower() in step.run.text for text in texts)


def _exit(expected: Any, step: Step, _wanted: Any) -> str | None:
    code = step.run.code
    return None if code in _list(expected) else f"exit {code}, not {expected}"


def _file(expected: Any, step: Step, _wanted: Any) -> str | None:
    return None if step.file in _list(expected) else f"file {step.file}, not {expected}"


def _file_as(expected: str, step: Step, _wanted: Any) -> str | None:
    kind = step.kind_of(expected)
    return None if kind == "good" else f"{expected} is {kind}"


def _ledger(expected: Any, step: Step, _wanted: Any) -> str | None:
    states = step.states
    good = bool(states) and all(state in _list(expected) for state in states)
    return None if good else f"ledger {states}, not {expected}"


def _task(expected: str, step: Step, _wanted: Any) -> str | None:
    places = f'"{expected}"'
    rows = json.dumps(step.rows, ensure_ascii=False)
    texts = (step.run.stdout, rows)
    return None if any(places in text for text in texts) else f"task {expected} is nowhere"


def _says(expected: Any, step: Step, _wanted: Any) -> str | None:
    return None if _says_any(_list(expected), step) else f"says nothing of {expected!r}"


def _never(expected: Sequence[str], step: Step, _wanted: Any) -> str | None:
    bad = [text for text in expected if text.lower() in step.run.text]
    return f"says {bad}" if bad else None


def _out_has(expected: str, step: Step, _wanted: Any) -> str | None:
    return None if expected in step.run.stdout else f"stdout without {expected!r}"


def _questions(expected: int, step: Step, _wanted: Any) -> str | None:
    count = len(step.requests.free)
    return None if count <= expected else f"{count} questions about the job, more than {expected}"


def _posts(expected: Sequence[int], step: Step, _wanted: Any) -> str | None:
    least, most = expected
    count = len(step.paid)
    return None if least <= count <= most else f"{count} paid POSTs, not {least} to {most}"


def _gets(expected: int, step: Step, _wanted: Any) -> str | None:
    count = len(step.requests.gets)
    return None if count <= expected else f"{count} GETs, more than {expected}"


def _body(expected: Any, step: Step, _wanted: Any) -> str | None:
    bodies = [post.body for post in step.paid]
    return None if bodies == [expected] else f"bodies {bodies}, not {expected}"


def _flag_named(expected: str, step: Step, _wanted: Any) -> str | None:
    document = step.run.document
    error = document.get("error") if isinstance(document, dict) else None
    flag = error.get("flag") if isinstance(error, dict) else None
    return None if flag == expected else f"flag {flag!r}, not {expected!r}"


def _listed(step: Step) -> list[str]:
    rows = step.run.document
    return [str(row["id"]) for row in rows] if isinstance(rows, list) else []


def _ids(expected: Sequence[str], step: Step, _wanted: Any) -> str | None:
    ids = _listed(step)
    return None if sorted(ids) == sorted(expected) else f"ids {ids}"


def _ids_have(expected: Sequence[str], step: Step, _wanted: Any) -> str | None:
    missing = set(expected) - set(_listed(step))
    return f"ids without {sorted(missing)}" if missing else None


def _count(expected: int, step: Step, _wanted: Any) -> str | None:
    count = len(_listed(step))
    return None if count == expected else f"count {count}, not {expected}"


def _schema_of(expected: str, step: Step, _wanted: Any) -> str | None:
    same = step.run.document == step.schemas[expected]
    return None if same else f"not the schema of {expected}: {step.run.stdout[:120]!r}"


def _lines(expected: int, step: Step, _wanted: Any) -> str | None:
    count = len(step.run.stdout.splitlines())
    return None if count >= expected else f"{count} lines, fewer than {expected}"


def _if_0(check: Callable[..., str | None]) -> Callable[..., str | None]:
    return lambda expected, step, wanted: (
        check(expected, step, wanted) if step.run.code == 0 else None
    )


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
    "questions_at_most": _questions,
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
