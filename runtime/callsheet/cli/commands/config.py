"""Log in and out, and show the settings, who is logged in and the version."""

from __future__ import annotations

import json
import os
import platform
import sys
from typing import TYPE_CHECKING, Any

import click

from callsheet.cli.builtin import BuiltinCommand, BuiltinGroup, format_count
from callsheet.cli.output import formats as output
from callsheet.config.settings import NAME, ProfileFile
from callsheet.errors import AuthError, UsageError
from callsheet.masking import SHORT, watch
from callsheet.secret import Secret
from callsheet.text import did_you_mean, listing
from callsheet.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.catalog.snapshot import Catalogue
    from callsheet.cli.context import Context
    from callsheet.config.settings import Settings


_DIRS = ("config_dir", "state_dir", "cache_dir")
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
_STANDARD_VARIABLES = {
    "proxy": _PROXIES,
    "no_proxy": ("NO_PROXY", "no_proxy"),
    "certificates": ("SSL_CERT_FILE", "SSL_CERT_DIR"),
}
_OLDER = "~/.adsgency/config.json"
_HOSTS = ("host", "baseUrl", "base_url", "apiHost", "url")
_KEYS = ("apiKey", "api_key", "key", "token")
_OTHER = {"bearer": "x-api-key", "x-api-key": "bearer"}


def facts(context: Context) -> dict[str, str | None]:
    """Return the versions, and what the bindings were made from."""
    return {
        "callsheet": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "bindings": context.bindings.package or None,
        "source": context.bindings.source or None,
    }


def _version(context: Context) -> None:
    """Print the version; with --json also that of Python and the bindings' source."""
    if output.chosen_format(context.console):
        output.emit(context.console, facts(context))
    else:
        output.write(__version__ + "\n")


def rows(context: Context) -> list[dict[str, str]]:
    """Return every setting with its value (the key masked) and its origin."""
    settings = context.settings
    settings_rows = [
        (name, str(getattr(settings, name)), settings.origins.get(name, "default"))
        for name in ("host", "auth", "profile")
    ]
    key = str(settings.key) if settings.key is not None else ""
    settings_rows.insert(1, ("key", key, settings.origins.get("api_key", "default")))
    file = ProfileFile(settings.config_dir)
    settings_rows.append(("profiles", ", ".join(file.names()), NAME))
    for name in ("insecure_http", "store_input"):
        switch = "yes" if getattr(settings, name) else "no"
        settings_rows.append((name, switch, settings.origins.get(name, "default")))
    settings_rows.append(("format", *_format(context)))
    settings_rows += [
        (name, str(getattr(settings, name)), _folder_variable(context, name)) for name in _DIRS
    ]
    settings_rows += [
        (name, *_first(context.environ, names)) for name, names in _STANDARD_VARIABLES.items()
    ]
    return [dict(zip(("name", "value", "origin"), row, strict=True)) for row in settings_rows]


def _format(context: Context) -> tuple[str, str]:
    """Return the format in use, or ``""``, and the flag or variable that sets it."""
    variable = f"{context.bindings.env}_FORMAT"
    if typed := context.flags.get("format"):
        return typed, "--format"
    return _first(context.environ, (variable,))


def _folder_variable(context: Context, name: str) -> str:
    """Return the name of the variable that sets a folder, or ``"default"``."""
    xdg = f"XDG_{name.partition('_')[0].upper()}_HOME"
    return _first(context.environ, (f"{context.bindings.env}_{name.upper()}", xdg))[1]


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, str]:
    """Return the value of the first variable that is set, and its name; else ``""``, ``"default"``.

    A proxy is returned without its user and password.
    """
    name = next((name for name in names if environ.get(name)), "")
    if not name:
        return "", "default"
    scheme, sign, rest = environ[name].rpartition("://")
    return f"{scheme}{sign}{rest.rpartition('@')[2]}", name


def _list(context: Context) -> None:
    """List all settings, each with where it comes from."""
    output.emit_list(context.console, rows(context), ("name", "value", "origin"))


def _get(context: Context, name: str | None) -> None:
    """Print one setting as a bare word, or all of them without a name."""
    values = {row["name"]: row["value"] for row in rows(context)}
    if name is None:
        _print(context, values, output.align(list(values.items())))
        return
    key = name.replace("-", "_").removeprefix("api_")
    if key not in values:
        hint = did_you_mean(name, values) or f"one of {listing(values)}"
        raise UsageError(f"there is no setting {name}", hint=hint)
    _print(context, values[key], values[key] + "\n")


