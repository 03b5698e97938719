"""What a command line asks for: which member of the family is sent, and how long it may take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unit.cli.given import GENERATE, parse

from callsheet.bindings import Bindings
from callsheet.cli.input.request import request
from callsheet.cli.session import Session

if TYPE_CHECKING:
    from pathlib import Path


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
    session = Session(Bindings(command="ads", env="ADS"), words, {"HOME": str(tmp_path)})
    session.flags.values = parsed.flags.values

    made = request(session, GENERATE, typed)

    assert (made.action.id, made.silence, made.patience) == (sent, silence, patience)
