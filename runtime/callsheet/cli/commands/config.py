"""Show the settings, who is logged in and the version."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING, Any

import click

from callsheet.cli.builtin import BuiltinCommand, BuiltinGroup
from callsheet.cli.output import formats as output
from callsheet.cli.output.cells import align, cell
from callsheet.config.profiles import NAME, ProfileFile
from callsheet.config.settings import SPENDING
from callsheet.errors import UsageError
from callsheet.text import did_you_mean, listing
from callsheet.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.cli.context import Context
    from callsheet.config.settings import Settings


_SETTABLE = ("overlay", *SPENDING)
_DIRS = ("config_dir", "state_dir", "cache_dir")
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
_STANDARD_VARIABLES = {
    "proxy": _PROXIES,
    "no_proxy": ("NO_PROXY", "no_proxy"),
    "certificates": ("SSL_CERT_FILE", "SSL_CERT_DIR"),
}


def facts(context: Context) -> dict[str, str | None]:
    """Return the versions, and what the bindings were made from."""
    return {
        "callsheet": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "bindings": context.program.package or None,
        "source": context.program.source or None,
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
    added = "; ".join(map(str, settings.headers))
    settings_rows.insert(3, ("headers", added, settings.origins.get("headers", "default")))
    file = ProfileFile(settings.config_dir)
    settings_rows.append(("profiles", ", ".join(file.names()), NAME))
    settings_rows.append(("overlay", settings.overlay, settings.origins.get("overlay", "default")))
    settings_rows += [
        (name, getattr(settings, name), settings.origins.get(name, "default")) for name in SPENDING
    ]
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
    variable = f"{context.program.env}_FORMAT"
    if typed := context.flags.get("format"):
        return typed, "--format"
    return _first(context.environ, (variable,))


def _folder_variable(context: Context, name: str) -> str:
    """Return the name of the variable that sets a folder, or ``"default"``."""
    xdg = f"XDG_{name.partition('_')[0].upper()}_HOME"
    return _first(context.environ, (f"{context.program.env}_{name.upper()}", xdg))[1]


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
        _print(context, values, align(list(values.items())))
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


def _set(context: Context, name: str, setting: str) -> None:
    """Save a setting in the profile; "" removes it.

    That is an amount for max-cost, assume-cost or daily-limit, or as overlay a JSON file of rules.
    """
    key, settings = name.replace("-", "_"), context.settings
    if key not in _SETTABLE:
        hint = "login --host URL --api-key KEY" if key in {"host", "key"} else ""
        can = listing([word.replace("_", "-") for word in _SETTABLE])
        raise UsageError(f"{name} cannot be set: {can} can", hint=hint)
    if key in SPENDING:
        from callsheet.engine.budget import parse_limit

        parse_limit(name, setting)
    elif setting:
        from callsheet.config.overlay import read_overlay

        setting = os.path.abspath(setting)
        read_overlay(setting)
    ProfileFile(settings.config_dir).set(settings.profile, key, setting)


def _path(context: Context) -> None:
    """Print the path of the configuration file."""
    path = os.path.join(context.settings.config_dir, NAME)
    _print(context, path, path + "\n")


def _names(ctx: click.Context, param: click.Parameter, text: str) -> list[str]:
    return [row["name"] for row in rows(ctx.obj) if row["name"].startswith(text)]


def identity_of(context: Context, settings: Settings) -> dict[str, Any]:
    """Return host, profile, the way of the key, and the key and the added headers, masked."""
    return {
        "host": settings.host or None,
        "profile": settings.profile,
        "auth": settings.auth,
        "key": str(settings.key) if settings.key is not None else None,
        "headers": [str(header) for header in settings.headers],
    }


def _whoami(context: Context) -> None:
    """Show which server, profile and key (masked) are in use; nothing is sent."""
    settings = context.settings
    identity = identity_of(context, settings)
    identity["origin"] = {name: settings.origins.get(name) for name in ("host", "profile", "auth")}
    identity["origin"]["key"] = settings.origins.get("api_key")
    identity["origin"]["headers"] = settings.origins.get("headers")
    names = ("host", "profile", "auth", "key", *(["headers"] if settings.headers else []))
    rows = [(name, cell(identity[name])) for name in names]
    output.emit(context.console, identity, lambda: align(rows))


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
        BuiltinCommand(
            "set",
            _set,
            params=[click.Argument(["name"]), click.Argument(["setting"], metavar="VALUE")],
            emits_json=False,
        ),
    ],
)
whoami = BuiltinCommand("whoami", _whoami)
