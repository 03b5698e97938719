"""The reference catalogue holds what is documented, and a wrong file is named."""

import json
from pathlib import Path

import jsonschema
import pytest

from callsheet_sandbox.catalogue import BUILT_IN, Action, read_action, read_catalogue
from callsheet_sandbox.templates import Json

STRING = {"type": "string"}
URLS = {"type": "array", "items": STRING}
VIDEO = {
    "prompt": STRING,
    "scene": {**STRING, "default": "text-to-video"},
    "provider": STRING,
    "model": STRING,
    "imageInput": URLS,
    "videoInput": URLS,
    "options": {"type": "object"},
    "workspaceId": STRING,
}
IMAGE = {
    "prompt": STRING,
    "aspectRatio": STRING,
    "preset": STRING,
    "resolution": STRING,
    "provider": STRING,
    "model": STRING,
    "imageInput": URLS,
    "options": {"type": "object"},
    "workspaceId": STRING,
}


def described(schema: Json) -> Json:
    """Return a schema without its descriptions."""
    if isinstance(schema, dict):
        return {
            key: described(document) for key, document in schema.items() if key != "description"
        }
    return schema


@pytest.fixture(scope="module")
def catalogue() -> dict[str, Action]:
    return read_catalogue(BUILT_IN)


def test_actions(catalogue: dict[str, Action]) -> None:
    assert sorted(catalogue) == [
        "ai.image.generate",
        "ai.image.generate_and_wait",
        "ai.image.query",
        "ai.task.list",
        "ai.video.generate",
        "ai.video.generate_and_wait",
        "ai.video.query",
        "material.queries",
        "material.search",
        "storage.upload_image",
    ]


@pytest.mark.parametrize(
    ("action", "properties"),
    [
        ("ai.video.generate", VIDEO),
        ("ai.image.generate", IMAGE),
        (
            "ai.video.generate_and_wait",
            {**VIDEO, "timeoutMs": {"type": "integer", "default": 600000}},
        ),
        (
            "ai.image.generate_and_wait",
            {**IMAGE, "timeoutMs": {"type": "integer", "default": 180000}},
        ),
    ],
)
def test_schemas_hold_the_documented_fields_and_nothing_else(
    catalogue: dict[str, Action], action: str, properties: Json
) -> None:
    assert described(catalogue[action].input) == {"type": "object", "properties": properties}


def test_queries_require_the_task_id(catalogue: dict[str, Action]) -> None:
    expected = {"type": "object", "properties": {"taskId": STRING}, "required": ["taskId"]}
    assert described(catalogue["ai.video.query"].input) == expected
    assert described(catalogue["ai.image.query"].input) == expected


@pytest.mark.parametrize(
    ("scene", "provider", "model"),
    [
        ("text-to-video", "kie", "bytedance/seedance-2-mini"),
        ("image-to-video", "kie", "wan/2-7-image-to-video"),
    ],
)
def test_default_models(
    catalogue: dict[str, Action], scene: str, provider: str, model: str
) -> None:
    for action in ("ai.video.generate", "ai.video.generate_and_wait"):
        assert catalogue[action].models[scene] == {"provider": provider, "model": model}
        assert catalogue[action].models["default"] == "text-to-video"


def test_every_schema_is_one(catalogue: dict[str, Action]) -> None:
    for action in catalogue.values():
        jsonschema.Draft202012Validator.check_schema(action.input)
        jsonschema.Draft202012Validator.check_schema(action.output)
        assert "$schema" not in action.input


def test_what_is_free_says_so(catalogue: dict[str, Action]) -> None:
    for action in catalogue.values():
        assert (action.cost == 0) == (action.read_only or not action.billable)


def test_files_are_named_after_their_action() -> None:
    for path in BUILT_IN.glob("*.json"):
        assert json.loads(path.read_text())["id"] == path.stem


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "a text `id`"),
        ('{"id": ""}', "a text `id`"),
        ('{"id": "a.b", "price": 3}', "unknown key 'price'"),
        ('{"id": "a.b", "does": "dance"}', "`does` is 'dance'"),
        ("{", "Expecting property name"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.b.json").write_text(content)
    with pytest.raises(ValueError, match=r"a\.b\.json: ") as caught:
        read_catalogue(tmp_path)
    assert message in str(caught.value)


def test_an_empty_folder_is_no_catalogue(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no catalogue here"):
        read_catalogue(tmp_path)


def test_an_action_needs_only_an_id() -> None:
    assert read_action({"id": "a.b"}) == Action(id="a.b", does="reply")
