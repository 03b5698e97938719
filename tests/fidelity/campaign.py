"""Every body of every action over every way to the wire, counted."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

from fidelity.argv import words
from fidelity.lines import flags_of, read
from fidelity.material import ActionCase, equal, identical
from fidelity.replies import replies, without_defaults
from fidelity.tally import Row
from pydantic import ValidationError

from callsheet.model import read_leniently as read_reply
from callsheet.model import to_wire as wire
from callsheet.model import wire_name
from callsheet.schema.messages import message_validator
from callsheet.schema.validator import UnusableSchema, Validator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fidelity.package import Package
    from fidelity.routes import Routes, Sent

    from callsheet.spec import Action


class Campaign:
    """The rows of the table; ``run`` fills them.

    One command line of ``every`` so many is typed to the program in a process of its own.
    """

    def __init__(self, package: Package, routes: Routes, every: int) -> None:
        self.package, self.routes, self.every = package, routes, every
        self.chance = Random(7)
        self.bodies = 0
        self.generated = Row("schemas generate and import")
        self.typed = Row("  of them with models", goal=0.0)
        self.accepted = Row("valid bodies accepted (library)")
        self.same = Row("valid bodies identical on the wire (library)")
        self.refused = Row("invalid bodies refused, with a pointer (library)", goal=99.9)
        self.by_file = Row("valid bodies byte for byte (--input)")
        self.denied = Row("invalid bodies exit 2, flag or pointer (--input)", goal=99.9)
        self.modelled = Row("valid bodies that the model takes")
        self.by_model = Row("  of them identical on the wire (model)")
        self.by_method = Row("  of them equal on the wire (method)")
        self.undeclared = Row("undeclared keys unchanged (all routes)")
        self.by_flags = Row("body -> flags -> body")
        self.warned = Row("invalid bodies by flags exit 2, flag or pointer", goal=99.9)
        self.typed_out = Row("the same by the program as a process (sample)")
        self.agreed = Row("verdict and message validator agree")
        self.replied = Row("replies as their model, nothing lost")
        self.spoilt = Row("replies that the schema forbids still read")
        self.faultless = Row("schemas without any fault", goal=99.0)

    @property
    def rows(self) -> list[Row]:
        """Return every row, in the order of the table."""
        return [row for row in vars(self).values() if isinstance(row, Row)]

    def run(self, cases: Sequence[ActionCase]) -> None:
        """Try everything."""
        self.bodies += sum(len(case.valid) + len(case.invalid) for case in cases)
        for case in cases:
            self._play(case)
        wrong = {name for row in self.rows if row.goal > 0 for name, _ in row.wrong}
        for case in cases:
            self.faultless.count(case.id, "see above" if case.id in wrong else "")

    def _play(self, case: ActionCase) -> None:
        try:
            action = self.package.action(case.id)
            models = self.package.models(case.id)
        except Exception as error:  # whatever an import raises is what is counted here
            self.generated.count(case.id, repr(error))
            return
        self.generated.count(case.id)
        self._both(case)
        if getattr(models, "OUTPUT", None) is not None:
            self._replies(case, models.OUTPUT)
        self.typed.count(case.id, "" if hasattr(models, "INPUT") else "no models")
        for body in case.valid:
            self._valid(case, action, body)
            if getattr(models, "INPUT", None) is not None:
                self._model(case, models.INPUT, body)
            if flags_of(action):
                self._flags(case, action, body)
        for body in case.invalid:
            self._invalid(case, action, body)
            if flags_of(action):
                self._wrong_flags(case, action, body)

    def _both(self, case: ActionCase) -> None:
        """Compare both validators on every body; the messages leave what is unevaluated."""
        if "unevaluated" in json.dumps(case.input):
            return
        try:
            validator = Validator.of(case.input)
        except UnusableSchema:
            return
        says = message_validator(validator.schema, validator.draft)
        for body in [*case.valid, *case.invalid]:
            same = says.is_valid(body) == validator.allows(body)
            self.agreed.count(case.id, "" if same else json.dumps(body))

    def _replies(self, case: ActionCase, model: Any) -> None:
        good, bad = replies(case.output)
        for reply in good:
            why = "" if identical(wire(read_reply(model, reply)), reply) else json.dumps(reply)
            self.replied.count(case.id, why)
        for reply in bad:
            try:
                lost = not equal(without_defaults(wire(read_reply(model, reply)), reply), reply)
            except Exception as error:
                self.spoilt.count(case.id, f"{reply} {error!r}")
            else:
                self.spoilt.count(case.id, json.dumps(reply) if lost else "")

    def _valid(self, case: ActionCase, action: Action, body: Any) -> None:
        sent = self.routes.library(action, body)
        self.accepted.count(case.id, _lost(sent, body))
        self._same(self.same, case, sent, body)
        text = spaced(body, self.chance)
        sent = self.routes.from_file(action, text)
        why = "" if sent.body == text else f"{_lost(sent, body)} {text!r} -> {sent.body!r}"
        self.by_file.count(case.id, why)

    def _same(self, row: Row, case: ActionCase, sent: Sent, body: Any) -> None:
        if sent.body is None:
            return
        why = "" if identical(sent.json, body) else f"{json.dumps(body)} -> {sent.body!r}"
        row.count(case.id, why)
        for name in body.keys() - _declared(case.input):
            unchanged = name in sent.json and identical(sent.json[name], body[name])
            self.undeclared.count(case.id, "" if unchanged else f"{name}: {sent.body!r}")

    def _model(self, case: ActionCase, model: Any, body: Any) -> None:
        try:
            model_object = model.model_validate(body)
        except ValidationError as error:
            self.modelled.count(case.id, f"{body} {error}")
            return
        self.modelled.count(case.id)
        method = self.package.method(self.routes.client, case.id)
        sent = self.routes.model(case.id, model_object)
        if sent.body is None:
            self.by_model.count(case.id, _lost(sent, body))
        self._same(self.by_model, case, sent, body)
        names = {wire_name(name, field): name for name, field in model.model_fields.items()}
        if set(names) <= {"root"}:
            return
        fields = {names[name]: argument for name, argument in body.items() if name in names}
        extra = {name: argument for name, argument in body.items() if name not in names}
        sent = self.routes.method(method, extra_body=extra, **fields)
        why = "" if sent.body and equal(sent.json, body) else f"{body} -> {sent}"
        self.by_method.count(case.id, why)

    def _flags(self, case: ActionCase, action: Action, body: Any) -> None:
        typed = words(action, body, self.chance)
        line = read(self.routes.client._bindings, action, typed)
        why = "" if line.error is None and equal(line.body, body) else f"{line} <- {typed}"
        self.by_flags.count(case.id, why)
        sampled = self.by_flags.tried % self.every == 1 and not any("\0" in word for word in typed)
        if sampled and not why:
            sent = self.routes.process(action, typed)
            good = sent.body is not None and equal(sent.json, body)
            self.typed_out.count(case.id, "" if good else f"{typed} -> {sent}")

    def _wrong_flags(self, case: ActionCase, action: Action, body: Any) -> None:
        """Refuse a wrong body by flags; where the line means another body, nothing is learnt."""
        typed = words(action, body, self.chance)
        line = read(self.routes.client._bindings, action, typed)
        if line.error is None and not equal(line.body, body):
            return
        named = line.error is not None and line.error.exit_code == 2 and bool(line.error.flag)
        self.warned.count(case.id, "" if named else f"{body} {typed} -> {line}")

    def _invalid(self, case: ActionCase, action: Action, body: Any) -> None:
        sent = self.routes.library(action, body)
        good = sent.body is None and sent.code == 2 and sent.pointer is not None
        self.refused.count(case.id, "" if good else f"{json.dumps(body)} -> {sent}")
        sent = self.routes.from_file(action, json.dumps(body).encode())
        named = sent.flag.startswith("--")
        good = sent.body is None and sent.code == 2 and named
        self.denied.count(case.id, "" if good else f"{json.dumps(body)} -> {sent}")


def spaced(body: Any, chance: Random) -> bytes:
    """Return the body as a person may have written it."""
    style: dict[str, Any] = chance.choice(
        [{"indent": 2}, {"separators": (" ,", ": ")}, {"indent": "\t", "ensure_ascii": False}, {}]
    )
    return (json.dumps(body, **style) + chance.choice(["", "\n"])).encode()


def _lost(sent: Sent, body: Any) -> str:
    return "" if sent.body is not None else f"{json.dumps(body)}: {sent.error}"


def _declared(schema: Any) -> set[str]:
    return set(schema.get("properties", {})) if isinstance(schema, dict) else set()
