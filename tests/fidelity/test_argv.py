"""Everything that a schema allows can be said by flags: a body becomes words and a body again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from fidelity.material import corpus, equal, has_corpus, own
from fidelity.package import OVERLAY, advertised
from fidelity.strategies import random_cases

from callsheet.actions.resolve import resolve_actions
from callsheet.cli import tree
from callsheet.cli.context import Context
from callsheet.cli.input import options
from callsheet.cli.input import request as bodies
from callsheet.cli.input.values import to_argv
from callsheet.config.bindings import Bindings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fidelity.material import ActionCase

    from callsheet.spec import Action


def argv_of(action: Action, body: dict[str, object]) -> tuple[list[str], str]:
    """Return the words for a body, and the body that they make."""
    typed = to_argv(action, body)
    command = tree.ActionCommand(action)
    assert isinstance(command, tree.ActionCommand)
    ctx = command.make_context("x", list(typed), obj=Context(Bindings(), typed, {}))
    own_input = ctx.params.get("own_input")
    return typed, bodies.build_body(command.typed(ctx), own_input).encoded().decode()


def failures(cases: Sequence[ActionCase]) -> Iterator[str]:
    """Yield what went wrong with each valid body that does not come back."""
    for case, action in zip(cases, actions(cases), strict=True):
        for body in case.valid:
            typed, rebuilt = argv_of(action, body)
            unnamed = {name for name in body if not options.is_nameable(name)}
            if not equal(json.loads(rebuilt), body) or any("\0" in word for word in typed):
                yield f"{case.id}: {json.dumps(body)} became {rebuilt} by {typed}"
            if "--input" in typed and not unnamed:
                yield f"{case.id}: {json.dumps(body)} needs --input: {typed}"


def actions(cases: Sequence[ActionCase]) -> list[Action]:
    """Return the actions of the cases, as a server would have them read."""
    by_id = resolve_actions(advertised(cases), OVERLAY).by_id
    return [by_id[case.id] for case in cases]


def test_own_and_random_schemas_can_be_said() -> None:
    cases = [*own(), *random_cases(150)]

    assert sum(len(case.valid) for case in cases) > 500
    assert list(failures(cases)) == []


@pytest.mark.skipif(not has_corpus(), reason="the recorded schemas are not here (CORPUS)")
def test_recorded_schemas_can_be_said() -> None:
    assert list(failures(corpus())) == []
