"""Word changes the way the command line names things."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callsheet.actions.params import param_at
from callsheet.diff.change import Change
from callsheet.schemadiff.counterexample import EXTRA

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from callsheet.schemadiff.classify import Judged
    from callsheet.schemadiff.difference import Counterexample, Severity, Steps
    from callsheet.spec import Action, Param


_SUBJECT_FIRST = frozenset(("field-gone", "field-new"))


class ChangeWriter:
    """Words the changes of one action for the command line of ``program``."""

    def __init__(self, before: Action, after: Action, program: str) -> None:
        self.before, self.after = before, after
        self.call = _call(after, program)
        self.old_call = _call(before, program)

    def removed(self, witness: Counterexample | None) -> Change:
        """The action is no longer there; the witness is a body that was allowed."""
        text = f"{self.call} is gone ({self.after.id})"
        return Change(
            kind="removed",
            action=self.after.id,
            severity="breaking",
            text=text,
            line="is gone",
            code="action-gone",
            witness=witness,
            call=self.call,
            command=self.after.command,
        )

    def added(self) -> Change:
        """The action was not there before."""
        text = f"{self.call} is new ({self.after.id})"
        return Change(
            kind="added",
            action=self.after.id,
            severity="additive",
            text=text,
            line="is new",
            code="action-new",
            call=self.call,
            command=self.after.command,
        )

    def general_change(
        self, code: str, severity: Severity, words: str, witness: Counterexample | None = None
    ) -> Change:
        """A change of the action as a whole; the words follow its name."""
        return Change(
            kind="changed",
            action=self.after.id,
            severity=severity,
            text=f"{self.call} {words}",
            line=words,
            code=code,
            witness=witness,
            call=self.call,
            command=self.after.command,
        )

    def schema_change(self, judged: Judged, *, output: bool = False) -> Change:
        """A finding in the schema of the body, or of the reply."""
        finding = judged.finding
        side: Literal["input", "output"] = "output" if output else "input"
        places = finding.others or (finding.steps,)
        params = () if output else tuple(filter(None, map(self._param, places)))
        line, text = self._words(judged, output=output)
        return Change(
            kind=finding.kind,
            action=self.after.id,
            severity=judged.severity,
            text=text,
            line=line,
            code=finding.code,
            side=side,
            pointer=_pointer(finding.steps),
            flags=tuple(dict.fromkeys(param.flag for param in params)),
            fields=tuple(_dotted(place) for place in places if place),
            witness=judged.witness,
            call=self.call,
            command=self.after.command,
        )

    def _words(self, judged: Judged, *, output: bool) -> tuple[str, str]:
        finding = judged.finding
        words = finding.words
        if finding.others:
            words = f"{words}: {self._several(finding.others, output=output)}"
        where = f"the reply of {self.call}" if output else self.call
        if not finding.steps:
            return (f"the reply {words}" if output else words), f"{where} {words}"
        subject = self._subject(finding.steps, output=output)
        if finding.code in _SUBJECT_FIRST:
            link = "from" if finding.code == "field-gone" else "in"
            said, _, rest = words.partition(" and ")
            passes = finding.code == "field-gone" and judged.severity == "unproved" and not output
            more = f" and is {rest}" if rest else "; the schema lets it pass" if passes else ""
            short = f"{subject} {said}{f' {link} the reply' if output else ''}{more}"
            return short, f"{subject} {said} {link} {where}{more}"
        short = f"{subject} in the reply {words}" if output else f"{subject} {words}"
        return short, f"{subject} of {where} {words}"

    def _several(self, places: Sequence[Steps], *, output: bool) -> str:
        return ", ".join(self._subject(place, output=output) for place in places)

    def _subject(self, steps: Steps, *, output: bool) -> str:
        """The flag, or the field by its wire names; of a list one of its items."""
        last, above = steps[-1], steps[:-1]
        if last in {0, EXTRA}:
            one = "an item" if last == 0 else "any other field"
            return f"{one} of {self._subject(above, output=output)}" if above else one
        param = None if output else self._exact(steps)
        return f"`--{param.flag}`" if param is not None else f"`{_dotted(steps)}`"

    def _param(self, steps: Steps) -> Param | None:
        return param_at(self.after.params, steps) or param_at(self.before.params, steps)

    def _exact(self, steps: Steps) -> Param | None:
        found = self._param(steps)
        return found if found is not None and found.path == steps else None


def _call(action: Action, program: str) -> str:
    if action.role == "wait" and not action.command and action.family and action.family.create:
        return f"`{program} call {action.id}`"
    words = action.command or ("call", action.id)
    return f"`{' '.join((program, *words))}`"


def _pointer(steps: Steps) -> str:
    names = ("*" if step == EXTRA else str(step) for step in steps)
    return "".join(f"/{name.replace('~', '~0').replace('/', '~1')}" for name in names)


def _dotted(steps: Steps) -> str:
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step or ''}]"
        else:
            text += f".{'*' if step == EXTRA else step}"
    return text.removeprefix(".")
