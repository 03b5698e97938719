"""Run datamodel-code-generator, bounded and audited."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import types
import warnings
from contextlib import redirect_stdout
from functools import lru_cache
from importlib.abc import InspectLoader
from typing import IO, TYPE_CHECKING, Any, Literal

from callsheet_codegen import names
from callsheet_codegen.models.pool import ModelSource
from callsheet_codegen.models.prepare import ModelSchemaPreparer, NoModel, Vocabulary, wire_names
from callsheet_codegen.models.rewrite import rewrite_module

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callsheet_codegen.models.pool import ModelRequest


CPU_SECONDS = 2.0
MEMORY_BYTES = 300 * 2**20
# What Python itself does when a module is executed; everything else is a reach outside.
_IMPORTING = frozenset(
    (
        *("compile", "exec", "import", "marshal.loads", "code.__new__", "function.__new__"),
        *("object.__getattr__", "object.__setattr__", "object.__delattr__", "builtins.id"),
        *("sys._getframe", "sys._current_frames", "sys.unraisablehook", "sys.excepthook"),
    )
)
# The model generator looks round for templates and reads its own files.
_GENERATING = _IMPORTING | {"open", "os.listdir", "os.scandir", "os.walk", "os.fwalk", "glob.glob"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PROBE = "callsheet_probe"
_STAND_IN = "Callsheet"  # for what the names of an action's classes begin with


def _own_folders() -> tuple[str, ...]:
    """Return the folders of Python, its packages and this one: a model generator reads no other."""
    roots = {sys.prefix, sys.base_prefix, os.path.dirname(os.__file__), *sys.path}
    roots.add(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    folders = (os.path.join(os.path.realpath(root), "") for root in roots if root)
    return tuple(folder for folder in folders if folder != os.sep)


class Hook:
    """An audit hook that can be armed; it cannot be removed, so it is installed once."""

    def __init__(self) -> None:
        self.armed = ""
        self.installed = False
        self.folders: tuple[str, ...] = ()

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Raise ``NoModel`` for an event that the armed phase does not need; unarmed, for none."""
        if not self.armed:
            return
        allowed = _IMPORTING if self.armed == "import" else _GENERATING
        if event not in allowed or (event == "open" and not self._is_own_read(arguments)):
            raise NoModel(f"{event} while models were made")

    def _is_own_read(self, arguments: tuple[Any, ...]) -> bool:
        """Tell whether an ``open`` only reads a file in the folders of Python and its packages."""
        path, mode, flags = (*arguments, None, None, None)[:3]
        writes = isinstance(mode, str) and bool(set(mode) & set("wax+"))
        writes = writes or (isinstance(flags, int) and bool(flags & _WRITING))
        if writes or not isinstance(path, str | bytes | os.PathLike):
            return False
        return os.path.realpath(os.fsdecode(path)).startswith(self.folders)


def _limit_memory() -> None:
    """Limit memory to 300 MB above what the process holds now, where the platform can."""
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY_BYTES, resource.RLIM_INFINITY))
    except (ImportError, OSError, ValueError):
        return


