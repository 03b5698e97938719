"""Read and validate [tool.callsheet]."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, NoReturn

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from callsheet.config.credentials import parse_auth, project_headers
from callsheet.config.overlay import Overlay
from callsheet.errors import UsageError
from callsheet.protocol.values import Overrides
from callsheet.text import did_you_mean, listing
from callsheet_codegen.code import CodeError, Ident
from callsheet_codegen.names import is_reserved_package

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOCK = "catalog.lock.json"
MANIFEST = ".manifest.json"
_TABLE = "tool.callsheet"
_LONGEST_NAME = 100
_COMMAND = r"\w[\w.-]*"  # it names folders of the user's settings: no path may come of it
_PREFIX = r"[A-Za-z_][A-Za-z0-9_]*"
_PROJECT_KEYS = frozenset({"package", "command", "env-prefix", "host", "out", "templates"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What to generate and where to; ``where`` is the file that was read, if any.

    ``out`` is the folder that holds the package folder and, by default, the lock. ``templates``
    is a folder of templates that stand for ours of the same names.
    """

    package: str
    command: str
    env: str
    out: Path
    lock: Path
    host: str = ""
    overlay: Overlay
    where: Path | None = None
    templates: Path | None = None

    @property
    def folder(self) -> Path:
        """Return the package folder."""
        return self.out / self.package


def find_project(start: Path) -> Path | None:
    """Return the nearest pyproject.toml at ``start`` or above it, ``None`` where there is none."""
    files = (folder / "pyproject.toml" for folder in (start, *start.parents))
    return next((file for file in files if file.is_file()), None)


def read_table(path: Path) -> Mapping[str, Any] | None:
    """Read the table of a pyproject.toml; return ``None`` where it has none."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    table = document.get("tool", {}).get("callsheet")
    if table is not None and not isinstance(table, dict):
        raise UsageError(f"{path}: {_TABLE} is not a table")
    return table


class _ClientTable(NamedTuple):
    """One table of a pyproject.toml; ``path`` is its name there, ``project`` the file."""

    rows: Mapping[str, Any]
    project: Path | None
    path: str = _TABLE

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text of the table, else ``default``; raise ``UsageError`` for anything else."""
        text = self.rows.get(key, default)
        if isinstance(text, str) and (text or default == ""):
            return text
        fault = "is missing" if text is None else f"is {text!r}, wanted a text"
        raise UsageError(f"{self.project}: {self.path}.{key} {fault}")

    def require_known(self, keys: frozenset[str]) -> None:
        """Raise ``UsageError`` for a key that is none of ``keys``."""
        for key in self.rows:
            if key not in keys:
                hint = did_you_mean(key, keys) or f"known: {', '.join(sorted(keys))}"
                raise UsageError(f"{self.project}: {self.path}.{key} is not known", hint=hint)

    def clients(self) -> dict[str, _ClientTable]:
        """Return the tables of the clients by name; raise ``UsageError`` where one is none."""
        clients = self.rows["clients"]
        if not isinstance(clients, dict) or not clients:
            raise UsageError(f"{self.project}: {self.path}.clients holds no table of a client")
        self.require_known(frozenset({"clients"}))
        for name, rows in clients.items():
            if not isinstance(rows, dict):
                raise UsageError(f"{self.project}: {self.path}.clients.{name} is not a table")
        path = f"{self.path}.clients"
        return {n: _ClientTable(rows, self.project, f"{path}.{n}") for n, rows in clients.items()}


def _find_templates(section: _ClientTable, root: Path) -> Path | None:
    """Return the folder of the project's own templates, if it has any; raise ``UsageError``."""
    name = section.text("templates", "")
    folder = Path(root, name)
    if name and not folder.is_dir():
        raise UsageError(f"{section.project}: {section.path}.templates: {folder} is not a folder")
    return folder if name else None


def load(start: Path, flags: Mapping[str, str | None]) -> Config:
    """Resolve flags over the table of the only client; see ``load_clients``.

    Raises ``UsageError`` where there are several.
    """
    configs = load_clients(start, flags)
    if len(configs) > 1:
        raise UsageError(f"there are several clients: {listing(configs)}", hint="name one")
    return next(iter(configs.values()))


