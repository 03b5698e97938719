"""A snapshot becomes a project that names every action once."""

from __future__ import annotations

from unit.codegen.given import FAMILY, TEXT, catalogue, no_models, plain_models, thing

from callsheet.config.overlay import Overlay
from callsheet.spec import Advertised
from callsheet_codegen.build import BuildResult, PackageNames, ProjectBuilder
from callsheet_codegen.layout import AssignedNames

NAMES = PackageNames(package="acme_client", command="acme", env="ACME")


def built(*more: Advertised, typed: bool = True) -> BuildResult:
    modeller = plain_models if typed else no_models
    return ProjectBuilder(catalogue(*more), Overlay(), NAMES, modeller=modeller).finish()


def test_a_job_ends_in_the_reply_of_its_query() -> None:
    video = next(g for g in built().project.groups if g.module.text == "video")
    methods = {m.name.text: m for m in video.methods}

    assert {name: (m.result.text, m.job) for name, m in methods.items()} == {
        "generate": ("VideoQueryResult", True),
        "generate_and_wait": ("Any", False),
        "query": ("VideoQueryResult", False),
    }


def test_the_literal_says_where_its_files_are() -> None:
    module = next(m for m in built().project.commands if m.module.text == "video")
    texts = {constant.name.text: constant.value.text for constant in module.constants}

    assert "module='video_generate', result='video_query'" in texts["GENERATE"]
    assert [constant.words.text for constant in module.constants if constant.words] == [
        "'generate'",
        "'query'",
    ]


def test_names_once_given_stay() -> None:
    assigned = AssignedNames(commands={"ai.video.query": ("video", "ask")})
    build = ProjectBuilder(
        catalogue(), Overlay(), NAMES, names=assigned, modeller=no_models
    ).finish()

    assert build.names.commands["ai.video.query"] == ("video", "ask")


def test_every_schema_and_page_is_data() -> None:
    paths = [file.path for file in built().project.data]

    assert paths == sorted(paths)
    assert {"schemas/video_generate.json", "help/_.txt", "help/video.generate.txt"} <= set(paths)
    assert paths[-1] == "schemas/video_query.json"


def test_a_new_action_changes_no_other_module() -> None:
    before = {g.module.text: g for g in built().project.groups}
    after = built(Advertised(id="zoo.feed", input=thing(what=TEXT))).project.groups

    assert [g.module.text for g in after if before.get(g.module.text) != g] == ["zoo"]


def test_actions_without_models_are_told_and_kept() -> None:
    build = built(typed=False)
    methods = [m.name.text for g in build.project.groups for m in g.methods]

    assert len(methods) == len(FAMILY) + 1
    assert {d.code for d in build.diagnostics} == {"untyped"}
