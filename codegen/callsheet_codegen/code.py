"""Turn data into source text."""

from __future__ import annotations

import ast
import keyword
import re
import textwrap
from collections.abc import Mapping
from typing import Any

_IDENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_DOC_WIDTH = 92  # of 100 columns, where a method's docstring is indented by eight
_PIECE_WIDTH = 76  # of a long string, where it stands in a constructor inside a tuple
_BROKEN = re.compile(r"[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]|\r\n?")


class CodeError(ValueError):
    """Data that cannot become the asked kind of source text."""


class Code:
    """Source text that is safe where it stands; only this module can create one."""

    __slots__ = ("text",)

    def __init__(self, text: str, *, _made_here: bool = False) -> None:
        if not _made_here:
            raise CodeError("Code is made by Ident, TypeExpr, Doc and literal() alone")
        self.text = text

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Code) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def indented(self, width: int) -> Code:
        """Return the text with every line but the first moved ``width`` columns to the right."""
        lines = self.text.split("\n")
        pad = " " * width
        moved = [lines[0], *(pad + line if line.strip() else "" for line in lines[1:])]
        return Code("\n".join(moved), _made_here=True)


class Ident(Code):
    """One ASCII Python identifier that is not a keyword; raises ``CodeError`` for another text."""

    __slots__ = ()

    def __init__(self, name: str) -> None:
        if not _IDENT.match(name) or keyword.iskeyword(name):
            raise CodeError(f"{name!r} is not an identifier")
        super().__init__(name, _made_here=True)


class TypeExpr(Code):
    """A type annotation: names, unions, subscripts, and constants inside ``Literal`` alone.

    Raises ``CodeError`` for anything else.
    """

    __slots__ = ()

    def __init__(self, text: str) -> None:
        try:
            body = ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError) as error:
            raise CodeError(f"not a type: {text!r}") from error
        _check_type(body, inside_literal=False)
        super().__init__(ast.unparse(body), _made_here=True)


def _check_type(node: ast.expr, *, inside_literal: bool) -> None:
    """Raise ``CodeError`` for a node that is not part of a type."""
    if isinstance(node, ast.Constant):
        if not (inside_literal or node.value is None or node.value is Ellipsis):
            raise CodeError("a constant stands only inside Literal[…]")
    elif isinstance(node, ast.Name):
        Ident(node.id)
    elif isinstance(node, ast.Tuple):
        for item in node.elts:
            _check_type(item, inside_literal=inside_literal)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        _check_type(node.left, inside_literal=False)
        _check_type(node.right, inside_literal=False)
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        Ident(node.value.id)
        _check_type(node.slice, inside_literal=node.value.id == "Literal")
    elif not (inside_literal and _is_negative_number(node)):
        raise CodeError(f"not part of a type: {ast.unparse(node)}")


def _is_negative_number(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
    )


def plain(text: str) -> str:
    """Return server text as printable lines: line ends become ``\\n``, a tab four spaces.

    What cannot print is dropped, as are trailing blanks and empty lines at both ends.
    """
    unified = _BROKEN.sub("\n", text).replace("\t", "    ")
    return "\n".join(
        "".join(c for c in line if c.isprintable()).rstrip() for line in unified.split("\n")
    ).strip("\n")


