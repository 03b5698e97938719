"""The keyword arguments of a method, from the fields of its input model."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from callsheet_codegen.code import Ident, TypeExpr, literal, plain
from callsheet_codegen.ir import Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.spec import Action, Param
    from callsheet_codegen.models import Fields

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
        docs.append((name, _doc(param)))
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


def _doc(param: Param | None) -> str:
    if param is None:
        return ""
    text = " ".join(plain(param.doc).split())
    if param.default is not None:
        text = f"{text} (server default: {param.default})".strip()
    return text
