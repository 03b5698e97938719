"""Every command line and flag of the document, run as a process against the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from reference.cases import JOB_KEYS, fill, params, words
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
            "action": entry["path"].removeprefix("/api/actions/"),
            "body": entry["body"],
            "headers": entry["headers"],
        }
        for entry in sandbox.requests()
        if entry["method"] == "POST"
    ]


@pytest.mark.parametrize("case", params("command"))
def test_command(
    case: Case, cli: Program, sandbox: Running, request: pytest.FixtureRequest
) -> None:
    if case.get("login", True):
        request.getfixturevalue("ads")
    variables = {"host": sandbox.url, "key": sandbox.key, "task": None}
    if case.get("task"):
        variables["task"] = start(sandbox, running=case.get("running", False))
    if "credits" in case:
        sandbox.set_credits(case["credits"])
    earlier = len(posted(sandbox))
    program, *line = words(case["typed"], variables)

    completed = cli.run(*line, env=fill(case.get("env", {}), variables))

    assert program == "ads"
    assert completed.code == case.get("exit", 0), completed.stderr
    sent = posted(sandbox)[earlier:]
    assert invoked(sent) == case.get("posts", [])
    assert all(("idempotency-key" in post["headers"]) == (post["action"] != QUERY) for post in sent)
    if case.get("posts") and "credits" not in case:
        variables["task"] = sandbox.charges()[-1]["taskId"]
    check_waiting(case, sent, variables["task"])
    check_output(
        case, completed, variables | {"video": f"{sandbox.url}/media/{variables['task']}.mp4"}
    )
    check_files(case, completed, cli.folder)


def invoked(sent: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what was invoked besides the query."""
    return [{k: post[k] for k in ("action", "body")} for post in sent if post["action"] != QUERY]


def check_waiting(case: Case, sent: list[dict[str, Any]], task: str | None) -> None:
    """Check that a job is queried by its id, at least once where it is waited for."""
    queries = [post["body"] for post in sent if post["action"] == QUERY]
    waits = case.get("waits", True) and not case.get("blocking") and "credits" not in case
    if case.get("posts") and waits:
        assert queries
        assert all(body == {"taskId": task} for body in queries)
    else:
        assert queries == ([{"taskId": task}] if case.get("task") else [])


def check_output(case: Case, completed: Completed, variables: dict[str, str | None]) -> None:
    assert [text for text in case.get("stdout", []) if text not in completed.stdout] == []
    assert [text for text in case.get("stderr", []) if text not in completed.stderr] == []
    assert [text for text in case.get("lacks", []) if text in completed.stdout] == []
    expected = fill(case.get("json", {}), variables)
    if expected:
        document = completed.json
        assert {key: document[key] for key in expected} == expected
    if case.get("posts") and completed.code == 0:
        after = ["files"] if "file" in case else []
        assert list(completed.json)[: len(JOB_KEYS + after)] == JOB_KEYS + after


def check_files(case: Case, completed: Completed, folder: Path) -> None:
    """Check that the named file is the first video, byte for byte, and no other is written."""
    written = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    assert written == ([case["file"]] if "file" in case else [])
    for name in written:
        content = (folder / name).read_bytes()
        assert content == httpx.get(completed.json["videoUrl"]).content
        assert content[4:8] == b"ftyp"
