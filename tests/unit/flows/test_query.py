"""A query of one id falls back on the job's others, and the id that was known stands in front."""

from __future__ import annotations

import json

import pytest
from unit.scripted import FAMILY, HOST, Stage, reply

from callsheet.errors import CallsheetError, ServerError
from callsheet.flows.invoke import InvocationRequest
from callsheet.flows.jobs import Job, query_job, submit_query
from callsheet.protocol.values import Overrides
from callsheet.spec import Action

QUERY = Action(id="ai.v.query", role="query", family=FAMILY, paid=False)
UNKNOWN = reply({"error": "no such task"}, 404)
ROW = reply({"id": "row", "taskId": "upstream", "status": "processing"})


def order(task_id: str) -> InvocationRequest:
    body = {"taskId": task_id, "more": 1}
    return InvocationRequest(QUERY, json.dumps(body).encode(), body, "", HOST, Overrides())


def asked(stage: Stage) -> list[str]:
    return [json.loads(send.body or b"{}")["taskId"] for send in stage.sends]


def test_the_other_ids_are_tried_where_the_server_does_not_know_the_first() -> None:
    stage = Stage(UNKNOWN, UNKNOWN, ROW)
    answer = stage.run(submit_query(order("upstream"), stage.timing, others=lambda: ("old", "row")))

    assert asked(stage) == ["upstream", "old", "row"]
    assert answer.fields.task_ids == ("row", "upstream")
    assert json.loads(stage.sends[-1].body or b"") == {"taskId": "row", "more": 1}


def test_the_ledger_is_not_read_for_an_id_that_is_known() -> None:
    read: list[str] = []
    stage = Stage(ROW)
    answer = stage.run(submit_query(order("row"), stage.timing, others=lambda: read))

    assert asked(stage) == ["row"]
    assert answer.fields.task_ids == ("row", "upstream")


def test_no_id_that_is_known_is_told_of_the_one_that_was_asked_for() -> None:
    stage = Stage(UNKNOWN)
    with pytest.raises(ServerError) as refused:
        stage.run(submit_query(order("upstream"), stage.timing, others=lambda: ("row",)))

    assert refused.value.code == "not_found"
    assert asked(stage) == ["upstream", "row"]


@pytest.mark.parametrize("answers", [[reply({}, 401)], [UNKNOWN, reply({}, 403)]])
def test_another_refusal_ends_it(answers: list[object]) -> None:
    stage = Stage(*answers, ROW)
    with pytest.raises(CallsheetError) as refused:
        stage.run(submit_query(order("upstream"), stage.timing, others=lambda: ("row", "x")))

    assert refused.value.code != "not_found"
    assert len(stage.sends) == len(answers)


def test_a_job_is_known_by_the_id_that_worked() -> None:
    job = Job("ref", "ai.v.make", FAMILY, ("upstream", "row"), 0.0, HOST, Overrides())
    stage = Stage(UNKNOWN, ROW)

    assert stage.run(query_job(job, stage.timing)).fields.task_ids == ("row", "upstream")
    assert asked(stage) == ["upstream", "row"]
