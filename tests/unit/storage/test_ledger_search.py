"""A job is found again by what people remember of it, and by the start of its name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from callsheet.errors import UsageError
from callsheet.storage.ledger import Ledger
from callsheet.storage.ledger_search import JobFilter
from callsheet.storage.partial_file import SavedFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HERE, THERE = "https://ads.example", "https://other.example"
FOX, SEA, TOWN = "aa110000-1111", "aa220000-2222", "bb330000-3333"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Give a ledger of three jobs, started at 100, 200 and 300 s; the last one elsewhere."""
    now = [0.0]
    ledger = Ledger(str(tmp_path), clock=lambda: now[0])
    jobs = [
        (FOX, HERE, "ai.video.generate", {"prompt": "A red fox\nin snow", "seed": 12}, "task-17"),
        (SEA, HERE, "ai.image.generate", {"input": {"prompt": "STRASSE am Meer"}}, "task-2"),
        (TOWN, THERE, "ai.video.generate", ["https://x.example/a.png", "a town"], "task-2"),
    ]
    for place, (ref, host, action, body, task_id) in enumerate(jobs, 1):
        now[0] = place * 100.0
        facts = {"host": host, "action": action, "body": json.dumps(body)}
        ledger.record("intent", ref, {**facts, "family": {"create": action, "query": "q"}})
        ledger.record("accepted", ref, {"task_ids": [task_id]})
    ledger.saved(FOX, [SavedFile("/clips/reynard.mp4", 3, "abc")])
    yield ledger
    ledger.close()


def refs(ledger: Ledger, **fields: Any) -> list[str]:
    return [job.ref for job in ledger.jobs(only=JobFilter(**fields))]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("fox", [FOX]),
        ("FOX red", [FOX]),
        ("fox\tsnow", [FOX]),
        ("straße", [SEA]),
        ("reynard", [FOX]),
        ("task-2", [TOWN, SEA]),
        ("12", [FOX]),
        ("video.generate", [TOWN, FOX]),
        ("aa11", [FOX]),
        ("prompt", []),
        ("fox sea", []),
        ("%", []),
    ],
)
def test_every_word_has_to_occur_somewhere(ledger: Ledger, words: str, expected: list[str]) -> None:
    assert refs(ledger, search=words) == expected


def test_a_body_with_escapes_is_searched_by_what_it_means(ledger: Ledger) -> None:
    facts = {"host": HERE, "action": "a", "body": '{"prompt":"Stra\\u00dfe"}'}
    ledger.record("intent", "cc44", facts)

    assert refs(ledger, search="straße am") == [SEA]
    assert refs(ledger, search="straße") == ["cc44", SEA]


def test_time_state_action_and_host_narrow_the_list(ledger: Ledger) -> None:
    assert refs(ledger, since=200.0) == [TOWN, SEA]
    assert refs(ledger, state="running", action="VIDEO") == [TOWN]
    assert refs(ledger, state="saved") == [FOX]
    assert refs(ledger, host=HERE) == [SEA, FOX]
    assert [job.ref for job in ledger.jobs(limit=1, only=JobFilter(host=HERE))] == [SEA]


def test_a_request_whose_process_died_is_unknown_and_not_being_sent(tmp_path: Path) -> None:
    dead, alive = Ledger(str(tmp_path)), Ledger(str(tmp_path))
    dead.record("intent", FOX, {"host": HERE, "action": "a"})
    dead.close()
    alive.record("intent", SEA, {"host": HERE, "action": "a"})

    assert refs(alive, state="unknown") == [FOX]
    assert refs(alive, state="intent") == [SEA]
    alive.close()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((FOX, FOX), ("aa11", FOX), ("bb", TOWN), ("b", TOWN), ("task-1", FOX)),
        *(("@1", TOWN), ("@3", FOX), ("task-2", SEA), ("task-", None), ("@4", None)),
        *(("", None), ("@0", None), ("%", None), ("zz", None), ("ask-1", None)),
    ],
)
def test_a_name_may_be_begun(ledger: Ledger, name: str, expected: str | None) -> None:
    try:
        job = ledger.resolve(name, host=HERE)
    except UsageError:
        job = None
    assert (job.ref if job else None) == expected


def test_what_fits_several_jobs_is_refused_with_their_references(ledger: Ledger) -> None:
    with pytest.raises(UsageError, match=r"^aa fits 2 jobs: aa220000 .*, aa110000 "):
        ledger.resolve("aa", host=HERE)


def test_a_task_id_of_two_hosts_is_that_of_the_host_in_use(ledger: Ledger) -> None:
    named = ledger.resolve("task-2", host=THERE)
    with pytest.raises(UsageError) as refusal:
        ledger.resolve("task-2", host="https://third.example")

    assert named is not None
    assert named.ref == TOWN
    assert f"aa220000 (ai.image.generate on {HERE})" in refusal.value.message
    assert f"bb330000 (ai.video.generate on {THERE})" in refusal.value.message


def test_two_requests_with_one_task_id_on_a_host_are_one_job(ledger: Ledger) -> None:
    ledger.record("intent", "dd44", {"host": HERE, "action": "a"})
    ledger.record("accepted", "dd44", {"task_ids": ["task-17"]})
    job = ledger.resolve("task-17", host=HERE)

    assert job is not None
    assert job.ref == "dd44"


def test_the_words_of_a_job_come_from_its_input_else_from_its_reply(ledger: Ledger) -> None:
    ledger.record("intent", "ee55", {"host": HERE, "action": "a"})
    ledger.record("accepted", "ee55", {"first_reply": {"@body": {"data": {"model": "m/1"}}}})
    texts = [(job.prompt, job.model) for job in ledger.jobs()]

    assert texts == [
        ("", "m/1"),
        ("a town", ""),
        ("STRASSE am Meer", ""),
        ("A red fox\nin snow", ""),
    ]
