"""Every failure is one line with a hint, an object and an exit code; none is a traceback."""

from __future__ import annotations

import json

import click
import pytest

from callsheet.cli import main
from callsheet.cli.output.formats import Console
from callsheet.errors import AuthError, NetworkError, StillRunning, UsageError


def report(
    error: BaseException, capsys: pytest.CaptureFixture[str], *argv: str
) -> tuple[int, str, str]:
    code = main.report(Console("ads", "ADS", {}, argv, {}), error)
    streams = capsys.readouterr()
    return code, streams.out, streams.err


def test_the_line_the_hint_and_the_object(capsys: pytest.CaptureFixture[str]) -> None:
    error = StillRunning("stopped", hint="tasks wait t1", task_id="t1")
    code, out, err = report(error, capsys)

    assert code == 4
    assert err == "ads: stopped\n  ads tasks wait t1\n"
    assert json.loads(out) == {
        "error": {
            "code": "still_running",
            "message": "stopped",
            "hint": "ads tasks wait t1",
            "flag": None,
            "http_status": None,
            "request_id": None,
            "task_id": "t1",
            "retryable": False,
        }
    }


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (AuthError("x"), 3),
        (NetworkError("x", sent=True), 1),
        (click.UsageError("x"), 2),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("x"), 1),
    ],
)
def test_exit_codes(error: BaseException, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(error, capsys)[0] == code


def test_other_formats_carry_no_object(capsys: pytest.CaptureFixture[str]) -> None:
    main.report(Console("ads", "ADS", {}, (), {"ADS_FORMAT": "table"}), UsageError("x"))

    assert capsys.readouterr().out == ""


def test_a_fault_of_ours_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise RuntimeError("odd\x1b[2J\nthing")
    except RuntimeError as error:
        _, _, err = report(error, capsys)

    assert err.startswith("ads: RuntimeError in test_errors.py:")
    assert err.endswith(": odd thing\n  --debug shows where it came from\n")


def test_debug_shows_where_it_came_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Traceback" not in report(UsageError("x"), capsys)[2]
    assert "UsageError: x" in report(UsageError("x"), capsys, "--debug")[2]


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        ("tasks wait t1", "ads tasks wait t1"),
        (
            "it was not sent again; see: tasks recover t1",
            "it was not sent again; see: ads tasks recover t1",
        ),
        ("ads tasks list", "ads tasks list"),
        ("other tasks wait", "other tasks wait"),
        ("", ""),
    ],
)
def test_hints_name_the_program(hint: str, expected: str) -> None:
    assert main.with_program("ads", hint) == expected
