"""Rewrite the generated source into our models."""

from __future__ import annotations

import ast
from copy import deepcopy
from typing import TYPE_CHECKING

from callsheet.model import camel
from callsheet_codegen import names
from callsheet_codegen.models.pool import ModelSource
from callsheet_codegen.models.prepare import NoModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet_codegen.models.pool import Fields


_BASES = frozenset({"BaseModel", "RootModel"})
_SETTINGS = frozenset({"model_config", "__annotations__"})
_TYPING = ("Any", "Literal")
_NAMES = frozenset({"str", "int", "float", "bool", "list", "dict", "tuple", "set", "None"})
# A container of nobody knows what: strict type checkers take none without its arguments.
_BARE = {
    "list": "list[Any]",
    "dict": "dict[str, Any]",
    "set": "set[Any]",
    "tuple": "tuple[Any, ...]",
}


def rewrite_module(
    source: str,
    *,
    wire: Mapping[str, str],
    tokens: Mapping[str, str],
    prefix: str,
    named: Mapping[str, str],
) -> ModelSource:
    """Rebuild a module of models; raises ``NoModel`` for anything else.

    Only class definitions with annotated fields pass. Tokens become the server's strings inside
    constants; aliases become the pair of arguments that type checkers leave alone.
    ``named`` says what stands for the name of a class. One that begins with none of these gets
    ``prefix`` in front: the generator names some after a property alone, and one called
    ``any`` must not become the class ``Any``.
    """
    tree = _rename_classes(ast.parse(source), prefix, named)
    _flatten_bases(tree)
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    class_names = frozenset(node.name for node in classes)
    rewriter = _Rewriter(wire=wire, tokens=tokens, classes=class_names)
    roots = frozenset(node.name for node in classes if _first_base(node) == "RootModel")
    body: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            body.append(rewriter.model(node))
        elif not (isinstance(node, ast.ImportFrom) or _is_rebuild(node, class_names)):
            raise NoModel(f"the model generator wrote {type(node).__name__}")
    rebuilds = [node for node in tree.body if isinstance(node, ast.Expr)]
    module = ast.Module(body=[*body, *rebuilds], type_ignores=[])
    return ModelSource(
        source=f"{_import_lines(module)}{ast.unparse(module)}\n",
        fields={name: rewriter.all_fields(name) for name in rewriter.fields},
        roots=roots,
    )


def _rename_classes(tree: ast.Module, prefix: str, named: Mapping[str, str]) -> ast.Module:
    """Rename classes and their uses, in place, as ``rewrite_module`` says; return the tree.

    Raises ``NoModel`` where two classes would get one name.
    """
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    real = {name: _spelt_out(name, named) for name in classes}
    new = {name: full for name, full in real.items() if name.startswith(tuple(named))}
    wishes = ((name, prefix + full) for name, full in real.items() if name not in new)
    new |= names.assign(wishes, set(new.values()), joint="")
    if len(set(new.values())) < len(new):
        raise NoModel("two classes want the same name")
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            node.name = new.get(node.name, node.name)
        elif isinstance(node, ast.Name):
            node.id = new.get(node.id, node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = new.get(node.value, node.value)  # a later class, in quotes
    return tree


def _spelt_out(name: str, named: Mapping[str, str]) -> str:
    """Replace the stand-ins in the name of a class, wherever they are."""
    for root, real in named.items():
        name = name.replace(root, real)
    return name


def _flatten_bases(tree: ast.Module) -> None:
    """Copy inherited fields into each class of several bases, in place; then its base is ours.

    Fields of two bases may not agree for type checkers.
    """
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}

    def inherited(node: ast.ClassDef) -> dict[str, list[ast.stmt]]:
        fields: dict[str, list[ast.stmt]] = {}
        for name in reversed([base.id for base in node.bases if isinstance(base, ast.Name)]):
            fields |= inherited(classes[name]) if name in classes else {}
        return fields | _field_statements(node)

    merged = {name: inherited(node) for name, node in classes.items() if len(node.bases) > 1}
    for name, fields in merged.items():
        bases = {ast.unparse(base) for base in classes[name].bases}
        if bases <= {"BaseModel", *classes} and "root" not in fields:
            classes[name].bases = [ast.Name("BaseModel")]
            classes[name].body = [deepcopy(part) for parts in fields.values() for part in parts]


