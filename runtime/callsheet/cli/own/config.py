"""``config``: the settings in use and where each comes from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from callsheet.cli.nearest import did_you_mean, listing
from callsheet.cli.output import formats as output
from callsheet.cli.ownword import Word, Words
from callsheet.errors import UsageError
from callsheet.profiles import NAME

if TYPE_CHECKING:
    from callsheet.cli.session import Session


def rows(session: Session) -> list[dict[str, str]]:
    """Every setting with its value (the key masked) and its origin."""
    settings = session.settings
    origins = {**settings.origins, "key": settings.origins.get("api_key", "default")}
    said = session.environ
    env = session.bindings.env
    values = {
        "host": settings.host,
        "key": str(settings.key) if settings.key is not None else "",
        "auth": settings.auth,
        "profile": settings.profile,
        "insecure_http": "yes" if settings.insecure_http else "no",
        "format": session.flags.get("format") or said.get(f"{env}_FORMAT", ""),
        "config_dir": settings.config_dir,
        "state_dir": settings.state_dir,
        "cache_dir": settings.cache_dir,
    }
    for name in ("format", "config_dir", "state_dir", "cache_dir"):
        variable = f"{env}_{name.upper()}"
        origins[name] = variable if said.get(variable) else "default"
    return [
        {"name": name, "value": value, "origin": origins.get(name, "default")}
        for name, value in values.items()
    ]


def _list(session: Session) -> None:
    """List all settings, each with where it comes from."""
    output.emit_list(session, rows(session), ("name", "value", "origin"))


def _get(session: Session, name: str | None) -> None:
    """Print one setting as a bare word, or all of them without a name."""
    values = {row["name"]: row["value"] for row in rows(session)}
    if name is None:
        if output.chosen(session):
            output.emit(session, values)
        else:
            output.write(output.aligned(list(values.items())))
        return
    key = name.replace("-", "_").removeprefix("api_")
    if key not in values:
        hint = did_you_mean(name, values) or f"one of {listing(values)}"
        raise UsageError(f"there is no setting {name}", hint=hint)
    if output.chosen(session):
        output.emit(session, values[key])
    else:
        output.write(values[key] + "\n")


def _path(session: Session) -> None:
    """Print the path of the configuration file."""
    path = os.path.join(session.settings.config_dir, NAME)
    if output.chosen(session):
        output.emit(session, path)
    else:
        output.write(path + "\n")


config = Words(
    "config",
    "The settings in use.",
    [
        Word("get", _get, params=[click.Argument(["name"], required=False)], data=False),
        Word("list", _list, data=False),
        Word("path", _path, data=False),
    ],
)
