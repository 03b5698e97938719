"""What an invocation sends besides the body: its reference."""

from __future__ import annotations

from uuid import RFC_4122, UUID

from callsheet.engine.invoke import client_reference


def test_a_reference_is_a_random_uuid() -> None:
    references = {client_reference(None) for _ in range(100)}

    assert len(references) == 100
    assert {(UUID(ref).version, UUID(ref).variant) for ref in references} == {(4, RFC_4122)}
    assert all(str(UUID(ref)) == ref for ref in references)
