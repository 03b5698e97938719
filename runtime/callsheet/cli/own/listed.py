"""The list of actions as it was last made, kept beside the catalogue that it was made from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from callsheet.cli.session import Session

Rows = list[dict[str, Any]]


class Kept(NamedTuple):
    """A list that was made before: ``piped`` is what a pipe is given of it."""

    piped: str
    stored: str

    def rows(self) -> Rows:
        """The same as data; raises ``ValueError``."""
        import json

        return [dict(row) for row in json.loads(self.stored)]


def kept(session: Session) -> Kept | None:
    """The list, where catalogue, configuration and program are still those of then."""
    import json

    mark = _mark(session)
    try:
        with open(_path(session), encoding="utf-8") as file:
            text = file.read()
        head, _, rest = text.partition("\n")
        said, size = json.loads(head)
        return Kept(rest[:size], rest[size:]) if mark is not None and said == mark else None
    except (OSError, ValueError, TypeError):
        return None


def keep(session: Session, rows: Rows, piped: str) -> None:
    """Keep a list; a cache that cannot be written is no error."""
    import json

    mark, path = _mark(session), _path(session)
    if mark is None:
        return
    part = f"{path}.{os.getpid()}.part"
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{json.dumps([mark, len(piped)])}\n{piped}{json.dumps(rows)}")
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
