"""Every shape of schema becomes flags that say what may be given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callsheet.actions.params import merge_params, param_at, read_params, with_flags
from callsheet.config.overlay import Overlay
from callsheet.schema.admission import admit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callsheet.spec import Param

TEXT = {"type": "string"}
PAN = {"type": "object", "properties": {"pan": {"type": "number"}}, "required": ["pan"]}


def made(schema: dict[str, Any], overlay: Overlay | None = None, **options: Any) -> list[Param]:
    found = with_flags(
        read_params(admit(schema)), action_id="a.b", overlay=overlay or Overlay(), **options
    )
    return list(found)


def flag_at(params: Sequence[Param], pointer: Sequence[str | int]) -> str:
    """Return the flag of the parameter that carries the value at ``pointer``."""
    param = param_at(params, pointer)
    assert param is not None
    return param.flag


def one(schema: object, **root: Any) -> Param:
    found = made({"type": "object", "properties": {"x": schema}, **root})
    return next(param for param in found if param.path == ("x",))


Expected = tuple[str, str, bool, tuple[object, ...]]
KINDS: list[tuple[object, Expected]] = [
    (TEXT, ("string", "any", False, ())),
    ({"type": "integer"}, ("integer", "any", False, ())),
    ({"type": ["integer", "number"]}, ("number", "any", False, ())),
    ({"type": ["string", "null"]}, ("string", "any", True, ())),
    ({"anyOf": [TEXT, {"type": "null"}]}, ("string", "any", True, ())),
    ({"oneOf": [{"type": "integer"}, {"type": "null"}]}, ("integer", "any", True, ())),
    ({"type": ["string", "integer"]}, ("any", "any", False, ())),
    ({"anyOf": [TEXT, {"type": "array", "items": TEXT}]}, ("any", "any", False, ())),
    ({"anyOf": [TEXT, {"type": "boolean"}, {"type": "null"}]}, ("any", "any", True, ())),
    ({}, ("any", "any", True, ())),
    (True, ("any", "any", True, ())),
    ({"const": "a"}, ("string", "any", False, ("a",))),
    ({"const": None}, ("any", "any", True, ())),
    ({"const": [1]}, ("array", "any", False, ())),
    ({"enum": ["a", "b"]}, ("string", "any", False, ("a", "b"))),
    ({"enum": ["a", None]}, ("string", "any", True, ("a",))),
    ({"enum": [1, 2.5]}, ("number", "any", False, (1, 2.5))),
    ({"enum": [1, "a"]}, ("any", "any", False, (1, "a"))),
    ({"enum": [True, 1]}, ("any", "any", False, (True, 1))),
    ({"type": "string", "enum": ["a", 1]}, ("string", "any", False, ("a",))),
    ({"anyOf": [{"const": "a"}, {"enum": ["b", "c"]}]}, ("string", "any", False, ("a", "b", "c"))),
    ({"anyOf": [{"const": "a"}, {"type": "null"}]}, ("string", "any", True, ("a",))),
    ({"anyOf": [{"enum": ["a"]}, TEXT]}, ("string", "any", False, ())),
    ({"allOf": [TEXT, {"enum": ["a", 1]}]}, ("string", "any", False, ("a",))),
    ({"allOf": [{"type": "number"}, {"type": "integer"}]}, ("integer", "any", False, ())),
    ({"$ref": "#/$defs/t"}, ("string", "any", False, ())),
    ({"type": "array", "items": TEXT}, ("array", "string", False, ())),
    ({"type": "array", "items": {"enum": ["a"]}}, ("array", "string", False, ("a",))),
    ({"type": "array", "items": PAN}, ("array", "object", False, ())),
    ({"type": "array", "prefixItems": [TEXT]}, ("array", "any", False, ())),
    ({"type": "object", "additionalProperties": TEXT}, ("object", "any", False, ())),
    ({"type": "object", "patternProperties": {"^x": TEXT}}, ("object", "any", False, ())),
    ({"anyOf": [PAN, {"type": "object"}]}, ("object", "any", False, ())),
]


@pytest.mark.parametrize(("schema", "expected"), KINDS)
def test_the_kind_of_a_flag(schema: object, expected: Expected) -> None:
    found = one(schema, **{"$defs": {"t": TEXT}})

    assert (found.kind, found.items, found.nullable, found.choices) == expected
    assert [type(choice) for choice in found.choices] == [type(item) for item in expected[3]]


def test_what_is_shown_of_a_parameter() -> None:
    found = one(
        {
            "$ref": "#/$defs/t",
            "description": "Seconds\x1b[31m\nof film",
            "default": {"b": 1.0, "a": "é"},
        },
        required=["x"],
        **{"$defs": {"t": {"type": "integer", "minimum": 2, "maximum": 9, "title": "T"}}},
    )

    assert found.required
    assert found.doc == "Seconds\x1b[31m\nof film"
    assert found.default == '{"a": "é", "b": 1.0}'
    assert found.limits == {"minimum": 2, "maximum": 9}
    assert one({"default": None}).default == "null"
    assert one({"title": "T"}).doc == "T"


def test_the_tighter_of_two_limits_holds_and_unions_have_none() -> None:
    both = {"type": "integer", "minimum": 1, "allOf": [{"minimum": 3}, {"maximum": 5}]}
    either = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "minLength": 2}]}

    assert one(both).limits == {"minimum": 3, "maximum": 5}
    assert one(either).limits == {}
    assert one(
        {"type": "array", "maxItems": 2, "items": {"type": "integer", "minimum": 0}}
    ).limits == {
        "maxItems": 2,
        "items": {"minimum": 0},
    }


def test_nested_objects_have_flags_to_depth_three() -> None:
    deep = {"type": "object", "properties": {"d": {"type": "object", "properties": {"e": TEXT}}}}
    found = made(
        {
            "properties": {
                "camera": {"anyOf": [PAN, {"type": "null"}]},
                "a": {"type": "object", "properties": {"b": deep}},
            },
            "required": ["camera"],
        }
    )

    assert [(param.flag, param.kind, param.required) for param in found] == [
        ("camera", "object", True),
        ("camera.pan", "number", True),
        ("a", "object", False),
        ("a.b", "object", False),
        ("a.b.d", "object", False),
    ]


def test_branches_of_a_union_share_their_fields() -> None:
    cat = {"type": "object", "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}}}
    dog = {"type": "object", "properties": {"kind": {"const": "dog"}, "trick": TEXT}}
    needs = {"required": ["kind"]}
    found = {
        param.flag: param
        for param in made({"oneOf": [{**cat, **needs}, {**dog, **needs}], "type": "object"})
    }

    assert found["kind"].choices == ("cat", "dog")
    assert found["kind"].required
    assert {"lives", "trick"} < found.keys()


def test_conditional_fields_are_flags() -> None:
    found = made(
        {
            "properties": {"a": TEXT},
            "if": {"properties": {"a": {"const": "x"}}},
            "then": {"properties": {"b": TEXT}, "required": ["b"]},
            "else": {"properties": {"b": False, "c": TEXT}},
            "dependentSchemas": {"a": {"properties": {"d": TEXT}}},
        }
    )

    assert [(param.flag, param.required) for param in found] == [
        ("a", False),
        ("b", False),
        ("c", False),
        ("d", False),
    ]


def test_a_hundred_flags_and_the_rest_by_json() -> None:
    inner = {"type": "object", "properties": {f"n{n}": TEXT for n in range(30)}}
    nested = made({"properties": {f"p{n}": inner for n in range(5)}})
    flat = made({"properties": {f"p{n:03}": TEXT for n in range(150)}, "required": ["p149"]})

    assert [param.flag for param in nested] == ["p0", "p1", "p2", "p3", "p4"]
    assert flag_at(nested, ("p0", "n3")) == "p0"
    assert sum(1 for param in flat if param.flag) == 100
    assert len(flat) == 150
    assert flat[0].flag == "p149"
    assert all(param.hidden for param in flat if not param.flag)


def test_recursive_schemas_end() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#"}, "name": TEXT}}

    assert [param.flag for param in made(tree)] == [
        "left",
        "left.left",
        "left.left.left",
        "left.left.name",
        "left.name",
        "name",
    ]


def test_the_overlay_hides_marks_and_renames() -> None:
    overlay = Overlay(
        aliases={"aspectRatio": "aspect"}, hidden={"a.*": ("options",)}, comma=("imageInput",)
    )
    schema = {
        "properties": {
            "aspectRatio": TEXT,
            "options": {"type": "object", "properties": {"deep": TEXT}},
            "imageInput": {"type": "array", "items": TEXT},
            "maskUrl": TEXT,
            "imageStyle": TEXT,
        }
    }
    found = {param.path: param for param in made(schema, overlay)}

    assert found["aspectRatio",].flag == "aspect"
    assert (found["options",].flag, found["options",].hidden) == ("", True)
    assert ("options", "deep") not in found
    assert found["imageInput",].comma
    assert [path[0] for path, param in found.items() if param.media] == ["imageInput", "maskUrl"]
    assert param_at(tuple(found.values()), ("options", "deep")) is None


MEDIA = [
    *("imageInput", "image_url", "video_url", "imageURLs", "first_frame_image", "referenceImages"),
    *("image", "images", "image1", "image_2", "video", "audio", "photo", "mask", "media"),
    *("input_image", "image_tail", "firstFrame", "last_frame_url", "image_base64", "audioFile"),
    *("reference_media", "start_image_list", "mask_image", "video_path"),
]
TEXTS = [
    *("prompt", "style", "model", "imagePrompt", "image_style", "videoModel", "image_size"),
    *("mediaType", "audio_format", "video_title", "image_input_prompt", "time_frame", "date_mask"),
    *("social_media", "image_description", "callbackUrl", "input", "file", "url", "frame", "list"),
    *("videoId", "image_count", "aspect_ratio", "negative_prompt", "voice", "b", "64"),
]


@pytest.mark.parametrize("name", MEDIA)
def test_a_name_says_that_a_field_takes_a_medium(name: str) -> None:
    assert [param.media for param in made({"properties": {name: TEXT}})] == [True]


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_field_takes_no_medium(name: str) -> None:
    assert [param.media for param in made({"properties": {name: TEXT}})] == [False]


def test_a_link_inside_a_medium_is_one() -> None:
    link = {"type": "object", "properties": {"url": TEXT, "style": TEXT}}
    params = made({"properties": {"image": link, "page": link}})

    assert [param.path for param in params if param.media] == [("image", "url")]


def test_a_family_keeps_its_flags_and_feeds_the_deadline() -> None:
    schema = {
        "properties": {
            "timeoutMs": {"type": "integer"},
            "blocking": TEXT,
            "out": TEXT,
            "json": TEXT,
        }
    }
    family = {param.path[0]: param for param in made(schema, family=True)}
    plain = {param.path[0]: param.flag for param in made(schema)}

    assert (family["timeoutMs"].flag, family["timeoutMs"].hidden) == ("timeout", True)
    assert family["blocking"].flag == "input.blocking"
    assert plain == {
        "timeoutMs": "timeout-ms",
        "blocking": "blocking",
        "out": "input.out",
        "json": "input.json",
    }


def test_the_union_of_a_family_allows_what_both_allow() -> None:
    create = read_params(
        admit({"properties": {"a": {"enum": ["x"]}, "b": TEXT}, "required": ["a"]})
    )
    wait = read_params(
        admit({"properties": {"a": {"enum": ["y"]}, "c": {"type": "integer"}}, "required": ["c"]})
    )
    found = with_flags(merge_params(create, wait), action_id="a.b", overlay=Overlay(), family=True)

    assert [(one.flag, one.only, one.required, one.choices) for one in found] == [
        ("a", "", True, ("x", "y")),
        ("b", "create", False, ()),
        ("c", "wait", False, ()),
    ]


def test_a_pointer_leads_to_the_flag_that_was_typed() -> None:
    found = made({"properties": {"camera": PAN, "shots": {"type": "array", "items": PAN}}})

    assert flag_at(found, ("camera", "pan")) == "camera.pan"
    assert flag_at(found, ("camera", "tilt")) == "camera"
    assert flag_at(found, ("shots", 2, "pan")) == "shots"
    assert param_at(found, ("other",)) is None
    assert param_at(found, ()) is None


def test_a_root_that_is_no_object_has_no_flags() -> None:
    assert made({"type": "array"}) == []
    assert made({}) == []
