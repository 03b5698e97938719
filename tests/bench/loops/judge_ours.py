"""The judge that every body goes through before it is sent."""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from bodies import BODY, SCHEMA


def prepare(**_: str) -> Callable[[], None]:
    """Return a step that validates one body."""
    from callsheet.schema.validator import Validator

    validator = Validator.of(SCHEMA)

    def step() -> None:
        assert not validator.violations(BODY)

    return step
