"""In a family a field belongs to the members that take it, and a message says which."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.cli.given import GENERATE, param, parse

from callsheet.cli.input.request import request
from callsheet.errors import UsageError

BOTH = replace(
    GENERATE,
    params=(
        *GENERATE.params,
        param("webhook", only="wait"),
        param("draft", "boolean", only="create"),
    ),
)


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["--webhook", "x"], "--webhook belongs to ai.video.generate_and_wait alone", "--blocking"),
        (
            ["--draft", "--blocking"],
            "--draft is not taken by ai.video.generate_and_wait",
            "drop --blocking",
        ),
    ],
)
def test_a_field_of_one_member_alone(words: list[str], message: str, hint: str) -> None:
    session, typed = parse(BOTH, "--prompt", "x", *words)
    with pytest.raises(UsageError) as caught:
        request(session, BOTH, typed)

    assert caught.value.message == message
    assert hint in caught.value.hint
    assert caught.value.flag == words[0]
