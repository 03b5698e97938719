"""The model of an action that was never generated sends what was set, and lets in what may go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import pytest
from fidelity.material import ActionCase, corpus, identical, own
from pydantic import ValidationError
from unit.client.test_client import at

from callsheet import InvalidInput, UsageError
from callsheet.client.schema_models import build_model
from callsheet.model import Model, RootModel, to_wire

if TYPE_CHECKING:
    from unit.surroundings import Runner

    from callsheet_sandbox.server import Running

CASES = [*corpus(), *own()]
CAMERA = {"type": "object", "properties": {"pan": {"type": "number", "maximum": 9}}}
SCHEMA = {
    "type": "object",
    "properties": {
        "taskId": {"type": "string", "minLength": 2, "description": "The\n id."},
        "class": {"enum": ["a", "b", 3, None]},
        "image-url": {"type": ["string", "null"]},
        "shots": {"type": "array", "items": CAMERA, "maxItems": 2},
        "camera": {"$ref": "#/$defs/camera"},
        "n": {"type": "integer", "exclusiveMinimum": 0},
        "any": {},
        "self": {"$ref": "#"},
    },
    "required": ["taskId"],
    "$defs": {"camera": CAMERA},
}


def test_fields_have_python_names_and_send_wire_names() -> None:
    model = build_model("film.cut", SCHEMA, "Cuts a film.")
    assert (model.__name__, model.__doc__) == ("FilmCutInput", "Cuts a film.")
    assert list(model.model_fields) == [
        *("task_id", "class_", "image_url", "shots", "camera", "n", "any", "self_")
    ]
    assert model.model_fields["task_id"].description == "The id."
    assert get_args(model.model_fields["class_"].annotation)[0] == Literal["a", "b", 3, None]
    body = model(task_id="t1", class_="b", image_url=None, camera={"pan": 1}, later=[1])
    assert body.camera.pan == 1
    assert to_wire(body) == {
        "taskId": "t1", "class": "b", "image-url": None, "camera": {"pan": 1}, "later": [1],
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"task_id": "t"},
        {"task_id": "t1", "class_": "c"},
        {"task_id": "t1", "class_": True},
        {"task_id": "t1", "n": 0},
        {"task_id": "t1", "n": "1"},
        {"task_id": "t1", "shots": [{"pan": 10}]},
        {"task_id": "t1", "shots": [{}, {}, {}]},
    ],
)
def test_what_the_types_refuse(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        build_model("film.cut", SCHEMA)(**wrong)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_every_schema_gives_a_model_that_lets_valid_bodies_through(case: ActionCase) -> None:
    model = build_model(case.id, case.input)
    assert issubclass(model, Model | RootModel)
    for body in case.valid:
        assert identical(to_wire(model.model_validate(body)), body)


LOOP = {"$ref": "#/$defs/a"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"x": LOOP}, "$defs": {"a": {"allOf": [LOOP] * 3}}},
        {"type": "object", "properties": {"x": {"$ref": "#"}, "y": {"items": {"$ref": "#"}}}},
        {"properties": {str(n): {"properties": {"x": {"enum": [n]}}} for n in range(2000)}},
    ],
)
def test_a_schema_without_end_ends(schema: dict[str, Any]) -> None:
    model = build_model("film.cut", schema)
    body = {"x": {"x": {}}, "0": {"x": 0}, "1999": {"x": 1999}}
    assert to_wire(model.model_validate(body)) == body


def test_what_only_one_branch_says_is_not_sure() -> None:
    text = {"properties": {"type": {"const": "text"}, "text": CAMERA}, "required": ["text"]}
    other = {"properties": {"type": {"const": "other"}}}
    part = {"type": "object", "anyOf": [text, other]}
    model = build_model("film.cut", {"properties": {"part": part}})
    assert model(part={"type": "text", "text": {"pan": 1}}).part.text.pan == 1
    assert to_wire(model(part={"type": "other", "text": []})) == {
        "part": {"type": "other", "text": []}
    }


@pytest.mark.parametrize(
    ("schema", "words"),
    [(None, "no schema"), ({"$ref": "https://a.example/x"}, ""), (7, "cannot be used")],
)
def test_without_a_schema_it_says_so(schema: Any, words: str) -> None:
    if words:
        with pytest.raises(UsageError, match=words):
            build_model("film.cut", schema)
    else:
        assert to_wire(build_model("film.cut", schema).model_validate({"a": 1})) == {"a": 1}


def test_a_client_builds_the_model_of_a_new_action(runner: Runner, sandbox: Running) -> None:
    sandbox.add_action({"id": "film.cut", "title": "Cut", "does": "reply", "input": SCHEMA})

    async def steps(client: Any, wait: Any) -> Any:
        model = await wait(client.model_of("film.cut"))
        assert model is await wait(client.model_of("film.cut"))
        with pytest.raises(UsageError, match="no schema"):
            await wait(client.model_of("no.such"))
        with pytest.raises(InvalidInput):
            await wait(client.call("film.cut", model.model_construct(task_id="t")))
        return await wait(client.call("film.cut", model(task_id="t1", shots=[{"pan": 1}])))

    assert runner(at(sandbox), steps).response.status == 200
    posts = [request["body"] for request in sandbox.requests() if request["method"] == "POST"]
    assert posts == [{"taskId": "t1", "shots": [{"pan": 1}]}]
