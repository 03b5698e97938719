"""Progress off a terminal is a line for each change, and nothing with ``--quiet``."""

from __future__ import annotations

import io

import pytest

from callsheet.cli.output.formats import Console
from callsheet.cli.output.progress import Progress, describe, find_preview
from callsheet.flows.effects import JobUpdate
from callsheet.protocol.replies import ReplyFields, read_reply


def update(raw_state: str, progress: float | None, elapsed: float = 5) -> JobUpdate:
    return JobUpdate("t1", "running", raw_state, progress, elapsed, ReplyFields())


def console(**flags: str) -> Console:
    return Console("ads", "ADS", flags, (), {})


def test_only_changes_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    steps = [("pending", 0.0), ("pending", 0.01), ("running", 0.11), ("running", 0.15)]
    with Progress(console(), "a.b") as show:
        for state, progress in [*steps, ("running", 0.25)]:
            show(update(state, progress))

    assert capsys.readouterr().err.splitlines() == [
        "a.b: pending 0 %, 5 s",
        "a.b: running 11 %, 5 s",
        "a.b: running 25 %, 5 s",
    ]


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(console(quiet="yes"), "a.b") as show:
        show(update("pending", 0.0))

    assert capsys.readouterr().err == ""


def test_a_state_without_progress_is_safe_to_print() -> None:
    assert describe(update("in\x1b[2Jqueue\n", None, 65)) == "inqueue, 1 min 05 s"
    assert describe(update("", 0.5)) == "running 50 %, 5 s"


def test_a_log_that_stands_still_gets_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Progress(console(), "a.b", usual=65) as show:
        for elapsed in (1, 8, 16, 24, 32, 40, 65):
            show(update("queued", None, elapsed))

    assert capsys.readouterr().err.splitlines() == [
        "a.b: queued, 1 s (usually 1 min 05 s)",
        "a.b: queued, 32 s (usually 1 min 05 s)",
        "a.b: queued, 1 min 05 s (usually 1 min 05 s)",
    ]


@pytest.mark.parametrize(
    ("payload", "link"),
    [
        ({"previewUrl": "https://x/1.jpg"}, "https://x/1.jpg"),
        ({"thumbnail": "https://x/t.jpg", "videoUrl": "https://x/v.mp4"}, "https://x/t.jpg"),
        ({"poster_urls": ["https://x/p.png"]}, "https://x/p.png"),
        ({"coverImageUrl": "https://x/c.png"}, "https://x/c.png"),
        ({"preview": "https://x/a b"}, ""),
        ({"preview": True, "cover": None, "thumbnails": []}, ""),
        ({"preview": "data:image/png;base64,AAAA"}, ""),
        ({"videoUrl": "https://x/v.mp4"}, ""),
        (["https://x"], ""),
    ],
)
def test_a_link_to_a_preview_is_found(payload: object, link: str) -> None:
    assert find_preview(payload) == link


def test_a_preview_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    change = update("running", None)._replace(
        fields=ReplyFields(payload={"previewUrl": "https://x/1"})
    )
    with Progress(console(), "a.b") as show:
        show(change)
        show(change)

    assert capsys.readouterr().err.splitlines() == [
        "preview: https://x/1",
        "a.b: running, 5 s",
    ]


def test_the_moving_line_goes_on_between_two_answers() -> None:
    now = [100.0]
    show = Progress(console(), "a.b", 60, clock=lambda: now[0])
    now[0] = 103
    waiting = show.__rich__().plain
    show(update("running", 0.5, 5))
    now[0] = 110

    assert waiting == "a.b: waiting (3 s)"
    assert show.__rich__().plain == ("━" * 20 + " a.b: running 50 %, 12 s (usually 1 min 00 s)")


class PlainTerminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("seconds", "rings"), [(59, 0), (61, 1)])
def test_a_terminal_rings_after_a_long_wait(
    monkeypatch: pytest.MonkeyPatch, seconds: float, rings: int
) -> None:
    now, screen = [100.0], PlainTerminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with Progress(console(), "a.b", clock=lambda: now[0]):
        now[0] += seconds

    assert screen.getvalue().count("\x07") == rings


def test_the_place_in_a_queue_and_the_words_of_the_server_are_told() -> None:
    fields = ReplyFields(queue=3, message="Warming\x1b[2J up " + "x" * 99)
    text = describe(update("queued", None)._replace(fields=fields), 20)

    assert text == f"queued, place 3 in the queue, 5 s (usually 20 s): Warming up {'x' * 48}…"
    same = update("running", 0.4)._replace(fields=ReplyFields(message="Running"))
    assert describe(same) == "running 40 %, 5 s"


def test_a_message_that_only_counts_gets_no_line_each_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["frame 1 of 9", "frame 2 of 9", "mixing"]
    with Progress(console(), "a.b") as show:
        for message in words:
            show(update("running", None)._replace(fields=ReplyFields(message=message)))

    assert capsys.readouterr().err.splitlines() == [
        "a.b: running, 5 s: frame 1 of 9",
        "a.b: running, 5 s: mixing",
    ]


@pytest.mark.parametrize(
    ("reply", "place"),
    [
        ({"queue_position": 4}, 4),
        ({"queuePosition": 0}, None),
        ({"queue": 2}, 2),
        ({"eta": 30}, None),
        ({}, None),
    ],
)
def test_the_place_is_read_from_a_reply(reply: dict[str, int], place: int | None) -> None:
    assert read_reply({"taskId": "t", "status": "queued", **reply}).queue == place
