"""Read the list that an action returns, from page to page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from callsheet.engine.invoke import encode
from callsheet.errors import ServerError, UsageError
from callsheet.flows.effects import warn
from callsheet.jsonio import canonical
from callsheet.protocol.paging import UNKNOWN_REQUEST, PageWalk, find_items, read_evidence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callsheet.engine.invoke import Engine
    from callsheet.flows.effects import Flow
    from callsheet.flows.invoke import ParsedReply
    from callsheet.protocol.paging import NextPage
    from callsheet.spec import Action


MOST_RESULT_PAGES = 1000


class ResultList:
    """The entries that a free action lists, read one page after the other.

    Every page is an invocation, so that an action that may cost money is never paged: what is
    free is the host's own word of the last hour or the configuration, as for any invocation.
    ``missing`` says at the end why the list is not whole, where it is not.
    """

    def __init__(self, engine: Engine, action: Action, body: Mapping[str, Any]) -> None:
        self._engine, self._action, self._body = engine, action, dict(body)
        self._walk: PageWalk | None = None
        self._types: Mapping[str, Any] = {}
        self._path: tuple[str, ...] | None = None

    @property
    def is_over(self) -> bool:
        """Tell whether the last page was read."""
        return self._walk is not None and self._walk.next is None

    @property
    def missing(self) -> str:
        """Return why the list is not whole; empty where it is, or may be."""
        return self._walk.missing if self._walk is not None else ""

    def warn(self) -> None:
        """Log that the list is not whole, where it is not."""
        if self.missing:
            warn(f"{self._action.id}: {self.missing}")

    def require_free(self) -> Flow[None]:
        """Raise ``UsageError`` for an action that may cost money; nothing was sent then."""
        action = yield from self._engine.host.apply_terms(self._action)
        if action.paid:
            raise UsageError(
                f"{action.id} may cost money, and every page would be another call of it",
                hint=f"if it is free: --set free={action.id}, or `free` in the configuration",
                flag="--all",
            )
        self._action = action

    def first(self, *, check: bool = True) -> Flow[list[Any]]:
        """Invoke the action, and return the entries of its reply; raises as any call does."""
        invocation = yield from self._engine.invoke(self._action, self._body, check=check)
        return (yield from self.take_first(invocation.reply))

    def take_first(self, reply: ParsedReply) -> Flow[list[Any]]:
        """Return the entries of the reply to the action, which was invoked with the same body."""
        schema = yield from self._engine.host.schema(self._action)
        table = schema if isinstance(schema, dict) else {}
        properties = table.get("properties")
        self._types = properties if isinstance(properties, dict) else {}
        is_closed = table.get("additionalProperties") is False
        self._walk = PageWalk(self._types, closed=is_closed, most_pages=MOST_RESULT_PAGES)
        place = find_items(reply.json)
        if place is None:
            raise ServerError(
                f"{self._action.id} answered without a list",
                code="unreadable",
                hint="without --all the answer is shown as it came",
                action=self._action.id,
            )
        self._path = place.path
        return self._take(self._walk, reply)

    def following(self) -> Flow[list[Any]]:
        """Return the new entries of the next page; none where the request brought nothing."""
        walk = self._walk
        if walk is None or walk.next is None:
            return []
        body = {**self._body, **self._fields(walk.next)}
        if body == self._body:
            walk.refuse()
            return []
        yield from self.require_free()
        try:
            invocation = yield from self._engine.invoke_encoded(self._action, encode(body), body)
        except ServerError as error:
            if error.http_status not in {*UNKNOWN_REQUEST, 200}:
                raise
            walk.refuse()
            return []
        return self._take(walk, invocation.reply)

    def _fields(self, page: NextPage) -> Mapping[str, Any]:
        """Return the fields of a request; of a link those of its query, which is not followed."""
        if not page.url:
            return page.fields
        pairs = parse_qsl(urlsplit(page.url).query)
        return {name: _typed(text, self._types.get(name)) for name, text in pairs}

    def _take(self, walk: PageWalk, reply: ParsedReply) -> list[Any]:
        place = find_items(reply.json, self._path)
        items: Sequence[Any] = place.items if place is not None else ()
        tables = place.tables if place is not None else ()
        evidence = read_evidence(tables, reply.http.headers, len(items), _last_id(items))
        return [items[index] for index in walk.take(evidence, [canonical(item) for item in items])]


def _typed(text: str, schema: Any) -> Any:
    """Return a text of a query as the JSON that the field takes: an integer, or the text."""
    kind = schema.get("type") if isinstance(schema, dict) else None
    takes_text = kind == "string" or (isinstance(kind, list) and "string" in kind)
    return int(text) if text.isdecimal() and len(text) < 19 and not takes_text else text


def _last_id(items: Sequence[Any]) -> str:
    last = items[-1] if items and isinstance(items[-1], dict) else {}
    ids = (last.get(key) for key in ("id", "_id", "uuid", "key"))
    return next((str(name) for name in ids if isinstance(name, str | int) and str(name)), "")
