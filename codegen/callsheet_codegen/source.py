"""Choose the server, decide which key may go there, and fetch its catalogue."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TextIO

from callsheet.catalog.host import Host
from callsheet.catalog.lock import Snapshot
from callsheet.config.bindings import Bindings
from callsheet.config.credentials import X_API_KEY, merge_headers, parse_auth, project_headers
from callsheet.config.profiles import ProfileFile
from callsheet.config.settings import Variables, load, origin_of, parse_host, source_name
from callsheet.errors import AuthError, CallsheetError, UsageError
from callsheet.flows.retry import default_timing
from callsheet.masking import masked
from callsheet.protocol.values import Overrides
from callsheet.secret import Secret
from callsheet.spec import Advertised
from callsheet.stored import folder
from callsheet.text import safe_text, with_program
from callsheet.transport.sync import Transport
from callsheet_codegen.config import usual_prefix
from callsheet_codegen.confirmed import ConfirmedFiles
from callsheet_codegen.ir import Diagnostic
from callsheet_codegen.process import python_command, python_environ

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callsheet.catalog.snapshot import Catalogue
    from callsheet.config.profiles import StoredLogin
    from callsheet.config.settings import Settings
    from callsheet.flows.effects import Gather, HttpReply
    from callsheet_codegen.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A server to ask. ``name`` goes into the lock, ``why`` says how it was chosen.

    ``withheld`` is the variable whose key does not go there, since ``file`` alone names the host.
    ``ignored`` is the variable that names another host, which is not asked.
    ``subcommand`` is the one of ``callsheet`` that asks, as a hint names it.
    """

    name: str
    why: str
    settings: Settings
    withheld: str = ""
    file: str = ""
    subcommand: str = "generate"
    ignored: str = ""

    def with_key(self, variable: str, key: Secret) -> Source:
        """Return the source with the key of a variable."""
        origins = {**self.settings.origins, "api_key": variable}
        return replace(self, settings=self.settings._replace(key=key, origins=origins))

    def notes(self) -> tuple[Diagnostic, ...]:
        """Return what a person is told of this choice, beside the source."""
        notes = []
        if self.ignored:
            message = f"{self.ignored} names another server, but {self.why} wins"
            hint = f"--host asks that server: callsheet {self.subcommand} --host …"
            notes.append(Diagnostic(level="note", code="host", message=message, hint=hint))
        if self.withheld:
            message, hint = self.why_no_key()
            notes.append(Diagnostic(level="note", code="key", message=message, hint=hint))
        return tuple(notes)

    def why_no_key(self) -> tuple[str, str]:
        """Return why the key of the environment was not sent, and what to type."""
        host = self.settings.host
        return (
            f"the key in {self.withheld} was not sent to {host}, because only {self.file} names it",
            f"if that is the right server: callsheet {self.subcommand} --host {host}, or "
            f"ads login --host {host}",
        )

    def question(self) -> str:
        """Return what a person is asked before the key goes to the host that a file names."""
        return safe_text(
            f"{self.file} names {self.settings.host}. Send the key in {self.withheld} there? "
            "(asked once, until the file changes) [y/N] "
        )


def settings_for(
    config: Config,
    *,
    host: str | None,
    environ: Mapping[str, str] | None,
    locked: str = "",
) -> Source | None:
    """Return ``host``, else ``locked``, else the configured host, else that of the login.

    ``None`` where none of them is set. Raises ``UsageError`` for an address that cannot be used.

    ``locked`` is the source of the lock, where that is to be asked. A host that a file of the
    project names gets a key of the environment only where the user names it as well, or has
    confirmed the file as it is.
    """
    if host:
        return _source_of(config, {"host": host}, "--host", environ)
    if locked:
        return _source_of(config, {"host": locked}, "the lock", environ, str(config.lock))
    if config.host:
        why = "[tool.callsheet] host"
        return _source_of(config, {"host": config.host}, why, environ, str(config.where))
    configured = _source_of(config, {}, "", environ, str(config.where))
    if not configured.settings.host:
        return None
    origin = configured.settings.origins.get("host", "")
    why = f"`{config.command} login`" if origin.startswith("profile") else origin
    return replace(configured, why=why)


