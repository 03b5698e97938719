"""Read the list that an action returns, from page to page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.engine.invoke import encode
from callsheet.errors import ServerError, UsageError
from callsheet.jsonio import canonical
from callsheet.protocol.paging import UNKNOWN_REQUEST, ItemList, PageWalk, find_items
from callsheet.text import warn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.engine.invoke import Engine
    from callsheet.flows.effects import Flow
    from callsheet.flows.invoke import ParsedReply
    from callsheet.spec import Action


MOST_RESULT_PAGES = 1000


class ResultList:
    """The entries that a free action lists, read one page after the other.

    Every page is an invocation, so that an action that may cost money is never paged: what is
    free is the host's own word of the last hour or the configuration, as for any invocation.
    ``missing`` says at the end why the list is not whole, where it is not. With ``limit`` no more
    entries than that are returned, and no page is asked for that would only bring others.
    """

    def __init__(
        self, engine: Engine, action: Action, body: Mapping[str, Any], limit: int | None = None
    ) -> None:
        self._engine, self._action, self._body = engine, action, dict(body)
        self._left = limit
        self._walk: PageWalk | None = None
        self._types: Mapping[str, Any] = {}
        self._path: tuple[str, ...] | None = None

    @property
    def is_over(self) -> bool:
        """Tell whether the last page was read, or as many entries as were asked for."""
        return self._left == 0 or (self._walk is not None and self._walk.next is None)

    @property
    def missing(self) -> str:
        """Return why the list is not whole; empty where it is, or may be."""
        return self._walk.missing if self._walk is not None and self._left != 0 else ""

    def warn(self) -> None:
        """Log that the list is not whole, where it is not."""
        if self.missing:
            warn(f"{self._action.id}: {self.missing}")

    def require_free(self) -> Flow[None]:
        """Raise ``UsageError`` for an action that may cost money; it was not called then.

        Keeps the action with what the host says of its cost, for which the host may be asked.
        """
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
        body = {**self._body, **walk.next.body_fields(self._types)}
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

    def _take(self, walk: PageWalk, reply: ParsedReply) -> list[Any]:
        place = find_items(reply.json, self._path) or ItemList()
        evidence = place.evidence(reply.http.headers)
        new = walk.take(evidence, [canonical(item) for item in place.items])
        entries = [place.items[index] for index in new][: self._left]
        self._left = None if self._left is None else self._left - len(entries)
        return entries