def load_clients(
    start: Path, flags: Mapping[str, str | None], names: Sequence[str] = ()
) -> dict[str, Config]:
    """Resolve flags over the table, or over those of the clients called ``names`` (all without).

    A project with one client has it under ``""``. A relative path of the table starts at its file.
    ``flags`` may hold ``package``, ``out`` and ``lock``, which fit one client alone. Raises
    ``UsageError`` for a key or a name that is not known, for two clients in one place, and for a
    project without a table where ``package`` is not given either.
    """
    project = find_project(start)
    own_table = read_table(project) if project else None
    if own_table is None and not flags.get("package"):
        raise UsageError(
            "there is no [tool.callsheet] in a pyproject.toml here or above",
            hint="callsheet init writes one; or say --package NAME",
        )
    root = project.parent if project and own_table is not None else start
    section = _ClientTable(own_table or {}, project)
    if "clients" not in section.rows:
        if names:
            raise UsageError("this project has one client, without a name", flag="--client")
        return {"": _resolve(section, start, root, flags)}
    sections = section.clients()
    for name in names:
        if name not in sections:
            hint = did_you_mean(name, sections) or f"there are: {listing(sections)}"
            raise UsageError(f"there is no client {name}", hint=hint, flag="--client")
    chosen = [name for name in sections if not names or name in names]
    given = [f"--{name}" for name, text in flags.items() if text]
    if given and len(chosen) > 1:
        hint = f"name it with --client: {listing(chosen)}"
        raise UsageError(f"{given[0]} works for one client only", hint=hint, flag=given[0])
    every = {n: _resolve(s, start, root, {}, name=n) for n, s in sections.items()}
    _require_apart(every)
    return {n: _resolve(sections[n], start, root, flags, name=n) for n in chosen}


def _require_apart(configs: Mapping[str, Config]) -> None:
    """Raise ``UsageError`` where two clients have one package folder, lock or command."""
    places: dict[object, str] = {}
    for name, config in configs.items():
        for place in (config.folder, config.lock, config.command):
            if (other := places.setdefault(place, name)) != name:
                raise UsageError(
                    f"the clients {other} and {name} would write to one place: {place}",
                    hint="give each a package, a command and a lock of its own",
                )


def _resolve(
    section: _ClientTable, start: Path, root: Path, flags: Mapping[str, str | None], name: str = ""
) -> Config:
    """Resolve flags over one table; ``name`` is that of a client, which names its package too."""
    section.require_known(_PROJECT_KEYS | Overlay.keys())
    usual = f"{re.sub(r'[^a-zA-Z0-9]', '_', name)}_client" if name else None
    package = flags.get("package") or section.text("package", usual)
    command = section.text("command", usual_command(package))
    env = section.text("env-prefix", usual_prefix(command))
    folder = flags.get("out")
    out = Path(start, folder) if folder else Path(root, section.text("out", "generated"))
    lock = flags.get("lock")
    rows = {key: row for key, row in section.rows.items() if key not in _PROJECT_KEYS}
    return Config(
        package=require_identifier(package, "package"),
        command=_require_match(command, "command", _COMMAND),
        env=_require_match(env, "env-prefix", _PREFIX),
        out=out,
        lock=Path(start, lock) if lock else _usual_lock(out, package, is_named=bool(name)),
        host=section.text("host", ""),
        overlay=parse_overlay(rows, section.path),
        where=section.project,
        templates=_find_templates(section, root),
    )


def _usual_lock(out: Path, package: str, *, is_named: bool) -> Path:
    """Return the default lock: ``PACKAGE.lock.json`` of a named client, else mostly LOCK.

    The former also where that file exists, or another package lies in ``out``.
    """
    own, ours = out / f"{package}.lock.json", out / package / MANIFEST
    others = (path for path in out.glob(f"[!.]*/{MANIFEST}") if path != ours)
    has_own = is_named or own.exists() or (not ours.exists() and any(others))
    return own if has_own else out / LOCK


