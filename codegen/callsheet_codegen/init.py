"""Set up a project for callsheet init."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from callsheet.config.settings import parse_host
from callsheet.errors import UsageError
from callsheet_codegen.code import CodeError, Ident

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for; ``None`` and empty mean that it is to be chosen or left out."""

    package: str
    command: str | None = None
    host: str = ""
    out: str | None = None


def init(folder: Path, wanted: Wanted) -> tuple[Path, tuple[str, ...]]:
    """Add what is missing to ``folder``'s pyproject.toml; everything in it stays as it is.

    Returns the file and a line for each thing that was done. Raises ``UsageError`` where the
    file has the table already, cannot be read, or a name cannot be used.
    """
    path = folder / "pyproject.toml"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    table = _document(path, text)
    if "callsheet" in table.get("tool", {}):
        raise UsageError(
            f"{path} has a [tool.callsheet] already", hint="edit it, then run callsheet generate"
        )
    try:
        Ident(wanted.package)
    except CodeError:
        raise UsageError(
            f"{wanted.package!r} is no package name", hint="for example acme_client"
        ) from None
    command = wanted.command or wanted.package.removesuffix("_client").replace("_", "-")
    out = wanted.out or ("src" if (folder / "src").is_dir() else ".")
    text, lines = _with_script(text, table, command, f"{wanted.package}.cli:main")
    text = _joined(text, _table(wanted, command, out))
    _document(path, text)
    path.write_text(text, encoding="utf-8")
    return path, (*lines, f"{path.name}: [tool.callsheet]", "next: callsheet generate")


def _document(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} cannot be read: {error}") from None


def _table(wanted: Wanted, command: str, out: str) -> str:
    values = {
        "package": wanted.package,
        "command": command,
        "env-prefix": command.replace("-", "_").upper(),
        "out": out,
    }
    if wanted.host:
        values["host"] = parse_host(wanted.host)
    rows = "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
    return f"[tool.callsheet]\n{rows}"


def _with_script(
    text: str, table: dict[str, Any], command: str, target: str
) -> tuple[str, tuple[str, ...]]:
    """The entry of the program, under the header of ``[project.scripts]`` or in a new one."""
    project = table.get("project")
    if project is None:
        return text, (f"no [project] here: add the script {command} = {target!r} yourself",)
    scripts = project.get("scripts", {})
    if command in scripts:
        if scripts[command] != target:
            raise UsageError(
                f"[project.scripts] has {command} = {scripts[command]!r} already",
                hint="choose another --command",
            )
        return text, ()
    bare = command.replace("-", "").replace("_", "").isalnum() and command.isascii()
    row = f"{command if bare else json.dumps(command)} = {json.dumps(target)}\n"
    header = "[project.scripts]"
    lines = text.splitlines(keepends=True)
    for index, line in enumerate(lines):
        if line.split("#")[0].strip() == header:
            ended = line if line.endswith("\n") else f"{line}\n"
            return "".join([*lines[:index], ended, row, *lines[index + 1 :]]), (
                f"pyproject.toml: {header} {command}",
            )
    if scripts:
        return text, (f"add the script {command} = {target!r} yourself",)
    return _joined(text, f"{header}\n{row}"), (f"pyproject.toml: {header} {command}",)


def _joined(text: str, block: str) -> str:
    return f"{text.rstrip()}\n\n{block}" if text.strip() else block
