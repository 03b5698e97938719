"""The worked pair of docs/schemadiff.md is compared as the page says, step by step."""

from __future__ import annotations

import doctest
import json
import re

from program import ROOT

from callsheet.catalog.lock import Snapshot
from callsheet.diff.change import text_lines
from callsheet.diff.compare import diff
from callsheet.schemadiff.compare import find_differences
from callsheet.schemadiff.counterexample import Search
from callsheet.schemadiff.difference import Comparison
from callsheet.schemadiff.view import SchemaView
from callsheet.spec import Advertised

PAGE = (ROOT / "docs/schemadiff.md").read_text("utf-8")
STEPS = (Comparison, Search, SchemaView, find_differences)


BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    """Return the page's blocks in a language, in order."""
    return [text for name, text in BLOCKS if name == language]


OLD, NEW = map(json.loads, blocks("json"))


def test_every_step_gives_what_the_page_shows() -> None:
    names = {"OLD": OLD, "NEW": NEW, **{step.__name__: step for step in STEPS}}
    session = doctest.DocTestParser().get_doctest(
        "".join(blocks("pycon")), names, "schemadiff.md", None, None
    )
    results = doctest.DocTestRunner().run(session)

    assert results == doctest.TestResults(failed=0, attempted=11)


def test_diff_prints_what_the_page_shows() -> None:
    before, after = (
        Snapshot("sandbox", (Advertised(id="ai.video.generate", input=schema),))
        for schema in (OLD, NEW)
    )
    changes = diff(before, after)

    assert text_lines(changes) == blocks("text")[0].splitlines()
    assert [len(entry.witness.value["prompt"]) for entry in changes if entry.witness] == [2001]
