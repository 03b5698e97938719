"""Every command line and flag of the document, run as a process against the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from reference.cases import JOB_KEYS, filled, params, words
from reference.jobs import start

if TYPE_CHECKING:
    from pathlib import Path

    from program import Completed, Program
    from reference.cases import Case

    from callsheet_sandbox.server import Running

QUERY = "ai.video.query"


def posted(sandbox: Running) -> list[dict[str, Any]]:
    """Return the invocations that the sandbox saw, as action, body and headers."""
    return [
        {
            "action": one["path"].removeprefix("/api/actions/"),
            "body": one["body"],
            "headers": one["headers"],
        }
        for one in sandbox.requests()
        if one["method"] == "POST"
    ]


@pytest.mark.parametrize("case", params("command"))
def test_command(
    case: Case, cli: Program, sandbox: Running, request: pytest.FixtureRequest
) -> None:
    if case.get("login", True):
        request.getfixturevalue("ads")
    known = {"host": sandbox.url, "key": sandbox.key, "task": None}
    if case.get("task"):
        known["task"] = start(sandbox, running=case.get("running", False))
    if "credits" in case:
        sandbox.set_credits(case["credits"])
    earlier = len(posted(sandbox))
    program, *line = words(case["typed"], known)

    done = cli.run(*line, env=filled(case.get("env", {}), known))

    assert program == "ads"
    assert done.code == case.get("exit", 0), done.stderr
    sent = posted(sandbox)[earlier:]
    assert made(sent) == case.get("posts", [])
    assert all(("idempotency-key" in one["headers"]) == (one["action"] != QUERY) for one in sent)
    if case.get("posts") and "credits" not in case:
        known["task"] = sandbox.charges()[-1]["taskId"]
    check_waiting(case, sent, known["task"])
    check_output(case, done, known | {"video": f"{sandbox.url}/media/{known['task']}.mp4"})
    check_files(case, done, cli.folder)


def made(sent: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what was invoked besides the query."""
    return [{k: one[k] for k in ("action", "body")} for one in sent if one["action"] != QUERY]


def check_waiting(case: Case, sent: list[dict[str, Any]], task: str | None) -> None:
    """A job is asked about by its id, at least once where it is waited for."""
    asked = [one["body"] for one in sent if one["action"] == QUERY]
    waits = case.get("waits", True) and not case.get("blocking") and "credits" not in case
    if case.get("posts") and waits:
        assert asked
        assert all(body == {"taskId": task} for body in asked)
    else:
        assert asked == ([{"taskId": task}] if case.get("task") else [])


def check_output(case: Case, done: Completed, known: dict[str, str | None]) -> None:
    assert [text for text in case.get("stdout", []) if text not in done.stdout] == []
    assert [text for text in case.get("stderr", []) if text not in done.stderr] == []
    assert [text for text in case.get("lacks", []) if text in done.stdout] == []
    expected = filled(case.get("json", {}), known)
    if expected:
        found = done.json
        assert {key: found[key] for key in expected} == expected
    if case.get("posts") and done.code == 0:
        after = ["files"] if "file" in case else []
        assert list(done.json)[: len(JOB_KEYS + after)] == JOB_KEYS + after


def check_files(case: Case, done: Completed, folder: Path) -> None:
    """The named file is the first video, byte for byte; no other file is written."""
    written = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    assert written == ([case["file"]] if "file" in case else [])
    for name in written:
        data = (folder / name).read_bytes()
        assert data == httpx.get(done.json["videoUrl"]).content
        assert data[4:8] == b"ftyp"
