"""Flags are completed from stored pages only where the line is simple."""

from __future__ import annotations

import pytest

from callsheet.launcher import answer, asked

PAGES = {
    "_.txt": """Usage: ads

Flags, before a command or after it:
  --host URL  Talk to this server
  --set KEY=VALUE  Force it
""",
    "video.generate.txt": """Usage: ads video generate --prompt TEXT [OPTIONS]

  --fake stands in a server's text.

Required:
  --prompt TEXT  What it shows.

Options:
  --audio / --no-audio  Sound

Output and request:
  --dry-run[=curl]  Show it
  --help  Show this page
""",
}


def page(name: str) -> bytes | None:
    text = PAGES.get(name)
    return text.encode() if text is not None else None


def told(line: str, shell: str = "bash") -> str | None:
    question = asked("V", {"V": f"{shell}_complete", "COMP_WORDS": line})
    found = answer(question, page) if question else None
    return found.decode() if found is not None else None


def test_the_flags_of_an_action_come_first_and_help_last() -> None:
    flags = ["prompt", "audio", "no-audio", "dry-run", "host", "set", "help"]

    assert told("ads video generate --") == "".join(f"plain,--{flag}\n" for flag in flags)
    assert told("ads video generate --pr") == "plain,--prompt\n"
    assert told("ads video generate --fa") == ""


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_told_what_a_flag_does(shell: str) -> None:
    assert told("ads video generate --pro", shell) == "plain\t--prompt\tWhat it shows.\n"


@pytest.mark.parametrize(
    "line",
    [
        "ads ",
        "ads --ho",
        "ads video gen",
        "ads video generate ",
        "ads video generate --prompt x --",
        'ads video generate "--',
        "ads video generate --scene=a",
        "ads video query --",
        "ads ../secret --",
    ],
)
def test_anything_else_is_left_to_the_tree_of_commands(line: str) -> None:
    assert told(line) is None


def test_an_unknown_shell_is_left_to_the_tree_of_commands() -> None:
    assert told("ads video generate --", "elvish") is None
