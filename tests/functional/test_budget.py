"""What a call costs is known before it is sent, and a limit holds."""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from fidelity.recorder import KEY, PostRecorder, recorder
from unit.servers import said, serving

from callsheet import Client
from callsheet.cli.main import run
from callsheet.errors import LimitReached, TaskFailed, UsageError
from callsheet.storage.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = {
    "type": "object",
    "properties": {"prompt": {"type": "string"}, "duration": {"type": "integer", "default": 5}},
}
ACTIONS: list[dict[str, Any]] = [
    {"id": "film.flat", "inputSchema": SCHEMA, "creditCost": 50},
    {"id": "film.long", "inputSchema": SCHEMA, "pricing": {"credits_per_second": 10}},
    {"id": "film.dollars", "inputSchema": SCHEMA, "price": "$0.50"},
    {"id": "film.unpriced", "inputSchema": SCHEMA},
]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostRecorder]:
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"CALLSHEET_{kind}_DIR", str(tmp_path / kind.lower()))
    with recorder() as server:
        server.advertise(ACTIONS)
        monkeypatch.setenv("CALLSHEET_HOST", server.url)
        monkeypatch.setenv("CALLSHEET_API_KEY", KEY)
        yield server


@pytest.mark.parametrize(
    ("call", "limit"),
    [
        (("film.flat", {}), "49"),
        (("film.flat", {}), "49 credits"),
        (("film.long", {}), "49"),
        (("film.long", {"duration": 9}), "89.5"),
        (("film.dollars", {}), "0.49USD"),
        (("film.dollars", {}), "100 credits"),
        (("film.unpriced", {}), "1000"),
    ],
)
def test_nothing_is_sent_that_a_limit_does_not_allow(
    server: PostRecorder,
    monkeypatch: pytest.MonkeyPatch,
    call: tuple[str, dict[str, Any]],
    limit: str,
) -> None:
    action, body = call
    monkeypatch.setenv("CALLSHEET_MAX_COST", limit)
    with Client() as client, pytest.raises(LimitReached) as caught:
        client.call(action, {"prompt": "waves", **body})
    assert caught.value.exit_code == 7
    assert caught.value.code == "budget"
    assert server.take() == []


@pytest.mark.parametrize(
    ("action", "limit", "price"),
    [
        ("film.flat", "50", (50, "credits")),
        ("film.long", "50 credits", (50, "credits")),
        ("film.dollars", "$0.50", (0.5, "USD")),
        ("film.unpriced", "", (None, None)),
    ],
)
def test_what_is_sent_is_recorded_with_its_price(
    server: PostRecorder,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    limit: str,
    price: tuple[float | None, str | None],
) -> None:
    monkeypatch.setenv("CALLSHEET_MAX_COST", limit)
    with Client() as client:
        client.call(action, {"prompt": "waves"})
    assert len(server.take()) == 1
    job = Ledger(os.environ["CALLSHEET_STATE_DIR"]).jobs()[0]
    assert (job.estimate, job.unit) == price


