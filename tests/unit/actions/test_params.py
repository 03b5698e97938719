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


def params_of(
    schema: dict[str, Any], overlay: Overlay | None = None, **options: Any
) -> list[Param]:
    params = with_flags(
        read_params(admit(schema)), action_id="a.b", overlay=overlay or Overlay(), **options
    )
    return list(params)


def flag_at(params: Sequence[Param], pointer: Sequence[str | int]) -> str:
    """Return the flag of the parameter that carries the value at ``pointer``."""
    param = param_at(params, pointer)
    assert param is not None
    return param.flag


def param_of(schema: object, **root: Any) -> Param:
    params = params_of({"type": "object", "properties": {"x": schema}, **root})
    return next(param for param in params if param.path == ("x",))


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
    param = param_of(schema, **{"$defs": {"t": TEXT}})

    assert (param.kind, param.items, param.nullable, param.choices) == expected
    assert [type(choice) for choice in param.choices] == [type(choice) for choice in expected[3]]


def test_what_is_shown_of_a_parameter() -> None:
    param = param_of(
        {
            "$ref": "#/$defs/t",
            "description": "Seconds\x1b[31m\nof film",
            "default": {"b": 1.0, "a": "é"},
        },
        required=["x"],
        **{"$defs": {"t": {"type": "integer", "minimum": 2, "maximum": 9, "title": "T"}}},
    )

    assert param.required
    assert param.doc == "Seconds\x1b[31m\nof film"
    assert param.default == '{"a": "é", "b": 1.0}'
    assert param.limits == {"minimum": 2, "maximum": 9}
    assert param_of({"default": None}).default == "null"
    assert param_of({"title": "T"}).doc == "T"


def test_the_tighter_of_two_limits_holds_and_unions_have_none() -> None:
    both = {"type": "integer", "minimum": 1, "allOf": [{"minimum": 3}, {"maximum": 5}]}
    either = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "minLength": 2}]}

    assert param_of(both).limits == {"minimum": 3, "maximum": 5}
    assert param_of(either).limits == {}
    assert param_of(
        {"type": "array", "maxItems": 2, "items": {"type": "integer", "minimum": 0}}
    ).limits == {
        "maxItems": 2,
        "items": {"minimum": 0},
    }


def test_nested_objects_have_flags_to_depth_three() -> None:
    deep = {"type": "object", "properties": {"d": {"type": "object", "properties": {"e": TEXT}}}}
    params = params_of(
        {
            "properties": {
                "camera": {"anyOf": [PAN, {"type": "null"}]},
                "a": {"type": "object", "properties": {"b": deep}},
            },
            "required": ["camera"],
        }
    )

    assert [(param.flag, param.kind, param.required) for param in params] == [
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
    params = {
        param.flag: param
        for param in params_of({"oneOf": [{**cat, **needs}, {**dog, **needs}], "type": "object"})
    }

    assert params["kind"].choices == ("cat", "dog")
    assert params["kind"].required
    assert {"lives", "trick"} < params.keys()


def test_conditional_fields_are_flags() -> None:
    params = params_of(
        {
            "properties": {"a": TEXT},
            "if": {"properties": {"a": {"const": "x"}}},
            "then": {"properties": {"b": TEXT}, "required": ["b"]},
            "else": {"properties": {"b": False, "c": TEXT}},
            "dependentSchemas": {"a": {"properties": {"d": TEXT}}},
        }
    )

    assert [(param.flag, param.required) for param in params] == [
        ("a", False),
        ("b", False),
        ("c", False),
        ("d", False),
    ]


def test_a_hundred_flags_and_the_rest_by_json() -> None:
    inner = {"type": "object", "properties": {f"n{n}": TEXT for n in range(30)}}
    nested = params_of({"properties": {f"p{n}": inner for n in range(5)}})
    flat = params_of({"properties": {f"p{n:03}": TEXT for n in range(150)}, "required": ["p149"]})

    assert [param.flag for param in nested] == ["p0", "p1", "p2", "p3", "p4"]
    assert flag_at(nested, ("p0", "n3")) == "p0"
    assert sum(1 for param in flat if param.flag) == 100
    assert len(flat) == 150
    assert flat[0].flag == "p149"
    assert all(param.hidden for param in flat if not param.flag)


def test_recursive_schemas_end() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#"}, "name": TEXT}}

    assert [param.flag for param in params_of(tree)] == [
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
    params = {param.path: param for param in params_of(schema, overlay)}

    assert params["aspectRatio",].flag == "aspect"
    assert (params["options",].flag, params["options",].hidden) == ("", True)
    assert ("options", "deep") not in params
    assert params["imageInput",].comma
    assert [path[0] for path, param in params.items() if param.media] == ["imageInput", "maskUrl"]
    assert param_at(tuple(params.values()), ("options", "deep")) is None


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
    assert [param.media for param in params_of({"properties": {name: TEXT}})] == [True]


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_field_takes_no_medium(name: str) -> None:
    assert [param.media for param in params_of({"properties": {name: TEXT}})] == [False]


def test_a_link_inside_a_medium_is_one() -> None:
    link = {"type": "object", "properties": {"url": TEXT, "style": TEXT}}
    params = params_of({"properties": {"image": link, "page": link}})

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
    family = {param.path[0]: param for param in params_of(schema, family=True)}
    plain = {param.path[0]: param.flag for param in params_of(schema)}

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
    params = with_flags(merge_params(create, wait), action_id="a.b", overlay=Overlay(), family=True)

    assert [(param.flag, param.only, param.required, param.choices) for param in params] == [
        ("a", "", True, ("x", "y")),
        ("b", "create", False, ()),
        ("c", "wait", False, ()),
    ]


def test_a_pointer_leads_to_the_flag_that_was_typed() -> None:
    params = params_of({"properties": {"camera": PAN, "shots": {"type": "array", "items": PAN}}})

    assert flag_at(params, ("camera", "pan")) == "camera.pan"
    assert flag_at(params, ("camera", "tilt")) == "camera"
    assert flag_at(params, ("shots", 2, "pan")) == "shots"
    assert param_at(params, ("other",)) is None
    assert param_at(params, ()) is None


def test_a_root_that_is_no_object_has_no_flags() -> None:
    assert params_of({"type": "array"}) == []
    assert params_of({}) == []
