"""Work in several processes gives what it gives in one, and fails as it fails there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from callsheet_codegen.render import share

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = [f"n{number}" for number in range(1000)]
HERE = os.getpid()


def test_every_name_is_answered_once() -> None:
    texts = share(lambda some: {name: f"{name}!" for name in some}, NAMES)

    assert texts == {name: f"{name}!" for name in NAMES}


@pytest.mark.parametrize("names", [NAMES[:1], NAMES])
def test_what_is_wrong_with_one_is_raised_here(names: Sequence[str]) -> None:
    def work(some: Sequence[str]) -> dict[str, str]:
        for name in some:
            if name == names[-1]:
                raise LookupError(name)
        return {}

    with pytest.raises(LookupError, match=names[-1]):
        share(work, names)


def test_a_part_that_dies_elsewhere_is_done_here() -> None:
    def work(some: Sequence[str]) -> dict[str, str]:
        if os.getpid() != HERE:
            os._exit(0)
        return dict.fromkeys(some, "here")

    assert share(work, NAMES) == dict.fromkeys(NAMES, "here")


def test_no_process_stays() -> None:
    texts = share(lambda some: dict.fromkeys(some, str(os.getpid())), NAMES)

    for process in {int(pid) for pid in texts.values()} - {HERE}:
        with pytest.raises(ChildProcessError):
            os.waitpid(process, os.WNOHANG)
