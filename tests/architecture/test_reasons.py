"""Whatever is switched off says why on its line, and no test waits for the clock."""

from __future__ import annotations

import re

import pytest
from architecture.reasons import MARK, SKIPS, long_sleeps, unexplained_comments, unexplained_skips
from architecture.tree import measured, name_of

# In pieces, so that no checker takes these samples for its own.
OFF = "# no" + "qa"
IGNORE = "# type: " + "ignore"


@pytest.mark.parametrize(
    "comment",
    [
        OFF,
        f"{OFF}: S603",
        f"{OFF} because it is so",
        IGNORE,
        f"{IGNORE}[arg-type]",
        f"{IGNORE} the stub is wrong",
    ],
)
def test_an_unexplained_comment_is_noticed(comment: str) -> None:
    assert unexplained_comments(f"x = 1  {comment}\n") == [f"1: {comment}"]


@pytest.mark.parametrize(
    "comment",
    [f"{OFF}: S603, S607 - the words are ours", f"{IGNORE}[arg-type]  # the stub is wrong"],
)
def test_an_explained_comment_passes(comment: str) -> None:
    assert unexplained_comments(f"x = 1  {comment}\n") == []


@pytest.mark.parametrize(
    "line",
    ["pytest.skip()", "pytest.mark.skip", "pytest.mark.skipif(True)", "pytest.importorskip('av')"],
)
def test_an_unexplained_skip_is_noticed(line: str) -> None:
    assert unexplained_skips(f"import pytest\n{line}\n") == [f"2: {line}"]


@pytest.mark.parametrize(
    "line", ["pytest.skip('no make here')", "pytest.mark.skipif(True, reason='no make here')"]
)
def test_an_explained_skip_passes(line: str) -> None:
    assert unexplained_skips(f"import pytest\n{line}\n") == []


def test_a_long_sleep_is_noticed() -> None:
    assert long_sleeps("import time\ntime.sleep(0.2)\ntime.sleep(0.3)\n") == ["3: time.sleep(0.3)"]


def test_everything_switched_off_says_why() -> None:
    sources = {name_of(path): path.read_text("utf-8") for path in measured()}
    marked = {name: text for name, text in sources.items() if re.search(MARK, text)}
    comments = {name: unexplained_comments(text) for name, text in marked.items()}
    tests = {name: text for name, text in sources.items() if name.startswith("tests/")}
    skipping = {name: text for name, text in tests.items() if any(word in text for word in SKIPS)}
    skips = {name: unexplained_skips(text) for name, text in skipping.items()}
    sleeps = {name: long_sleeps(text) for name, text in tests.items() if "sleep" in text}

    assert {name: problems for name, problems in comments.items() if problems} == {}
    assert {name: problems for name, problems in skips.items() if problems} == {}
    assert {name: problems for name, problems in sleeps.items() if problems} == {}
    assert "tests/architecture/test_reasons.py" in tests
