"""A snapshot becomes a project that names every action once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unit.codegen.given import (
    FAMILY,
    TEXT,
    built,
    catalogue,
    no_models,
    plain_models,
    project,
    thing,
)

from callsheet.spec import Advertised
from callsheet_codegen.layout import AssignedNames

if TYPE_CHECKING:
    from callsheet_codegen.ir import Project


def typed(*more: Advertised) -> Project:
    return project(built(catalogue(*more), plain_models))


def test_a_job_ends_in_the_reply_of_its_query() -> None:
    video = next(g for g in typed().groups if g.module.text == "video")
    methods = {m.name.text: m for m in video.methods}

    assert {name: (m.result.text, m.job) for name, m in methods.items()} == {
        "generate": ("VideoQueryResult", True),
        "generate_and_wait": ("Any", False),
        "query": ("VideoQueryResult", False),
    }


def test_the_literal_says_where_its_files_are() -> None:
    module = next(m for m in typed().commands if m.module.text == "video")
    texts = {constant.name.text: constant.value.text for constant in module.constants}

    assert "module='video_generate', result='video_query'" in texts["GENERATE"]
    assert [constant.words.text for constant in module.constants if constant.words] == [
        "'generate'",
        "'query'",
    ]


def test_names_once_given_stay() -> None:
    assigned = AssignedNames(commands={"ai.video.query": ("video", "ask")})
    build = built(catalogue(), no_models, names=assigned)

    assert build.names.commands["ai.video.query"] == ("video", "ask")


def test_every_schema_and_page_is_data() -> None:
    paths = typed().data.keys()

    assert {"schemas/video_generate.json", "help/_.txt", "help/video.generate.txt"} <= paths
    assert "schemas/video_query.json" in paths


def test_a_new_action_changes_no_other_module() -> None:
    before = {g.module.text: g for g in typed().groups}
    after = typed(Advertised(id="zoo.feed", input=thing(what=TEXT))).groups

    assert [g.module.text for g in after if before.get(g.module.text) != g] == ["zoo"]


def test_actions_without_models_are_told_and_kept() -> None:
    build = built(catalogue(), no_models)
    methods = [m.name.text for g in project(build).groups for m in g.methods]

    assert len(methods) == len(FAMILY) + 1
    assert {d.code for d in build.plan.diagnostics()} == {"untyped"}
