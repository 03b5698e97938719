"""Imports every module of a package while nothing but reading that package is allowed."""

import importlib
import os
import sys

# Whatever a client may need is loaded before the door is closed.
for needed in (
    *("transport.aio", "cli.tree", "cli.run", "client.client", "client.groups"),
    *("launcher", "model"),
    *("pydantic.root_model", "pydantic.type_adapter"),
):
    importlib.import_module(needed if needed.startswith("pydantic") else f"callsheet.{needed}")

out, package = sys.argv[1:3]
sys.path.insert(0, out)
# What libraries load late is theirs; everything else that is read is an event.
readable = (
    os.path.join(os.path.realpath(out), package),
    sys.prefix,
    sys.base_prefix,
    *sys.path[3:],
)
_ALLOWED = (
    *("import", "compile", "exec", "marshal.loads", "object.__getattr__", "object.__setattr__"),
    *("os.listdir", "os.scandir", "sys._getframe", "object.__delattr__", "code.__new__"),
    *("builtins.id", "function.__new__", "sys._current_frames", "cpython._PySys_ClearAuditHooks"),
)
events: list[str] = []


def hook(event: str, arguments: tuple[object, ...]) -> None:
    """Keep whatever is not reading the package."""
    if event == "open":
        path, _, flags = arguments
        inside = isinstance(path, str) and os.path.realpath(path).startswith(readable)
        if inside and isinstance(flags, int) and not flags & (os.O_WRONLY | os.O_RDWR):
            return
    elif event in _ALLOWED:
        return
    events.append(f"{event} {arguments!r}"[:300])


names = []
for where, _, files in os.walk(readable[0]):
    for name in files:
        if name.endswith(".py") and name != "__main__.py":
            part = os.path.relpath(os.path.join(where, name), out)
            names.append(part[:-3].replace(os.sep, ".").removesuffix(".__init__"))
sys.addaudithook(hook)
for name in sorted(names):
    module = importlib.import_module(name)
    for role in ("INPUT", "OUTPUT"):
        model = getattr(module, role, None)
        if model is not None:
            model.model_json_schema()
kept = list(events)
if kept:
    sys.stderr.write("events at import: " + "\n".join(kept[:5]))
    sys.exit(1)
