"""``docs/promises.md`` names every part of the fault campaign, with the counts that it reaches."""

import re
from pathlib import Path

from faults.parts import PARTS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/promises.md").read_text("utf-8")
ROWS = re.findall(r"^\| ([RS]\d+) \| .+ \| (\d+) · (\d+) \|$", PAGE, re.MULTILINE)


def test_every_part_of_the_campaign_stands_in_the_page() -> None:
    assert {name: (int(forms), int(runs)) for name, forms, runs in ROWS} == {
        part.promise: part.least for part in PARTS
    }
    assert len(ROWS) == len(PARTS)


def test_the_readme_leads_there() -> None:
    assert "(docs/promises.md)" in (ROOT / "README.md").read_text("utf-8")
