"""A group imports what its methods name, under names that do not clash."""

from __future__ import annotations

import re

from unit.codegen.given import TEXT, built, catalogue, plain_models, project, thing

from callsheet.spec import Action, Advertised
from callsheet_codegen.methods import _local_names
from callsheet_codegen.models.pool import ModelSource
from callsheet_codegen.models.requests import ActionModels
from callsheet_codegen.names import GROUP_RESERVED
from callsheet_codegen.render import templates_folder


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


def test_a_model_is_not_named_as_what_a_group_imports() -> None:
    models = ActionModels(stem="file", generated=ModelSource(fields={"FileInput": {}, "Task": {}}))
    named = _local_names([Action(id="file", module="file")], {"file": models})
    template = (templates_folder() / "group.py.jinja").read_text("utf-8")
    imported = re.findall(r"^ *from [a-z_.]+ import ([\w, ]+)$", template, re.MULTILINE)

    assert set(named.values()) == {"FileInput2", "Task2"}
    assert {name for line in imported for name in line.split(", ")} - {"annotations"} == (
        GROUP_RESERVED
    )
