"""Resolve host, key and folders from flags, environment, profile and defaults."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.config.credentials import (
    ExtraHeader,
    header_of,
    merge_headers,
    parse_auth,
    parse_headers,
)
from callsheet.config.profiles import ProfileFile
from callsheet.errors import UsageError
from callsheet.secret import Secret
from callsheet.stored import folder
from callsheet.system import is_own, may_others

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callsheet.config.bindings import Bindings

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SANDBOX = "callsheet-sandbox"
"""What our sandbox calls itself in its replies."""
# What every reader of URLs reads alike; urllib, which takes 2 ms to import, reads the others.
_COMMON_URL = r"(https?)://([a-z0-9.-]+)(?::([1-9][0-9]{0,4}))?((?:/[A-Za-z0-9._~-]*)*)"
# What stands before a host, also where a slash or the colon's neighbour is missing.
_SCHEME = r"(?i)[a-z][a-z0-9+.-]*:/+|https?:(?![0-9])/*"
_PORTS = {"https": "443", "http": "80"}
_LAST_PORT = 65535
OFF_WORDS = ("", "0", "false", "no", "none", "off")


SPENDING = ("max_cost", "assume_cost", "daily_limit")
"""The settings that limit what may be spent; see ``engine.budget.Limits``."""


class Settings(NamedTuple):
    """Resolved configuration. ``origins`` maps each name to where its value came from.

    ``host`` is the base URL without a trailing slash (it may hold a path); ``origin`` is its
    scheme, host and port: the only place that ever sees ``key`` and ``headers``. ``auth`` says
    how the key travels (see ``credentials.WAYS``). ``overlay`` is the path of rules about actions
    in the place of the program's own. ``warnings`` are for stderr. The limits of ``SPENDING`` are
    amounts as a person wrote them, empty for none.
    """

    command: str
    env: str
    config_dir: str
    state_dir: str
    cache_dir: str
    host: str = ""
    key: Secret | None = None
    auth: str = "bearer"
    profile: str = "default"
    insecure_http: bool = False
    store_input: bool = True
    overlay: str = ""
    origins: Mapping[str, str] = {}
    warnings: tuple[str, ...] = ()
    headers: tuple[ExtraHeader, ...] = ()
    max_cost: str = ""
    assume_cost: str = ""
    daily_limit: str = ""

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Return the key and the credentials in ``headers``."""
        secrets = (self.key, *(header.secret for header in self.headers))
        return tuple(secret for secret in secrets if secret is not None)

    @property
    def origin(self) -> str:
        """Return scheme, host and port of ``host``."""
        return origin_of(self.host)

    def require_host(self) -> str:
        """Return the host, or raise a ``UsageError`` that says how to name one."""
        if not self.host:
            from callsheet.text import did_you_mean, listing

            names = ProfileFile(self.config_dir).names()
            if self.profile not in ("default", *names):
                raise UsageError(
                    f"there is no profile {self.profile}",
                    hint=did_you_mean(self.profile, names)
                    or f"{self.command} login --profile {self.profile} --host https://… makes it"
                    + (f"; there are: {listing(names)}" if names else ""),
                    flag="--profile",
                )
            raise UsageError(
                "no server is configured"
                + ("" if self.profile == "default" else f" in profile {self.profile}"),
                hint=f"{self.command} login --host https://… --api-key …  (or set {self.env}_HOST)",
            )
        return self.host


@lru_cache(maxsize=512)
def origin_of(url: str) -> str:
    """Return ``scheme://host`` of a URL in lower case, with ``:port`` unless it is the usual one.

    Empty where there is no host, or neither a port nor a scheme whose port is known. Never raises.
    """
    plain = re.fullmatch(_COMMON_URL, url)
    if plain and int(plain[3] or 0) <= _LAST_PORT:
        usual = plain[3] in {None, _PORTS[plain[1]]}
        return f"{plain[1]}://{plain[2]}" + ("" if usual else f":{plain[3]}")
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return ""
    if not parts.hostname or port is None:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = (parts.scheme, port) in {("https", 443), ("http", 80)}
    return f"{parts.scheme}://{host}" + ("" if default else f":{port}")


def is_loopback(url: str) -> bool:
    """Tell whether the host of a URL is a loopback address (one of ``LOOPBACK``)."""
    address = origin_of(url).partition("://")[2]
    return (address[1:].partition("]") if address[:1] == "[" else address.partition(":"))[
        0
    ] in LOOPBACK


def source_name(url: str) -> str:
    """Return the origin of a URL as a lock names it: without the port of a loopback address."""
    origin = origin_of(url)
    return re.sub(r":[0-9]+$", "", origin) if is_loopback(origin) else origin


