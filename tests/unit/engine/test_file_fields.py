"""How a local file travels is read from the schema of its field, or from an action's."""

from __future__ import annotations

from typing import Any

import pytest

from callsheet.engine.file_fields import FileField, UploadAction, file_field, upload_actions
from callsheet.spec import Advertised

TEXT = {"type": "string"}
BYTES = {"type": "string", "contentEncoding": "base64"}
FORM = {"type": "string", "format": "binary"}


def fields(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("name", "schema", "field"),
    [
        ("image", BYTES, FileField("base64", False)),
        ("image", {"type": "string", "format": "byte"}, FileField("base64", False)),
        ("imageBase64", TEXT, FileField("base64", False)),
        ("image_b64", TEXT, FileField("base64", False)),
        (
            "image",
            TEXT | {"description": "The picture, base64 encoded"},
            FileField("base64", False),
        ),
        ("image", TEXT | {"format": "data-uri"}, FileField("data-uri", False)),
        ("image", TEXT | {"pattern": "^data:image/"}, FileField("data-uri", False)),
        ("image", TEXT | {"description": "A data URI"}, FileField("data-uri", False)),
        ("image", BYTES | {"description": "As a base64 data URL."}, FileField("data-uri", False)),
        ("image", TEXT | {"description": "A URL or a data URI"}, FileField("data-uri", True)),
        ("image", TEXT | {"description": "A link, or base64"}, FileField("base64", True)),
        ("image", {"type": "array", "items": BYTES}, FileField("base64", False)),
        (
            "image",
            {"anyOf": [{"type": "array", "items": BYTES}, BYTES]},
            FileField("base64", False),
        ),
        ("image", TEXT, None),
        ("imageUrl", TEXT | {"format": "uri"}, None),
        ("image", TEXT | {"description": "Where the picture is"}, None),
    ],
)
def test_what_a_field_takes(name: str, schema: dict[str, Any], field: FileField | None) -> None:
    assert file_field(fields(**{name: schema}), (name,)) == field


def test_an_item_and_a_field_inside_an_object_are_found() -> None:
    schema = fields(source=fields(frames={"type": "array", "items": BYTES}))

    assert file_field(schema, ("source", "frames", "0")) == FileField("base64", False)
    assert file_field(schema, ("other",)) is None


def store(name: str, required: list[str], **properties: Any) -> UploadAction | None:
    schema = fields(**properties) | {"required": required}
    return next(iter(upload_actions([Advertised(name, input=schema)])), None)


@pytest.mark.parametrize(
    ("name", "required", "properties", "expected"),
    [
        ("files.upload", ["file"], {"file": FORM}, ("file", "multipart", ())),
        ("files.upload", [], {"file": FORM, "folder": TEXT}, ("file", "multipart", ())),
        ("upload.image", ["image_base64"], {"image_base64": TEXT}, ("image_base64", "base64", ())),
        ("media.upload", ["dataUrl"], {"dataUrl": TEXT}, ("dataUrl", "data-uri", ())),
        ("upload", ["data"], {"data": TEXT}, ("data", "data-uri", ())),
        ("upload", ["file"], {"file": TEXT}, ("file", "multipart", ())),
        ("s.put", ["x"], {"x": BYTES}, ("x", "base64", ())),
        (
            "asset.upload",
            ["content", "fileName", "mime_type", "size"],
            {"content": BYTES, "fileName": TEXT, "mime_type": TEXT, "size": {"type": "integer"}},
            ("content", "base64", (("fileName", "name"), ("mime_type", "type"), ("size", "size"))),
        ),
    ],
)
def test_an_action_that_stores_files_is_found(
    name: str, required: list[str], properties: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    field, encoding, fills = expected

    assert store(name, required, **properties) == UploadAction(name, field, encoding, "url", fills)


@pytest.mark.parametrize(
    ("name", "required", "properties"),
    [
        ("image.describe", ["image"], {"image": BYTES}),
        ("image.upscale", ["image"], {"image": BYTES}),
        ("storage.delete_file", ["file"], {"file": TEXT}),
        ("files.get", ["file"], {"file": TEXT}),
        ("upload.from_url", ["url"], {"url": TEXT | {"format": "uri"}}),
        ("upload.image", ["image", "album"], {"image": BYTES, "album": TEXT}),
        ("video.generate", ["image", "prompt"], {"image": BYTES, "prompt": TEXT}),
        ("upload.presign", ["filename"], {"filename": TEXT}),
    ],
)
def test_other_actions_are_not_asked(
    name: str, required: list[str], properties: dict[str, Any]
) -> None:
    assert store(name, required, **properties) is None


def test_words_and_schema_together_come_first() -> None:
    schema = fields(x=BYTES) | {"required": ["x"]}
    names = ("a.keep", "b.storage", "c.upload")

    stores = upload_actions([Advertised(name, input=schema) for name in names])

    assert [store.action for store in stores] == ["c.upload", "b.storage", "a.keep"]
