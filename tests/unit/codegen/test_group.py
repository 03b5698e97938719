"""A group imports what its methods name, under names that do not clash."""

from __future__ import annotations

from unit.codegen.given import TEXT, built, catalogue, plain_models, project, thing

from callsheet.spec import Advertised


def test_what_is_imported_is_what_is_named() -> None:
    groups = project(built(catalogue(), plain_models)).groups
    video = next(g for g in groups if g.module.text == "video")

    assert [(module.text, name.text) for module, name, _ in video.imports] == [
        ("video_query", "VideoQueryResult"),
    ]
    assert [(m.text, n.text) for m, n in video.literals] == [
        ("video", "GENERATE"),
        ("video", "GENERATE_AND_WAIT"),
        ("video", "QUERY"),
    ]


def test_a_paid_call_says_so() -> None:
    free = Advertised(id="a.look", input=thing(x=TEXT), hints={"readOnly": True})
    groups = project(built(catalogue(free), plain_models)).groups
    docs = {m.name.text: m.doc.text for g in groups for m in g.methods}

    assert "A call may spend credits." in docs["generate"]
    assert "credits" not in docs["look"]
    assert "Args:\n    x\n" in docs["look"]