def bindings_for(program: Bindings, settings: Settings, index: Callable[[], Any]) -> Bindings:
    """Return a program with the configured overlay; without its package where that counts not.

    A package counts where its source is the host in use, and where no host is set; with other
    rules than its own it does not. That of a sandbox which ran for the generator alone counts for
    one of this machine: ``index`` returns that of the cached catalogue, in which the host names
    itself.
    """
    if settings.overlay:
        return program.without_package()._replace(rules=settings.overlay)
    source, host = program.source, settings.host
    if not program.package or not host or source in {settings.origin, source_name(host)}:
        return program
    if source == "sandbox" and is_loopback(host) and getattr(index(), "server", "") == SANDBOX:
        return program
    return program.without_package()


def join_url(base: str, link: str) -> str:
    """Resolve a link against ``base``; return "" for one that cannot be read."""
    from urllib.parse import urljoin

    try:
        return urljoin(base, link.strip())
    except ValueError:
        return ""


def parse_host(text: str, *, insecure_http: bool = False) -> str:
    """Return origin and path of a base URL that a person typed; raise ``UsageError`` for others.

    A bare name gets ``https``; a final slash, ``/api`` or ``/api/actions`` is cut. Plain http is
    for loopback only, unless ``insecure_http``.
    """
    url = text.strip()
    scheme = re.match(_SCHEME, url)
    if scheme and scheme[0].lower() not in {"http://", "https://"}:
        raise UsageError(
            f"{text!r}: a server's address begins with https:// or http://, not {scheme[0]}",
            hint="write https://HOST[:PORT], or http:// for this machine",
            flag="--host",
        )
    if not scheme:
        url = f"https://{url}"
    name, plain = origin_of(url), url.isprintable() and not set(url) & set(' \\<>"{}|^`%')
    if not plain or not name.startswith(("http://", "https://")) or not _has_labels(name):
        raise UsageError(
            f"{text!r} is not a server's address", hint="write https://HOST[:PORT]", flag="--host"
        )
    match = re.fullmatch(_COMMON_URL, url)
    path = match[4] if match else _require_path(url)
    if name.startswith("http:") and not is_loopback(name) and not insecure_http:
        raise UsageError(
            f"{name} would carry the key unencrypted",
            hint="use https, or --insecure-http if that is what you want",
            flag="--host",
        )
    path = path.rstrip("/").removesuffix("/api/actions").removesuffix("/api").rstrip("/")
    return name + path


def _has_labels(origin: str) -> bool:
    """Tell whether the parts of a host's name have the lengths that DNS allows."""
    host = origin.partition("://")[2]
    name = host if host.startswith("[") else host.partition(":")[0].removesuffix(".")
    return len(name) <= 253 and all(0 < len(label) < 64 for label in name.split("."))


