"""Evidence is shown as one line a candidate, with the setting that would choose it."""

from __future__ import annotations

import pytest

from callsheet.protocol.evidence import Candidate, evidence_lines, setting_for


def test_a_candidate_is_one_safe_line() -> None:
    candidate = Candidate("task_id", "/data/id", "a\nb\x1b[0m", ("+id key",), chosen=True)

    (line,) = evidence_lines([candidate])

    assert line.startswith("task id: chosen: /data/id = a")
    assert line.endswith("(+id key)")
    assert line.isprintable()


def test_a_candidate_that_was_not_chosen_says_how_to_choose_it() -> None:
    (line,) = evidence_lines([Candidate("state", "/job/phase", "made", ("-an unknown word",))])

    assert line.endswith("; choose it with --set state=job.phase")


@pytest.mark.parametrize(
    ("candidate", "setting"),
    [
        (Candidate("state", "/data/0/phase", "made"), "state=data[0].phase"),
        (Candidate("media", "/videos/0/src", "/f/1"), "media=videos[].src"),
        (Candidate("refusal", "/ret", "1"), "envelope-ok=ret=1"),
        (Candidate("cost", "/cost", "1"), ""),
        (Candidate("state", "/a~1b.c/phase", "made"), ""),
        (Candidate("state", "", "made"), ""),
    ],
)
def test_a_candidate_names_the_setting_that_chooses_it(candidate: Candidate, setting: str) -> None:
    assert setting_for(candidate) == setting
