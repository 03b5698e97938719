"""Log in, log out and show who is logged in."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from callsheet.cli.builtin import BuiltinCommand, many
from callsheet.cli.output import formats as output
from callsheet.cli.output import table
from callsheet.config.profiles import ProfileFile
from callsheet.errors import AuthError, UsageError
from callsheet.flows.effects import Send
from callsheet.flows.retry import with_retries
from callsheet.secret import Secret

if TYPE_CHECKING:
    from callsheet.catalog.snapshot import Catalogue
    from callsheet.cli.context import Context
    from callsheet.config.settings import Settings


_OLDER = "~/.adsgency/config.json"
_HOSTS = ("host", "baseUrl", "base_url", "apiHost", "url")
_KEYS = ("apiKey", "api_key", "key", "token")
_OTHER = {"bearer": "x-api-key", "x-api-key": "bearer"}


def _login(context: Context, api_key: str | None, api_key_stdin: bool, older: str | None) -> None:
    """Save a server and its key, after asking the server whether it takes the key.

    The key is kept for this server alone and is readable by you alone.
    """
    host, key = _older(older) if older is not None else (None, None)
    if host and "host" not in context.flags:
        context.flags["host"] = host
        context.restart()
    _ask_host(context)
    settings = context.settings
    settings.require_host()
    key = _key(context, api_key, api_key_stdin) or key or _asked(context)
    chosen = settings._replace(key=Secret.parse(key))
    chosen, checked = _checked(context, chosen)
    context.use(chosen)
    catalogue = context.run(context.host.refresh())
    values = {"host": chosen.host, "auth": chosen.auth}
    if chosen.insecure_http:
        values["insecure_http"] = "yes"
    file = ProfileFile(chosen.config_dir)
    file.save(chosen.profile, values, origin=chosen.origin, key=key)
    _tell(context, chosen, catalogue, checked=checked)


def _older(path: str) -> tuple[str | None, str | None]:
    """Host and key of another program's file; raises ``UsageError``."""
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            data = json.load(file)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not JSON"
        raise UsageError(f"--import: {path} cannot be read: {why}", flag="--import") from None
    data = data if isinstance(data, dict) else {}
    host = next((data[n] for n in _HOSTS if isinstance(data.get(n), str)), None)
    key = next((data[n] for n in _KEYS if isinstance(data.get(n), str)), None)
    if key is None:
        raise UsageError(f"--import: {path} holds no key", flag="--import")
    return host, key


def _key(context: Context, said: str | None, from_stdin: bool) -> str | None:
    if said is not None:
        return said
    if from_stdin:
        return sys.stdin.readline().strip()
    return context.environ.get(f"{context.bindings.env}_API_KEY")


def _may_ask(context: Context) -> bool:
    return "no-input" not in context.flags and sys.stdin is not None and sys.stdin.isatty()


def _ask_host(context: Context) -> None:
    """On a terminal ask for the server that nothing names."""
    if context.settings.host or not _may_ask(context):
        return
    context.flags["host"] = click.prompt("Server", err=True)
    context.restart()


def _asked(context: Context) -> str:
    if not _may_ask(context):
        raise UsageError(
            "no key was given", hint="--api-key KEY, or --api-key-stdin", flag="--api-key"
        )
    answer: str = click.prompt("API key", hide_input=True, err=True)
    return answer.strip()


def _checked(context: Context, settings: Settings) -> tuple[Settings, bool]:
    """The settings with the scheme that the server takes, and whether it looked at the key."""
    if not _refuses(context, settings._replace(key=None)):
        return settings, False
    said = "auth" in context.flags
    for auth in [settings.auth] if said else [settings.auth, _OTHER[settings.auth]]:
        tried = settings._replace(auth=auth)
        if not _refuses(context, tried):
            return tried, True
    raise AuthError(
        f"{settings.origin} refuses the key {settings.key}",
        hint=f"make one at {settings.origin} under Settings → API Keys",
    )


def _refuses(context: Context, settings: Settings) -> bool:
    """Whether the server turns this key away from its list of actions."""
    from callsheet.catalog.fetch import LIST
    from callsheet.jsonio import strict_json
    from callsheet.protocol.envelope import open_envelope

    context.use(settings)
    reply = context.run(with_retries(Send("GET", LIST), context.host.timing))
    if reply.status in {401, 403}:
        return True
    opened = open_envelope(strict_json(reply.body), context.host.overrides)
    return opened.refusal is not None and opened.refusal.kind == "auth"


def counts(context: Context, catalogue: Catalogue) -> dict[str, int]:
    """How many actions, families and unreadable schemas a catalogue has."""
    actions = context.host.surface(catalogue).actions
    families = {a.family for a in actions if a.family is not None}
    unreadable = sum(not action.typed for action in actions)
    return {"actions": len(actions), "families": len(families), "unreadable": unreadable}


def _tell(context: Context, settings: Settings, catalogue: Catalogue, *, checked: bool) -> None:
    found = counts(context, catalogue)
    if not checked:
        context.console.note(
            "this server lists its actions without a key: the key could not be checked"
        )
    if output.chosen(context.console):
        output.emit(context.console, {**_identity(context, settings), **found, "checked": checked})
        return
    parts = [many(found["actions"], "action"), many(found["families"], "family", "families")]
    if found["unreadable"]:
        parts.append(f"{many(found['unreadable'], 'schema')} unreadable")
    output.write(f"{', '.join(parts)}; details: {context.prog} probe\n")


def _identity(context: Context, settings: Settings) -> dict[str, Any]:
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
    found = file.forget(settings.profile, settings.origin)
    where = settings.host or "any server"
    context.console.note(
        f"the key for {where} is forgotten" if found else f"no key was saved for {where}"
    )
    if settings.key is not None and settings.origins.get("api_key", "").endswith("_API_KEY"):
        context.console.note(f"{settings.origins['api_key']} still gives one")
    if output.chosen(context.console):
        output.emit(context.console, {"host": settings.host or None, "forgotten": found})


def _whoami(context: Context) -> None:
    """Show which server, profile and key (masked) are in use; nothing is sent."""
    settings = context.settings
    shown = _identity(context, settings)
    shown["origin"] = {name: settings.origins.get(name) for name in ("host", "profile", "auth")}
    shown["origin"]["key"] = settings.origins.get("api_key")
    rows = [(name, table.cell(shown[name])) for name in ("host", "profile", "auth", "key")]
    output.emit(context.console, shown, lambda: table.aligned(rows))


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
    shown=("host", "auth", "profile", "insecure-http", "no-input"),
    emits_json=False,
)
logout = BuiltinCommand("logout", _logout, emits_json=False)
whoami = BuiltinCommand("whoami", _whoami)