def _field_statements(node: ast.ClassDef) -> dict[str, list[ast.stmt]]:
    """Return field → its statements: the annotation and, where there is one, the docstring."""
    fields: dict[str, list[ast.stmt]] = {}
    name = ""
    for part in node.body:
        if isinstance(part, ast.AnnAssign):
            name = ast.unparse(part.target)
            fields[name] = [part]
        elif name and isinstance(part, ast.Expr):
            fields[name].append(part)
    return fields


class _Rewriter:
    """Rewrites one module: the names that it may use, and the fields of its classes."""

    def __init__(
        self, *, wire: Mapping[str, str], tokens: Mapping[str, str], classes: frozenset[str]
    ) -> None:
        self.wire, self.tokens, self.classes = wire, tokens, classes
        self.fields: dict[str, Fields] = {}
        self.bases: dict[str, str] = {}

    def all_fields(self, name: str) -> Fields:
        """Return the fields of a rewritten class, inherited ones first."""
        inherited = self.all_fields(self.bases[name]) if self.bases[name] in self.fields else {}
        return inherited | self.fields[name]

    def model(self, node: ast.ClassDef) -> ast.ClassDef:
        """Return a class with our base, our aliases and the server's words as docstrings.

        Enters its fields in ``fields`` and its base in ``bases``. Raises ``NoModel``.
        """
        base = node.bases[0] if len(node.bases) == 1 else None
        root = _first_base(node) == "RootModel"
        if base is None or _first_base(node) not in _BASES | self.classes or node.decorator_list:
            raise NoModel(f"the model generator gave {node.name} unknown bases")
        self.fields[node.name], self.bases[node.name] = {}, _first_base(node)
        body: list[ast.stmt] = []
        for part in node.body:
            body += self._rewrite_statement(part, owner=node.name, root=root)
        node.bases, node.keywords, node.body = [self._base_expr(base)], [], body or [ast.Pass()]
        return node

    def _base_expr(self, base: ast.expr) -> ast.expr:
        if isinstance(base, ast.Subscript):  # the field says of what, where links may lead ahead
            return ast.Subscript(value=ast.Name("RootModel"), slice=ast.Name("Any"))
        name = ast.unparse(base)
        return ast.Name("Model" if name == "BaseModel" else name)

    def _rewrite_statement(self, part: ast.stmt, *, owner: str, root: bool) -> list[ast.stmt]:
        """Return a statement of a class rewritten, and enter its field; raises ``NoModel``."""
        if isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant):
            return self._docstring(part.value.value)
        if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) in _SETTINGS:
            return []
        if isinstance(part, ast.Pass):
            return []
        if not (isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)):
            raise NoModel(f"the model generator wrote {type(part).__name__} in {owner}")
        name, alias = part.target.id, _alias(part.value)
        annotation = self.annotation(part.annotation)
        key = alias or name
        if not root and key not in self.wire:
            raise NoModel(f"the model generator made up the field {name!r}")
        wire, optional = name if root else self.wire[key], _is_optional(part.value)
        self.fields[owner][name] = (wire, ast.unparse(annotation), not optional)
        value = _field_value(None if root or wire == camel(name) else wire, optional=optional)
        return [ast.AnnAssign(target=part.target, annotation=annotation, value=value, simple=1)]

    def _docstring(self, text: object) -> list[ast.stmt]:
        """Return the server's description for a token as a docstring; nothing without one."""
        description = self.tokens.get(str(text).strip(), "")
        return [ast.Expr(ast.Constant(description))] if description else []

    def annotation(self, node: ast.expr) -> ast.expr:
        """Return an annotation simplified and without tokens; ``NoModel`` for undeclared names."""
        node = _AnnotationSimplifier(self.classes).visit(node)
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                if part.value not in self.tokens:
                    raise NoModel("the model generator wrote a string of its own")
                part.value = self.tokens[part.value]
            elif isinstance(part, ast.Name) and not (
                part.id in self.classes or part.id in _NAMES or part.id in _TYPING
            ):
                raise NoModel(f"the model generator used {part.id!r}")
            elif isinstance(part, (ast.Call, ast.Attribute)):
                raise NoModel("the model generator wrote an annotation that is not a type")
        return node


