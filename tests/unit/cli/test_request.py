"""What a command line asks for: which member of the family is sent, with which fields, how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unit.cli.given import GENERATE, param, parse

from callsheet.cli.context import Context
from callsheet.cli.input.request import build_request
from callsheet.config.bindings import Bindings
from callsheet.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

BOTH = GENERATE._replace(
    params=(
        *GENERATE.params,
        param("webhook", only="wait"),
        param("draft", "boolean", only="create"),
    ),
)


@pytest.mark.parametrize(
    ("words", "sent", "silence", "patience"),
    [
        (["--blocking", "--timeout", "90s"], "ai.video.generate_and_wait", 120.0, 90.0),
        (["--blocking"], "ai.video.generate_and_wait", 630.0, 600.0),
        (["--timeout", "90s"], "ai.video.generate", 60.0, 90.0),
        ([], "ai.video.generate", 60.0, 600.0),
    ],
)
def test_the_socket_waits_longer_than_a_blocking_action(
    tmp_path: Path, words: list[str], sent: str, silence: float, patience: float
) -> None:
    parsed, typed = parse(GENERATE, "--prompt", "x", *words)
    context = Context(Bindings(command="ads", env="ADS"), words, {"HOME": str(tmp_path)})
    context.flags.update(parsed.flags)

    built = build_request(context, GENERATE, typed)

    assert (built.action.id, built.silence, built.patience) == (sent, silence, patience)


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
    context, typed = parse(BOTH, "--prompt", "x", *words)
    with pytest.raises(UsageError) as caught:
        build_request(context, BOTH, typed)

    assert caught.value.message == message
    assert hint in caught.value.hint
    assert caught.value.flag == words[0]
