"""Each item of the document has a case, and the cases stand in its order."""

from __future__ import annotations

import pytest
from reference.cases import CASES, name_of

KINDS = ("command", "request", "route", "key")


def test_every_item_has_a_case() -> None:
    items = [entry["line"] for entry in CASES["item"]]
    covered = {case["line"] for kind in KINDS for case in CASES[kind]}

    assert covered == set(items)
    assert items == sorted(set(items))
    assert len(items) == 35


@pytest.mark.parametrize("kind", KINDS)
def test_cases_stand_in_the_order_of_the_document(kind: str) -> None:
    lines = [case["line"] for case in CASES[kind]]

    assert lines == sorted(lines)


def test_names_are_unique() -> None:
    names = [name_of(case) for kind in KINDS for case in CASES[kind]]

    assert sorted(set(names)) == sorted(names)


def test_nothing_is_in_the_file_that_no_test_reads() -> None:
    assert set(CASES) == {"item", *KINDS}
