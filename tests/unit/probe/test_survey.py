"""A probe of every dialect: what it says, what it sends, and that its settings hold."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest
from unit.surroundings import asker

from callsheet import Client
from callsheet.probe.probe import probe
from callsheet.probe.report import TOPICS, ProbeFinding
from callsheet_sandbox.dialects import read_dialects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from callsheet.probe.report import Report
    from callsheet_sandbox.server import Running

DIALECTS = tuple(read_dialects())
PROMPT = "a lighthouse in the fog"


def client(sandbox: Running, dialect: str, **options: Any) -> Client:
    auth = "x-api-key" if dialect == "flagged" else "bearer"
    host = sandbox.dialect_url(dialect)
    return Client(**{"host": host, "api_key": sandbox.key, "auth": auth, **options})


def forced(findings: Iterable[ProbeFinding]) -> dict[str, str]:
    """Return what the findings say to force, as ``--set`` takes it."""
    words = [w for finding in findings for w in shlex.split(finding.setting) if "=" in w]
    pairs = [word.partition("=") for word in words if not word.startswith(("families", "{", '"'))]
    known = {name: value for name, _, value in pairs if name in KNOWN}
    return {name: value for name, value in known.items() if not value.isupper()}


KNOWN = {"list", "id-key", "schema", "envelope-ok", "task-id", "state", "media"}


def posts(sandbox: Running, dialect: str) -> list[Mapping[str, Any]]:
    return [request for request in sandbox.requests(dialect) if request["method"] == "POST"]


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("dialect", DIALECTS)
def test_without_a_task_only_gets_are_sent(sandbox: Running, dialect: str) -> None:
    with client(sandbox, dialect) as ads:
        report = probe(asker(ads))

    assert [finding.topic for finding in report.findings] == list(TOPICS)
    assert {request["method"] for request in sandbox.requests(dialect)} == {"GET"}
    assert sandbox.charges(dialect) == []
    assert report.queries == 0
    assert report.requests == len(sandbox.requests(dialect))
    actions = sandbox.world.realms[dialect].actions
    assert f"{len(actions)} actions" in report["list"].read
    assert "ai.video.generate creates, " in report["families"].read
    waits = "ai.video.generate_and_wait" in report["families"].read
    assert waits == ("ai.video.generate_and_wait" in actions)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_it_names_forces_the_same_reading(sandbox: Running, dialect: str) -> None:
    with client(sandbox, dialect) as ads:
        # A finished job is told in JSON, except where the file itself is the reply.
        is_file = sandbox.world.realms[dialect].dialect.task.deliver == "body"
        options = {"options": {"sandboxSeconds": 100}} if is_file else {}
        task = ads.submit("ai.video.generate", {"prompt": PROMPT, **options}).id
        sandbox.advance(60)
        free = probe(asker(ads), task=task)
    sets = forced(free.findings)
    with client(sandbox, dialect, overrides=sets) as ads:
        bound = probe(asker(ads), task=task)

    # Flags have no word, and entries within wrappers no place that could be named.
    named = {"state": "no word" not in free["task"].read}
    named |= {"list": "no single place" not in free["list"].read, "task-id": True}
    assert {name for name, is_named in named.items() if is_named} <= set(sets)
    assert reading(bound) == reading(free)


def reading(report: Report) -> list[tuple[str, str]]:
    return [(finding.topic, finding.read) for finding in report.findings]


@pytest.mark.usefixtures("home")
def test_a_task_takes_one_query_and_creates_nothing(sandbox: Running) -> None:
    with client(sandbox, "plain") as ads:
        task = ads.submit("ai.video.generate", {"prompt": PROMPT}).id
        before = len(posts(sandbox, "plain"))
        report = probe(asker(ads), task=task)

    sent = posts(sandbox, "plain")[before:]
    assert [(request["path"], request["body"]) for request in sent] == [
        ("/api/actions/ai.video.query", {"taskId": task})
    ]
    assert report.queries == 1
    assert "state at status" in report["task"].read
    assert "--set task-id=taskId" in report["task"].setting


@pytest.mark.usefixtures("home")
def test_the_query_action_can_be_named(sandbox: Running) -> None:
    with client(sandbox, "plain", ledger=None) as ads:
        report = probe(asker(ads), task="ai.image.query:nothing-like-it")

    assert [request["path"] for request in posts(sandbox, "plain")] == [
        "/api/actions/ai.image.query"
    ]
    assert report["task"].read == "ai.image.query did not tell about this task"
    assert "ai.video.query:ID" in report["task"].unclear


@pytest.mark.usefixtures("home")
def test_values_do_not_show_in_what_came(sandbox: Running) -> None:
    with client(sandbox, "rows") as ads:
        task = ads.submit("ai.video.generate", {"prompt": PROMPT}).id
        sandbox.advance(60)
        report = probe(asker(ads), task=task)

    came = " ".join(finding.came for finding in report.findings)
    assert "prompt: text" in came
    assert "http" not in came
    assert PROMPT not in json.dumps(report.as_json())
    assert sandbox.key not in json.dumps(report.as_json())


@pytest.mark.usefixtures("home")
def test_another_kind_of_key_is_found(sandbox: Running) -> None:
    with client(sandbox, "flagged", auth="bearer") as ads:
        report = probe(asker(ads))

    assert report["key"].unclear == "why bearer is refused; x-api-key is taken"
    assert report["key"].setting.startswith("--auth x-api-key")
    assert report["list"].unclear != ""


@pytest.mark.usefixtures("home")
def test_a_public_list_does_not_tell_whether_the_key_is_right(sandbox: Running) -> None:
    with client(sandbox, "bare", api_key="sk-nobody-knows-this") as ads:
        report = probe(asker(ads))

    assert "no key: HTTP 200, accepted" in report["key"].came
    assert "whether the key is right" in report["key"].unclear


@pytest.mark.usefixtures("home")
def test_a_redirect_is_told(sandbox: Running) -> None:
    with client(sandbox, "gateway") as ads:
        report = probe(asker(ads))

    assert report["redirects"].came.startswith("HTTP 302 from /api/actions to ")
    assert report["redirects"].read == "followed once, inside the origin"


@pytest.mark.usefixtures("home")
def test_a_host_that_is_not_there_is_a_finding() -> None:
    with Client(host="http://127.0.0.1:9", api_key="sk-nobody-knows-this") as ads:
        report = probe(asker(ads))

    assert report["host"].came == "no answer"
    assert "cannot be reached" in report["host"].unclear
    assert report["list"].read == "no actions"
    assert report["task"].came == "nothing was asked"


@pytest.mark.usefixtures("home")
def test_an_unknown_schema_is_named(sandbox: Running) -> None:
    with client(sandbox, "linked") as ads:
        report = probe(asker(ads))

    assert report["schemas"].read.startswith("9 of 10 actions have a schema")
    assert report["schemas"].unclear.startswith("material.queries: ")


def test_nothing_is_cached(sandbox: Running, home: Path) -> None:
    with client(sandbox, "plain", ledger=None) as ads:
        probe(asker(ads))

    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_findings_are_safe_to_print() -> None:
    rough = ProbeFinding(topic="list", came="a\x1b[31m\nb", read="\u202ex", unclear="", setting="")

    assert rough.safe() == ProbeFinding(topic="list", came="a b", read="x")


@pytest.mark.usefixtures("home")
def test_a_word_that_is_not_known_can_be_forced(sandbox: Running) -> None:
    reply = {"taskId": "t1", "status": "brewed", "prompt": PROMPT}
    sandbox.add_action({**BREWING, "reply": reply})
    with client(sandbox, "plain", ledger=None) as ads:
        report = probe(asker(ads), task="ai.video.query:t1")

    assert report["task"].unclear == "the word 'brewed' is not known and counts as running"
    assert report["task"].setting.endswith("--set done=brewed or --set failed=brewed")


BREWING = {
    "id": "ai.video.query",
    "does": "reply",
    "input": {
        "type": "object",
        "properties": {"taskId": {"type": "string"}},
        "required": ["taskId"],
    },
    "cost": 0,
    "readOnly": True,
}


def test_the_finding_of_a_task_carries_the_evidence(sandbox: Running) -> None:
    sandbox.add_action({**BREWING, "reply": {"taskId": "t1", "status": "brewed"}})
    with client(sandbox, "plain", ledger=None) as ads:
        evidence = probe(asker(ads), task="ai.video.query:t1")["task"].evidence

    assert any(line.startswith("task id: chosen: /taskId = t1") for line in evidence)
    assert any(line.startswith("state: chosen: /status = brewed") for line in evidence)
