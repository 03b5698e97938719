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
    """Return replies that the schema allows, and replies that it forbids."""
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
    def take(source: st.DataObject) -> None:
        good = source.draw(bodies(schema))
        drawn.extend([good, source.draw(spoilt(copy.deepcopy(good)))])

    try:
        take()
        validator = Validator.of(schema)
    except (UnusableSchema, KeyError, TypeError):  # a shape that the strategy does not know
        return [], []
    distinct = list({json.dumps(reply): reply for reply in drawn}.values())
    return (
        [reply for reply in distinct if validator.allows(reply)],
        [reply for reply in distinct if not validator.allows(reply)],
    )


def without_defaults(document: Any, reply: Any) -> Any:
    """Return a document without the fields that the reply lacked."""
    if isinstance(document, dict) and isinstance(reply, dict):
        return {n: without_defaults(child, reply[n]) for n, child in document.items() if n in reply}
    if isinstance(document, list) and isinstance(reply, list) and len(document) == len(reply):
        return [without_defaults(*pair) for pair in zip(document, reply, strict=True)]
    return document
