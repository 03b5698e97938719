"""Read and validate [tool.callsheet]."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callsheet.config.overlay import Overlay
from callsheet.errors import UsageError
from callsheet.suggest import did_you_mean
from callsheet_codegen.code import CodeError, Ident

if TYPE_CHECKING:
    from collections.abc import Mapping


LOCK = "catalog.lock.json"
_COMMAND = r"\w[\w.-]*"  # it names folders of the user's settings: no path may come of it
_PREFIX = r"[A-Za-z_][A-Za-z0-9_]*"
_OWN = frozenset({"package", "command", "env-prefix", "host", "out"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What to generate and where to; ``where`` is the file that was read, if any.

    ``out`` is the folder that holds the package folder and, unless told otherwise, the lock.
    """

    package: str
    command: str
    env: str
    out: Path
    lock: Path
    host: str = ""
    overlay: Overlay
    where: Path | None = None

    @property
    def folder(self) -> Path:
        """The package folder."""
        return self.out / self.package


def find_project(start: Path) -> Path | None:
    """The nearest pyproject.toml at ``start`` or above it."""
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").is_file():
            return folder / "pyproject.toml"
    return None


def read_table(path: Path) -> Mapping[str, Any] | None:
    """The table of a pyproject.toml; ``None`` where it has none."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    table = document.get("tool", {}).get("callsheet")
    if table is not None and not isinstance(table, dict):
        raise UsageError(f"{path}: tool.callsheet is not a table")
    return table


def load(start: Path, flags: Mapping[str, str | None]) -> Config:
    """Flags win over the table; a relative path of the table starts at its file.

    ``flags`` may hold ``package``, ``out`` and ``lock``. Raises ``UsageError`` for a key that
    is not known and for a project without a table where ``package`` is not given either.
    """
    where = find_project(start)
    found = read_table(where) if where else None
    if found is None and not flags.get("package"):
        raise UsageError(
            "there is no [tool.callsheet] in a pyproject.toml here or above",
            hint="callsheet init writes one; or say --package NAME",
        )
    table = found or {}
    _known(table, where)
    package = flags.get("package") or _text(table, "package", where)
    command = _text(table, "command", where, package.removesuffix("_client").replace("_", "-"))
    env = _text(table, "env-prefix", where, usual_prefix(command))
    root = where.parent if where and found is not None else start
    given = flags.get("out")
    out = Path(start, given) if given else Path(root, _text(table, "out", where, "generated"))
    lock = flags.get("lock")
    return Config(
        package=_identifier(package, "package"),
        command=_word(command, "command", _COMMAND),
        env=_word(env, "env-prefix", _PREFIX),
        out=out,
        lock=Path(start, lock) if lock else out / LOCK,
        host=_text(table, "host", where, ""),
        overlay=Overlay.parse({key: value for key, value in table.items() if key not in _OWN}),
        where=where,
    )


def usual_prefix(command: str) -> str:
    """Return what the variables of a command begin with, unless the table says otherwise."""
    return command.replace("-", "_").upper()


def _known(table: Mapping[str, Any], where: Path | None) -> None:
    known = _OWN | Overlay.keys()
    for key in table:
        if key not in known:
            hint = did_you_mean(key, known) or f"known: {', '.join(sorted(known))}"
            raise UsageError(f"{where}: tool.callsheet.{key} is not known", hint=hint)


def _text(
    table: Mapping[str, Any], key: str, where: Path | None, default: str | None = None
) -> str:
    value = table.get(key, default)
    if isinstance(value, str) and (value or default == ""):
        return value
    said = "is missing" if value is None else f"is {value!r}, wanted a text"
    raise UsageError(f"{where}: tool.callsheet.{key} {said}")


def _identifier(name: str, key: str) -> str:
    try:
        return Ident(name).text
    except CodeError:
        raise UsageError(
            f"{key} is {name!r}, wanted a Python package name such as acme_client"
        ) from None


def _word(text: str, key: str, pattern: str) -> str:
    if re.fullmatch(pattern, text):
        return text
    raise UsageError(f"{key} is {text!r}, wanted a word of letters and digits")