def _require_path(url: str) -> str:
    """Return the path of a URL; raise ``UsageError`` for one with a user, query or fragment."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError("a server's address has no user, query or fragment", flag="--host")
    return parts.path


class Variables(dict[str, str]):
    """Environment whose representation shows no value: one of them may be the key."""

    def __repr__(self) -> str:
        return f"<{len(self)} variables>"


class _Resolver:
    """Looks names up in flags, environment and profile; ``origins`` records where each came from.

    Set ``profile`` and ``where``, its name in messages, once the profile is known.
    """

    def __init__(self, flags: Mapping[str, Any], env: str, environ: Mapping[str, str]) -> None:
        self.flags, self.env, self.environ = flags, env, environ
        self.profile: Mapping[str, Any] = {}
        self.where = ""
        self.origins: dict[str, str] = {}

    def get(self, name: str, default: str = "") -> str:
        """Return a setting (flag, variable, profile, then ``default``) and record its origin.

        Raises ``UsageError`` where the profile holds something else than a text.
        """
        variable = f"{self.env}_{name.upper()}"
        if self.flags.get(name) is not None:
            setting, self.origins[name] = self.flags[name], f"--{name.replace('_', '-')}"
        elif self.environ.get(variable):
            setting, self.origins[name] = self.environ[variable], variable
        elif name in self.profile:
            setting, self.origins[name] = self.profile[name], self.where
            if not isinstance(setting, str):
                raise UsageError(f"{name} in {self.where} is not a text", hint="log in again")
        else:
            setting, self.origins[name] = default, "default"
        text: str = setting
        return text

    def insecure_http(self) -> bool:
        """Return the switch of the flag, or of the profile whose host is used; record its origin.

        The environment is never read. Call after ``get("host")``.
        """
        if self.flags.get("insecure_http"):
            self.origins["insecure_http"] = "--insecure-http"
            return True
        stored = (
            _is_switched_on(self.profile.get("insecure_http"))
            and self.origins["host"] == self.where
        )
        self.origins["insecure_http"] = self.where if stored else "default"
        return stored

    def store_input(self) -> bool:
        """Return whether bodies are stored in the ledger (default: yes); record the origin."""
        setting, name = self.environ.get(f"{self.env}_STORE_INPUT"), f"{self.env}_STORE_INPUT"
        if not setting and "store_input" in self.profile:
            setting, name = self.profile["store_input"], self.where
        self.origins["store_input"] = "default" if setting in {None, ""} else name
        return setting in {None, ""} or _is_switched_on(setting)


def _is_switched_on(switch: object) -> bool:
    """Tell whether a switch is on: any text but those of ``OFF_WORDS``, case aside."""
    return str(switch).strip().lower() not in OFF_WORDS


def load(
    bindings: Bindings,
    *,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Resolve the settings of one program, and read its profile file; ``environ`` defaults to ours.

    Raises ``UsageError`` for a setting or a file that cannot be used. ``flags`` may hold ``host``,
    ``api_key``, ``auth``, ``profile``, ``insecure_http`` and ``header``, lines of ``NAME:VALUE``.
    """
    environ = Variables(os.environ if environ is None else environ)
    find = _Resolver(flags or {}, bindings.env, environ)
    folders = {k: folder(k, bindings.command, bindings.env, environ) for k in _FOLDERS}
    file = ProfileFile(folders["config"])
    profile = find.get("profile", file.current)
    find.profile, find.where = file.profile(profile), f"profile {profile}"
    host = find.get("host")
    insecure = find.insecure_http()
    host = parse_host(host, insecure_http=insecure) if host else ""
    auth = parse_auth(find.get("auth", "bearer"))
    key, headers = _find_key(find, file, profile, host), _find_headers(find, file, profile, host)
    require_one_place(auth, headers, key)
    return Settings(
        command=bindings.command,
        env=bindings.env,
        host=host,
        key=key,
        auth=auth,
        profile=profile,
        **{f"{kind}_dir": path for kind, path in folders.items()},
        insecure_http=insecure,
        store_input=find.store_input(),
        overlay=find.get("overlay"),
        origins=find.origins,
        warnings=(*file.warnings, *_folder_warnings(folders["config"], folders["state"])),
        headers=headers,
        **{name: find.get(name) for name in SPENDING},
    )


def require_one_place(auth: str, headers: tuple[ExtraHeader, ...], key: object = True) -> None:
    """Raise ``UsageError`` where one of the headers is that of the key, unless that is None."""
    place = header_of(auth)[0]
    if key is not None and any(header.name.lower() == place.lower() for header in headers):
        raise UsageError(
            f"--header: {place} holds the key already",
            hint="--auth header:NAME or scheme:WORD says how the key is sent",
            flag="--header",
        )


def _folder_warnings(*folders: str) -> tuple[str, ...]:
    """Return a line for each of our folders that others may write to or own."""
    warnings = []
    for path in dict.fromkeys(folders):
        with suppress(OSError):
            state = os.stat(path)
            if may_others(state, 0o022):
                warnings.append(f"others may write to {path}; fix it: chmod go-w {path}")
            if not is_own(state):
                warnings.append(f"{path} belongs to another user")
    return tuple(warnings)


_FOLDERS = ("config", "state", "cache")


def _find_key(find: _Resolver, file: ProfileFile, profile: str, host: str) -> Secret | None:
    """Return the key given for this run, else the one stored for exactly this origin.

    ``None`` without either. Records the origin; raises ``UsageError`` for a malformed key.
    """
    typed: Any = find.get("api_key")
    if typed:
        return typed if isinstance(typed, Secret) else Secret.parse(typed)
    stored = file.secret(profile, origin_of(host)) if host else None
    if stored is not None:
        word = "stored" if file.key(profile, origin_of(host)) else "fetched"
        find.origins["api_key"] = f"profile {profile}, {word} for {origin_of(host)}"
    return stored


def _find_headers(
    find: _Resolver, file: ProfileFile, profile: str, host: str
) -> tuple[ExtraHeader, ...]:
    """Return the headers given for this run, over those stored for exactly this origin.

    Records the origin of the last one; raises ``UsageError`` for a malformed one.
    """
    stored = file.headers(profile, origin_of(host)) if host else {}
    typed = find.flags.get("header") or ()
    lines = typed.split("\n") if isinstance(typed, str) else typed
    find.origins["headers"] = "--header" if lines else f"profile {profile}" if stored else "default"
    where = f"profile {profile}"
    own = tuple(ExtraHeader.parse(name, text, where) for name, text in stored.items())
    return merge_headers(own, parse_headers(lines))
