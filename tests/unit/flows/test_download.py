"""A download resumes, renews its link, follows redirects, and gives up after tries in vain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from unit.scripted import Stage, reply

from callsheet.errors import DownloadError, LimitReached, NetworkError
from callsheet.flows.download import download
from callsheet.flows.effects import Download, Flow, HttpReply
from callsheet.storage.partial_file import PartialFile

if TYPE_CHECKING:
    from pathlib import Path

LINK = "https://cdn.example/v.mp4"
BROKEN = NetworkError("the connection broke", sent=True)
Answer = Callable[[Download], HttpReply]


def sends(data: bytes, status: int = 200, breaks: bool = False, **headers: str) -> Answer:
    """Return a reply that streams ``data`` into the part, and may break off after it."""

    def answer(save: Download) -> HttpReply:
        head = reply(status=status, url=save.url, **headers)
        if save.part.begin(status, head.headers):
            save.part.write(data)
            if breaks:
                raise BROKEN
            save.part.end()
        return head

    return answer


@pytest.fixture
def part(tmp_path: Path) -> Iterator[PartialFile]:
    partial = PartialFile(str(tmp_path / "v.bin"))
    yield partial
    partial.discard()


def fetch(stage: Stage, part: PartialFile, **options: Any) -> bytes:
    stage.run(download(LINK, part, stage.timing, **options))
    with open(part.commit().path, "rb") as file:
        return file.read()


def asked(stage: Stage) -> list[str]:
    return [save.url for save in stage.of(Download)]


def test_a_whole_file(part: PartialFile) -> None:
    stage = Stage(sends(b"abcdef", content_length="6"))
    assert fetch(stage, part) == b"abcdef"
    assert stage.kinds == ["Download"]


def test_a_broken_download_goes_on_where_it_stopped(part: PartialFile) -> None:
    first = sends(b"abc", breaks=True, content_length="6", etag='"1"')
    rest = sends(b"def", 206, content_range="bytes 3-5/6", etag='"1"')
    ranges: list[dict[str, str]] = []

    def noting(save: Download) -> HttpReply:
        ranges.append(save.part.headers())
        return rest(save)

    assert fetch(Stage(first, noting), part) == b"abcdef"
    assert ranges == [{"Accept-Encoding": "identity", "Range": "bytes=3-", "If-Range": '"1"'}]


@pytest.mark.parametrize("tag", ["", 'W/"1"'])
def test_a_file_without_a_strong_tag_starts_again(part: PartialFile, tag: str) -> None:
    def whole(save: Download) -> HttpReply:
        assert "Range" not in save.part.headers()
        return sends(b"abcdef", content_length="6")(save)

    stage = Stage(sends(b"abc", breaks=True, content_length="6", etag=tag), whole)
    assert fetch(stage, part) == b"abcdef"


@pytest.mark.parametrize(
    "second",
    [
        sends(b"ABCDEF", content_length="6", etag='"2"'),
        sends(b"", 416, content_range="bytes */6"),
        sends(b"xef", 206, content_range="bytes 2-5/6"),
        sends(b"def", 206, content_range="nonsense"),
        sends(b"def", 206, content_range="bytes 3-5/6", content_encoding="gzip"),
    ],
)
def test_a_file_that_cannot_go_on_starts_again(part: PartialFile, second: Answer) -> None:
    first = sends(b"abc", breaks=True, content_length="6", etag='"1"')
    stage = Stage(first, second, sends(b"ABCDEF", content_length="6"))
    assert fetch(stage, part) == b"ABCDEF"


def test_everything_had_arrived_before_the_break(part: PartialFile) -> None:
    first = sends(b"abc", breaks=True, content_length="3", etag='"1"')
    assert fetch(Stage(first, sends(b"", 416)), part) == b"abc"


def test_an_encoded_body_has_no_length_and_no_range(part: PartialFile) -> None:
    first = sends(b"abc", breaks=True, content_length="2", content_encoding="gzip", etag='"1"')

    def second(save: Download) -> HttpReply:
        assert "Range" not in save.part.headers()
        return sends(b"abcdef", content_length="2", content_encoding="gzip")(save)

    assert fetch(Stage(first, second), part) == b"abcdef"


def test_a_short_body_is_not_complete(part: PartialFile) -> None:
    stage = Stage(sends(b"abc", content_length="6"))
    with pytest.raises(DownloadError, match="cannot be fetched"):
        fetch(stage, part)
    assert len(stage.of(Download)) == 8


def test_tries_in_vain_end_it_and_progress_does_not(part: PartialFile) -> None:
    pieces = [
        sends(bytes([65 + n]), 206, breaks=True, content_range=f"bytes {n}-19/20", etag='"1"')
        for n in range(1, 20)
    ]
    first = sends(b"A", breaks=True, content_length="20", etag='"1"')
    end = sends(b"", 206, content_range="bytes 20-19/20")
    stage = Stage(first, *pieces, end)
    assert fetch(stage, part) == bytes(range(65, 85))


def test_going_round_in_circles_ends(part: PartialFile) -> None:
    again = [
        sends(b"abc", breaks=True, content_length="6", etag='"1"'),
        sends(b"", 206, content_range="bytes 1-5/6"),
    ]
    stage = Stage(*again * 50)
    with pytest.raises(DownloadError):
        fetch(stage, part)
    assert len(stage.of(Download)) < 10


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_an_expired_link_is_renewed_once(part: PartialFile, status: int) -> None:
    fresh = "https://cdn.example/fresh.mp4"

    def renew() -> Flow[str]:
        return fresh
        yield

    stage = Stage(sends(b"", status), sends(b"abc", content_length="3"))
    assert fetch(stage, part, renew=renew) == b"abc"
    assert asked(stage) == [LINK, fresh]
    dead = Stage(sends(b"", status))
    with pytest.raises(DownloadError) as caught:
        fetch(dead, PartialFile(part.target + "2"), renew=renew)
    assert caught.value.http_status == status
    assert asked(dead) == [LINK, fresh]


def test_a_link_that_expires_again_after_progress_is_renewed_again(part: PartialFile) -> None:
    names = iter(["https://cdn.example/2", "https://cdn.example/3"])

    def renew() -> Flow[str]:
        return next(names)
        yield

    stage = Stage(
        sends(b"", 403),
        sends(b"abc", breaks=True, content_length="6", etag='"1"'),
        sends(b"", 403),
        sends(b"def", 206, content_range="bytes 3-5/6"),
    )
    assert fetch(stage, part, renew=renew) == b"abcdef"


def test_redirects_are_followed_to_any_host(part: PartialFile) -> None:
    stage = Stage(
        reply(status=302, location="https://edge.example/a"),
        reply(status=307, location="b"),
        sends(b"abc"),
    )
    assert fetch(stage, part) == b"abc"
    assert asked(stage) == [LINK, "https://edge.example/a", "https://edge.example/b"]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("http://cdn.example/v.mp4", "unencrypted"),
        ("file:///etc/passwd", "not a link"),
        ("http://[", "not a link"),
        ("", "more than 5 times"),
        ("/v.mp4", "more than 5 times"),
    ],
)
def test_redirects_that_lead_nowhere(part: PartialFile, target: str, words: str) -> None:
    stage = Stage(reply(status=302, location=target))
    with pytest.raises(DownloadError, match=words):
        fetch(stage, part)


@pytest.mark.parametrize("link", ["ftp://x/y", "file:///etc/passwd", "x", "", "http://[::1"])
def test_what_is_no_link(part: PartialFile, link: str) -> None:
    stage = Stage()
    with pytest.raises(DownloadError, match="not a link"):
        stage.run(download(link, part, stage.timing))


@pytest.mark.parametrize("status", [400, 418, 501, 304])
def test_another_status_ends_it_at_once(part: PartialFile, status: int) -> None:
    stage = Stage(reply(status=status))
    with pytest.raises(DownloadError) as caught:
        fetch(stage, part)
    assert (caught.value.http_status, len(stage.of(Download))) == (status, 1)


def test_the_hint_of_the_file_server_is_obeyed(part: PartialFile) -> None:
    stage = Stage(reply(status=503, retry_after="9"), sends(b"abc"))
    assert fetch(stage, part) == b"abc"
    assert stage.pauses == [9.0]
    late = Stage(reply(status=429, retry_after="900"))
    with pytest.raises(LimitReached):
        fetch(late, PartialFile(part.target + "2"))


def test_a_page_in_place_of_the_file_is_told(part: PartialFile) -> None:
    stage = Stage(sends(b"<html>", content_type="text/html; charset=utf-8"))
    with pytest.raises(DownloadError, match="HTML page"):
        fetch(stage, part)


def test_a_link_that_no_client_can_use_is_not_tried_again(part: PartialFile) -> None:
    unusable = NetworkError("cannot be used", sent=False)
    unusable.retryable = False
    stage = Stage(unusable)
    with pytest.raises(DownloadError, match="cannot be used"):
        fetch(stage, part)
    assert len(stage.of(Download)) == 1


def test_a_start_too_short_to_tell_what_it_is_is_fetched_again(tmp_path: Path) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + b"x" * 9 + b"\0\0\0\0IEND\xaeB`\x82"
    part = PartialFile(str(tmp_path / "a.png"))
    assert fetch(Stage(sends(picture[:5]), sends(picture)), part) == picture


def noting(ranges: list[str | None], answer: Any) -> Answer:
    """Return an answer that notes which range was asked for."""

    def note(save: Download) -> Any:
        ranges.append(save.part.headers().get("Range"))
        return answer(save) if callable(answer) else answer

    return note


@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
def test_a_server_that_refuses_a_range_gives_the_whole_file(part: PartialFile, status: int) -> None:
    ranges: list[str | None] = []
    answers = (
        sends(b"abc", breaks=True, content_length="6", etag='"1"'),
        sends(b"", status=status),
        sends(b"abcdef", content_length="6", etag='"2"'),
    )
    stage = Stage(*(noting(ranges, answer) for answer in answers))
    assert fetch(stage, part) == b"abcdef"
    assert ranges == [None, "bytes=3-", None]


def test_a_range_that_brings_nothing_twice_is_given_up(part: PartialFile) -> None:
    ranges: list[str | None] = []
    answers = (
        sends(b"abc", breaks=True, content_length="6", etag='"1"'),
        BROKEN,
        sends(b"", status=500),
        sends(b"abcd", breaks=True, content_length="6", etag='"2"'),
        sends(b"ef", status=206, content_range="bytes 4-5/6"),
    )
    stage = Stage(*(noting(ranges, answer) for answer in answers))
    assert fetch(stage, part) == b"abcdef"
    assert ranges == [None, "bytes=3-", "bytes=3-", None, "bytes=4-"]


def test_an_unreachable_server_costs_no_part(part: PartialFile) -> None:
    unreachable = NetworkError("no connection", sent=False)
    stage = Stage(
        sends(b"abc", breaks=True, content_length="6", etag='"1"'),
        *[unreachable] * 5,
        sends(b"def", status=206, content_range="bytes 3-5/6"),
    )
    assert fetch(stage, part) == b"abcdef"


def test_a_refused_range_of_an_expired_link_is_tried_whole_last(part: PartialFile) -> None:
    stage = Stage(
        sends(b"abc", breaks=True, content_length="6", etag='"1"'),
        *[sends(b"", status=403)] * 3,
    )

    def renew() -> Flow[str]:
        return LINK + "?again"
        yield

    with pytest.raises(DownloadError) as caught:
        stage.run(download(LINK, part, stage.timing, renew=renew))
    assert (caught.value.http_status, part.size) == (403, 3)
    assert asked(stage) == [LINK, LINK, LINK + "?again", LINK + "?again"]