class _AnnotationSimplifier(ast.NodeTransformer):
    """Writes unions as ``A | B``, later classes without quotes, containers in full."""

    def __init__(self, classes: frozenset[str]) -> None:
        self.classes = classes

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Write a union as a chain; the arguments of ``Literal`` are left alone."""
        name = node.value.id if isinstance(node.value, ast.Name) else ""
        if name == "Literal":
            return node
        node.slice = self.visit(node.slice)
        if name == "Optional":
            return ast.BinOp(left=node.slice, op=ast.BitOr(), right=ast.Constant(None))
        if name != "Union" or not isinstance(node.slice, ast.Tuple):
            return node
        first, *others = node.slice.elts
        for other in others:
            first = ast.BinOp(left=first, op=ast.BitOr(), right=other)
        return first

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """Write a quoted class without quotes."""
        return ast.Name(str(node.value)) if node.value in self.classes else node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Give a bare container its arguments; where it has some, only those are visited."""
        return ast.parse(_BARE[node.id], mode="eval").body if node.id in _BARE else node


def _first_base(node: ast.ClassDef) -> str:
    """Return the name of the first base, without its arguments; empty where there is none."""
    base = node.bases[0] if node.bases else None
    if isinstance(base, ast.Subscript):
        base = base.value
    return base.id if isinstance(base, ast.Name) else ""


def _is_rebuild(node: ast.stmt, classes: frozenset[str]) -> bool:
    """Tell whether a statement is ``model_rebuild()`` of a class."""
    name, _, call = ast.unparse(node).partition(".")
    return name in classes and call == "model_rebuild()"


def _alias(value: ast.expr | None) -> str:
    """Return the ``alias`` in a call of ``Field``; empty where there is none."""
    if isinstance(value, ast.Call):
        for keyword in value.keywords:
            if keyword.arg == "alias" and isinstance(keyword.value, ast.Constant):
                return str(keyword.value.value)
    return ""


def _is_optional(value: ast.expr | None) -> bool:
    """Tell whether the field has a default; with defaults cleaned away it is ``None``."""
    if isinstance(value, ast.Call):
        return bool(value.args) and not _is_ellipsis(value.args[0])
    return value is not None and not _is_ellipsis(value)


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is Ellipsis


def _field_value(wire: str | None, *, optional: bool) -> ast.expr | None:
    """Return what a field is set to: ``None``, ``Field(…)`` with its wire name, or nothing."""
    none = ast.Constant(None)
    if wire is None:
        return none if optional else None
    keywords = [ast.keyword("default", none)] if optional else []
    for name in ("validation_alias", "serialization_alias"):
        keywords.append(ast.keyword(name, ast.Constant(wire)))
    return ast.Call(func=ast.Name("Field"), args=[], keywords=keywords)


def _import_lines(tree: ast.Module) -> str:
    """Return the imports of the names that a module uses."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    lines = ["from __future__ import annotations\n"]
    for module, offered in (
        ("typing", _TYPING),
        ("callsheet.model", ("Field", "Model", "RootModel")),
    ):
        wanted = [name for name in offered if name in used]
        if wanted:
            lines.append(f"from {module} import {', '.join(wanted)}\n")
    return "".join(lines) + "\n"
