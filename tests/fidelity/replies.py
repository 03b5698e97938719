"""Random replies of an advertised output, as promised and otherwise."""

from __future__ import annotations

import copy
import json
from typing import Any

from fidelity.bodies import bodies, spoilt
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from callsheet.schema.validator import UnusableSchema, Validator


def replies(schema: Any, count: int = 6) -> tuple[list[Any], list[Any]]:
    """Replies that the schema allows, and replies that it forbids."""
    if not isinstance(schema, dict):
        return [], []
    drawn: list[Any] = []

    @seed(7)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(st.data())
    def take(data: st.DataObject) -> None:
        good = data.draw(bodies(schema))
        drawn.extend([good, data.draw(spoilt(copy.deepcopy(good)))])

    try:
        take()
        made = Validator.of(schema)
    except (UnusableSchema, KeyError, TypeError):  # a shape that the strategy does not know
        return [], []
    kept = list({json.dumps(one): one for one in drawn}.values())
    return (
        [one for one in kept if made.allows(one)],
        [one for one in kept if not made.allows(one)],
    )


def kept(found: Any, wanted: Any) -> Any:
    """What was found, without the fields that the reply lacked."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return {n: kept(item, wanted[n]) for n, item in found.items() if n in wanted}
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        return [kept(*pair) for pair in zip(found, wanted, strict=True)]
    return found
