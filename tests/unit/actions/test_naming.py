"""Names are legal, unique and the same in any order, whatever a server calls its fields."""

from __future__ import annotations

import itertools
import re
import time

import pytest

from callsheet.actions.naming import (
    FAMILY_FLAGS,
    OWN_FLAGS,
    assign_commands,
    assign_flags,
    command_path,
    flag_for,
    negative_flag,
)
from callsheet.config.overlay import Overlay
from callsheet.text import kebab

LEGAL = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
ODD = [
    *("", " ", "-", "--", ".", "a.b", "a b", "3d_model", "名前", "naïve", "NAÏVE", "__proto__"),
    *("\u202eevil", "\x1b[31m", "a\nb", "Query", "query", "QUERY", "x" * 500, "😀", "\ud800"),
    *("-rf", "no-wait", "help", "HTTPServerURLs", "a/b", "a~b", "İ", "ß"),
]


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ("imageInput", "image-input"),
        ("timeoutMs", "timeout-ms"),
        ("page_size", "page-size"),
        ("top_p", "top-p"),
        ("HTTPServer", "http-server"),
        ("imageURLs", "image-urls"),
        ("image1Url", "image1-url"),
        ("3d_model", "3d-model"),
        ("naïve", "naive"),
        ("名前", "x540d-x524d"),
        ("a.b", "a-b"),
        ("", "field"),
    ],
)
def test_words_of_a_wire_name(wire: str, expected: str) -> None:
    assert kebab(wire) == expected


def test_odd_names_give_legal_unique_flags_in_any_order() -> None:
    paths = [(name,) for name in ODD]
    expected = assign_flags(paths, Overlay())

    assert len(set(expected.values())) == len(ODD)
    assert assign_flags(reversed(paths), Overlay()) == expected
    for path, flag in expected.items():
        assert LEGAL.fullmatch(flag.removeprefix("input.")), path
        assert len(flag) <= 70


def test_the_name_spelled_like_the_flag_keeps_it() -> None:
    for order in itertools.permutations([("QUERY",), ("query",), ("Query",)]):
        assert assign_flags(order, Overlay()) == {
            ("query",): "query",
            ("QUERY",): "query-2",
            ("Query",): "query-3",
        }


def test_an_alias_comes_before_the_field_of_that_name() -> None:
    overlay = Overlay(aliases={"aspectRatio": "aspect", "camera.fieldOfView": "fov"})
    paths = [("aspect",), ("aspectRatio",), ("camera",), ("camera", "fieldOfView")]

    assert assign_flags(paths, overlay) == {
        ("aspectRatio",): "aspect",
        ("aspect",): "aspect-2",
        ("camera",): "camera",
        ("camera", "fieldOfView"): "fov",
    }
    assert flag_for(("camera", "panX"), overlay) == "camera.pan-x"


def test_a_field_named_like_a_flag_of_ours_is_said_below_input() -> None:
    paths = [("out",), ("out", "x"), ("timeout",), ("input",), ("format",)]

    assert assign_flags(paths, Overlay(), reserved=OWN_FLAGS) == {
        ("out",): "input.out",
        ("out", "x"): "input.out.x",
        ("input",): "input.input",
        ("timeout",): "timeout",
        ("format",): "format",
    }
    assert assign_flags(paths, Overlay(), reserved=OWN_FLAGS | FAMILY_FLAGS)["timeout",] == (
        "input.timeout"
    )


def test_a_negation_yields_to_a_flag_of_its_name() -> None:
    assert negative_flag("cache", {"prompt"}) == "no-cache"
    assert negative_flag("cache", {"no-cache"}) is None
    assert negative_flag("wait", FAMILY_FLAGS) is None
    assert negative_flag("camera.auto", set()) == "camera.no-auto"


@pytest.mark.parametrize(
    ("action_id", "expected"),
    [
        ("ai.video.generate", ("video", "generate")),
        ("ai.video.generate_and_wait", ("video", "generate-and-wait")),
        ("material.search", ("material", "search")),
        ("echo", ("echo",)),
        ("ai.", ("ai", "field")),
        ("a..b", ("a", "field", "b")),
        ("API-post-search", ("api-post-search",)),
    ],
)
def test_command_paths(action_id: str, expected: tuple[str, ...]) -> None:
    assert command_path(action_id, ("ai.",)) == expected


def test_odd_ids_give_legal_words() -> None:
    for name in (*ODD, "../../etc/passwd", "a/b.c;rm -rf", "a.\x00"):
        assert all(LEGAL.fullmatch(word) for word in command_path(name, ("ai.",)))


def test_names_once_given_stay_and_newcomers_keep_their_full_id() -> None:
    wanted = {"video.generate": ("video", "generate"), "ai.video.generate": ("video", "generate")}

    assert assign_commands(wanted, {"video.generate": ("video", "generate")})[0] == {
        "video.generate": ("video", "generate"),
        "ai.video.generate": ("ai", "video", "generate"),
    }


def test_what_cannot_be_a_command_is_told() -> None:
    wanted = {
        "tasks.list": ("tasks", "list"),
        "video": ("video",),
        "video.query": ("video", "query"),
    }
    paths, reasons = assign_commands(wanted, {})

    assert paths == {"video.query": ("video", "query")}
    assert reasons == {
        "tasks.list": "`tasks` is a command of the client; use `call tasks.list`",
        "video": "`video` is a group too; use `call video`",
    }


def test_an_id_of_endless_parts_has_sixteen_words() -> None:
    path = command_path(".".join("abcdefghij" * 20), ())

    assert len(path) == 16
    assert len(path[-1]) <= 60


@pytest.mark.parametrize("name", ["A" * 100_000, "aB" * 50_000, "ABs" * 30_000, "_" * 100_000])
def test_a_name_of_any_length_is_read_at_once(name: str) -> None:
    start = time.process_time()

    assert 0 < len(kebab(name)) <= 60
    assert time.process_time() - start < 1.0
