"""Store help pages in the cache, where the launcher prints them without the program."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from callsheet.catalog.cached import CachedActions
from callsheet.jsonio import digest
from callsheet.storage.atomic_file import replace_file
from callsheet.stored import PagesInUse, state_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from callsheet.cli.context import Context


_PARTING = ("\n", "\t")


def store_pages(context: Context, texts: Mapping[str, str]) -> None:
    """Store pages of the host in use; drop those of an older catalogue.

    They are valid until the catalogue, the rules, the package, the settings or the version change.
    Nothing is stored for a host without a cached catalogue, or if the cache cannot be written.
    """
    program = context.program
    if not program.is_usable():
        return
    cached = context.stored
    pages = PagesInUse(
        program.folder() if program.package else "", program.command, program.env, context.environ
    )
    files = [cached.bindings.rules_path()]
    if context.settings.host:
        files.append(cached.cache.path(context.settings.host))
    lines = [*pages.conditions(), *(state_of(path) for path in files if path)]
    if any(mark in path for path in files for mark in _PARTING) or "\n" in "".join(lines):
        return
    place = _place(context, pages, lines)
    if place:
        with suppress(OSError):
            _write(pages, place, texts)
            replace_file(pages.path, "\n".join([place, *lines]))


def _place(context: Context, pages: PagesInUse, lines: Iterable[str]) -> str:
    """Return the folder for pages of the catalogue as it is stored; "" where another came.

    What was read before is as new as the states in ``lines`` where the revision is still the same.
    """
    host, cached = context.settings.host, context.stored
    if not host:
        return os.path.join(pages.program, "none", digest([*pages.made_by(), *lines])[:16])
    revision = cached.revision()
    if not revision or revision != CachedActions(context.settings, context.program).revision():
        return ""
    name = os.path.basename(cached.cache.path(host)).rpartition(".")[0]
    return os.path.join(pages.program, name, digest([revision, *pages.made_by()])[:16])


def _write(pages: PagesInUse, place: str, texts: Mapping[str, str]) -> None:
    """Write the files, and remove the folders beside theirs: those of older catalogues."""
    folder = os.path.join(pages.root, place)
    for name, text in texts.items():
        replace_file(os.path.join(folder, name), text)
    above = os.path.dirname(folder)
    for name in os.listdir(above):
        if name != os.path.basename(folder) and re.fullmatch("[0-9a-f]{16}", name):
            shutil.rmtree(os.path.join(above, name), ignore_errors=True)
