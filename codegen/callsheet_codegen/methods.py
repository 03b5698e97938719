"""Derive groups, methods and their arguments."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from callsheet_codegen import names
from callsheet_codegen.code import (
    CodeSpan,
    Doc,
    Ident,
    Markdown,
    TypeExpr,
    literal,
    plain,
    wrap_line,
)
from callsheet_codegen.ir import (
    Child,
    CommandModule,
    Constant,
    Field,
    Group,
    Method,
    Section,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callsheet.spec import Action, Param
    from callsheet_codegen.code import Code
    from callsheet_codegen.layout import ConstantLocation, GroupLocation, Outline, Path
    from callsheet_codegen.models.pool import Fields
    from callsheet_codegen.models.requests import ActionModels


_TWIN = "arguments, return value and errors."
_WIDER = {"list": "Sequence", "dict": "Mapping", "set": "Sequence"}


class Arguments(NamedTuple):
    """Fields of one method, the classes that their types name, and (name, text) of each field."""

    fields: tuple[Field, ...]
    classes: frozenset[str]
    docs: tuple[tuple[str, str], ...]


def build_arguments(action: Action, fields: Fields, classes: Mapping[str, str]) -> Arguments:
    """Derive the arguments of a method: required ones first, then in order of their names.

    ``classes`` maps the classes of the action's module to their names where the method stands.
    """
    params = {param.path[0]: param for param in action.params if len(param.path) == 1}
    rows, used, docs = [], set[str](), []
    for name, (wire, annotation, required) in sorted(
        fields.items(), key=lambda row: (not row[1][2], row[0])
    ):
        param = params.get(wire)
        nullable = param.nullable if param else True
        near = tuple((cls, alias) for cls, alias in classes.items() if cls in annotation)
        media, optional = param is not None and param.media, not (required or nullable)
        argument, mentioned = _widen(annotation, near, optional=optional, media=media)
        used |= mentioned
        text = argument if required else f"{argument} | Omit"
        rows.append(
            Field(name=Ident(name), wire=literal(wire), type=TypeExpr(text), required=required)
        )
        docs.append((name, _argument_doc(param)))
    return Arguments(tuple(rows), frozenset(used), tuple(docs))


@cache
def _widen(
    annotation: str, classes: tuple[tuple[str, str], ...], *, optional: bool, media: bool
) -> tuple[str, frozenset[str]]:
    """Return the type that a caller may pass for an annotation, and the classes that it names.

    ``classes`` pairs classes with their names in the group; ``optional`` takes ``None`` out,
    ``media`` lets local files in where a text may stand. Cached for all fields of the same type.
    """
    widener = _AnnotationWidener(dict(classes), media=media)
    tree = widener.visit(ast.parse(annotation, mode="eval").body)
    text = ast.unparse(tree)
    members = [ast.unparse(part) for part in _members(tree)]
    if optional or "Any" in members:
        text = " | ".join(member for member in members if member != "None") or "None"
    return text, frozenset(widener.used)


class _AnnotationWidener(ast.NodeTransformer):
    """Rewrites a field's annotation: any sequence for a list, also a mapping for a model.

    In a ``media`` field a file stands for a text. ``used`` collects the classes that the
    annotation names.
    """

    def __init__(self, classes: Mapping[str, str], *, media: bool) -> None:
        self.classes, self.media = classes, media
        self.used: set[str] = set()

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Widen a container; the arguments of ``Literal`` are left alone."""
        container = node.value.id if isinstance(node.value, ast.Name) else ""
        if container == "Literal":
            return node
        pair = node.slice.elts if container == "dict" and isinstance(node.slice, ast.Tuple) else []
        keys = pair[:1]  # texts that name fields are no media
        self.generic_visit(node)
        pair[:1] = keys
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Accept a mapping where a model is wanted."""
        if node.id in self.classes:
            self.used.add(node.id)
            return ast.parse(f"{self.classes[node.id]} | Mapping[str, Any]", mode="eval").body
        if self.media and node.id == "str":
            return ast.Name("FileInput")
        return ast.Name(_WIDER.get(node.id, node.id))


def _members(node: ast.expr) -> list[ast.expr]:
    """Return the members of a union, in order; the node itself where it is not one."""
    if isinstance(node, ast.BinOp):
        return [*_members(node.left), *_members(node.right)]
    return [node]


def _argument_doc(param: Param | None) -> str:
    """Return a field's description with the server's default, on one line; empty without either."""
    if param is None:
        return ""
    text = " ".join(plain(param.doc).split())
    if param.default is not None:
        text = f"{text} (server default: {param.default})".strip()
    return text


class _Class(NamedTuple):
    module: str
    name: str


def build_child(group: GroupLocation) -> Child:
    """Return the group as its parent has it: a property."""
    return Child(
        name=Ident(group.attribute),
        module=Ident(group.module),
        cls=Ident(group.cls),
        doc=Doc(_title(group)),
    )


def _title(group: GroupLocation) -> str:
    """Return the docstring of a group."""
    words = " ".join(group.path)
    return f"Actions under ``{words}``." if words else "Actions without a group."


def build_command_module(
    word: str,
    action_ids: Sequence[str],
    constants: Mapping[str, ConstantLocation],
    actions: Mapping[str, Action],
) -> CommandModule:
    """Build the module of ``Action`` literals whose commands begin with one word."""
    return CommandModule(
        module=Ident(constants[action_ids[0]].module),
        doc=Doc(f"Define the commands that begin with ``{word}``."),
        constants=tuple(_constant(constants[name], actions[name]) for name in action_ids),
    )


def build_group(
    group: GroupLocation,
    outline: Outline,
    actions: Mapping[str, Action],
    models: Mapping[str, ActionModels],
) -> Group:
    """Build one group, its methods in order of their names."""
    ordered = [actions[name] for name in _ordered(group)]
    builder = _MethodBuilder(group, ordered, models)
    constants = [outline.constants[action.id] for action in ordered]
    methods = tuple(map(builder.method, ordered, constants))
    return Group(
        module=Ident(group.module),
        cls=Ident(group.cls),
        doc=Doc(_title(group)),
        methods=methods,
        children=tuple(build_child(outline.groups[path]) for path in group.children),
        literals=tuple((Ident(home.module), Ident(home.constant)) for home in constants),
        imports=tuple(
            (Ident(cls.module), Ident(cls.name), Ident(alias))
            for cls, alias in sorted(builder.local.items())
            if cls in builder.used
        ),
    )


def _ordered(group: GroupLocation) -> list[str]:
    """Return the ids of a group's actions, by the names of their methods."""
    return sorted(group.methods, key=lambda name: group.methods[name])


