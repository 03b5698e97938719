"""A group imports what its methods name, under names that do not clash."""

from __future__ import annotations

from unit.codegen.given import TEXT, catalogue, plain_models, thing

from callsheet.config.overlay import Overlay
from callsheet.spec import Advertised
from callsheet_codegen.build import PackageNames, ProjectBuilder

NAMES = PackageNames(package="acme_client", command="acme", env="ACME")


def test_what_is_imported_is_what_is_named() -> None:
    build = ProjectBuilder(catalogue(), Overlay(), NAMES, modeller=plain_models).finish()
    video = next(g for g in build.project.groups if g.module.text == "video")

    assert [(i.module.text, i.name.text) for i in video.imports] == [
        ("video_query", "VideoQueryResult"),
    ]
    assert [(m.text, n.text) for m, n in video.literals] == [
        ("video", "GENERATE"),
        ("video", "GENERATE_AND_WAIT"),
        ("video", "QUERY"),
    ]


def test_a_paid_call_says_so() -> None:
    free = Advertised(id="a.look", input=thing(x=TEXT), hints={"readOnly": True})
    build = ProjectBuilder(catalogue(free), Overlay(), NAMES, modeller=plain_models).finish()
    docs = {m.name.text: m.doc.text for g in build.project.groups for m in g.methods}

    assert "A call may spend credits." in docs["generate"]
    assert "credits" not in docs["look"]
    assert "Args:\n    x\n" in docs["look"]
