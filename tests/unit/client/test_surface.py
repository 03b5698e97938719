"""What completion offers of a client and of what it returns, and what its constructor takes."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
from unit.client.test_client import VIDEO, WAVES, at

import callsheet
from callsheet import AsyncClient, AsyncResult, AsyncTask, Client, JobUpdate, Result, Task
from callsheet.client.tasks import AsyncTasks, Tasks
from callsheet.config.bindings import Bindings
from callsheet.protocol.replies import ReplyFields
from callsheet_codegen.names import CLIENT_RESERVED

if TYPE_CHECKING:
    from callsheet_sandbox.server import Running

CLIENT = "actions batch call close iterate ledger model_of notes submit tasks upload"
TASK = "action cancel id progress raw_state ref refresh save state wait watch"
RESULT = "action cost data json media response save save_all task_id"
TASKS = "forget get list recover rerun"
OPTIONS = """
    host api_key auth profile headers timeout ledger insecure_http transport on_request
    on_done overrides settings bindings timing
"""
TWINS = [(Client, AsyncClient), (Task, AsyncTask), (Result, AsyncResult), (Tasks, AsyncTasks)]


def public(subject: object) -> str:
    return " ".join(name for name in dir(subject) if not name.startswith("_"))


def test_completion_shows_what_a_user_calls(sandbox: Running) -> None:
    with Client(**at(sandbox)) as client:
        task = client.submit(VIDEO, WAVES)
        shown = [public(subject) for subject in (client, task, task.wait(), client.tasks)]

    assert shown == [CLIENT, TASK, RESULT, TASKS]
    assert set(CLIENT.split()) <= CLIENT_RESERVED
    assert dir(callsheet) == sorted(callsheet.__all__)
    assert repr(client) == f"<Client of {sandbox.url}>"


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_client_takes_named_options_alone(kind: Any) -> None:
    class Generated(kind):  # type: ignore[misc]  # its base is a parameter
        _bindings = Bindings(command="mine")

    parameters = inspect.signature(Generated).parameters.values()
    assert " ".join(p.name for p in parameters) == " ".join(OPTIONS.split())
    assert {p.kind for p in parameters} == {inspect.Parameter.KEYWORD_ONLY}
    with pytest.raises(TypeError, match="api_kye"):
        kind(api_kye="sk-1")


@pytest.mark.parametrize(("sync", "other"), TWINS)
def test_async_twins_are_alike(sync: Any, other: Any) -> None:
    assert public(sync) == public(other)
    for name in public(sync).split():
        if callable(getattr(sync, name)):
            ours, theirs = (inspect.signature(getattr(kind, name)) for kind in (sync, other))
            assert list(ours.parameters.values()) == list(theirs.parameters.values()), name


def test_the_bindings_of_an_older_package_count() -> None:
    class Older(Client):
        bindings = Bindings(command="older")

    with Older(host="http://127.0.0.1:9", ledger=None) as client:
        assert client._settings.command == "older"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "t-17: running, queued 40 % (12 s)"),
        ({"progress": None, "raw_state": "Running"}, "t-17: running (12 s)"),
        ({"raw_state": "\x1b[31mwait\n", "note": "two\nlines"}, None),
    ],
)
def test_an_update_prints_in_one_line(changes: dict[str, Any], line: str | None) -> None:
    update = JobUpdate("t-17", "running", "queued", 0.4, 12.0, ReplyFields())._replace(**changes)

    assert str(update).isprintable()
    assert str(update) == (line or str(update))


def test_a_client_that_could_not_be_made_has_a_repr() -> None:
    assert repr(Client.__new__(Client)) == "<Client of no server>"
