"""Resolve host, key and folders from flags, environment, profile and defaults."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.errors import UsageError
from callsheet.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callsheet.config.bindings import Bindings

LOOPBACK = ("127.0.0.1", "localhost", "::1")
AUTHS = ("bearer", "x-api-key")
# What every reader of URLs reads alike; urllib, which takes 2 ms to import, reads the others.
_COMMON_URL = r"(https?)://([a-z0-9.-]+)(?::([1-9][0-9]{0,4}))?((?:/[A-Za-z0-9._~-]*)*)"
_PORTS = {"https": "443", "http": "80"}
_LAST_PORT = 65535
OFF_WORDS = ("", "0", "false", "no", "none", "off")


class Settings(NamedTuple):
    """Resolved configuration. ``origins`` maps each name to where its value came from.

    ``host`` is the base URL without a trailing slash (it may hold a path); ``origin`` is its
    scheme, host and port: the only place that ever sees ``key``. ``warnings`` are for stderr.
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
    origins: Mapping[str, str] = {}
    warnings: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """Return scheme, host and port of ``host``."""
        return origin_of(self.host)

    def require_host(self) -> str:
        """Return the host, or raise a ``UsageError`` that says how to name one."""
        if not self.host:
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
    if "://" not in url:
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
        raise UsageError("a server's address holds no user, query or fragment", flag="--host")
    return parts.path


def folder(kind: str, command: str, env: str, environ: Mapping[str, str]) -> str:
    """Return the ``config``, ``state`` or ``cache`` folder: own variable, XDG, then the default."""
    own = environ.get(f"{env}_{kind.upper()}_DIR")
    if own:
        return own
    default = {"config": ".config", "state": ".local/state", "cache": ".cache"}[kind]
    root = environ.get(f"XDG_{kind.upper()}_HOME") or os.path.join(
        environ.get("HOME") or os.path.expanduser("~"), default
    )
    return os.path.join(root, command)


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

    Raises ``UsageError`` for a setting or a file that cannot be used.

    ``flags`` may hold ``host``, ``api_key``, ``auth``, ``profile`` and ``insecure_http``.
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
    auth = find.get("auth", "bearer")
    if auth not in AUTHS:
        raise UsageError(f"auth is {auth!r}; allowed: {', '.join(AUTHS)}", flag="--auth")
    return Settings(
        command=bindings.command,
        env=bindings.env,
        host=host,
        key=_find_key(find, file, profile, host),
        auth=auth,
        profile=profile,
        config_dir=folders["config"],
        state_dir=folders["state"],
        cache_dir=folders["cache"],
        insecure_http=insecure,
        store_input=find.store_input(),
        origins=find.origins,
        warnings=(*file.warnings, *_folder_warnings(folders["config"], folders["state"])),
    )


def _folder_warnings(*folders: str) -> tuple[str, ...]:
    """Return a line for each of our folders that others may write to or own."""
    warnings = []
    for path in dict.fromkeys(folders):
        with suppress(OSError):
            state = os.stat(path)
            if state.st_mode & 0o022:
                warnings.append(f"others may write to {path}; fix it: chmod go-w {path}")
            if state.st_uid != os.geteuid():
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
    stored = file.key(profile, origin_of(host)) if host else None
    if stored:
        find.origins["api_key"] = f"profile {profile}, stored for {origin_of(host)}"
        return Secret.parse(stored)
    return None


NAME = "config.json"
SECRETS = ("keys", "api_key")


class ProfileFile:
    """``config.json`` of one program.

    ``{"profile": NAME, "profiles": {NAME: {"host", "auth", …, "keys": {ORIGIN: KEY}}}}``:
    a key belongs to the origin it was given for and is returned for no other. ``warnings`` has a
    line where others may read or own the file. Raises ``UsageError`` for an unreadable file.
    """

    def __init__(self, folder: str) -> None:
        self.path = os.path.join(folder, NAME)
        self.warnings: tuple[str, ...] = ()
        self._data = self._read()

    @property
    def current(self) -> str:
        """Return the name of the profile that is used when none is named."""
        return str(self._data.get("profile") or "default")

    def names(self) -> list[str]:
        """Return the names of all profiles, sorted."""
        return sorted(self._data["profiles"])

    def profile(self, name: str) -> Mapping[str, Any]:
        """Return the values of one profile, without its keys; empty where there is none."""
        values: Mapping[str, Any] = self._data["profiles"].get(name, {})
        return {k: v for k, v in values.items() if k not in SECRETS}

    def key(self, name: str, origin: str) -> str | None:
        """Return the key stored in a profile for this origin; ``None`` where there is none."""
        key = self._data["profiles"].get(name, {}).get("keys", {}).get(origin)
        return key if isinstance(key, str) else None

    def save(self, name: str, values: Mapping[str, Any], *, origin: str, key: str | None) -> None:
        """Store values, and a key for ``origin``, in a profile and make it the current one.

        The file is read anew: what another process stored meanwhile stays. A ``key`` of ``None``
        leaves the stored one. Raises ``UsageError`` where the file cannot be read or written.
        """
        with self._locked_update():
            profile = self._data["profiles"].setdefault(name, {})
            profile.update(values)
            if key is not None:
                profile.setdefault("keys", {})[origin] = key
            self._data["profile"] = name

    def forget(self, name: str, origin: str) -> bool:
        """Delete the key of one origin from the file; return false where there was none."""
        if self.key(name, origin) is None:
            return False
        with self._locked_update():
            keys = self._data["profiles"].get(name, {}).get("keys", {})
            return keys.pop(origin, None) is not None

    def _read(self) -> dict[str, Any]:
        """Return the file's document without what has no valid shape; set ``warnings``."""
        import json

        try:
            with open(self.path, encoding="utf-8") as file:
                self.warnings = self._exposure_warnings(os.fstat(file.fileno()))
                document = json.load(file)
        except FileNotFoundError:
            return {"profiles": {}}
        except (OSError, ValueError, RecursionError) as error:
            raise UsageError(
                f"{self.path} cannot be read: {type(error).__name__}",
                hint="repair or remove the file, then log in again",
            ) from None
        if not isinstance(document, dict) or not isinstance(document.get("profiles", {}), dict):
            raise UsageError(
                f"{self.path} is not a configuration", hint="remove it and log in again"
            )
        profiles = document.get("profiles", {})
        document["profiles"] = {k: v for k, v in profiles.items() if isinstance(v, dict)}
        for profile in document["profiles"].values():
            if not isinstance(profile.get("keys", {}), dict):
                del profile["keys"]
        return document

    def _exposure_warnings(self, stat: os.stat_result) -> tuple[str, ...]:
        """Return a line where others may read the file or own it."""
        warnings = []
        if stat.st_mode & 0o077:
            warnings.append(f"others may read the keys in {self.path}; fix it: chmod 600")
        if stat.st_uid != os.geteuid():
            warnings.append(f"{self.path} belongs to another user")
        return tuple(warnings)

    @contextmanager
    def _locked_update(self) -> Iterator[None]:
        """Lock the folder, read the file anew, and write it after the block.

        Raises ``UsageError`` where that fails.
        """
        import json

        from callsheet.storage.atomic_file import locked_folder, replace_file

        try:
            with locked_folder(os.path.dirname(self.path)):
                self._data = self._read()
                yield
                replace_file(self.path, json.dumps(self._data, indent=2) + "\n", durable=True)
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written: {error.strerror}") from None
