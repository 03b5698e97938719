"""Decide which models each action needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.schema.admission import AdmissionCache
from callsheet.schema.references import SchemaRefused
from callsheet_codegen import layout
from callsheet_codegen.code import Ident, Module, literal
from callsheet_codegen.diagnostics import Diagnostic
from callsheet_codegen.ir import ModelModule
from callsheet_codegen.models.pool import ModelRequest, ModelSource

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping

    from callsheet.spec import Advertised
    from callsheet_codegen.code import Code
    from callsheet_codegen.models.pool import Modeller


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionModels:
    """The models of one action: the classes of its body and of its reply, where there are any."""

    stem: str
    input: str = ""
    output: str = ""
    made: ModelSource = field(default_factory=ModelSource)

    @property
    def exports(self) -> tuple[str, ...]:
        """The classes that the module offers; none where there is no module."""
        return tuple(sorted({self.input, self.output} - {""})) if self.made.source else ()

    def module(self) -> ModelModule | None:
        """The module as it is written: models, then the two names the runtime looks for."""
        if not self.made.source:
            return None
        offers = [("INPUT", self.input), ("OUTPUT", self.output)]
        return ModelModule(
            stem=Ident(self.stem),
            source=Module(self.made.source),
            roles=tuple((Ident(role), Ident(name)) for role, name in offers if name),
            exports=tuple(Ident(name) for name in self.exports),
        )


class Modelled(NamedTuple):
    """Models by action id. An action whose schema gives none is untyped, with a diagnostic."""

    models: Mapping[str, ActionModels]
    told: tuple[Diagnostic, ...]


def model_actions(
    advertised: Mapping[str, Advertised],
    stems: Mapping[str, str],
    modeller: Modeller,
    *,
    classes: Mapping[str, str] | None = None,
    admit: AdmissionCache | None = None,
) -> Callable[[], Modelled]:
    """Ask for the models of these actions; what is returned waits for what comes of it.

    ``classes`` says with what the names of an action's classes begin.
    """
    told: list[Diagnostic] = []
    admitted = _Admitted(admit or AdmissionCache(), told)
    classes = classes or layout.classes({name: stems[name] for name in advertised})
    wanted: dict[str, dict[str, tuple[Mapping[str, Any], bool]]] = {}
    for name, entry in advertised.items():
        roots = {}
        if schema := admitted(name, entry.input, ""):
            roots[f"{classes[name]}Input"] = (schema, False)
        if schema := admitted(name, entry.output, "the reply's "):
            roots[f"{classes[name]}Result"] = (schema, True)
        if roots:
            wanted[name] = roots
    made = modeller({name: ModelRequest(roots=roots) for name, roots in wanted.items()})

    def wait() -> Modelled:
        found = {}
        for name in advertised:
            one = made.get(name, ModelSource())
            if one.refused:
                told.append(_untyped(name, one.refused))
            roots = wanted.get(name, {}) if one.source else {}
            found[name] = _models_of(one, stems[name], classes[name], roots)
        return Modelled(found, tuple(told))

    return wait


def _models_of(made: ModelSource, stem: str, prefix: str, roots: Container[str]) -> ActionModels:
    body, reply = f"{prefix}Input", f"{prefix}Result"
    return ActionModels(
        stem=stem,
        input=body if body in roots and _is_object(made, body) else "",
        output=reply if reply in roots else "",
        made=made,
    )


def _is_object(made: ModelSource, name: str) -> bool:
    """Whether the class takes an object: it has fields, or is a choice of such classes."""
    if name not in made.roots:
        return True
    members = made.fields[name]["root"][1].split(" | ")
    return all(member in made.fields and _is_object(made, member) for member in members)


class _Admitted:
    """Admits schemas; a refusal of an input is the surface's to tell."""

    def __init__(self, admit: AdmissionCache, told: list[Diagnostic]) -> None:
        self._admit, self._told = admit, told

    def __call__(self, name: str, schema: object, whose: str) -> Mapping[str, Any] | None:
        """The admitted schema if it says anything."""
        if not isinstance(schema, dict):
            return None
        try:
            return self._admit(schema) or None
        except SchemaRefused as refused:
            if whose:
                self._told.append(_refused(name, refused, whose))
            return None


def _refused(name: str, refused: SchemaRefused, whose: str) -> Diagnostic:
    return Diagnostic(
        level="warning",
        code="output-refused",
        action=name,
        pointer=refused.pointer,
        message=f"{whose}schema is not used: {refused.reason}",
        hint="its data is plain JSON",
    )


def _untyped(name: str, reason: str) -> Diagnostic:
    return Diagnostic(
        level="warning",
        code="untyped",
        action=name,
        message=f"no models: {reason}",
        hint="the action takes and gives plain JSON",
    )


def index_of(modules: Mapping[str, Iterable[str]]) -> tuple[tuple[Code, Code, Ident, Ident], ...]:
    """For the lazy index of models: class and module, as strings and as names.

    ``modules`` holds what each module of models offers.
    """
    rows = {name: stem for stem, exports in modules.items() for name in exports}
    return tuple(
        (literal(name), literal(stem), Ident(name), Ident(stem))
        for name, stem in sorted(rows.items())
    )
