"""Every action has one place, and places have distinct names."""

from __future__ import annotations

from callsheet.config.overlay import Overlay
from callsheet.spec import Action
from callsheet_codegen import layout

ACTIONS = [
    Action(id="ai.video.generate", command=("video", "generate")),
    Action(id="ai.video.generate_and_wait"),
    Action(id="ai.video.clip.list", command=("video", "clip", "list")),
    Action(id="ping", command=("ping",)),
    Action(id="class.omit", command=("class", "omit")),
    Action(id="tasks.show"),
]
PATHS = layout.library_paths(ACTIONS, Overlay())


def test_a_member_without_a_command_stands_beside_its_family() -> None:
    assert PATHS["ai.video.generate_and_wait"] == ("video", "generate-and-wait")


def test_groups_have_names_of_their_own() -> None:
    places = layout.locate_groups(PATHS)

    assert {path: (p.module, p.cls, p.attribute) for path, p in places.items()} == {
        (): ("root", "RootActions", "root"),
        ("class",): ("class_", "ClassActions", "class_"),
        ("tasks",): ("tasks", "TasksActions", "tasks_"),
        ("video",): ("video", "VideoActions", "video"),
        ("video", "clip"): ("video_clip", "VideoClipActions", "clip"),
    }
    assert places[("video",)].children == (("video", "clip"),)
    assert places[("video",)].methods == {
        "ai.video.generate": "generate",
        "ai.video.generate_and_wait": "generate_and_wait",
    }


def test_a_method_gives_way_to_a_group_within_its_group() -> None:
    places = layout.locate_groups({"a.b": ("a", "b"), "a.b.c": ("a", "b", "c")})

    assert places[("a",)].methods == {"a.b": "b_"}
    assert places[("a", "b")].attribute == "b"


def test_literals_stand_by_their_first_word() -> None:
    homes = layout.locate_constants(PATHS)

    assert homes["ai.video.clip.list"] == ("video", "video", "CLIP_LIST")
    assert homes["ping"] == ("ping", "ping", "PING")
    assert homes["class.omit"] == ("class", "class_", "OMIT_")


def test_files_are_distinct_where_case_does_not_count() -> None:
    stems = layout.module_stems({"A.b": ("a", "b"), "a.b": ("a", "b"), "a_b": ("a-b",)})

    assert sorted(stems.values()) == ["a_b", "a_b_", "a_b_2"]


def test_no_file_has_a_name_that_another_tool_looks_for() -> None:
    paths = {"a": ("conftest", "test"), "b": ("test-video",), "c": ("json", "video"), "d": ("a",)}
    groups = layout.locate_groups(paths)
    constants = layout.locate_constants(paths)

    assert {group.module for group in groups.values()} == {"root", "conftest_", "json_"}
    assert {home.module for home in constants.values()} == {
        *("conftest_", "module_test_video", "json_", "a"),
    }
    assert layout.module_stems(paths) == {
        "a": "conftest_test_",
        "b": "module_test_video",
        "c": "json_video",
        "d": "a",
    }


def test_a_name_of_the_lock_stays_only_where_no_tool_looks_for_it() -> None:
    paths = {"a.b": ("a", "b"), "test.b": ("test", "b")}
    assigned = layout.AssignedNames(modules={"a.b": "earlier", "test.b": "test_b"})

    assert layout.module_stems(paths, assigned) == {"a.b": "earlier", "test.b": "module_test_b"}
