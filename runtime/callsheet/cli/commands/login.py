"""Log in to a server, with or without a key, and out again."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import click

from callsheet.cli.builtin import BuiltinCommand, format_count
from callsheet.cli.commands.config import identity_of
from callsheet.cli.output import formats as output
from callsheet.config.credentials import (
    BEARER,
    X_API_KEY,
    offered_ways,
    parse_headers,
    suggested_header,
)
from callsheet.config.key_sources import (
    forget_in_keyring,
    open_keyring,
    run_command,
    store_in_keyring,
)
from callsheet.config.profiles import ProfileFile
from callsheet.config.settings import require_one_place
from callsheet.errors import AuthError, UsageError
from callsheet.masking import SHORT, masked, watch
from callsheet.secret import Secret
from callsheet.text import one_line

if TYPE_CHECKING:
    from callsheet.catalog.snapshot import Catalogue
    from callsheet.cli.context import Context
    from callsheet.config.settings import Settings
    from callsheet.flows.effects import HttpReply


_OLDER = "~/.adsgency/config.json"
_HOSTS = ("host", "baseUrl", "base_url", "apiHost", "url")
_KEYS = ("apiKey", "api_key", "key", "token")
_MOST_WAYS = 6
_MOST_PAGES = 200


def _login(
    context: Context,
    *,
    api_key: str | None,
    api_key_stdin: bool,
    api_key_command: str | None,
    keyring: bool,
    older: str | None,
) -> None:
    """Save a server and its key, after asking the server whether it takes the key.

    The key is saved for this server only, in a file that only you can read.
    """
    if keyring and api_key_command is not None:
        raise UsageError("use --keyring or --api-key-command, not both", flag="--keyring")
    if keyring:
        open_keyring()
    host, key = _read_other_file(older) if older is not None else (None, None)
    if host and "host" not in context.flags:
        context.flags["host"] = host
        context.restart()
    _ask_host(context)
    settings = context.settings._replace(key=None)
    settings.require_host()
    read = _read_key(context, api_key, api_key_stdin, api_key_command)
    secret = _wrapped(context, read or key)
    refusal = _ask_for_list(context, settings)
    if secret is None:
        secret = _wrapped(context, _ask_key(context, is_needed=refusal is not None))
    chosen = settings._replace(key=secret)
    if secret is not None:
        require_one_place(chosen.auth, chosen.headers)
    if refusal is not None:
        chosen = _find_way(context, chosen, refusal)
    context.use(chosen)
    catalogue = context.run(context.host.refresh())
    _save(context, chosen, command=api_key_command, keyring=keyring)
    _report(context, chosen, catalogue, checked=refusal is not None)
    _store_pages(context)  # what is counted is stored beside the actions, and makes pages old


def _store_pages(context: Context) -> None:
    """Store the first pages of the server that a command without flags talks to from now on."""
    from callsheet.cli.context import Context as PlainContext
    from callsheet.cli.tree import store_served

    plain = PlainContext(context.program, (), context.environ)
    if plain.settings.host == context.settings.host:
        store_served(plain, _MOST_PAGES)


def _wrapped(context: Context, key: str | None) -> Secret | None:
    """Check a key, ``None`` for none, and mask it from now on; warn of a short one."""
    if key is None:
        return None
    if len(key) < SHORT:
        context.console.warn(
            f"the key has only {len(key)} characters: where the server repeats it among other "
            "words it is not masked; ask for a longer one"
        )
    secret = Secret.parse(key)
    watch(secret)  # the first request leaves without it, and may be answered with it all the same
    return secret


def _save(context: Context, chosen: Settings, *, command: str | None, keyring: bool) -> None:
    """Store what the login led to, and the headers that were typed, in the profile.

    In the place of the key the ``command`` that gives it, or that the system's keyring holds it.
    """
    key: str | dict[str, str] | None = chosen.key.reveal() if chosen.key is not None else None
    if command is not None:
        key = {"command": command}
    elif keyring and chosen.key is not None:
        store_in_keyring(context.prog, chosen.profile, chosen.origin, chosen.key)
        key = {"keyring": context.prog}
    values = {"host": chosen.host, "auth": chosen.auth}
    if chosen.insecure_http:
        values["insecure_http"] = "yes"
    ProfileFile(chosen.config_dir).save(
        chosen.profile,
        values,
        origin=chosen.origin,
        key=key,
        headers=parse_headers(context.flags.all("header")),
    )


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


def _read_key(
    context: Context, typed: str | None, from_stdin: bool, command: str | None
) -> str | None:
    """Return the key that was typed or that a command, stdin or the variable gives, or ``None``."""
    if typed is not None:
        return typed
    if command is not None:
        return run_command(command)
    if from_stdin:
        return sys.stdin.readline().strip()
    return context.environ.get(f"{context.program.env}_API_KEY") or None


def _ask_host(context: Context) -> None:
    """Ask for the server on a terminal, where none is set; set ``--host`` to the answer."""
    if context.settings.host or not context.console.can_ask():
        return
    context.flags["host"] = click.prompt("Server", err=True)
    context.restart()


def _ask_key(context: Context, *, is_needed: bool) -> str | None:
    """Ask for the key on a terminal; ``None`` where there is none and the server needs none.

    Raises ``UsageError`` where it needs one.
    """
    if context.console.can_ask():
        none = "" if is_needed else " (Enter for none)"
        answer: str = click.prompt(
            f"API key{none}", hide_input=True, err=True, default="", show_default=False
        )
        if answer.strip():
            return answer.strip()
    if is_needed:
        raise UsageError(
            "no key was given", hint="--api-key KEY, or --api-key-stdin", flag="--api-key"
        )
    return None


def _find_way(context: Context, settings: Settings, refusal: HttpReply) -> Settings:
    """Return the settings with the way of the key that the server takes; sends GETs alone.

    Unless one was chosen, those that the ``refusal`` without a key offers are tried too. Raises
    ``AuthError`` where every one is refused; the context then has the last.
    """
    challenge = refusal.headers.get("www-authenticate", "")
    ways = [settings.auth]
    if "auth" not in context.flags:
        ways += [*offered_ways(challenge), BEARER, X_API_KEY]
    for way in [*dict.fromkeys(ways)][:_MOST_WAYS]:
        candidate = settings._replace(auth=way)
        if _ask_for_list(context, candidate) is None:
            return candidate
    hint = f"make one at {settings.origin}{context.host.overrides.under_key_page}"
    if header := suggested_header(refusal.body):
        hint = f"its refusal names a header: --auth header:{header}; else {hint}"
    elif offered_ways(challenge) != [BEARER] or "auth" in context.flags:
        shown = f"; it asks for {one_line(challenge, 100)!r}" if challenge else ""
        hint += f"{shown}; --auth header:NAME or scheme:WORD sends it in another way"
    raise AuthError(f"{settings.origin} refuses the key {settings.key}", hint=masked(hint))


def _ask_for_list(context: Context, settings: Settings) -> HttpReply | None:
    """Ask for the list with these settings, which the context keeps; return a refusal of access."""
    from callsheet.catalog.fetch import ask_for_list
    from callsheet.jsonio import strict_json
    from callsheet.protocol.envelope import open_envelope

    context.use(settings)
    reply = context.run(ask_for_list(context.host.timing))
    if reply.status in {401, 403}:
        return reply
    opened = open_envelope(strict_json(reply.body), context.host.overrides)
    is_refused = opened.refusal is not None and opened.refusal.kind == "auth"
    return reply if is_refused else None


def counts(context: Context) -> dict[str, int]:
    """Count ``actions``, ``families`` and ``unreadable`` schemas of what was fetched last."""
    rows = context.host.rows()
    families = {row.family for row in rows if row.family is not None}
    unreadable = sum(not row.typed for row in rows)
    return {"actions": len(rows), "families": len(families), "unreadable": unreadable}


def _report(context: Context, settings: Settings, catalogue: Catalogue, *, checked: bool) -> None:
    """Print what the login led to; note where the key was not ``checked`` by the server."""
    numbers = counts(context)
    if catalogue.missing:
        context.console.warn(catalogue.missing)
    if not checked:
        rest = "the key could not be checked" if settings.key else "none is saved"
        context.console.note(f"this server lists its actions without a key: {rest}")
    if output.chosen_format(context.console):
        output.emit(
            context.console, {**identity_of(context, settings), **numbers, "checked": checked}
        )
        return
    parts = [
        format_count(numbers["actions"], "action"),
        format_count(numbers["families"], "family", "families"),
    ]
    if numbers["unreadable"]:
        parts.append(f"{format_count(numbers['unreadable'], 'schema')} unreadable")
    output.write(f"{', '.join(parts)}; details: {context.prog} probe\n")


def _logout(context: Context) -> None:
    """Forget the key that is saved for the server in use."""
    settings = context.settings
    file = ProfileFile(settings.config_dir)
    if service := file.service(settings.profile, settings.origin):
        forget_in_keyring(service, settings.profile, settings.origin)
    forgotten = file.forget(settings.profile, settings.origin)
    server = settings.host or "any server"
    context.console.note(
        f"the key for {server} is forgotten" if forgotten else f"no key was saved for {server}"
    )
    if settings.key is not None and settings.origins.get("api_key", "").endswith("_API_KEY"):
        context.console.note(f"{settings.origins['api_key']} still gives one")
    if output.chosen_format(context.console):
        output.emit(context.console, {"host": settings.host or None, "forgotten": forgotten})


login = BuiltinCommand(
    "login",
    _login,
    params=[
        click.Option(["--api-key"], metavar="KEY", help="The key (others can see it in `ps`)"),
        click.Option(["--api-key-stdin"], is_flag=True, help="Read the key from standard input"),
        click.Option(
            ["--api-key-command"],
            metavar="CMD",
            help="Save this command, whose first line of output is the key, not the key",
        ),
        click.Option(["--keyring"], is_flag=True, help="Save the key in the system's keyring"),
        click.Option(
            ["older", "--import"],
            metavar="[FILE]",
            is_flag=False,
            flag_value=_OLDER,
            help=f"Take server and key from another program's file ({_OLDER})",
        ),
    ],
    explained=("host", "auth", "header", "profile", "insecure-http", "no-input"),
    emits_json=False,
)
logout = BuiltinCommand("logout", _logout, emits_json=False)
