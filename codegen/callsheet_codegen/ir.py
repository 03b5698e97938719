"""Represent the package to be written, and problems as values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from callsheet_codegen.code import Code, Doc, Ident, TypeExpr


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One keyword argument of a method, and the wire name it fills."""

    name: Ident
    wire: Code
    type: TypeExpr
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method of a group.

    ``result`` is the type of the data that comes back; ``job`` says that a task comes back, not
    a result.
    """

    name: Ident
    action: Ident
    doc: Doc
    async_doc: Doc
    fields: tuple[Field, ...]
    result: TypeExpr
    job: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A group as its parent sees it: the property's name and where the classes are."""

    name: Ident
    module: Ident
    cls: Ident
    doc: Doc


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """One ``Action(…)`` literal; ``words`` is its command, where it has one."""

    name: Ident
    value: Code
    words: Code | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandModule:
    """The ``Action`` literals whose commands begin with one word."""

    module: Ident
    doc: Doc
    constants: tuple[Constant, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One module of methods. The async class is ``Async`` + ``cls``.

    ``literals`` are module and name of the actions; ``imports`` are module and name of the models,
    with their names in this module.
    """

    module: Ident
    cls: Ident
    doc: Doc
    methods: tuple[Method, ...]
    children: tuple[Child, ...]
    literals: tuple[tuple[Ident, Ident], ...]
    imports: tuple[tuple[Ident, Ident, Ident], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One group in ``api.md``; a row is action, method, command and summary."""

    title: Code
    rows: tuple[tuple[Code, Code, Code, Code], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelModule:
    """The models of one action: finished source, ``INPUT`` and ``OUTPUT``, and what it offers."""

    stem: Ident
    source: Code
    roles: tuple[tuple[Ident, Ident], ...]
    exports: tuple[Ident, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Every file that is written, in order, independent of the order of the catalogue.

    ``wanted`` names the files that are to be made: groups, commands, models and data (path →
    text) are no more than those need. ``words`` are the first words of commands, with their lines
    in the help.
    """

    command: Code
    env: Code
    source: Code
    interface: Code
    title: Code
    groups: tuple[Group, ...]
    commands: tuple[CommandModule, ...]
    modules: tuple[tuple[Code, Code], ...]
    sections: tuple[Section, ...]
    roots: tuple[Child, ...]
    words: tuple[tuple[Code, Code], ...]
    models: tuple[ModelModule, ...]
    exports: tuple[tuple[Code, Code, Ident, Ident], ...]
    data: Mapping[str, str]
    wanted: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What to do with one file of the package; ``keep`` leaves a changed file, and is reported."""

    kind: Literal["write", "delete", "keep"]
    path: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What publishing will do: nothing, if there is neither a write nor a delete.

    ``manifest`` are the files that the generator wrote: path → sha256 of the text. ``edited`` are
    those of them that somebody changed and that stay so.
    """

    steps: tuple[Step, ...]
    manifest: Mapping[str, str]
    edited: tuple[str, ...] = ()

    @property
    def writes(self) -> tuple[Step, ...]:
        """Return the steps of files whose text is new or different."""
        return tuple(step for step in self.steps if step.kind == "write")

    @property
    def deletes(self) -> tuple[Step, ...]:
        """Return the steps of own files that are not generated any more."""
        return tuple(step for step in self.steps if step.kind == "delete")

    @property
    def idle(self) -> bool:
        """Tell whether there is neither a write nor a delete."""
        return not (self.writes or self.deletes)


Level = Literal["note", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """A problem: its action, its location in the schema, and what to do.

    ``warning`` means that something fell back (``--strict`` turns it into exit 1); ``note`` is
    for reading only. ``pointer`` is a JSON pointer into the action's schema.
    """

    level: Level
    code: str
    action: str = ""
    pointer: str = ""
    message: str
    hint: str = ""

    def line(self) -> str:
        """Return one line for a person."""
        location = f"{self.action}{self.pointer}: " if self.action else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.level}: {location}{self.message}{hint}"

    def as_json(self) -> dict[str, str]:
        """Return the object that ``--json`` prints."""
        return asdict(self)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return diagnostics without repetition, by action, pointer, code and message."""
    return tuple(sorted(set(diagnostics), key=lambda d: (d.action, d.pointer, d.code, d.message)))


def fell_back(diagnostics: Iterable[Diagnostic]) -> bool:
    """Tell whether any is worse than a note."""
    return any(d.level != "note" for d in diagnostics)