def _limit_cpu(seconds: float) -> None:
    """End the process after ``seconds`` of CPU time, also inside C code; 0 lifts the limit."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


_OPTIONS: Mapping[str, Any] = {
    "allof_merge_mode": "all",
    "allow_remote_refs": False,
    "custom_file_header": "",
    "disable_timestamp": True,
    "enum_field_as_literal": "all",
    "formatters": [],
    "input_file_type": "jsonschema",
    "keep_model_order": True,
    "output_model_type": "pydantic_v2.BaseModel",
    "parent_scoped_naming": True,
    "skip_root_model": True,
    "snake_case_field": False,
    "strict_refs": True,
    "target_python_version": "3.11",
    "treat_dot_as_module": False,
    "use_attribute_docstrings": True,
    "use_field_description": True,
    "use_schema_description": True,
    "use_standard_collections": True,
    "use_union_operator": True,
}


@lru_cache(maxsize=1024)
def generate(schema: str) -> str:
    """Return the source that datamodel-code-generator writes for a JSON text of definitions.

    Cached: actions of one form give the same text, for neither their names nor their words are
    in it.
    """
    from datamodel_code_generator import generate as run

    return str(run(schema, **_OPTIONS))


# Nothing is trusted: the schema is cleaned before, the output is rebuilt after, and the module is
# imported here, under an audit hook, before anybody else may see it.
def make(roots: ModelRequest) -> ModelSource:
    """Return the models of one action, not yet imported; raise ``NoModel`` where none can be."""
    properties = {name for schema, _ in roots.values() for name in wire_names(schema)}
    words = Vocabulary(fields=names.fields(properties))
    wire = {field: name for name, field in words.fields.items()}
    definitions: dict[str, Any] = {}
    prefix = next(iter(roots)).removesuffix("Input").removesuffix("Result")
    named = {_STAND_IN + name.removeprefix(prefix): name for name in roots}
    for name, real in named.items():
        schema, reply = roots[real]
        preparer = ModelSchemaPreparer(root=name, words=words, open_enums=reply, schema=schema)
        prepared = preparer.definitions()
        if definitions.keys() & prepared.keys():
            raise NoModel("two definitions want the same class name")
        definitions |= prepared
    text = generate(json.dumps({"$defs": definitions}))
    module = rewrite_module(text, wire=wire, tokens=words.tokens, prefix=prefix, named=named)
    missing = roots.keys() - module.fields.keys()
    if missing:
        raise NoModel(f"no class came out for {', '.join(sorted(missing))}")
    return module


class _Text(InspectLoader):
    """Imports a module from its text, as from a file."""

    def __init__(self, source: str) -> None:
        self.source = source

    def get_source(self, fullname: str) -> str:
        """Return the text, under any name."""
        return self.source


def try_import(source: str) -> None:
    """Execute a module as an import would, and complete its models; raise what it raises.

    Raises ``NoModel`` for a class that is not a model.
    """
    from pydantic import BaseModel

    module = types.ModuleType(_PROBE)
    sys.modules[module.__name__] = module
    try:
        _Text(source).exec_module(module)
        for value in list(vars(module).values()):
            if isinstance(value, type) and value.__module__ == module.__name__:
                if not issubclass(value, BaseModel):
                    raise NoModel(f"{value.__name__} is not a model")
                value.model_rebuild()  # what it refers to is there
    finally:
        del sys.modules[module.__name__]


_HOOK = Hook()


def run_guarded(work: Callable[[], object], phase: Literal["generate", "import"]) -> str | None:
    """Do the work under the audit hook; return ``None``, or the error that ended it as text."""
    if not _HOOK.installed:
        _HOOK.folders = _own_folders()
        sys.addaudithook(_HOOK)
        _HOOK.installed = True
    _HOOK.armed = phase
    try:
        work()
    except BaseException as error:  # the guard of datamodel-code-generator is no Exception
        _HOOK.armed = ""
        return f"{type(error).__name__}: {error}"[:500]
    finally:
        _HOOK.armed = ""
    return None


def answer(request: ModelRequest) -> dict[str, Any]:
    """Return the models, imported once, as ``ModelSource.as_json`` does; never raises.

    Where there are none, ``refused`` says why.
    """
    modules: list[ModelSource] = []
    refused = run_guarded(lambda: modules.append(make(request)), "generate")
    refused = refused or run_guarded(lambda: try_import(modules[0].source), "import")
    return (ModelSource(refused=refused) if refused else modules[0]).as_json()


_WARM_UP = {"A": ({"type": "object", "properties": {"b": {"enum": ["c"]}}}, True)}


def serve(incoming: IO[str], outgoing: IO[str], *, limit: Callable[[float], None]) -> None:
    """Warm up and write ``ready``, then answer line by line until the input ends.

    Limits this process's memory and silences its stderr; ``limit`` gets the CPU seconds of a line.
    """
    warnings.simplefilter("ignore")
    gc.disable()  # of what is imported nothing is ever to be collected
    try_import(make(_WARM_UP).source)
    gc.freeze()
    gc.enable()
    _limit_memory()
    outgoing.write("ready\n")
    outgoing.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # a full pipe that nobody reads would stop it
    for line in incoming:
        request = json.loads(line)
        limit(CPU_SECONDS)
        reply = answer(request)
        limit(0)
        outgoing.write(json.dumps(reply) + "\n")
        outgoing.flush()


if __name__ == "__main__":
    answers = sys.stdout
    # Whatever prints must not reach the answers.
    with open(os.devnull, "w", encoding="utf-8") as silence, redirect_stdout(silence):
        serve(sys.stdin, answers, limit=_limit_cpu)