def usual_command(package: str) -> str:
    """Return the default name of a package's program."""
    return package.removesuffix("_client").replace("_", "-")


def usual_prefix(command: str) -> str:
    """Return the default prefix of a command's environment variables."""
    return command.replace("-", "_").upper()


def require_identifier(name: str, key: str) -> str:
    """Return ``name`` if it can be a package's; raise ``UsageError``, which names ``key``, if not.

    A package of the name of one that Python or we import would take its place.
    """
    try:
        identifier = Ident(name[: _LONGEST_NAME + 1]).text
    except CodeError:
        raise UsageError(
            f"{key} is {name!r}, wanted a Python package name such as acme_client"
        ) from None
    if len(identifier) > _LONGEST_NAME:
        raise UsageError(f"{key} is over {_LONGEST_NAME} characters: no file could be named so")
    if is_reserved_package(identifier):
        raise UsageError(
            f"{key} is {name!r}, which is the name of another package or file",
            hint=f"choose a name of its own, such as {name}_client",
        )
    return identifier


def _require_match(text: str, key: str, pattern: str) -> str:
    """Return ``text`` if all of it matches; raise ``UsageError``, which names ``key``, if not."""
    if re.fullmatch(pattern, text):
        return text
    raise UsageError(f"{key} is {text!r}, wanted a word of letters and digits")


_FLAG = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_COMMAND_WORD = re.compile(r"[a-z][a-z0-9-]*")
_UNITS = {"s": 1000, "m": 60_000, "h": 3_600_000}
_LONGEST_WAIT = 7 * 24 * 3_600_000


def _reject(wanted: str) -> NoReturn:
    """Raise the validation error whose message says what is ``wanted`` instead."""
    raise PydanticCustomError("wanted", wanted)


def _check_flag(name: str) -> str:
    """Return a flag without dashes; reject anything else."""
    return name if _FLAG.fullmatch(name) else _reject("a flag such as image-input, without --")


def _check_command(text: str) -> str:
    """Return the words of a command, joined by single spaces; reject anything else."""
    words = text.split()
    if not words or not all(map(_COMMAND_WORD.fullmatch, words)):
        _reject("words of small letters such as `film make`")
    return " ".join(words)


def _check_method(name: str) -> str:
    """Return an ASCII identifier without a leading underscore; reject anything else."""
    if not name.isidentifier() or not name.isascii() or name.startswith("_"):
        _reject("a Python name such as make_film")
    return name


def _milliseconds(duration: object) -> int:
    """Convert ``90s``, ``20m``, ``2h`` or a number of milliseconds; reject all but 1 s to 7 d."""
    is_number = isinstance(duration, int) and not isinstance(duration, bool)
    text = str(duration) if is_number or isinstance(duration, str) else ""
    number, unit = (text[:-1], text[-1:]) if text[-1:] in _UNITS else (text, "")
    amount = int(number) * _UNITS.get(unit, 1) if number.isascii() and number.isdecimal() else 0
    if not 1000 <= amount <= _LONGEST_WAIT:
        _reject("a time such as 90s, 20m or 600000 (milliseconds), a second to a week")
    return amount


Text = Annotated[str, Field(min_length=1)]
Flag = Annotated[Text, AfterValidator(_check_flag)]
Command = Annotated[Text, AfterValidator(_check_command)]
Method = Annotated[Text, AfterValidator(_check_method)]
ApiPath = Annotated[Text, Field(pattern=r"^/[!-~]*$")]
Milliseconds = Annotated[int, BeforeValidator(_milliseconds)]


class _Table(BaseModel):
    model_config = ConfigDict(
        extra="forbid", strict=True, alias_generator=lambda name: name.replace("_", "-")
    )


class FamilyTable(_Table):
    """The actions that make one job with a create action."""

    query: Text
    wait: Text = ""
    task_key: Text = ""


