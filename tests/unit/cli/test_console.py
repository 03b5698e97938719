"""Who says whether there is colour, and who wins."""

from __future__ import annotations

import io

import pytest

from callsheet.cli.output import formats


class TerminalText(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "wanted"),
    [
        (TerminalText(), {}, True),
        (TerminalText(), {"TERM": "xterm"}, True),
        (TerminalText(), {"TERM": "dumb"}, False),
        (TerminalText(), {"NO_COLOR": "1"}, False),
        (TerminalText(), {"NO_COLOR": ""}, True),
        (TerminalText(), {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (io.StringIO(), {}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (io.StringIO(), {"FORCE_COLOR": "0"}, False),
        (TerminalText(), {"FORCE_COLOR": "1", "TERM": "dumb"}, True),
        (None, {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colour(stream: io.StringIO | None, environ: dict[str, str], wanted: bool) -> None:
    assert formats.wants_colour(stream, environ) is wanted


def test_nothing_moves_off_a_terminal_whatever_is_forced() -> None:
    assert not formats.can_redraw(io.StringIO(), {"FORCE_COLOR": "1"})
    assert not formats.can_redraw(None, {})
    assert formats.can_redraw(TerminalText(), {"NO_COLOR": "1"})


def test_a_style_ends_where_its_text_ends() -> None:
    assert formats.apply_style("FAIL", "bad", True) == "\x1b[1;31mFAIL\x1b[0m"
    assert formats.apply_style("FAIL", "bad", False) == "FAIL"
    assert formats.apply_style("", "bad", True) == ""
