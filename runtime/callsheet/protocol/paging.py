"""Finds out whether a list goes on, and what to ask for next."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from . import vocabulary as say
from .values import encodable, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LINK = re.compile(r"<([^<>\s]{1,4096})>([^<>]{0,500})")
_REL_NEXT = re.compile(r"""(?:^|[;\s])rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next\b)""", re.I)
_LONGEST = 4096


class Next(NamedTuple):
    """The next page: query parameters to add, or a ``url`` as it came (it may be relative).

    Whoever follows ``url`` checks that it stays on the host.
    """

    query: Mapping[str, str] = {}
    url: str = ""


def find_next(tables: Sequence[Any], headers: Mapping[str, str], count: int) -> Next | None:
    """The page after one with ``count`` entries; ``tables`` are the objects round the list."""
    if count == 0:
        return None
    for table in tables:
        for part in (table, *_held(table)):
            found = _by_cursor(part) or _by_page(part, count)
            if found:
                return found
    return _by_link(headers.get("link", ""))


def _held(table: Any) -> list[dict[str, Any]]:
    if not isinstance(table, dict):
        return []
    held = (table.get(key) for key in say.PAGING_HOLDERS)
    return [item for item in held if isinstance(item, dict)]


def _by_cursor(table: Any) -> Next | None:
    if not isinstance(table, dict) or _more(table) is False:
        return None
    for key, parameter in say.CURSORS.items():
        value = table.get(key)
        text = str(value) if type(value) is int and abs(value) < 10**40 else value
        if isinstance(text, str) and 0 < len(text) <= _LONGEST and encodable(text):
            return Next(query={parameter: text})
    url = table.get("next")
    is_url = isinstance(url, str) and url.startswith(("/", "http:", "https:"))
    return Next(url=url[:_LONGEST]) if isinstance(url, str) and is_url else None


def _by_page(table: Any, count: int) -> Next | None:
    if not isinstance(table, dict):
        return None
    key = next((name for name in say.PAGE_KEYS if _whole(table, (name,)) is not None), "page")
    page = _whole(table, (key,))
    total, pages = _whole(table, say.TOTAL_KEYS), _whole(table, say.PAGES_KEYS)
    more = _more(table)
    if page is None or (total is None and pages is None and more is None):
        return None
    seen = page if page > 0 else 1
    size = _whole(table, say.SIZE_KEYS) or count
    if more is None:
        more = seen < pages if pages is not None else seen * size < (total or 0)
    return Next(query={key: str(page + 1)}) if more else None


def _by_link(header: str) -> Next | None:
    for url, rest in _LINK.findall(header[:20_000]):
        if _REL_NEXT.search(rest):
            return Next(url=url)
    return None


def _more(table: Mapping[str, Any]) -> bool | None:
    said = (table.get(key) for key in say.MORE_KEYS)
    return next((value for value in said if isinstance(value, bool)), None)


def _whole(table: Mapping[str, Any], keys: Sequence[str]) -> int | None:
    found = (number(table.get(key)) for key in keys)
    return next((int(value) for value in found if value is not None and 0 <= value < 1e9), None)
