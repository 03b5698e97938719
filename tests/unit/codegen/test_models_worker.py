"""The worker makes models, and nothing that runs in it reaches files or the network."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from callsheet_codegen.models import worker
from callsheet_codegen.models.prepare import NoModel

if TYPE_CHECKING:
    from callsheet_codegen.models.pool import ModelRequest


def request(schema: dict[str, Any], *, reply: bool = False) -> ModelRequest:
    return {"AInput": (schema, reply)}


def test_a_model_takes_and_gives_wire_names() -> None:
    schema = {
        "type": "object",
        "properties": {"imageInput": {"type": "array", "items": {"type": "string"}}},
    }
    module = worker.make(request(schema))
    space: dict[str, Any] = {}
    exec(compile(module.source, "models", "exec"), space)  # the very text that is written
    model = space["AInput"]

    assert model(image_input=["a"]).model_dump(by_alias=True) == {"imageInput": ["a"]}
    assert model.model_validate({"imageInput": ["a"], "new": 1}).image_input == ["a"]


@pytest.mark.parametrize(
    "source", ["open('x')", "import socket\nsocket.socket()", "import os\nos.system('true')"]
)
def test_an_import_that_reaches_out_is_refused(source: str) -> None:
    reply = worker.run_guarded(lambda: worker.try_import(source), "import")

    assert reply is not None
    assert "while models were made" in reply


def test_generating_may_read_python_itself_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "read").write_text("x")
    own = Path(worker.__file__)

    assert worker.run_guarded(own.read_text, "generate") is None
    assert worker.run_guarded(own.read_text, "import") is not None
    assert worker.run_guarded(lambda: (tmp_path / "read").read_text(), "generate") is not None
    assert worker.run_guarded(lambda: (tmp_path / "made").write_text("x"), "generate") is not None
    assert (
        worker.run_guarded(lambda: os.open(tmp_path / "made", os.O_CREAT), "generate") is not None
    )
    assert worker.run_guarded(lambda: os.open(own, os.O_RDWR), "generate") is not None
    assert (
        worker.run_guarded(lambda: socket.create_connection(("127.0.0.1", 1)), "generate")
        is not None
    )
    assert not (tmp_path / "made").exists()


def test_one_form_is_generated_once_whatever_the_actions_and_their_words() -> None:
    def form(name: str, text: str) -> ModelRequest:
        inner = {"type": "object", "properties": {"b": {"enum": [text]}}, "description": text}
        schema = {"type": "object", "properties": {"once": inner}, "description": text}
        return {f"{name}Input": (schema, False), f"{name}Result": (schema, True)}

    before = worker.generate.cache_info().misses
    first, second = worker.make(form("Left", "left")), worker.make(form("Right", "right"))

    assert worker.generate.cache_info().misses == before + 1
    assert second.source == first.source.replace("Left", "Right").replace("left", "right")
    assert "class LeftInputOnce(Model)" in first.source


def test_a_refusal_is_an_answer() -> None:
    with pytest.raises(NoModel):
        worker.make(request({"$ref": "https://example.com/x"}))
    assert "NoModel" in json.dumps(worker.answer(request({"$ref": "file:///etc/passwd"})))


def test_the_answer_names_fields_and_annotations() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}

    assert worker.answer(request(schema))["fields"] == {"AInput": {"a": ("a", "int", True)}}
