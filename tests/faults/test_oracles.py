"""The oracles of the campaign notice a client that breaks its promises."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest
from faults import (
    budgeting,
    downloading,
    endless,
    enveloping,
    leaking,
    marking,
    raw,
    recovering,
    stage,
    submitting,
)
from faults.needles import CANARY, hits
from faults.tally import Tally, table
from unit.servers import said, serving

from callsheet.errors import NetworkError
from callsheet.storage import partial_file as files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def theatre(folder: Path) -> Iterator[submitting.Theatre]:
    with stage.sandbox() as running:
        yield submitting.Theatre(running, folder)


def test_a_client_that_sends_again_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callsheet.flows.retry.PaidPost.send", _sends_again)
    tally = Tally("R1")
    lost = submitting.Fault("reset", "after", ("reset at=sent",) * 3)
    with theatre(tmp_path) as place:
        submitting._play_case(tally, place, submitting.Submission(lost, "create", "without", 0), 0)

    assert any("2 charges" in words for words in tally.violations)


def _sends_again(post: Any, timing: Any) -> Any:
    """Submit as the careless do: a lost answer is asked for once more."""
    for _ in range(2):
        try:
            return (yield post._build())
        except NetworkError:
            continue
    raise AssertionError("lost twice")


@pytest.mark.parametrize(
    ("check", "call", "day"),
    [
        ("callsheet.storage.ledger._require_budget", "", "120 credits"),
        ("callsheet.engine.budget.Budget.check", "4", ""),
    ],
)
def test_a_client_that_spends_more_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: str, call: str, day: str
) -> None:
    monkeypatch.setattr(check, lambda *args: {})
    calls = (budgeting.PaidCall("film.flat", 5, "untold"),) * 3
    tally, books = Tally("R5"), budgeting.Books()
    with serving(books.answer) as server:
        server.listed = said(budgeting.LISTED)
        player = budgeting.Player(tally, server, books, tmp_path)
        player.play(budgeting.Sequence(0, budgeting.Limits(call, day, ""), calls, "client"))

    assert tally.violations


def test_a_client_that_believes_old_marks_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = "callsheet.catalog.snapshot.Catalogue.was_asked"
    monkeypatch.setattr(fresh, lambda *args: True)
    tally = Tally("R17")
    case = next(case for case in marking.crossed() if "free, a cache of 61" in case.name)
    marking.play_case(tally, case, tmp_path, 0)

    assert any("5 POSTs" in words for words in tally.violations)


def test_a_client_that_believes_a_refusal_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callsheet.protocol.error_replies.Refusal.may_have_run", False)
    tally = Tally("R24")
    with serving(said({})) as server:
        enveloping.play_all(tally, enveloping.cases()[:4], server, tmp_path, "sync")

    assert sum("and is refused" in words for words in tally.violations) == 4


def test_a_client_that_believes_any_list_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def believe(*args: Any) -> Any:
        return True
        yield

    monkeypatch.setattr("callsheet.engine.recovery.Recovery._lists_older", believe)
    tally = Tally("R18")
    case = next(case for case in recovering.UNPROVEN if case.name == "only the newest jobs")
    recovering.play_case(tally, case, tmp_path, 0)

    assert any("ended as refused" in words for words in tally.violations)


def test_a_wrong_file_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = files.PartialFile.begin

    def believes(part: files.PartialFile, status: int, headers: Any) -> bool:
        size = headers.get("content-range", "").rpartition("/")[2]
        return real(part, status, {**headers, "content-range": f"bytes {part.size}-9/{size}"})

    tally = Tally("R10")
    with stage.sandbox() as running:
        job = downloading.make_job(running, tmp_path)
        monkeypatch.setattr(files.PartialFile, "begin", believes)
        downloading._cuts(tally, running, tmp_path, job, 6)

    assert any("half or wrong" in words for words in tally.violations)


def test_a_client_that_waits_for_every_drop_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw, "LONG", 2.0)
    monkeypatch.setattr("callsheet.transport.sync.keep_time", lambda client: None)
    tally = Tally("R20")
    endless._slow(tally, tmp_path, endless.SlowCase("a head that drips", "free call", "sync"))

    assert any("waited to the end" in words for words in tally.violations)


@pytest.mark.parametrize(
    "text",
    [
        CANARY,
        f"before {CANARY} after",
        quote(CANARY, safe=""),
        CANARY.encode().hex(),
        *(base64.b64encode(b"xyz"[:pad] + CANARY.encode() + b"tail").decode() for pad in range(3)),
        base64.urlsafe_b64encode(b"user:" + CANARY.encode()).decode(),
    ],
)
def test_the_key_is_found_in_every_form(text: str) -> None:
    assert hits(text.encode())


def test_a_masked_key_is_no_hit() -> None:
    assert hits(b"sk-\xe2\x80\xa6=end") == []


def test_a_key_on_another_origin_is_noticed(tmp_path: Path) -> None:
    with stage.sandbox() as running:
        assert leaking.leaks(running) == []
        httpx.get(running.foreign_url, headers={"X-Api-Key": stage.KEY}, trust_env=False)
        other = running.url.replace("127.0.0.1", "localhost")
        headers = {"Authorization": f"Bearer {stage.KEY}"}
        httpx.get(f"{other}/api/actions", headers=headers, trust_env=False)

        assert len(leaking.leaks(running)) == 3


def test_the_table_has_a_line_for_each_promise() -> None:
    tally = Tally("R1", "at most one charge", seconds=1.25)
    tally.ran("one", 3)
    tally.hold(False, "two", "charges")

    assert table([tally]).splitlines()[1].split() == [
        "R1", "at", "most", "one", "charge", "1", "3", "1", "1.2",
    ]  # fmt: skip
