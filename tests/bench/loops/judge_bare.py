"""jsonschema-rs alone."""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from bodies import BODY, SCHEMA


def prepare(**_: str) -> Callable[[], None]:
    """Return a step that validates one body."""
    import jsonschema_rs

    validator = jsonschema_rs.validator_for(SCHEMA)

    def step() -> None:
        assert validator.is_valid(BODY)

    return step
