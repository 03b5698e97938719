"""jsonschema, the common choice."""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from bodies import BODY, SCHEMA


def prepare(**_: str) -> Callable[[], None]:
    """Return a step that validates one body."""
    import jsonschema

    validator = jsonschema.Draft202012Validator(SCHEMA)

    def step() -> None:
        assert validator.is_valid(BODY)

    return step
