"""Stored help is what the runtime's own builder prints."""

from __future__ import annotations

from callsheet.cli.action_command import help_text
from callsheet.spec import Action
from callsheet_codegen.render import commands_index, help_files

GENERATE = Action(id="ai.video.generate", command=("video", "generate"), summary="Start")
WAIT = Action(id="ai.video.generate_and_wait")


def test_pages_and_first_words() -> None:
    files = help_files("acme", (GENERATE, WAIT), {})
    texts = {file.path: file.text for file in files}

    names = ["_.txt", "video.generate.flags", "video.generate.txt", "video.txt"]
    assert sorted(texts) == [f"help/{name}" for name in names]
    assert texts["help/video.generate.txt"] == help_text(GENERATE, "acme")
    assert [(word.word.text, word.summary.text) for word in commands_index((GENERATE, WAIT))] == [
        ("'video'", "'generate'")
    ]
