"""Choose the server to ask, and whether a key of the environment may go there."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from callsheet.bindings import Bindings
from callsheet.errors import UsageError
from callsheet.profiles import ProfileFile
from callsheet.settings import LOOPBACK, Variables, load, origin_of, parse_host
from callsheet_codegen.config import usual_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.settings import Settings
    from callsheet_codegen.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A server to ask. ``name`` goes into the lock, ``why`` says how it was chosen.

    ``withheld`` is the variable whose key does not go there, since ``file`` alone names the host.
    """

    name: str
    why: str
    settings: Settings
    withheld: str = ""
    file: str = ""

    def why_no_key(self) -> tuple[str, str]:
        """Return why the key of the environment was not sent, and what to type."""
        host = self.settings.host
        return (
            f"the key in {self.withheld} was not sent to {host}, because only {self.file} names it",
            f"if that is the right server: --host {host}, or "
            f"{self.settings.command} login --host {host}",
        )


def settings_for(
    config: Config,
    *,
    host: str | None,
    environ: Mapping[str, str] | None,
    locked: str = "",
) -> Source | None:
    """Return the first server in order, ``None`` where only the sandbox is left.

    ``locked`` is the source of the lock, where that is to be asked. A host that a file of the
    project names gets a key of the environment only where the user names it as well.
    """
    if host:
        return _source(config, {"host": host}, "--host", environ)
    if locked:
        return _source(config, {"host": locked}, "the lock", environ, str(config.lock))
    if config.host:
        why = "[tool.callsheet] host"
        return _source(config, {"host": config.host}, why, environ, str(config.where))
    configured = _source(config, {}, "", environ, str(config.where))
    if not configured.settings.host:
        return None
    where = configured.settings.origins.get("host", "")
    why = f"`{config.command} login`" if where.startswith("profile") else where
    return replace(configured, why=why)


def _source(
    config: Config,
    flags: Mapping[str, str],
    why: str,
    environ: Mapping[str, str] | None,
    file: str = "",
) -> Source:
    bindings = Bindings(command=config.command, env=config.env)
    variable = f"{config.env}_API_KEY"
    variables = Variables(os.environ if environ is None else environ)
    bare = Variables({name: text for name, text in variables.items() if name != variable})
    settings = load(bindings, flags=flags, environ=bare)
    name, withheld = name_of(settings.origin), ""
    if variables.get(variable):
        if not file or _is_named_by_user(config, settings, variables):
            settings = load(bindings, flags=flags, environ=variables)
        elif settings.key is None:
            withheld = variable
    return Source(name=name, why=why, settings=settings, withheld=withheld, file=file)


def _is_named_by_user(config: Config, settings: Settings, environ: Mapping[str, str]) -> bool:
    """Return whether the environment or a saved profile names the origin of these settings.

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


def name_of(origin: str) -> str:
    """The origin as the lock names it: a loopback port means nothing tomorrow."""
    parts = urlsplit(origin)
    if parts.hostname in LOOPBACK:
        return f"{parts.scheme}://{parts.hostname}"
    return origin