def _source_of(
    config: Config,
    flags: Mapping[str, str],
    why: str,
    environ: Mapping[str, str] | None,
    file: str = "",
) -> Source:
    """Load the settings of one server; withhold the environment's key if only ``file`` names it.

    ``file`` is "" where the user names the server in ``flags``.
    """
    variables = Variables(os.environ if environ is None else environ)
    bindings = Bindings(command=config.command, env=config.env)
    names = (f"{config.env}_API_KEY", ANY_KEY)
    bare = Variables({name: text for name, text in variables.items() if name not in names})
    settings = _with_any_login(load(bindings, flags=flags, environ=bare), variables)
    headers = merge_headers(project_headers(config.overlay.headers), settings.headers)
    source = Source(
        name=source_name(settings.origin),
        why=why,
        settings=settings._replace(headers=headers),
        file=file,
        ignored=_ignored_host(config, settings, variables) if file and why else "",
    )
    given = next((name for name in names if variables.get(name)), "")
    if not given or (given == ANY_KEY and settings.key is not None):
        return source
    is_named = not file or _is_named_by_user(config, settings, variables)
    confirmed = ConfirmedFiles(variables)
    if is_named or (settings.key is None and confirmed.allows(given, settings.origin, file)):
        return source.with_key(given, Secret.parse(variables[given]))
    return source if settings.key is not None else replace(source, withheld=given)


def _with_any_login(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """Return the settings; without a key, with what another program stored for this very origin.

    ``ads`` goes first, then every folder of the user's configuration by name.
    """
    if settings.key is not None or settings.headers or not settings.origin:
        return settings
    own = folder("config", "ads", "ADS", environ)
    root = os.path.dirname(folder("config", "ads", "", environ))
    names = sorted(os.listdir(root)) if os.path.isdir(root) else []
    for place in (own, *(os.path.join(root, name) for name in names)):
        with contextlib.suppress(UsageError):
            file = ProfileFile(place)
            if not file.warnings and (login := file.login(settings.origin)):
                return _with_login(settings, login, os.path.basename(place))
    return settings


def _with_login(settings: Settings, login: StoredLogin, program: str) -> Settings:
    """Return the settings with key and headers of a login; its way of the key, if none was said."""
    auth = settings.auth
    if settings.origins.get("auth") == "default" and login.auth:
        auth = parse_auth(login.auth)
    where = f"`{program} login`"
    origins = {**settings.origins, "api_key": where, "auth": where, "headers": where}
    return settings._replace(key=login.key, headers=login.headers, auth=auth, origins=origins)


def _ignored_host(config: Config, settings: Settings, environ: Mapping[str, str]) -> str:
    """Return the variable that names another origin than the one that is asked, or ``""``."""
    variable = f"{config.env}_HOST"
    return variable if _origin(environ.get(variable)) not in {None, settings.origin} else ""


def _is_named_by_user(config: Config, settings: Settings, environ: Mapping[str, str]) -> bool:
    """Tell whether the environment or a saved profile names the origin of these settings.

    The project chooses which variable is read: where that is not the one of the command, a key
    that is stored for this very origin goes first.
    """
    if settings.origin == _origin(environ.get(f"{config.env}_HOST")):
        return True
    profiles = ProfileFile(settings.config_dir)
    saved = {_origin(profiles.profile(name).get("host")) for name in profiles.names()}
    usual = config.env == usual_prefix(config.command)
    return settings.origin in saved and (usual or settings.key is None)


def _origin(host: object) -> str | None:
    """Return the origin of an address as people write it; ``None`` for anything else."""
    if not isinstance(host, str) or not host:
        return None
    try:
        return origin_of(parse_host(host, insecure_http=True))
    except UsageError:
        return None


SANDBOX = "sandbox"
ANY_KEY = "CALLSHEET_API_KEY"
"""Variable with a key for whichever server the user names; a more specific key goes before it."""
_READY_SECONDS = 20
_LEAST_SHOWN = 50
_DAY = 24 * 3600.0
# Of a fetch that asked for no schema, because the list has not changed.
_UNCHANGED = Diagnostic(
    level="note",
    code="unchanged",
    message="the server says that its list has not changed",
    hint="--refresh asks for every schema; so does the first run of a day",
)


@contextlib.contextmanager
def choose(
    config: Config,
    *,
    host: str | None = None,
    environ: Mapping[str, str] | None = None,
    locked: str = "",
    subcommand: str = "generate",
) -> Iterator[Source]:
    """Yield the server of ``settings_for``, else a sandbox that runs while the context lasts.

    Where a key is withheld and a person is at the terminal, asks whether it may be sent.
    Raises ``UsageError`` where the settings are invalid or the sandbox does not start.
    """
    server = settings_for(config, host=host, environ=environ, locked=locked)
    if server is not None and server.withheld and _ask_to_confirm(server, environ):
        server = settings_for(config, host=host, environ=environ, locked=locked)
    if server is not None:
        yield replace(server, subcommand=subcommand)
        return
    with sandbox() as (url, key):
        flags = {"host": url, "api_key": key}
        bindings = Bindings(command=config.command, env=config.env)
        settings = load(bindings, flags=flags, environ=environ)
        yield Source(name=SANDBOX, why="no host is configured", settings=settings)


def _ask_to_confirm(server: Source, environ: Mapping[str, str] | None) -> bool:
    """Ask whether the key may go to the host that a file names; store a yes for this file.

    False without a terminal.
    """
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty()):
        return False
    sys.stderr.write(server.question())
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        return False
    confirmed = ConfirmedFiles(os.environ if environ is None else environ)
    confirmed.add(server.withheld, server.settings.origin, server.file)
    return True


