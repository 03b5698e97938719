"""The second lock: parse what was written and refuse whatever generated code never needs."""

from __future__ import annotations

import ast

_STATEMENTS = (
    ast.AnnAssign,
    ast.Assign,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Expr,
    ast.FunctionDef,
    ast.If,
    ast.ImportFrom,
    ast.Pass,
    ast.Return,
    ast.Raise,
)
_EXPRESSIONS = (
    ast.Attribute,
    ast.Await,
    ast.BinOp,
    ast.BoolOp,
    ast.Call,
    ast.Compare,
    ast.Constant,
    ast.Dict,
    ast.List,
    ast.Name,
    ast.Subscript,
    ast.Tuple,
    ast.UnaryOp,
)
_MODULES = frozenset({"__future__", "callsheet", "collections.abc", "functools", "typing"})
_MODEL_MODULES = frozenset({"__future__", "callsheet.model", "typing"})
_INDEX_MODULES = frozenset({"importlib", "typing"})
_CALLS = frozenset(
    (
        *("Action", "Family", "Param", "Bindings", "Field"),
        *("AttributeError", "SystemExit", "getattr", "import_module", "main"),
    )
)
_DECORATORS = frozenset({"property", "overload", "cached_property"})
_DUNDERS = frozenset({"__name__", "__package__", "__all__", "__dir__", "__getattr__", "__init__"})


class Unsafe(ValueError):
    """A generated file holds something that no template writes."""


def verify(path: str, text: str) -> None:
    """Check one Python file; raises ``Unsafe`` naming the file, the line and the construct."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise Unsafe(f"{path}: not Python: {error}") from error
    models = path.startswith("models/")
    modules = _MODEL_MODULES if models else _MODULES
    modules = _INDEX_MODULES if path == "models/__init__.py" else modules
    for node in ast.walk(tree):
        fault = _fault(node, modules)
        if fault:
            raise Unsafe(f"{path}:{getattr(node, 'lineno', 0)}: {fault}")


def _fault(node: ast.AST, modules: frozenset[str]) -> str:
    if isinstance(node, ast.stmt):
        return _statement(node, modules)
    if isinstance(node, ast.expr):
        return _expression(node, modules)
    return ""


def _statement(node: ast.stmt, modules: frozenset[str]) -> str:
    if not isinstance(node, _STATEMENTS):
        return type(node).__name__
    if isinstance(node, ast.ImportFrom):
        return _import(node, modules)
    if isinstance(node, ast.Expr) and not _is_text(node.value) and not _is_call(node.value):
        return "an expression that does nothing"
    if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        if not _plain(node.name):
            return f"the name {node.name!r}"
        for decorator in node.decorator_list:
            if not (isinstance(decorator, ast.Name) and decorator.id in _DECORATORS):
                return f"the decorator {ast.unparse(decorator)}"
    return ""


def _import(node: ast.ImportFrom, modules: frozenset[str]) -> str:
    module = node.module or ""
    if node.level == 0:
        if module not in modules:
            return f"an import of {module}"
    elif node.level > 2:
        return "an import from outside the package"
    if any(alias.name == "*" for alias in node.names):
        return "a star import"
    return ""


def _expression(node: ast.expr, modules: frozenset[str]) -> str:
    if not isinstance(node, _EXPRESSIONS):
        return type(node).__name__
    if isinstance(node, ast.Name) and not _plain(node.id):
        return f"the name {node.id!r}"
    if isinstance(node, ast.Attribute) and not _plain(node.attr):
        return f"the attribute {node.attr!r}"
    if isinstance(node, ast.Call):
        return _call(node, modules)
    return ""


def _call(node: ast.Call, modules: frozenset[str]) -> str:
    target = node.func
    if isinstance(target, ast.Attribute):
        on_class = modules == _MODEL_MODULES and target.attr == "model_rebuild"
        own = isinstance(target.value, ast.Name) and target.value.id in {"self", "launch"}
        return "" if on_class or own else f"a call of {ast.unparse(target)}"
    if isinstance(target, ast.Name):
        known = target.id in _CALLS or target.id.endswith("Actions")
        return "" if known else f"a call of {target.id}"
    return "a call of an expression"


def _plain(name: str) -> bool:
    return name in _DUNDERS or (name.isascii() and name.isidentifier() and "__" not in name[:2])


def _is_text(node: ast.expr) -> bool:
    """A docstring, or the ``...`` of an overload."""
    return isinstance(node, ast.Constant) and (
        isinstance(node.value, str) or node.value is Ellipsis
    )


def _is_call(node: ast.expr) -> bool:
    return isinstance(node, ast.Call)