def wrap_line(line: str, *, hang: int = 0, width: int = _DOC_WIDTH) -> list[str]:
    """Break a line at spaces into lines of ``width``; a longer word stays whole.

    Later lines are indented like the first, and by ``hang`` more.
    """
    if len(line) <= width:
        return [line]
    indent = len(line) - len(line.lstrip()) + hang
    return textwrap.wrap(
        line,
        width,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


class Doc(Code):
    """A docstring of any text, quotes included: its lines are wrapped, its quotes escaped."""

    __slots__ = ()

    def __init__(self, text: str) -> None:
        first, *others = plain(text).strip().replace("\\", "\\\\").split("\n")
        lines = wrap_line(first, width=_DOC_WIDTH - 3)
        lines += [part for line in others for part in wrap_line(line)]
        body = "\n".join(lines).replace('"""', '\\"\\"\\"')
        if body.endswith('"'):
            body = body[:-1] + '\\"'
        is_short = len(lines) == 1 and len(body) <= _DOC_WIDTH - 6
        super().__init__(f'"""{body}"""' if is_short else f'"""{body}\n"""', _made_here=True)


class Module(Code):
    """A whole module body, written anew from its syntax tree: comments go, docstrings are wrapped.

    Raises ``CodeError`` for what is not Python.
    """

    __slots__ = ()

    def __init__(self, source: str) -> None:
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError) as error:
            raise CodeError("not a Python module") from error
        docs: list[Doc] = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                docs.append(Doc(str(node.value.value)))
                node.value = ast.Name(f"_doc_{len(docs) - 1}")

        def doc(line: re.Match[str]) -> str:
            return line[1] + docs[int(line[2])].indented(len(line[1])).text

        # Of all texts only docstrings span lines, and none is left.
        text = re.sub(r"^( *)_doc_(\d+)$", doc, ast.unparse(tree), flags=re.MULTILINE)
        super().__init__(text, _made_here=True)


class Markdown(Code):
    """Text for a Markdown page: one line, with all markup escaped."""

    __slots__ = ()

    def __init__(self, text: str) -> None:
        line = " ".join(plain(text).split())
        super().__init__(re.sub(r"([\\`*_{}\[\]()<>#|!&])", r"\\\1", line), _made_here=True)


class CodeSpan(Code):
    """A Markdown code span with its backticks, on one line; empty for an empty text.

    Backticks inside become ``'``, bars ``¦``.
    """

    __slots__ = ()

    def __init__(self, text: str) -> None:
        line = " ".join(plain(text).split()).replace("`", "'").replace("|", "¦")
        super().__init__(f"`{line}`" if line else "", _made_here=True)


def literal(value: Any) -> Code:
    """Return Python source for a value: JSON data, ``Code``, tuples or a ``NamedTuple``.

    A named tuple becomes a call of its class that leaves out the fields at their default.
    Raises ``CodeError`` for anything else.
    """
    return Code(_source(value), _made_here=True)


def _source(value: Any) -> str:
    """Return source for any value that ``literal`` takes; raise ``CodeError`` for others."""
    if value is None or isinstance(value, (bool, str, int, float)):
        return _scalar(value)
    if isinstance(value, Code):
        return value.text
    if hasattr(value, "_field_defaults"):
        return _construct(value)
    if isinstance(value, tuple):
        items = ", ".join(_source(item) for item in value)
        return f"({items},)" if len(value) == 1 else f"({items})"
    if isinstance(value, list):
        return f"[{', '.join(_source(item) for item in value)}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_scalar(k)}: {_source(v)}' for k, v in value.items())}}}"
    raise CodeError(f"no literal for {type(value).__name__}")


def _scalar(value: Any) -> str:
    """Return source for a scalar of JSON; raise ``CodeError`` for one without a literal."""
    if isinstance(value, float) and (value != value or value in {float("inf"), float("-inf")}):
        raise CodeError("no literal for a number that is not finite")
    if not (value is None or isinstance(value, (bool, str, int, float))):
        raise CodeError(f"no literal for {type(value).__name__}")
    try:
        return _text(value) if isinstance(value, str) else repr(value)
    except ValueError as error:
        raise CodeError("no literal for a number of this length") from error


def _text(text: str) -> str:
    """Return a string literal; a long text becomes adjacent literals in parentheses."""
    if len(text) <= _PIECE_WIDTH:
        return repr(text)
    pieces = [""]
    for word in re.split("(?<= )", text):
        if pieces[-1] and len(repr(pieces[-1] + word)) > _PIECE_WIDTH:
            pieces.append("")
        pieces[-1] += word
    return f"({' '.join(map(repr, pieces))})"


def _construct(value: Any) -> str:
    """Return the call that makes a named tuple, without the fields at their default."""
    arguments = []
    for name, argument in value._asdict().items():
        default = value._field_defaults.get(name, ...)
        if argument != default or type(argument) is not type(default):
            arguments.append(f"{Ident(name)}={_source(argument)}")
    return f"{Ident(type(value).__name__)}({', '.join(arguments)})"
