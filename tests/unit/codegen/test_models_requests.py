"""Each action gets the models its schemas give, and says so where they give none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unit.codegen.given import ASKED, TEXT, no_models, plain_models, thing

from callsheet.schema.admission import AdmissionCache
from callsheet.schema.limits import MOST_NODES
from callsheet.spec import Advertised
from callsheet_codegen.models.pool import ModelSource
from callsheet_codegen.models.requests import model_actions, models_index

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callsheet_codegen.ir import Diagnostic
    from callsheet_codegen.models.pool import Modeller
    from callsheet_codegen.models.requests import ActionModels

ADVERTISED = {
    "a": Advertised(id="a", input=thing(x=TEXT), output=ASKED),
    "b": Advertised(id="b", input=None, output={"enum": [0] * MOST_NODES}),
}
ONE = {"a": ADVERTISED["a"]}
STEMS = {"a": "a_go", "b": "b_go"}
CLASSES = {"a": "AGo", "b": "BGo"}


def modelled(
    advertised: dict[str, Advertised], modeller: Modeller
) -> tuple[Mapping[str, ActionModels], Sequence[Diagnostic]]:
    return model_actions(advertised, STEMS, modeller, classes=CLASSES, admit=AdmissionCache())()


def test_body_and_reply_have_classes() -> None:
    models, _ = modelled(ADVERTISED, plain_models)
    module = models["a"].module()

    assert (models["a"].input, models["a"].output) == ("AGoInput", "AGoResult")
    assert module is not None
    assert [(role.text, name.text) for role, name in module.roles] == [
        ("INPUT", "AGoInput"),
        ("OUTPUT", "AGoResult"),
    ]
    assert [row[0].text for row in models_index({"a_go": ("AGoInput", "AGoResult")})] == [
        "'AGoInput'",
        "'AGoResult'",
    ]


def test_one_bad_action_costs_itself() -> None:
    models, diagnostics = modelled(ADVERTISED, plain_models)

    assert models["b"].module() is None
    assert [(d.action, d.code) for d in diagnostics] == [("b", "output-refused")]


def test_what_the_worker_refuses_is_told() -> None:
    models, diagnostics = modelled(ONE, no_models)

    assert (models["a"].input, models["a"].output) == ("", "")
    assert [(d.code, d.message) for d in diagnostics] == [("untyped", "no models: not here")]


def test_a_body_that_is_no_object_has_no_model() -> None:
    fields = {"AGoInput": {"root": ("root", "list[str]", True)}, "AGoResult": {}}
    source = ModelSource(source="x = 1", fields=fields, roots=frozenset({"AGoInput"}))
    models, _ = modelled(ONE, lambda _: {"a": source})

    assert models["a"].input == ""
