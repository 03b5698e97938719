"""Workers are bounded: a schema that costs too much costs itself alone."""

from __future__ import annotations

import os
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

import pytest

from callsheet.errors import CallsheetError
from callsheet_codegen.models.pool import ModelPool, ModelSource, Worker, make_models

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callsheet_codegen.models.pool import ModelRequest

DEAD = ModelSource(refused="the schema takes more time or memory than a schema may")


def wanted(schema: dict[str, Any]) -> ModelRequest:
    return {"AInput": (schema, False)}


def bomb(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        inner = {"anyOf": [inner, {"type": "object", "properties": {"x": inner}}]}
    return {"type": "object", "properties": {"a": inner}}


GOOD = wanted({"type": "object", "properties": {"a": {"type": "string"}}})


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


def test_a_bomb_is_refused_and_the_next_schema_is_not(worker: Worker) -> None:
    assert worker.ask(wanted(bomb(14))) == DEAD
    assert worker.ask(GOOD).fields == {"AInput": {"a": ("a", "str | None", False)}}


def test_a_worker_that_never_answers_is_a_refusal() -> None:
    silent = Worker(program=("-c", "print('ready')"))

    assert silent.ask(GOOD) == DEAD


def test_a_worker_that_cannot_start_is_an_error() -> None:
    with pytest.raises(CallsheetError, match="does not start: ModuleNotFoundError"):
        Worker(program=("-c", "import no_such_module")).ask(GOOD)


def test_inherited_fields_are_listed(worker: Worker) -> None:
    part = {"type": "object", "properties": {"b": {"type": "string"}}}
    schema = {
        "allOf": [{"$ref": "#/$defs/p"}, {"type": "object", "properties": {"a": {}}}],
        "$defs": {"p": part},
    }

    assert sorted(worker.ask(wanted(schema)).fields["AInput"]) == ["a", "b"]


def test_one_process_serves_many_schemas() -> None:
    started: list[Worker] = []

    def start() -> Worker:
        started.append(Worker())
        return started[-1]

    models = make_models({f"a{n}": GOOD for n in range(20)}, start=start)

    assert list(models) == [f"a{n}" for n in range(20)]
    assert all(source.source for source in models.values())
    assert len(started) == 1 <= (os.cpu_count() or 1)


def test_nothing_is_started_for_nothing() -> None:
    def start() -> Worker:
        raise AssertionError("a process was started")

    assert make_models({}, start=start) == {}


def test_there_is_other_work_while_models_are_made(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    answer = '{"source": "x = 1", "fields": {}, "roots": [], "refused": ""}'
    lines = f"""
import os, time
print("ready", flush=True)
input()
while not os.path.exists({str(gate)!r}):
    time.sleep(0.01)
print({answer!r}, flush=True)
"""
    makers = ModelPool(lambda: Worker(("-c", lines)))
    try:
        models = makers({"a": GOOD})
        gate.touch()  # nobody waited for the answer, which comes only now

        assert models["a"] == ModelSource(source="x = 1")
        assert list(models) == ["a"]
    finally:
        makers.close()


def test_what_nobody_waits_for_any_more_is_not_made() -> None:
    makers = ModelPool(lambda: Worker(("-c", "print('ready', flush=True); input(); input()")))
    models = makers({f"a{n}": GOOD for n in range(40)})
    makers.close()

    with pytest.raises(CancelledError):
        models["a39"]
