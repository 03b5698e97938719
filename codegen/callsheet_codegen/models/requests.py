"""Decide which models each action needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from callsheet.schema.references import SchemaRefused
from callsheet_codegen.code import Ident, Module, literal
from callsheet_codegen.ir import Diagnostic, ModelModule
from callsheet_codegen.models.pool import ModelSource

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from callsheet.schema.admission import AdmissionCache
    from callsheet.spec import Advertised
    from callsheet_codegen.code import Code
    from callsheet_codegen.models.pool import Modeller, ModelRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionModels:
    """The models of one action: the classes of its body and of its reply, where there are any."""

    stem: str
    input: str = ""
    output: str = ""
    generated: ModelSource = field(default_factory=ModelSource)

    @property
    def exports(self) -> tuple[str, ...]:
        """Return the classes of the body and the reply, sorted; none where there is no module."""
        return tuple(sorted({self.input, self.output} - {""})) if self.generated.source else ()

    def module(self) -> ModelModule | None:
        """Return the module of models to write; ``None`` where there is no source."""
        if not self.generated.source:
            return None
        roles = [("INPUT", self.input), ("OUTPUT", self.output)]
        return ModelModule(
            stem=Ident(self.stem),
            source=Module(self.generated.source),
            roles=tuple((Ident(role), Ident(name)) for role, name in roles if name),
            exports=tuple(Ident(name) for name in self.exports),
        )


def model_actions(
    advertised: Mapping[str, Advertised],
    stems: Mapping[str, str],
    modeller: Modeller,
    *,
    classes: Mapping[str, str],
    admit: AdmissionCache,
) -> Callable[[], tuple[Mapping[str, ActionModels], Sequence[Diagnostic]]]:
    """Request the models of these actions; return a function that waits for them.

    It returns models by action id, and diagnostics. An action that gets no models is untyped,
    with a diagnostic. ``classes`` maps ids to how the names of an action's classes begin.
    """
    diagnostics: list[Diagnostic] = []
    wanted: dict[str, ModelRequest] = {}
    for name, entry in advertised.items():
        if roots := _request_of(entry, classes[name], admit, diagnostics):
            wanted[name] = roots
    sources = modeller(wanted)

    def wait() -> tuple[Mapping[str, ActionModels], Sequence[Diagnostic]]:
        models = {}
        for name in advertised:
            source = sources.get(name, ModelSource())
            if source.refused:
                untyped = Diagnostic(
                    level="warning",
                    code="untyped",
                    action=name,
                    message=f"no models: {source.refused}",
                    hint="the action takes and gives plain JSON",
                )
                diagnostics.append(untyped)
            roots = wanted.get(name, {}) if source.source else {}
            models[name] = _models_of(source, stems[name], classes[name], roots)
        return models, diagnostics

    return wait


def _request_of(
    entry: Advertised, prefix: str, admit: AdmissionCache, diagnostics: list[Diagnostic]
) -> ModelRequest:
    """Return class name → (schema, is a reply) of an action's admitted, non-empty schemas.

    Adds a diagnostic for an output schema that is refused.
    """
    roots = {}
    for role, schema in (("Input", entry.input), ("Result", entry.output)):
        is_reply = role == "Result"
        try:
            admitted = admit(schema) if isinstance(schema, dict) else None
        except SchemaRefused as refused:
            if is_reply:  # ``ActionResolver`` reports the refusal of an input
                refusal = Diagnostic(
                    level="warning",
                    code="output-refused",
                    action=entry.id,
                    pointer=refused.pointer,
                    message=f"the reply's schema is not used: {refused.reason}",
                    hint="its data is plain JSON",
                )
                diagnostics.append(refusal)
            continue
        if admitted:
            roots[f"{prefix}{role}"] = (admitted, is_reply)
    return roots


def _models_of(source: ModelSource, stem: str, prefix: str, roots: Container[str]) -> ActionModels:
    """Return the models of an action; a body that takes other than objects has no class."""
    body, reply = f"{prefix}Input", f"{prefix}Result"
    return ActionModels(
        stem=stem,
        input=body if body in roots and _is_object(source, body) else "",
        output=reply if reply in roots else "",
        generated=source,
    )


def _is_object(source: ModelSource, name: str) -> bool:
    """Tell whether the class takes an object: it has fields, or is a choice of such classes."""
    if name not in source.roots:
        return True
    members = source.fields[name]["root"][1].split(" | ")
    return all(member in source.fields and _is_object(source, member) for member in members)


def models_index(
    modules: Mapping[str, Iterable[str]],
) -> tuple[tuple[Code, Code, Ident, Ident], ...]:
    """Return (class, stem) as strings, then as names, for each exported class, sorted.

    ``modules`` maps the stem of each module of models to its exports.
    """
    rows = {name: stem for stem, exports in modules.items() for name in exports}
    return tuple(
        (literal(name), literal(stem), Ident(name), Ident(stem))
        for name, stem in sorted(rows.items())
    )
