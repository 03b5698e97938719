"""Set up a project for callsheet init."""

from __future__ import annotations

import re
from importlib.metadata import entry_points, packages_distributions
from typing import TYPE_CHECKING

import tomlkit
from tomlkit.exceptions import TOMLKitError

from callsheet.config.settings import parse_host
from callsheet.errors import UsageError
from callsheet_codegen.config import require_identifier, usual_command, usual_prefix

if TYPE_CHECKING:
    from pathlib import Path


def init(
    folder: Path,
    package: str,
    *,
    command: str | None = None,
    host: str = "",
    out: str | None = None,
) -> tuple[Path, tuple[str, ...]]:
    """Add ``[tool.callsheet]`` and the script to ``folder``'s pyproject.toml; all else in it stays.

    A ``command`` and an ``out`` that are not given are chosen, an empty ``host`` is left out.
    Returns the file and a line for each thing that was done or is to do next. Raises
    ``UsageError`` where the file has the table already, cannot be read, or a name cannot be used.
    """
    path = folder / "pyproject.toml"
    document = _read(path)
    tool = document.setdefault("tool", tomlkit.table(is_super_table=True))
    if "callsheet" in tool:
        raise UsageError(
            f"{path} has a [tool.callsheet] already", hint="edit it, then run callsheet generate"
        )
    require_identifier(package, "--package")
    command = command or usual_command(package)
    own = str(document.get("project", {}).get("name", ""))
    _require_free_names(package, command, own)
    lines = _add_script(document, command, f"{package}.cli:main")
    tool["callsheet"] = {
        "package": package,
        "command": command,
        "env-prefix": usual_prefix(command),
        "out": out or ("src" if (folder / "src").is_dir() else "."),
        **({"host": parse_host(host)} if host else {}),
    }
    path.write_text(tomlkit.dumps(document), encoding="utf-8")
    return path, (*lines, f"{path.name}: [tool.callsheet]", "next: callsheet generate")


def _require_free_names(package: str, command: str, own: str) -> None:
    """Raise ``UsageError`` where an installed distribution owns the package or the command.

    That of the project itself, named ``own``, may. The later one installed would take the
    place of the other.
    """
    programs = entry_points(group="console_scripts", name=command)
    owners = {
        "--command": [program.dist.name for program in programs if program.dist],
        "--package": packages_distributions().get(package, []),
    }
    for flag, names in owners.items():
        other = next((name for name in names if _normalized(name) != _normalized(own)), "")
        if other:
            name = {"--command": command, "--package": package}[flag]
            raise UsageError(
                f"{name} belongs to {other}, which is installed here",
                hint=f"choose another {flag}",
                flag=flag,
            )


def _normalized(name: str) -> str:
    """Return the name of a distribution as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _read(path: Path) -> tomlkit.TOMLDocument:
    """Read a TOML file, empty where there is none; raise ``UsageError`` for an invalid one."""
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8") if path.is_file() else "")
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None


def _add_script(document: tomlkit.TOMLDocument, command: str, target: str) -> tuple[str, ...]:
    """Add the program's entry to ``[project.scripts]``, in place; return a line for what was done.

    No line where the entry is there. Raises ``UsageError`` where the name has another target.
    """
    project = document.get("project")
    if project is None:
        return (f"no [project] here: add the script {command} = {target!r} yourself",)
    scripts = project.setdefault("scripts", tomlkit.table())
    if command in scripts:
        if scripts[command] != target:
            raise UsageError(
                f"[project.scripts] has {command} = {str(scripts[command])!r} already",
                hint="choose another --command",
            )
        return ()
    scripts[command] = target
    return (f"pyproject.toml: [project.scripts] {command}",)