def _local_names(
    actions: Sequence[Action], by_stem: Mapping[str, ActionModels]
) -> dict[_Class, str]:
    """Return class → its name in the group's module, for all models of these actions.

    ``by_stem`` maps the stems of model modules to the models.
    """
    stems = {stem for action in actions for stem in (action.module, action.result) if stem}
    classes = [
        _Class(stem, cls) for stem in sorted(stems) for cls in by_stem[stem].generated.fields
    ]
    wanted = ((f"{cls.name} {cls.module}", cls.name) for cls in classes)
    assigned = names.assign(wanted, names.GROUP_RESERVED, joint="")
    return {cls: assigned[f"{cls.name} {cls.module}"] for cls in classes}


class _MethodBuilder:
    """Builds the methods of one group and collects the classes that they name."""

    def __init__(
        self, group: GroupLocation, actions: Sequence[Action], models: Mapping[str, ActionModels]
    ) -> None:
        self.group, self.models = group, models
        self.by_stem = {models.stem: models for models in models.values()}
        self.local = _local_names(actions, self.by_stem)
        self.used: set[_Class] = set()

    def method(self, action: Action, constant: ConstantLocation) -> Method:
        """Build one method, typed as far as models go; add the classes it names to ``used``."""
        arguments = self._arguments(action, self.models[action.id])
        reply = self.by_stem.get(action.result)
        method = self.group.methods[action.id]
        return Method(
            name=Ident(method),
            action=Ident(constant.constant),
            doc=Doc(_method_doc(action, arguments)),
            # The rest of it stands at the synchronous twin.
            async_doc=Doc(f"{_description(action)}\n\nAs ``{self.group.cls}.{method}``: {_TWIN}"),
            fields=arguments.fields,
            result=self._class(reply.stem, reply.output) if reply else TypeExpr("Any"),
            job=action.role == "create",
        )

    def _class(self, stem: str, name: str) -> TypeExpr:
        """Return a class as this module names it, and add it to ``used``."""
        self.used.add(_Class(stem, name))
        return TypeExpr(self.local[_Class(stem, name)])

    def _arguments(self, action: Action, own: ActionModels) -> Arguments:
        """Return the arguments of a method; none where its body has no model with fields."""
        if not own.input or own.input in own.generated.roots:
            return Arguments((), frozenset(), ())
        classes = {cls.name: alias for cls, alias in self.local.items() if cls.module == own.stem}
        typed = build_arguments(action, own.generated.fields[own.input], classes)
        self.used |= {_Class(own.stem, cls) for cls in typed.classes}
        return typed


def _description(action: Action) -> str:
    """Return an action's description, else its summary, else that it calls the action."""
    return plain(action.doc or action.summary).strip() or f"Call ``{plain(action.id)}``."


def _method_doc(action: Action, arguments: Arguments) -> str:
    """Return a method's docstring: description, cost, result and its arguments."""
    cost = " A call may spend credits." if action.paid else ""
    answer = "Task" if action.role == "create" else "Result"
    fields = [f"    {name}: {doc}" if doc else f"    {name}" for name, doc in arguments.docs]
    return "\n".join(
        [
            _description(action),
            "",
            *wrap_line(
                f"Action ``{plain(action.id)}``.{cost} Returns a ``{answer}``; raises a "
                "``CallsheetError``, which is an ``InvalidInput`` where the body is not sent."
            ),
            "",
            *(["Args:"] if fields else ["The fields of the body go into ``extra_body``."]),
            *(line for field in fields for line in wrap_line(field, hang=4)),
        ]
    )


def _constant(location: ConstantLocation, action: Action) -> Constant:
    """Return the ``Action`` literal of an action; its words lack the first of several."""
    words = literal(" ".join(action.command[1:] or action.command)) if action.command else None
    return Constant(name=Ident(location.constant), value=literal(action), words=words)


def build_section(
    group: GroupLocation,
    groups: Mapping[Path, GroupLocation],
    listings: Mapping[str, Action],
    program: str,
) -> Section:
    """Build a group's part of ``api.md``; ``listings`` need no parameters."""
    return Section(
        title=Markdown(" ".join(group.path) or "without a group"),
        rows=tuple(_row(group, groups, listings[name], program) for name in _ordered(group)),
    )


def _row(
    group: GroupLocation, groups: Mapping[Path, GroupLocation], action: Action, program: str
) -> tuple[Code, Code, Code, Code]:
    """Return action id, method, command and summary of an action, as ``api.md`` shows them."""
    parents = [groups[group.path[:end]].attribute for end in range(1, len(group.path) + 1)]
    attributes = ".".join(parents or [group.attribute])
    return (
        CodeSpan(action.id),
        CodeSpan(f"client.{attributes}.{group.methods[action.id]}()"),
        CodeSpan(" ".join((program, *action.command)) if action.command else ""),
        Markdown(action.summary),
    )
