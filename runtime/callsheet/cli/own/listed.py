"""The list of actions as it was last made, kept beside the catalogue that it was made from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from callsheet.cli.session import Session

Rows = list[dict[str, Any]]


def stored(session: Session) -> Rows | None:
    """The rows, where catalogue, configuration and program are still those of then."""
    import json

    mark = _mark(session)
    try:
        with open(_path(session), encoding="utf-8") as file:
            data = json.load(file)
        fits = mark is not None and data["mark"] == mark
        return [dict(row) for row in data["rows"]] if fits else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def store(session: Session, rows: Rows) -> None:
    """Keep the rows; a cache that cannot be written is no error."""
    import json

    mark, path = _mark(session), _path(session)
    if mark is None:
        return
    part = f"{path}.{os.getpid()}.part"
    try:
        with open(part, "x", encoding="utf-8") as file:
            json.dump({"mark": mark, "rows": rows}, file)
        os.replace(part, path)
    except OSError:
        return


def _path(session: Session) -> str:
    return f"{_catalogue(session)}.rows"


def _catalogue(session: Session) -> str:
    from callsheet.catalog.cache import CatalogueCache

    return CatalogueCache(session.settings.cache_dir).path(session.settings.host)


def _mark(session: Session) -> list[Any] | None:
    """What the rows depend on: the files of catalogue and bindings, the program's name, ours."""
    from callsheet import __version__

    if session.flags.get("set"):
        return None
    package = session.bindings.package
    found: list[Any] = [__version__, session.prog, session.settings.host, package]
    try:
        paths = [_catalogue(session)]
        if package:
            module = __import__(package)
            paths.append(os.path.join(os.path.dirname(module.__file__ or ""), "overlay.json"))
        for path in paths:
            said = os.stat(path)
            found += [said.st_mtime_ns, said.st_size]
    except OSError:
        return None
    return found
