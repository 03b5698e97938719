"""Redirects stay inside the origin; what costs nothing is tried again within its quota."""

from __future__ import annotations

import pytest
from unit.scripted import HOST, URL, Stage, reply

from callsheet.errors import LimitReached, NetworkError, ServerError
from callsheet.flows.effects import Send
from callsheet.flows.retry import follow_redirect, with_retries

GET = Send("GET", "/api/actions")
POST = Send("POST", "/api/actions/x", b"{}")
REDIRECTS = (301, 302, 303, 307, 308)
FOREIGN = (
    "https://evil.example/x",
    "http://ads.example/x",
    "https://ads.example:8443/x",
    "//evil.example/x",
    "https://ads.example@evil.example/",
)


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_inside_the_origin_is_followed_once(status: int) -> None:
    stage = Stage(reply(status=status, location="/v2/actions"), reply([]))
    assert stage.run(follow_redirect(GET)).status == 200
    assert stage.sends == [GET, GET._replace(url=f"{HOST}/v2/actions")]


def test_a_second_redirect_is_the_answer() -> None:
    stage = Stage(reply(status=307, location="/a"))
    assert stage.run(follow_redirect(GET)).status == 307
    assert len(stage.sends) == 2


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("send", [GET, POST])
@pytest.mark.parametrize("target", FOREIGN)
def test_a_redirect_elsewhere_names_both_hosts(status: int, send: Send, target: str) -> None:
    stage = Stage(reply(status=status, location=target))
    with pytest.raises(ServerError, match="your key was not sent there") as caught:
        stage.run(follow_redirect(send))
    assert caught.value.code == "redirect_refused"
    assert HOST in caught.value.message
    assert len(stage.sends) == 1


@pytest.mark.parametrize("status", [307, 308])
def test_a_post_is_sent_on_with_its_body(status: int) -> None:
    stage = Stage(reply(status=status, location="/v2/x"), reply({}))
    stage.run(follow_redirect(POST))
    assert stage.sends[1] == POST._replace(url=f"{HOST}/v2/x")


def test_a_303_names_where_the_outcome_of_a_post_can_be_read() -> None:
    stage = Stage(reply(b"<p>See other", 303, location="/jobs/1"))
    answer = stage.run(follow_redirect(POST))
    assert (answer.status, answer.body, answer.headers["location"]) == (202, b"", "/jobs/1")
    assert stage.sends == [POST]


@pytest.mark.parametrize("status", [301, 302])
def test_a_post_is_never_turned_into_a_get(status: int) -> None:
    stage = Stage(reply(status=status, location="/v2/x"))
    with pytest.raises(ServerError, match="turn it into a GET"):
        stage.run(follow_redirect(POST))


@pytest.mark.parametrize("location", ["", "  "])
def test_a_redirect_to_nowhere_is_the_answer(location: str) -> None:
    stage = Stage(reply(status=307, location=location))
    assert stage.run(follow_redirect(POST)).status == 307
    assert len(stage.sends) == 1


@pytest.mark.parametrize("location", ["http://[", "https://ads.example:99999/"])
def test_a_redirect_that_cannot_be_read_is_refused(location: str) -> None:
    stage = Stage(reply(status=302, location=location))
    with pytest.raises(ServerError, match="redirects the request"):
        stage.run(follow_redirect(GET))


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 429])
def test_passing_trouble_is_tried_again(status: int) -> None:
    stage = Stage(reply(status=status), reply({}))
    assert stage.run(with_retries(GET, stage.timing)).status == 200
    assert len(stage.sends) == 2


@pytest.mark.parametrize("status", [200, 304, 400, 401, 404, 501])
def test_an_answer_is_an_answer(status: int) -> None:
    stage = Stage(reply(status=status))
    assert stage.run(with_retries(GET, stage.timing)).status == status
    assert len(stage.sends) == 1


def test_five_tries_are_the_most() -> None:
    stage = Stage(reply(status=503))
    assert stage.run(with_retries(GET, stage.timing)).status == 503
    assert len(stage.sends) == 5


def test_no_answer_at_all_is_the_last_failure() -> None:
    stage = Stage(NetworkError("first", sent=True), NetworkError("last", sent=True))
    with pytest.raises(NetworkError, match="last"):
        stage.run(with_retries(GET, stage.timing))


def test_the_jitter_grows_from_its_base() -> None:
    lost = Stage(NetworkError("gone", sent=True), random=1.0)
    with pytest.raises(NetworkError):
        lost.run(with_retries(GET, lost.timing))
    throttled = Stage(reply(status=429), random=1.0)
    throttled.run(with_retries(GET, throttled.timing))
    assert lost.pauses == [0.05, 0.1, 0.2, 0.4]
    assert throttled.pauses == [1.0, 2.0, 4.0, 8.0]


def test_the_hint_of_the_server_wins() -> None:
    stage = Stage(reply(status=503, retry_after="7"), reply({}))
    stage.run(with_retries(GET, stage.timing))
    assert stage.pauses == [7.0]


def test_a_hint_of_more_than_two_minutes_is_told() -> None:
    stage = Stage(reply(status=429, retry_after="600"))
    with pytest.raises(LimitReached) as caught:
        stage.run(with_retries(GET, stage.timing))
    assert caught.value.retry_after == 600.0
    assert stage.pauses == []


def test_a_dead_server_is_asked_a_bounded_number_of_times() -> None:
    stage = Stage(NetworkError("gone", sent=True), tokens=500)
    for _ in range(200):
        with pytest.raises(NetworkError):
            stage.run(with_retries(GET, stage.timing))
    assert len(stage.sends) <= 235


def test_a_server_that_recovers_gives_the_quota_back() -> None:
    for _ in range(3):
        stage = Stage(reply(status=503), reply({}), tokens=14)
        stage.run(with_retries(GET, stage.timing))
        assert stage.quota.take(14)


def test_the_url_of_a_redirect_counts_from_where_the_reply_came() -> None:
    stage = Stage(reply(status=302, location="b", url=f"{HOST}/base/a"), reply({}))
    stage.run(follow_redirect(GET))
    assert stage.sends[1].url == f"{HOST}/base/b"
    assert URL.startswith(HOST)


def test_pauses_that_the_server_asks_for_are_limited_together() -> None:
    stage = Stage(reply(status=503, retry_after="50"))
    with pytest.raises(LimitReached, match=r"wait 50 s .* after 100 s already") as caught:
        stage.run(with_retries(GET, stage.timing))
    assert stage.pauses == [50.0, 50.0]
    assert caught.value.retry_after == 50.0
    assert "try again after" in caught.value.hint


def test_what_another_try_does_not_change_is_not_tried_again() -> None:
    too_large = NetworkError("the reply is over 16 MiB", sent=True)
    too_large.retryable = False
    stage = Stage(too_large)
    with pytest.raises(NetworkError):
        stage.run(with_retries(GET, stage.timing))
    assert len(stage.sends) == 1
