"""Derive groups, methods and their arguments."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from callsheet_codegen import names
from callsheet_codegen.code import CodeSpan, Doc, Ident, Markdown, TypeExpr, literal, plain, wrapped
from callsheet_codegen.ir import (
    Child,
    CommandModule,
    Constant,
    Field,
    Group,
    Import,
    MapRow,
    Method,
    Section,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callsheet.spec import Action, Param
    from callsheet_codegen.layout import ConstantLocation, GroupLocation, Path
    from callsheet_codegen.models.pool import Fields
    from callsheet_codegen.models.requests import ActionModels


_WIDER = {"list": "Sequence", "dict": "Mapping", "set": "Sequence"}


class Arguments(NamedTuple):
    """The fields of one method, the classes their types name, and a line of text for each."""

    fields: tuple[Field, ...]
    classes: frozenset[str]
    docs: tuple[tuple[str, str], ...]


def arguments(action: Action, fields: Fields, classes: Mapping[str, str]) -> Arguments:
    """Required ones first, then in order of their names.

    ``classes`` maps the classes of the action's module to the names they have where the
    method stands.
    """
    said = {param.path[0]: param for param in action.params if len(param.path) == 1}
    rows, used, docs = [], set[str](), []
    for name, (wire, annotation, required) in sorted(
        fields.items(), key=lambda item: (not item[1][2], item[0])
    ):
        param = said.get(wire)
        nullable = param.nullable if param else True
        argument, named = _argument(annotation, classes, optional=not (required or nullable))
        used |= named
        text = argument if required else f"{argument} | Omit"
        rows.append(
            Field(name=Ident(name), wire=literal(wire), type=TypeExpr(text), required=required)
        )
        docs.append((name, _argument_doc(param)))
    return Arguments(tuple(rows), frozenset(used), tuple(docs))


def _argument(
    annotation: str, classes: Mapping[str, str], *, optional: bool
) -> tuple[str, frozenset[str]]:
    """What a caller may pass: any sequence for a list, a mapping for a model."""
    named = {name: there for name, there in classes.items() if name in annotation}
    return _widened(annotation, tuple(named.items()), optional=optional)


@cache
def _widened(
    annotation: str, classes: tuple[tuple[str, str], ...], *, optional: bool
) -> tuple[str, frozenset[str]]:
    """The same once for all fields of the same type."""
    work = _Wider(dict(classes))
    tree = work.visit(ast.parse(annotation, mode="eval").body)
    text = ast.unparse(tree)
    members = [ast.unparse(part) for part in _members(tree)]
    if optional or "Any" in members:
        text = " | ".join(member for member in members if member != "None") or "None"
    return text, frozenset(work.used)


class _Wider(ast.NodeTransformer):
    """Rewrites the annotation of a model's field into that of an argument."""

    def __init__(self, classes: Mapping[str, str]) -> None:
        self.classes = classes
        self.used: set[str] = set()

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """The container, wider; what stands in ``Literal`` is left alone."""
        if isinstance(node.value, ast.Name) and node.value.id == "Literal":
            return node
        self.generic_visit(node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A model, or a mapping with its fields."""
        if node.id in self.classes:
            self.used.add(node.id)
            return ast.parse(f"{self.classes[node.id]} | Mapping[str, Any]", mode="eval").body
        return ast.Name(_WIDER.get(node.id, node.id))


def _members(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [*_members(node.left), *_members(node.right)]
    return [node]


def _argument_doc(param: Param | None) -> str:
    if param is None:
        return ""
    text = " ".join(plain(param.doc).split())
    if param.default is not None:
        text = f"{text} (server default: {param.default})".strip()
    return text


class _Class(NamedTuple):
    module: str
    name: str


def child(place: GroupLocation) -> Child:
    """The group as a property of its parent."""
    return Child(
        name=Ident(place.attribute),
        module=Ident(place.module),
        cls=Ident(place.cls),
        doc=Doc(_title(place)),
    )


def _title(place: GroupLocation) -> str:
    words = " ".join(place.path)
    return f"Actions under ``{words}``." if words else "Actions without a group."


def command_module(
    word: str,
    inside: Sequence[str],
    homes: Mapping[str, ConstantLocation],
    actions: Mapping[str, Action],
) -> CommandModule:
    """The module of ``Action`` literals whose commands begin with one word."""
    return CommandModule(
        module=Ident(homes[inside[0]].module),
        doc=Doc(f"Commands that begin with ``{word}``."),
        constants=tuple(_constant(homes[name], actions[name]) for name in inside),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What every group is built from."""

    places: Mapping[Path, GroupLocation]
    homes: Mapping[str, ConstantLocation]
    actions: Mapping[str, Action]
    models: Mapping[str, ActionModels]


def build_group(place: GroupLocation, material: Material) -> Group:
    """Everything that is written for one group, its methods in order of their names."""
    places, actions = material.places, material.actions
    ordered = sorted(place.methods, key=lambda name: place.methods[name])
    local = _local_names(ordered, actions, material.models)
    builder = _Methods(place, material, local)
    homes = [material.homes[name] for name in ordered]
    methods = tuple(builder.method(name) for name in ordered)
    return Group(
        module=Ident(place.module),
        cls=Ident(place.cls),
        doc=Doc(_title(place)),
        methods=methods,
        children=tuple(child(places[path]) for path in place.children),
        literals=tuple((Ident(home.module), Ident(home.constant)) for home in homes),
        imports=tuple(
            Import(module=Ident(cls.module), name=Ident(cls.name), alias=_alias(cls, alias))
            for cls, alias in sorted(local.items())
            if cls in builder.used
        ),
    )


def _local_names(
    ordered: list[str], actions: Mapping[str, Action], models: Mapping[str, ActionModels]
) -> dict[_Class, str]:
    """Every class that a method of the group may name → its name in the module of the group."""
    by_stem = {one.stem: one for one in models.values()}
    stems = {s for name in ordered for s in (actions[name].module, actions[name].result) if s}
    classes = [_Class(stem, cls) for stem in sorted(stems) for cls in by_stem[stem].made.fields]
    given = names.assign(((f"{cls.name} {cls.module}", cls.name) for cls in classes), joint="")
    return {cls: given[f"{cls.name} {cls.module}"] for cls in classes}


class _Methods:
    """Builds the methods of one group and remembers which classes they name."""

    def __init__(
        self,
        place: GroupLocation,
        material: Material,
        local: Mapping[_Class, str],
    ) -> None:
        self.place, self.material, self.local = place, material, local
        self.by_stem = {one.stem: one for one in material.models.values()}
        self.used: set[_Class] = set()

    def method(self, name: str) -> Method:
        """Build one method: typed as far as the models go."""
        action, own = self.material.actions[name], self.material.models[name]
        arguments = self._arguments(action, own)
        reply = self.by_stem.get(action.result)
        method = self.place.methods[name]
        return Method(
            name=Ident(method),
            action=Ident(self.material.homes[name].constant),
            doc=Doc(_method_doc(action, arguments)),
            async_doc=Doc(_async_doc(action, f"{self.place.cls}.{method}")),
            fields=arguments.fields,
            result=self._class(reply.stem, reply.output) if reply else TypeExpr("Any"),
            job=action.role == "create",
        )

    def _class(self, stem: str, name: str) -> TypeExpr:
        self.used.add(_Class(stem, name))
        return TypeExpr(self.local[_Class(stem, name)])

    def _arguments(self, action: Action, own: ActionModels) -> Arguments:
        if not own.input or own.input in own.made.roots:
            return Arguments((), frozenset(), ())
        classes = {cls.name: alias for cls, alias in self.local.items() if cls.module == own.stem}
        given = arguments(action, own.made.fields[own.input], classes)
        self.used |= {_Class(own.stem, cls) for cls in given.classes}
        return given


def _description(action: Action) -> str:
    return plain(action.doc or action.summary).strip() or f"Call ``{plain(action.id)}``."


def _method_doc(action: Action, arguments: Arguments) -> str:
    cost = " A call may spend credits." if action.paid else ""
    answer = "Task" if action.role == "create" else "Result"
    fields = [f"    {name}: {doc}" if doc else f"    {name}" for name, doc in arguments.docs]
    return "\n".join(
        [
            _description(action),
            "",
            *wrapped(
                f"Action ``{plain(action.id)}``.{cost} Returns a ``{answer}``; raises a "
                "``CallsheetError``, which is an ``InvalidInput`` where the body is not sent."
            ),
            "",
            *(["Args:"] if fields else ["The fields of the body go into ``extra_body``."]),
            *(line for field in fields for line in wrapped(field, hang=4)),
        ]
    )


def _async_doc(action: Action, twin: str) -> str:
    """Return the docstring of an async method: the rest stands at its synchronous twin."""
    return f"{_description(action)}\n\nAs ``{twin}``: arguments, return value and errors."


def _alias(cls: _Class, alias: str) -> Ident | None:
    return Ident(alias) if alias != cls.name else None


def _constant(home: ConstantLocation, action: Action) -> Constant:
    words = literal(" ".join(action.command[1:] or action.command)) if action.command else None
    return Constant(name=Ident(home.constant), value=literal(action), words=words)


def section(
    place: GroupLocation,
    places: Mapping[Path, GroupLocation],
    faces: Mapping[str, Action],
    prog: str,
) -> Section:
    """A group in the map of the package; ``faces`` need no parameters."""
    ordered = sorted(place.methods, key=lambda name: place.methods[name])
    return Section(
        title=Markdown(" ".join(place.path) or "without a group"),
        rows=tuple(_row(place, places, faces[name], prog) for name in ordered),
    )


def _row(
    place: GroupLocation, places: Mapping[Path, GroupLocation], action: Action, prog: str
) -> MapRow:
    groups = [places[place.path[:end]].attribute for end in range(1, len(place.path) + 1)]
    attributes = ".".join(groups or [place.attribute])
    return MapRow(
        action=CodeSpan(action.id),
        method=CodeSpan(f"client.{attributes}.{place.methods[action.id]}()"),
        command=CodeSpan(" ".join((prog, *action.command)) if action.command else ""),
        summary=Markdown(action.summary),
    )