def _print(context: Context, setting: object, bare: str) -> None:
    """Print ``setting`` in the chosen format, or ``bare`` where none was chosen."""
    if output.chosen_format(context.console):
        output.emit(context.console, setting)
    else:
        output.write(bare)


def _path(context: Context) -> None:
    """Print the path of the configuration file."""
    path = os.path.join(context.settings.config_dir, NAME)
    _print(context, path, path + "\n")


def _names(ctx: click.Context, param: click.Parameter, text: str) -> list[str]:
    return [row["name"] for row in rows(ctx.obj) if row["name"].startswith(text)]


def _login(context: Context, api_key: str | None, api_key_stdin: bool, older: str | None) -> None:
    """Save a server and its key, after asking the server whether it takes the key.

    The key is saved for this server only, in a file that only you can read.
    """
    host, key = _read_other_file(older) if older is not None else (None, None)
    if host and "host" not in context.flags:
        context.flags["host"] = host
        context.restart()
    _ask_host(context)
    settings = context.settings
    settings.require_host()
    key = _read_key(context, api_key, api_key_stdin) or key or _ask_key(context)
    if len(key) < SHORT:
        context.console.warn(
            f"the key has only {len(key)} characters: where the server repeats it among other "
            "words it is not masked; ask for a longer one"
        )
    secret = Secret.parse(key)
    watch(secret)  # the first request leaves without it, and may be answered with it all the same
    chosen, checked = _check_key(context, settings._replace(key=secret))
    context.use(chosen)
    catalogue = context.run(context.host.refresh())
    values = {"host": chosen.host, "auth": chosen.auth}
    if chosen.insecure_http:
        values["insecure_http"] = "yes"
    file = ProfileFile(chosen.config_dir)
    file.save(chosen.profile, values, origin=chosen.origin, key=key)
    _report(context, chosen, catalogue, checked=checked)


def _read_other_file(path: str) -> tuple[str | None, str | None]:
    """Read host (or ``None``) and key from another program's file; raise ``UsageError``."""
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            settings = json.load(file)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not JSON"
        raise UsageError(f"--import: {path} cannot be read: {why}", flag="--import") from None
    settings = settings if isinstance(settings, dict) else {}
    host = next((settings[n] for n in _HOSTS if isinstance(settings.get(n), str)), None)
    key = next((settings[n] for n in _KEYS if isinstance(settings.get(n), str)), None)
    if key is None:
        raise UsageError(f"--import: {path} holds no key", flag="--import")
    return host, key


def _read_key(context: Context, typed: str | None, from_stdin: bool) -> str | None:
    """Return the typed key, else a line of stdin or the variable's value; ``None`` for none."""
    if typed is not None:
        return typed
    if from_stdin:
        return sys.stdin.readline().strip()
    return context.environ.get(f"{context.bindings.env}_API_KEY")


def _ask_host(context: Context) -> None:
    """Ask for the server on a terminal, where none is set; set ``--host`` to the answer."""
    if context.settings.host or not context.console.can_ask():
        return
    context.flags["host"] = click.prompt("Server", err=True)
    context.restart()


def _ask_key(context: Context) -> str:
    """Ask for the key on a terminal; raise ``UsageError`` without one."""
    if not context.console.can_ask():
        raise UsageError(
            "no key was given", hint="--api-key KEY, or --api-key-stdin", flag="--api-key"
        )
    answer: str = click.prompt("API key", hide_input=True, err=True)
    return answer.strip()


def _check_key(context: Context, settings: Settings) -> tuple[Settings, bool]:
    """Return the settings with the scheme that the server takes, and whether it checks keys.

    Raises ``AuthError`` where it refuses the key in every scheme; the context then has the last.
    """
    if not _refuses(context, settings._replace(key=None)):
        return settings, False
    others = [] if "auth" in context.flags else [_OTHER[settings.auth]]
    for auth in [settings.auth, *others]:
        candidate = settings._replace(auth=auth)
        if not _refuses(context, candidate):
            return candidate, True
    raise AuthError(
        f"{settings.origin} refuses the key {settings.key}",
        hint=f"make one at {settings.origin}{context.host.overrides.under_key_page}",
    )


