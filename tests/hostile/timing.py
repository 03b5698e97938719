"""How long one case keeps whoever reads it: schema, judge, flags and help, without a network."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from callsheet.actions.resolve import resolve_actions
from callsheet.cli.help.layout import action_help
from callsheet.config.overlay import Overlay
from callsheet.jsonio import salvage, strict_json
from callsheet.protocol.action_list import read_list
from callsheet.schema.validator import UnusableSchema, Validator
from callsheet.spec import Advertised

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostile.cases import Case

MOST = 2.0
MOST_JUDGING = 0.05
_BODIES: tuple[Any, ...] = ({}, {"field": "x" * 1_000, "size": 1, "a": "a" * 1_000}, {"a": []})


class Clock:
    """The processor time that each step took, in seconds."""

    def __init__(self) -> None:
        self.steps: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure what happens inside."""
        start = time.process_time()
        try:
            yield
        finally:
            self.steps[name] = self.steps.get(name, 0.0) + time.process_time() - start


def slow(case: Case) -> list[str]:
    """Return every step of the case that took longer than it may."""
    Validator.of({"type": "string"}).violations(1)  # loads what judging needs
    clock = Clock()
    with clock.step("reading"):
        body = f'{{"actions": [{case.listed()}]}}'.encode()
        listing = strict_json(body) or salvage(body, ("inputSchema", "outputSchema"))
        entries = read_list(listing).entries
    for entry in entries:
        advertised = Advertised(id=entry.id, input=entry.input, output=entry.output)
        with clock.step("flags"):
            actions = resolve_actions([advertised], Overlay())
        with clock.step("help"):
            for action in actions.actions:
                action_help(action, "ads")
        with clock.step("compiling"):
            validator = _compile(entry.input)
        bodies = (*_BODIES, case.document["body"]) if "body" in case.document else _BODIES
        for body in bodies:
            with clock.step("judging"):
                validator.violations(body) if validator is not None else None
    limits = {"judging": MOST_JUDGING * len(_BODIES)} if case.kind == "patterns" else {}
    return [
        f"{case.name}: {step} took {took:.2f} s"
        for step, took in clock.steps.items()
        if took > limits.get(step, MOST)
    ]


def _compile(schema: object) -> Validator | None:
    try:
        return Validator.of(json.loads(json.dumps(schema)))
    except UnusableSchema:
        return None