class UploadTable(_Table):
    """How a local file is stored on the server."""

    action: Text
    field: Text
    encoding: Literal["data-uri", "base64", "multipart"] = "data-uri"
    result: Text = ""


class TasksTable(_Table):
    """How a job is found again on the server."""

    action: Text
    match: Text


class PricesTable(_Table):
    """Where the server lists its prices, what names the row of a call, and what is charged."""

    path: ApiPath = ""
    id: Text = ""
    cost: Text = ""
    field: Text = ""
    charges: Literal["acceptance", "success"] = "acceptance"


class BalanceTable(_Table):
    """Where the server says what the account has left."""

    path: ApiPath


class OverlayTable(_Table):
    """The keys of ``[tool.callsheet]`` that belong to actions; see ``Overlay`` for each."""

    strip_prefixes: list[Text] = []
    free: list[Text] = []
    comma: list[Text] = []
    media: list[Text] = []
    aliases: dict[str, Flag] = {}
    flags: dict[str, dict[str, Flag]] = {}
    hidden: dict[str, list[Text]] = {}
    hide: list[Text] = []
    groups: dict[str, Command] = {}
    commands: dict[str, Command] = {}
    methods: dict[str, Method] = {}
    describe: dict[str, Text] = {}
    describe_fields: dict[str, dict[str, Text]] = {}
    waits: dict[str, Milliseconds] = {}
    defaults: dict[str, dict[str, JsonValue]] = {}
    include: list[Text] = []
    exclude: list[Text] = []
    families: dict[str, FamilyTable] = {}
    upload: UploadTable | None = None
    tasks: TasksTable | None = None
    protocol: dict[str, Any] = {}
    headers: dict[str, Text] = {}
    prices: PricesTable | None = None
    balance: BalanceTable | None = None


def parse_overlay(table: Mapping[str, Any], path: str = _TABLE) -> Overlay:
    """Validate the keys that belong to actions; raise ``UsageError`` naming the key's path.

    That begins with ``path``, the table's own name.
    """
    try:
        settings = OverlayTable.model_validate(dict(table))
        for way in Overrides.parse(settings.protocol).auth:
            parse_auth(way, "protocol.auth")
        project_headers(settings.headers)
    except ValidationError as error:
        message, hint = _refusal(table, error.errors(include_url=False)[0], path), ""
    except UsageError as error:
        message, hint = f"{path}.{error.message}", error.hint
    else:
        return Overlay.from_json(settings.model_dump(by_alias=True, exclude_unset=True))
    raise UsageError(message, hint=hint or "correct it in pyproject.toml", code="configuration")


_WANTED = {
    "list_type": "a list of texts",
    "dict_type": "a table",
    "model_type": "a table",
    "literal_error": "one of {expected}",
    "invalid-json-value": "a value that JSON can hold",
}


def _refusal(table: Mapping[str, Any], error: ErrorDetails, root: str) -> str:
    """Return one line for a validation error: the key, what is there and what is wanted."""
    if error["type"] == "missing":
        return f"{_toml_path(table, error['loc'][:-1], root)} lacks {error['loc'][-1]}"
    path, wrong = _toml_path(table, error["loc"], root), error["input"]
    if error["type"] == "extra_forbidden":
        return f"{path} is not known"
    is_custom = error["type"] == "wanted"
    wanted = error["msg"] if is_custom else _WANTED.get(error["type"], "a text")
    context = error.get("ctx", {})
    return f"{path} is {type(wrong).__name__} {str(wrong)[:60]!r}, wanted " + (
        wanted if is_custom else wanted.format_map(context)
    )


def _toml_path(table: Any, steps: tuple[str | int, ...], root: str) -> str:
    """Return the path of a key as TOML writes it, without pydantic's names of union members."""
    path, inner = root, table
    for step in steps:
        if isinstance(step, int):
            path, inner = f"{path}[{step}]", inner[step]
        elif isinstance(inner, dict) and step in inner:
            is_bare = re.fullmatch(r"[\w-]+", step)
            path, inner = f"{path}.{step}" if is_bare else f'{path}."{step}"', inner[step]
    return path
