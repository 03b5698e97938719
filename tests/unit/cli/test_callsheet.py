"""The program ``callsheet`` names its words and says what is missing."""

from __future__ import annotations

import pytest

from callsheet.cli import callsheet
from callsheet.version import __version__


def test_help_lists_every_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert callsheet.main(["--help"]) == 0
    output = capsys.readouterr().out

    assert [word for word in callsheet.SUBCOMMANDS if f"\n  {word} " in output] == list(
        callsheet.SUBCOMMANDS
    )


@pytest.mark.parametrize(
    ("word", "output"), [("version", __version__), ("--version", f"callsheet {__version__}")]
)
def test_version(word: str, output: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert callsheet.main([word]) == 0
    assert capsys.readouterr().out == f"{output}\n"


def test_an_unknown_word_is_told_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert callsheet.main(["genrate"]) == 2
    assert capsys.readouterr().err == (
        "callsheet: there is no command `genrate`\n  did you mean generate?\n"
    )


def test_a_missing_extra_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        callsheet.SUBCOMMANDS, "sandbox", ("callsheet_not_here.cli:main", "sandbox", "Run")
    )

    assert callsheet.main(["sandbox"]) == 2
    assert capsys.readouterr().err == (
        'callsheet: `sandbox` needs callsheet_not_here: pip install "callsheet[sandbox]"\n'
    )