@contextlib.contextmanager
def sandbox() -> Iterator[tuple[str, str]]:
    """Run a sandbox while the context lasts; yield its address and key.

    Raises ``UsageError`` where it does not start.
    """
    process = subprocess.Popen(  # noqa: S603 - no shell; every word is written here
        python_command("-m", "callsheet_sandbox", "--port", "0", "--print-json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=python_environ(),
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            _, why = process.communicate(timeout=_READY_SECONDS)
            reason = (why.strip().splitlines() or ["it printed nothing"])[-1]
            raise UsageError(
                f"no server is configured and the sandbox does not start: {reason}",
                hint='name one with --host, or pip install "callsheet[sandbox]"',
            )
        ready = json.loads(line)
        yield ready["url"], ready["key"]
    finally:
        process.terminate()
        process.communicate()


class Progress:
    """How far a fetch is: one moving line on a terminal, a line at each quarter elsewhere."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream, self._moving = stream, stream is not None and stream.isatty()
        self._quarter = 0

    def __call__(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` schemas are here; nothing for fewer than 50."""
        if total < _LEAST_SHOWN or self._stream is None:
            return
        quarter, text = 4 * done // total, ""
        if self._moving:
            end = "\n" if done == total else ""
            text = f"\rschemas: {done} of {total}{end}"
        elif quarter > self._quarter:
            self._quarter = quarter
            text = f"schemas: {done} of {total}\n"
        self._write(text)

    def note(self, sentence: str) -> None:
        """Write a sentence on a line of its own."""
        self._write(f"{sentence}\n")

    def _write(self, text: str) -> None:
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.write(text)
                self._stream.flush()


class _CountingTransport(Transport):
    """A transport that reports how many of the schemas are here."""

    def __init__(self, settings: Settings, progress: Progress) -> None:
        super().__init__(settings, None)
        self.tell_silent = progress.note
        self._progress, self._total, self._done = progress, 0, 0
        self._counting = threading.Lock()

    def _gather(self, gather: Gather) -> tuple[HttpReply | Exception, ...]:
        self._total, self._done = len(gather.sends), 0
        return super()._gather(gather)

    def _answered(self) -> None:
        with self._counting:
            self._done += 1
            self._progress(self._done, self._total)


def fetch(
    source: Source,
    config: Config,
    *,
    refresh: bool = False,
    progress: Progress | None = None,
) -> tuple[Snapshot, tuple[Diagnostic, ...]]:
    """Fetch the catalogue as a snapshot, with the diagnostics of reading it.

    Only what changed since the last fetch is asked for, unless ``refresh`` is given. Where no
    setting says how the key travels, both ways are tried: only GETs are sent.
    Raises the errors that the server's answers stand for, and ``CallsheetError`` for an empty
    catalogue.
    """
    progress = progress or Progress(None)
    try:
        catalogue = _fetch_catalogue(source.settings, config, progress, refresh=refresh)
    except AuthError as error:
        if (
            source.settings.origins.get("auth") != "default"
            or config.overlay.protocol.get("auth")
            or source.settings.key is None
        ):
            raise _refused_access(source, config, error) from None
        settings = source.settings._replace(auth=X_API_KEY)
        try:
            catalogue = _fetch_catalogue(settings, config, progress, refresh=refresh)
        except AuthError as again:
            raise _refused_access(source, config, again) from None
    if not catalogue.actions:
        raise CallsheetError(f"{source.settings.host} advertises no action")
    notes = [Diagnostic(level="note", code="catalogue", message=note) for note in catalogue.notes]
    if catalogue.missing:
        notes.append(Diagnostic(level="warning", code="incomplete", message=catalogue.missing))
    if catalogue.fetched != catalogue.whole and catalogue.apart:
        notes.append(_UNCHANGED)
    notes += source.notes()
    return Snapshot(source.name, _masked_actions(tuple(catalogue.actions))), tuple(notes)


def _masked_actions(actions: tuple[Advertised, ...]) -> tuple[Advertised, ...]:
    """Return actions to be stored in the lock and in code, with the keys in use masked."""
    text = json.dumps([action._asdict() for action in actions])
    stored = masked(text)
    return actions if stored == text else tuple(Advertised(**a) for a in json.loads(stored))


def _refused_access(source: Source, config: Config, error: AuthError) -> AuthError:
    """Return the error for a server that wants a key, or another one, with the ways to give it."""
    host, page = source.settings.host, Overrides.parse(config.overlay.protocol).under_key_page
    message = error.message
    hint = f"ads login --host {host}, or set {config.env}_API_KEY or {ANY_KEY}"
    if source.withheld:
        why, hint = source.why_no_key()
        message = f"{host} refused a request without a key: {why}"
    elif source.settings.key is not None:
        message += f" (the key is that of {source.settings.origins.get('api_key')})"
    if page:
        hint = f"keys are made at {host}{page}; {hint}"
    return AuthError(message, hint=hint, http_status=error.http_status, request_id=error.request_id)


def _program(config: Config, settings: Settings) -> str:
    """Return the words by which a hint runs a program against a server: ours before it is there."""
    command = config.command if (config.folder / "cli.py").exists() else "ads"
    return f"{command} --host {settings.host}"


def _fetch_catalogue(
    settings: Settings, config: Config, report: Progress, *, refresh: bool
) -> Catalogue:
    """Fetch what changed and cache it; everything with ``refresh`` or a day after the last time."""
    host = Host(settings, Bindings(), default_timing(), overrides=config.overlay.protocol)
    cached = host.cached()
    every = cached is not None and host.timing.wall() - cached.whole > _DAY
    transport = _CountingTransport(host.settings, report)
    try:
        return transport.run(host.refresh(anew=refresh, every=every))
    except CallsheetError as error:
        error.hint = with_program(_program(config, settings), error.hint)
        raise
    finally:
        transport.close()
