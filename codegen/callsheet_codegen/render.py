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
from traceback import extract_tb
from typing import TYPE_CHECKING, Any

from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from callsheet.errors import CallsheetError, UsageError
from callsheet.text import did_you_mean, one_line
from callsheet_codegen.code import Code, CodeError, Ident
from callsheet_codegen.verify import Unsafe, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from callsheet_codegen.ir import Project

    Work = Callable[[Sequence[str]], dict[str, str]]


def templates_folder() -> Path:
    """Return the folder of templates: in the installed package, or beside the source roots."""
    packaged = Path(str(resources.files("callsheet_codegen"))) / "templates"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "templates"


def _finalize(value: Any) -> str:
    """Return the text of what a template writes; raise ``CodeError`` unless it is ``Code``."""
    if not isinstance(value, Code):
        raise CodeError(f"a template wrote {type(value).__name__}, which is not Code")
    return value.text


@cache
def environment(templates: Path | None = None) -> Environment:
    """Return the environment: undefined names raise, one filter ``indent``, no globals.

    A template in ``templates`` stands for ours of that name; none of them reaches Python's own
    objects then. Raises ``UsageError`` for one that stands for nothing.
    """
    kind, folders = Environment, [templates_folder()]
    if templates is not None:
        _require_known(templates)
        kind, folders = ImmutableSandboxedEnvironment, [templates, *folders]
    env = kind(
        loader=FileSystemLoader(folders),
        undefined=StrictUndefined,
        finalize=_finalize,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.filters = {"indent": Code.indented}
    env.globals = {}
    return env


def _require_known(templates: Path) -> None:
    """Raise ``UsageError`` for a template that has the name of none of ours."""
    ours = {path.name for path in templates_folder().glob("*.jinja")}
    for path in sorted(templates.glob("*.jinja")):
        if path.name not in ours:
            hint = did_you_mean(path.name, ours) or f"there are: {', '.join(sorted(ours))}"
            raise UsageError(f"{path} replaces no template", hint=hint)


def render(template: str, templates: Path | None = None, **context: object) -> str:
    """Render one template; raises ``CodeError`` for output that is not ``Code``."""
    return environment(templates).get_template(template).render(**context)


_CHUNK = 100  # for fewer files another process costs more than it saves
_work: Work | None = None  # of a forked process


def share(work: Work, paths: Sequence[str]) -> dict[str, str]:
    """Return path → text of ``work`` for all paths; no path's text may depend on another.

    Chunks of the paths go to forked processes where there are enough; the chunk of a process that
    dies is done here, so that its error is raised here.
    """
    count = min(os.cpu_count() or 1, len(paths) // _CHUNK)
    if count < 2 or sys.platform != "linux":  # elsewhere a fork may not use what the system offers
        return work(paths)
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    with ProcessPoolExecutor(count - 1, get_context("fork"), _set_work, (work,)) as pool:
        chunks = [paths[start::count] for start in range(count)]
        futures = [pool.submit(_run_chunk, chunk) for chunk in chunks[1:]]
        texts = dict(work(chunks[0]))
        for chunk, future in zip(chunks[1:], futures, strict=True):
            try:
                texts |= future.result()
            except BrokenProcessPool:
                texts |= work(chunk)
    return texts


def _set_work(work: Work) -> None:
    """Set the work of a forked process, which takes it over without pickling."""
    global _work
    gc.disable()
    _work = work


def _run_chunk(chunk: Sequence[str]) -> dict[str, str]:
    if _work is None:
        raise RuntimeError("a forked process has no work")
    return _work(chunk)


_RUFF = ("--isolated", "--no-cache", "--quiet", "--target-version=py311", "--line-length=100")


def render_project(
    part: Callable[[frozenset[str]], Project], paths: Iterable[str], templates: Path | None = None
) -> dict[str, str]:
    """Return path → text of each of these files, formatted and verified, in order of their paths.

    ``part`` returns the project as far as some files need it. Raises ``CallsheetError`` where ruff
    refuses the code, ``CodeError`` and ``Unsafe``: all are faults of the generator, or of the
    project's own ``templates`` where there are some, which is a ``UsageError``.
    """
    try:
        return _render_project(part, paths, templates)
    except (TemplateError, CodeError, Unsafe, CallsheetError) as error:
        if templates is None or isinstance(error, UsageError):
            raise
        lines = [entry for entry in extract_tb(error.__traceback__) if ".jinja" in entry.filename]
        place = f"{lines[-1].filename}:{lines[-1].lineno}" if lines else str(templates)
        if isinstance(error, TemplateSyntaxError):
            place = f"{error.filename}:{error.lineno}"
        reason = getattr(error, "message", None) or str(error)
        raise UsageError(
            f"the templates of this project do not work: {place}: {one_line(reason, 300)}",
            hint="correct the template, or take `templates` out of the table",
        ) from None


def _render_project(
    part: Callable[[frozenset[str]], Project], paths: Iterable[str], templates: Path | None
) -> dict[str, str]:

    def render_chunk(chunk: Sequence[str]) -> dict[str, str]:
        project = part(frozenset(chunk))
        return {path: text for path, text in project.data.items() if path in project.wanted} | {
            path: render(template, templates, **context)
            for path, template, context in _templates(project)
            if path in project.wanted
        }

    def verify_chunk(chunk: Sequence[str]) -> dict[str, str]:
        for path in chunk:
            verify(path, sources[path])
        return {path: sources[path] for path in chunk}

    texts = share(render_chunk, sorted(paths))
    sources = _format({path: text for path, text in texts.items() if path.endswith(".py")})
    return dict(sorted((texts | share(verify_chunk, list(sources))).items()))


def prepare(templates: Path | None = None) -> None:
    """Load the templates and find ruff, before there is something to render."""
    if templates is None:  # else a broken one is told when it is used
        for name in environment().list_templates():
            environment().get_template(name)
    _ruff()


def _templates(project: Project) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Yield path, template and context of every file that a template makes."""
    shared: dict[str, object] = {"project": project}
    yield "__init__.py", "package_init.py.jinja", {}
    yield "__main__.py", "package_main.py.jinja", {}
    yield "_bindings.py", "bindings.py.jinja", shared
    yield "api.md", "api.md.jinja", shared
    yield "cli.py", "cli.py.jinja", shared
    for path, base in (("client.py", "Client"), ("aclient.py", "AsyncClient")):
        context = {"base": Ident(base), "is_async": base == "AsyncClient"}
        yield path, "client.py.jinja", {**shared, **context}
    yield "groups/__init__.py", "groups_init.py.jinja", {}
    for group in project.groups:
        yield f"groups/{group.module}.py", "group.py.jinja", {"group": group}
    yield "commands/__init__.py", "commands_init.py.jinja", shared
    for module in project.commands:
        yield f"commands/{module.module}.py", "commands.py.jinja", {"module": module}
    yield "models/__init__.py", "models_init.py.jinja", shared
    for model in project.models:
        yield f"models/{model.stem}.py", "model.py.jinja", {"module": model}


def _ruff() -> str:
    """Return the path of the ruff that came with its package, not of one on the ``PATH``."""
    finder = import_module("ruff.__main__")
    return os.fsdecode(finder.find_ruff_bin())


def _format(sources: Mapping[str, str]) -> dict[str, str]:
    """Return path → source without unused imports, with sorted ones, and formatted.

    Raises ``CallsheetError`` where ruff refuses.
    """
    if not sources:
        return {}
    ruff = _ruff()
    with tempfile.TemporaryDirectory(prefix="callsheet-") as folder:
        files = {path: Path(folder, path) for path in sources}
        for path, file in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(sources[path], encoding="utf-8")
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
        return {path: file.read_text(encoding="utf-8") for path, file in files.items()}