def _refuses(context: Context, settings: Settings) -> bool:
    """Ask for the list with these settings, which the context keeps; tell whether it is refused."""
    from callsheet.catalog.fetch import ask_for_list
    from callsheet.jsonio import strict_json
    from callsheet.protocol.envelope import open_envelope

    context.use(settings)
    reply = context.run(ask_for_list(context.host.timing))
    if reply.status in {401, 403}:
        return True
    opened = open_envelope(strict_json(reply.body), context.host.overrides)
    return opened.refusal is not None and opened.refusal.kind == "auth"


def counts(context: Context, catalogue: Catalogue) -> dict[str, int]:
    """Count ``actions``, ``families`` and ``unreadable`` schemas of a catalogue."""
    actions = context.host.surface(catalogue).actions
    families = {a.family for a in actions if a.family is not None}
    unreadable = sum(not action.typed for action in actions)
    return {"actions": len(actions), "families": len(families), "unreadable": unreadable}


def _report(context: Context, settings: Settings, catalogue: Catalogue, *, checked: bool) -> None:
    """Print what the login led to; note where the key was not ``checked`` by the server."""
    numbers = counts(context, catalogue)
    if catalogue.missing:
        context.console.warn(catalogue.missing)
    if not checked:
        context.console.note(
            "this server lists its actions without a key: the key could not be checked"
        )
    if output.chosen_format(context.console):
        output.emit(
            context.console, {**_identity(context, settings), **numbers, "checked": checked}
        )
        return
    parts = [
        format_count(numbers["actions"], "action"),
        format_count(numbers["families"], "family", "families"),
    ]
    if numbers["unreadable"]:
        parts.append(f"{format_count(numbers['unreadable'], 'schema')} unreadable")
    output.write(f"{', '.join(parts)}; details: {context.prog} probe\n")


def _identity(context: Context, settings: Settings) -> dict[str, Any]:
    """Return host, profile, scheme and the masked key."""
    return {
        "host": settings.host or None,
        "profile": settings.profile,
        "auth": settings.auth,
        "key": str(settings.key) if settings.key is not None else None,
    }


def _logout(context: Context) -> None:
    """Forget the key that is saved for the server in use."""
    settings = context.settings
    file = ProfileFile(settings.config_dir)
    forgotten = file.forget(settings.profile, settings.origin)
    server = settings.host or "any server"
    context.console.note(
        f"the key for {server} is forgotten" if forgotten else f"no key was saved for {server}"
    )
    if settings.key is not None and settings.origins.get("api_key", "").endswith("_API_KEY"):
        context.console.note(f"{settings.origins['api_key']} still gives one")
    if output.chosen_format(context.console):
        output.emit(context.console, {"host": settings.host or None, "forgotten": forgotten})


def _whoami(context: Context) -> None:
    """Show which server, profile and key (masked) are in use; nothing is sent."""
    settings = context.settings
    identity = _identity(context, settings)
    identity["origin"] = {name: settings.origins.get(name) for name in ("host", "profile", "auth")}
    identity["origin"]["key"] = settings.origins.get("api_key")
    rows = [(name, output.cell(identity[name])) for name in ("host", "profile", "auth", "key")]
    output.emit(context.console, identity, lambda: output.align(rows))


version = BuiltinCommand("version", _version, emits_json=False)
config = BuiltinGroup(
    "config",
    "Show the settings in use.",
    [
        BuiltinCommand(
            "get",
            _get,
            params=[click.Argument(["name"], required=False, shell_complete=_names)],
            emits_json=False,
        ),
        BuiltinCommand("list", _list, emits_json=False),
        BuiltinCommand("path", _path, emits_json=False),
    ],
)
login = BuiltinCommand(
    "login",
    _login,
    params=[
        click.Option(["--api-key"], metavar="KEY", help="The key (others can see it in `ps`)"),
        click.Option(["--api-key-stdin"], is_flag=True, help="Read the key from standard input"),
        click.Option(
            ["older", "--import"],
            metavar="[FILE]",
            is_flag=False,
            flag_value=_OLDER,
            help=f"Take server and key from another program's file ({_OLDER})",
        ),
    ],
    explained=("host", "auth", "profile", "insecure-http", "no-input"),
    emits_json=False,
)
logout = BuiltinCommand("logout", _logout, emits_json=False)
whoami = BuiltinCommand("whoami", _whoami)
