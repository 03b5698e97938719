"""Stored help is what the runtime's own builder prints."""

from __future__ import annotations

from unit.codegen.given import built, catalogue, no_models, project

from callsheet.cli.help.layout import action_help


def test_pages_and_first_words() -> None:
    build = built(catalogue(), no_models)
    whole = project(build)

    assert sorted(name for name in whole.data if name.startswith("help/")) == [
        "help/_.txt",
        "help/ping.flags",
        "help/ping.txt",
        "help/video.generate.flags",
        "help/video.generate.txt",
        "help/video.query.flags",
        "help/video.query.txt",
        "help/video.txt",
    ]
    generate = build.plan.actions["ai.video.generate"]
    assert whole.data["help/video.generate.txt"] == action_help(generate, "acme")
    assert {word.text: text.text for word, text in whole.words}["'video'"] == "'generate, query'"
