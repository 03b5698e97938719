"""Render the templates, the help pages and the formatted package."""

from __future__ import annotations

import os
import subprocess
import tempfile
from functools import cache
from importlib import import_module, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from callsheet.cli.help.pages import entries, pages
from callsheet.errors import CallsheetError
from callsheet_codegen.code import Code, CodeError, Doc, Ident, literal
from callsheet_codegen.ir import DataFile, RenderedFile, Word
from callsheet_codegen.parallel import spread
from callsheet_codegen.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from callsheet.spec import Action
    from callsheet_codegen.ir import Project


def templates_folder() -> Path:
    """Where the templates are: in the installed package, or beside the source roots."""
    inside = Path(str(resources.files("callsheet_codegen"))) / "templates"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "templates"


def _finalize(value: Any) -> str:
    if not isinstance(value, Code):
        raise CodeError(f"a template wrote {type(value).__name__}, which is no Code")
    return value.text


def _indent(value: Code, width: int) -> Code:
    return value.indented(width)


@cache
def environment() -> Environment:
    """The one environment: undefined names raise, the one filter is ``indent``, no globals."""
    env = Environment(
        loader=FileSystemLoader(templates_folder()),
        undefined=StrictUndefined,
        finalize=_finalize,
        autoescape=False,  # noqa: S701 - HTML escapes would spoil Python; finalize guards
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.filters = {"indent": _indent}
    env.globals = {}
    return env


def render(template: str, **context: object) -> str:
    """The text of one template; raises ``CodeError`` for output that is not ``Code``."""
    return environment().get_template(template).render(**context)


def help_files(
    command: str,
    faces: Sequence[Action],
    actions: Mapping[str, Action],
    wanted: Container[str] | None = None,
) -> tuple[DataFile, ...]:
    """Make the wanted files of stored help and flags (all, where ``wanted`` is ``None``).

    ``faces`` are all actions, without parameters; ``actions`` those that were read, by id.
    """
    whole = {one.command: one for one in actions.values() if one.command}
    made = pages(command, faces, whole, wanted)
    return tuple(DataFile(path=f"help/{name}", text=text) for name, text in made.items())


def words_of(faces: Sequence[Action]) -> tuple[Word, ...]:
    """The first words of all commands, with the line that the help has for each."""
    found = entries([action for action in faces if action.command], ())
    return tuple(Word(word=literal(word), summary=literal(text)) for word, text in found.items())


_EMPTY = {
    "groups/__init__.py": "The actions by group, each module imported when it is used.",
}
_RUFF = ("--isolated", "--no-cache", "--quiet", "--target-version=py311", "--line-length=100")


def render_project(
    part: Callable[[frozenset[str]], Project], paths: Iterable[str]
) -> tuple[RenderedFile, ...]:
    """These files, in order of their paths; ``CodeError`` and ``Unsafe`` are faults of ours.

    ``part`` gives the project as far as some files need it.
    """
    texts = spread(lambda some: _texts(part(frozenset(some))), sorted(paths))
    sources = _formatted({path: text for path, text in texts.items() if path.endswith(".py")})
    texts |= spread(lambda some: _verified({path: sources[path] for path in some}), list(sources))
    return tuple(RenderedFile(path=path, text=texts[path]) for path in sorted(texts))


def _texts(project: Project) -> dict[str, str]:
    """The files that are wanted of a project, as they are rendered."""
    found = {file.path: file.text for file in project.data if project.wants(file.path)}
    if project.wants("api.md"):
        found["api.md"] = render("api.md.jinja", project=project)
    if project.wants("py.typed"):
        found["py.typed"] = ""
    return found | dict(_python(project))


def _verified(sources: dict[str, str]) -> dict[str, str]:
    """The same, once each of them was looked through."""
    for path, text in sources.items():
        verify(path, text)
    return sources


def prepare() -> None:
    """Load what renders and formats, while there is nothing to render yet."""
    for name in environment().list_templates():
        environment().get_template(name)
    _ruff()


def _python(project: Project) -> Iterator[tuple[str, str]]:
    for path, template, context in _modules(project):
        if project.wants(path):
            yield path, render(template, **context)


def _modules(project: Project) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Every module: its path, its template and what that is given."""
    whole: dict[str, object] = {"project": project}
    doc = Doc("A client of one server, generated from what it advertises.")
    yield "__init__.py", "package_init.py.jinja", {"doc": doc}
    yield "__main__.py", "package_main.py.jinja", {}
    yield "_bindings.py", "bindings.py.jinja", whole
    yield "cli.py", "cli.py.jinja", whole
    for path, base in (("client.py", "Client"), ("aclient.py", "AsyncClient")):
        context = {"base": Ident(base), "is_async": base == "AsyncClient"}
        yield path, "client.py.jinja", {**whole, **context}
    for path, text in _EMPTY.items():
        yield path, "empty_init.py.jinja", {"doc": Doc(text)}
    for group in project.groups:
        yield f"groups/{group.module}.py", "group.py.jinja", {"group": group}
    yield "commands/__init__.py", "commands_init.py.jinja", whole
    for module in project.commands:
        yield f"commands/{module.module}.py", "commands.py.jinja", {"module": module}
    yield "models/__init__.py", "models_init.py.jinja", whole
    for model in project.models:
        yield f"models/{model.stem}.py", "model.py.jinja", {"module": model}


def _ruff() -> str:
    """The program that came with the package, not one that happens to be on the path."""
    finder = import_module("ruff.__main__")
    return os.fsdecode(finder.find_ruff_bin())


def _formatted(sources: Mapping[str, str]) -> dict[str, str]:
    """Unused imports out, the rest sorted, then one ``ruff format`` for the whole package."""
    if not sources:
        return {}
    ruff = _ruff()
    with tempfile.TemporaryDirectory(prefix="callsheet-") as folder:
        for below in {os.path.dirname(path) for path in sources}:
            os.makedirs(os.path.join(folder, below), exist_ok=True)
        for path, text in sources.items():
            with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
                file.write(text)
        for words in (("check", "--fix", "--select=F401,I001"), ("format",)):
            done = subprocess.run(  # noqa: S603 - no shell; ruff by its path, our folder
                [ruff, words[0], *_RUFF, *words[1:], folder],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise CallsheetError(
                    f"ruff {words[0]} refused the generated code: {done.stdout[:300]}",
                    hint="this is a fault of callsheet: please report it",
                )
        return {path: _read(os.path.join(folder, path)) for path in sources}


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()
