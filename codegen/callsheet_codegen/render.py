"""Render the templates, the help pages and the formatted package."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
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
from callsheet_codegen.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from callsheet.spec import Action
    from callsheet_codegen.ir import Project

    Work = Callable[[Sequence[str]], dict[str, str]]


def templates_folder() -> Path:
    """Return the folder of templates: in the installed package, or beside the source roots."""
    packaged = Path(str(resources.files("callsheet_codegen"))) / "templates"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "templates"


def _finalize(value: Any) -> str:
    if not isinstance(value, Code):
        raise CodeError(f"a template wrote {type(value).__name__}, which is no Code")
    return value.text


def _indent(value: Code, width: int) -> Code:
    return value.indented(width)


@cache
def environment() -> Environment:
    """Build the one environment: undefined names raise, one filter ``indent``, no globals."""
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
    """Render one template; raises ``CodeError`` for output that is not ``Code``."""
    return environment().get_template(template).render(**context)


def help_files(
    command: str,
    listings: Sequence[Action],
    actions: Mapping[str, Action],
    wanted: Container[str] | None = None,
) -> tuple[DataFile, ...]:
    """Make the wanted files of stored help and flags (all, where ``wanted`` is ``None``).

    ``listings`` are all actions, without parameters; ``actions`` those that were read, by id.
    """
    by_command = {action.command: action for action in actions.values() if action.command}
    texts = pages(command, listings, by_command, wanted)
    return tuple(DataFile(path=f"help/{name}", text=text) for name, text in texts.items())


def commands_index(listings: Sequence[Action]) -> tuple[Word, ...]:
    """Return the first words of all commands, with the line that the help has for each."""
    rows = entries([action for action in listings if action.command], ())
    return tuple(Word(word=literal(word), summary=literal(text)) for word, text in rows.items())


_CHUNK = 100  # for fewer files another process costs more than it saves
_work: Work | None = None  # of a forked process


def share(work: Work, paths: Sequence[str]) -> dict[str, str]:
    """Return what the work gives for all paths, each of which stands for itself.

    Chunks go to forked processes where there are enough paths; the chunk of one that dies is done
    here, so that what is wrong with it is raised here.
    """
    count = min(os.cpu_count() or 1, len(paths) // _CHUNK)
    if count < 2 or sys.platform != "linux":  # elsewhere a fork may not use what the system offers
        return work(paths)
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    with ProcessPoolExecutor(count - 1, get_context("fork"), _install, (work,)) as pool:
        chunks = [paths[start::count] for start in range(count)]
        futures = [pool.submit(_run, chunk) for chunk in chunks[1:]]
        texts = dict(work(chunks[0]))
        for chunk, future in zip(chunks[1:], futures, strict=True):
            try:
                texts |= future.result()
            except BrokenProcessPool:
                texts |= work(chunk)
    return texts


def _install(work: Work) -> None:
    """Set the work of a forked process, which takes it over without pickling."""
    global _work
    gc.disable()
    _work = work


def _run(chunk: Sequence[str]) -> dict[str, str]:
    if _work is None:
        raise RuntimeError("a forked process has no work")
    return _work(chunk)


_EMPTY = {
    "groups/__init__.py": "Hold the actions by group; each module is imported when it is used.",
}
_RUFF = ("--isolated", "--no-cache", "--quiet", "--target-version=py311", "--line-length=100")


def render_project(
    part: Callable[[frozenset[str]], Project], paths: Iterable[str]
) -> tuple[RenderedFile, ...]:
    """Render these files, in order of their paths.

    Raises ``CodeError`` and ``Unsafe``, which are faults of the generator.

    ``part`` gives the project as far as some files need it.
    """
    texts = share(lambda chunk: _texts(part(frozenset(chunk))), sorted(paths))
    sources = _format({path: text for path, text in texts.items() if path.endswith(".py")})
    texts |= share(
        lambda chunk: _verify_all({path: sources[path] for path in chunk}), list(sources)
    )
    return tuple(RenderedFile(path=path, text=texts[path]) for path in sorted(texts))


def _texts(project: Project) -> dict[str, str]:
    """Render the wanted files of a project."""
    texts = {file.path: file.text for file in project.data if project.wants(file.path)}
    if project.wants("api.md"):
        texts["api.md"] = render("api.md.jinja", project=project)
    if project.wants("py.typed"):
        texts["py.typed"] = ""
    return texts | dict(_python(project))


def _verify_all(sources: dict[str, str]) -> dict[str, str]:
    """Return the same sources after each was verified."""
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
    """Yield every module: its path, its template and the template's context."""
    shared: dict[str, object] = {"project": project}
    doc = Doc("Call the actions that one server advertises.")
    yield "__init__.py", "package_init.py.jinja", {"doc": doc}
    yield "__main__.py", "package_main.py.jinja", {}
    yield "_bindings.py", "bindings.py.jinja", shared
    yield "cli.py", "cli.py.jinja", shared
    for path, base in (("client.py", "Client"), ("aclient.py", "AsyncClient")):
        context = {"base": Ident(base), "is_async": base == "AsyncClient"}
        yield path, "client.py.jinja", {**shared, **context}
    for path, text in _EMPTY.items():
        yield path, "empty_init.py.jinja", {"doc": Doc(text)}
    for group in project.groups:
        yield f"groups/{group.module}.py", "group.py.jinja", {"group": group}
    yield "commands/__init__.py", "commands_init.py.jinja", shared
    for module in project.commands:
        yield f"commands/{module.module}.py", "commands.py.jinja", {"module": module}
    yield "models/__init__.py", "models_init.py.jinja", shared
    for model in project.models:
        yield f"models/{model.stem}.py", "model.py.jinja", {"module": model}


def _ruff() -> str:
    """Return the program that came with the package, not one that happens to be on the path."""
    finder = import_module("ruff.__main__")
    return os.fsdecode(finder.find_ruff_bin())


def _format(sources: Mapping[str, str]) -> dict[str, str]:
    """Drop unused imports, sort the others, then run one ``ruff format`` for all files."""
    if not sources:
        return {}
    ruff = _ruff()
    with tempfile.TemporaryDirectory(prefix="callsheet-") as folder:
        for subfolder in {os.path.dirname(path) for path in sources}:
            os.makedirs(os.path.join(folder, subfolder), exist_ok=True)
        for path, text in sources.items():
            with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
                file.write(text)
        for argv in (("check", "--fix", "--select=F401,I001"), ("format",)):
            done = subprocess.run(  # noqa: S603 - no shell; ruff by its path, our folder
                [ruff, argv[0], *_RUFF, *argv[1:], folder],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise CallsheetError(
                    f"ruff {argv[0]} refused the generated code: {done.stdout[:300]}",
                    hint="this is a fault of callsheet: please report it",
                )
        return {path: _read(os.path.join(folder, path)) for path in sources}


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()