def test_a_price_that_is_not_known_counts_as_what_is_assumed(
    server: PostRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLSHEET_MAX_COST", "10")
    monkeypatch.setenv("CALLSHEET_ASSUME_COST", "10")
    with Client() as client:
        client.call("film.unpriced", {"prompt": "waves"})
    assert len(server.take()) == 1
    monkeypatch.setenv("CALLSHEET_ASSUME_COST", "11")
    with Client() as client, pytest.raises(LimitReached):
        client.call("film.unpriced", {"prompt": "waves"})
    assert server.take() == []


def test_an_amount_assumed_for_the_day_is_none_for_the_call(
    server: PostRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"MAX_COST": "10", "DAILY_LIMIT": "5USD", "ASSUME_COST": "1USD"}
    for name, amount in limits.items():
        monkeypatch.setenv(f"CALLSHEET_{name}", amount)
    with Client() as client, pytest.raises(LimitReached, match="would cost 50 credits"):
        client.call("film.flat", {"prompt": "waves"})
    assert server.take() == []


def test_the_limit_of_a_day_lets_nothing_pass_without_a_ledger(
    server: PostRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLSHEET_DAILY_LIMIT", "1000")
    with Client(ledger=None) as client, pytest.raises(LimitReached, match="without a ledger"):
        client.call("film.flat", {"prompt": "waves"})
    assert server.take() == []


UPLOAD = {
    "id": "files.upload",
    "description": "Upload a file.",
    "inputSchema": {
        "type": "object",
        "properties": {"data": {"type": "string", "contentEncoding": "base64"}},
        "required": ["data"],
    },
}
PICTURED = {
    "id": "film.pictured",
    "creditCost": 50,
    "inputSchema": {
        "type": "object",
        "properties": {**SCHEMA["properties"], "imageUrl": {"type": "string", "format": "uri"}},
    },
}
LIMITS = [({"MAX_COST": "49"}, []), ({"DAILY_LIMIT": "49"}, [])]
TIGHT = ({"DAILY_LIMIT": "50"}, ["files.upload"])  # the upload itself leaves too little


@pytest.fixture
def picture(server: PostRecorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    server.advertise([UPLOAD, PICTURED])
    server.answer = {"url": "https://a.example/x.png"}
    monkeypatch.setenv("CALLSHEET_ASSUME_COST", "1")
    path = tmp_path / "here.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    return path


@pytest.mark.parametrize(("limits", "posts"), [*LIMITS, TIGHT])
def test_nothing_is_uploaded_for_a_call_that_a_limit_does_not_allow(
    server: PostRecorder,
    picture: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    limits: dict[str, str],
    posts: list[str],
) -> None:
    for name, amount in limits.items():
        monkeypatch.setenv(f"CALLSHEET_{name}", amount)
    with Client() as client, pytest.raises(LimitReached, match="; it was not sent"):
        client.call("film.pictured", {"prompt": "waves", "imageUrl": picture})
    assert [action for action, _ in server.take()] == posts


@pytest.mark.parametrize(("limits", "posts"), [*LIMITS, TIGHT])
def test_the_command_says_what_was_uploaded_before_a_limit_held(
    server: PostRecorder,
    picture: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    limits: dict[str, str],
    posts: list[str],
) -> None:
    for name, amount in limits.items():
        monkeypatch.setenv(f"CALLSHEET_{name}", amount)
    words = ["film", "pictured", "--prompt", "waves", "--image-url", str(picture)]
    code = run("", "callsheet", "CALLSHEET", words)
    assert [action for action, _ in server.take()] == posts
    assert code == (1 if posts else 7)
    assert ("files.upload was sent and answered, then: " in capsys.readouterr().err) == bool(posts)


def test_a_limit_that_is_no_amount_is_refused(
    server: PostRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLSHEET_MAX_COST", "much")
    with Client() as client, pytest.raises(UsageError, match="not an amount"):
        client.call("film.flat", {"prompt": "waves"})
    assert server.take() == []


def test_the_limit_of_a_day_holds_for_threads_that_pass_it_together(
    server: PostRecorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLSHEET_DAILY_LIMIT", "220")
    refusals: list[str] = []

    def call() -> None:
        with Client() as client:
            for _ in range(3):
                try:
                    client.call("film.flat", {"prompt": "waves"})
                except LimitReached as error:
                    refusals.append(error.code)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.take()) == 4
    assert refusals == ["budget"] * 8


def test_what_the_server_charged_counts_and_what_it_refused_does_not(
    server: PostRecorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLSHEET_DAILY_LIMIT", "100")
    server.answer = {"ok": True, "creditsUsed": 5}
    with Client() as client:
        for _ in range(11):  # 50 are expected of each, 5 are charged
            client.call("film.flat", {"prompt": "waves"})
        with pytest.raises(LimitReached, match="55 credits were spent today"):
            client.call("film.flat", {"prompt": "waves"})
    assert len(server.take()) == 11
    assert {(job.cost, job.unit) for job in Ledger(str(tmp_path / "state")).jobs()} == {
        (5.0, "credits")
    }


def test_each_limit_counts_what_is_in_its_own_unit(
    server: PostRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLSHEET_MAX_COST", "49 credits")
    monkeypatch.setenv("CALLSHEET_DAILY_LIMIT", "2USD")
    monkeypatch.setenv("CALLSHEET_ASSUME_COST", "1USD")
    with Client() as client, pytest.raises(LimitReached, match="would cost 50 credits"):
        client.call("film.flat", {"prompt": "waves"})
    monkeypatch.setenv("CALLSHEET_MAX_COST", "50 credits")
    server.answer = {"ok": True, "creditsUsed": 50}  # says nothing of dollars: the guess stands
    with Client() as client:
        for _ in range(2):
            client.call("film.flat", {"prompt": "waves"})
        with pytest.raises(LimitReached, match="2 USD were spent today"):
            client.call("film.flat", {"prompt": "waves"})
    assert len(server.take()) == 2


FAILED = {"taskId": "t1", "status": "failed", "error": "no"}


@pytest.mark.parametrize(
    ("answer", "cost"),
    [
        (FAILED, None),
        ({**FAILED, "cost": 0}, 0),
        ({**FAILED, "creditsUsed": 50}, 50),
        ({**FAILED, "refunded": True}, 0),
        ({**FAILED, "creditsUsed": 50, "refunded": True}, 0),
        ({**FAILED, "refundStatus": "refunded"}, 0),
        ({**FAILED, "refundedCredits": 50}, 0),
        ({**FAILED, "creditsRefunded": 20}, 30),
        ({**FAILED, "creditsUsed": 40, "refundedCredits": 40}, 0),
        ({**FAILED, "refund": {"amount": 50, "currency": "credits"}}, 0),
        ({**FAILED, "refund": {"amount": 1, "currency": "USD"}}, None),
        ({**FAILED, "refundable": True, "refundPolicy": "none", "refundId": 7}, None),
        ({**FAILED, "input": {"refunded": True}}, None),
        ({"taskId": "t1", "status": "success", "refunded": True, "url": "x"}, None),
    ],
)
def test_a_failed_job_costs_what_the_server_says(
    server: PostRecorder, tmp_path: Path, answer: dict[str, Any], cost: float | None
) -> None:
    server.answer = answer
    with Client() as client, suppress(TaskFailed):
        client.call("film.flat", {"prompt": "waves"})
    job = Ledger(str(tmp_path / "state")).jobs()[0]
    assert (job.cost, job.estimate) == (cost, 50)


@pytest.mark.parametrize(("charges", "sent"), [("success", 4), ("", 2)])
def test_a_host_that_charges_for_success_alone_takes_nothing_for_failures(
    server: PostRecorder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    charges: str,
    sent: int,
) -> None:
    monkeypatch.setenv("CALLSHEET_DAILY_LIMIT", "100")
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps({"prices": {"charges": charges}}))
    monkeypatch.setenv("CALLSHEET_OVERLAY", str(rules))
    server.answer = FAILED
    with Client() as client:
        for _ in range(4):
            with suppress(TaskFailed, LimitReached):
                client.call("film.flat", {"prompt": "waves"})
    assert len(server.take()) == sent


def test_a_refund_that_is_told_twice_is_taken_once(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "state"))
    facts = {"host": "https://a.example", "action": "film.flat", "estimate": 50, "unit": "credits"}
    ledger.record("intent", "r1", facts)
    ledger.record("accepted", "r1", {"cost": 40.0, "cost_unit": "credits"})
    for _ in range(2):
        ledger.record("failed", "r1", {"refund": (15.0, "credits")})
    assert ledger.jobs()[0].spent == (25, "credits")
    ledger.record("failed", "r1", {"refund": (None, "")})
    assert ledger.jobs()[0].spent == (0, "credits")


@pytest.mark.parametrize(
    ("more", "hint"),
    [
        ([{"id": "account.balance"}, {"id": "a.film", "description": "Costs credits."}],
         "account.balance may tell it: callsheet call account.balance --input '{}'"),
        ([{"id": "account.show", "description": "What is left: the credits."}],
         "account.show may tell it: callsheet call account.show --input '{}'"),
        ([{"id": "credit; rm"}, {"id": "a.film", "description": "Costs 5 credits."}],
         'set it: [tool.callsheet.balance] path = "/…"'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["", "/api/credit"])
def test_a_host_that_does_not_tell_what_is_left_is_asked_elsewhere(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: list[dict[str, Any]],
    hint: str,
    path: str,
) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps({"balance": {"path": path}} if path else {}))
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"CALLSHEET_{kind}_DIR", str(tmp_path / kind.lower()))
    monkeypatch.setenv("CALLSHEET_OVERLAY", str(rules))
    monkeypatch.setenv("CALLSHEET_API_KEY", KEY)
    with serving(said({"message": "Not Found"}, 404)) as server:
        server.listed = said({"actions": [{**a, "inputSchema": SCHEMA} for a in [*ACTIONS, *more]]})
        monkeypatch.setenv("CALLSHEET_HOST", server.url)
        with Client() as client:
            client._run(client._engine.host.refresh())
            with pytest.raises(UsageError, match="where this server tells what is left") as caught:
                client._run(client._engine.budget.balance())
    assert caught.value.hint == hint
