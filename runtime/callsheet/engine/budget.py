"""Know the price of a call before it is sent, and refuse what a limit does not allow."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.errors import CallsheetError, LimitReached, UsageError
from callsheet.flows.effects import Flow, Send

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.catalog.host import Host
    from callsheet.config.settings import Settings
    from callsheet.protocol.amounts import Money
    from callsheet.protocol.prices import Price
    from callsheet.spec import Action, Advertised


_NOT_THERE = frozenset({404, 405, 410})
_BALANCE = frozenset({"balance", "balances", "credit", "credits", "quota", "subscription"})


class Limits(NamedTuple):
    """What may be spent: on one call, and on all calls to the host in one day of local time.

    ``assumed`` is counted for a call whose price is not known; without it such a call is refused.
    """

    call: Money | None = None
    daily: Money | None = None
    assumed: Money | None = None

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Read the limits of the settings; raises ``UsageError`` for what is no amount."""
        return cls(
            parse_limit("--max-cost", settings.max_cost),
            parse_limit(f"{settings.env}_DAILY_LIMIT", settings.daily_limit),
            parse_limit("--assume-cost", settings.assume_cost),
        )


def parse_limit(name: str, text: str) -> Money | None:
    """Read a limit, None where the text is empty; raise ``UsageError`` for what is no amount."""
    from callsheet.protocol.amounts import parse_money

    money = parse_money(text) if text else None
    if text and money is None:
        raise UsageError(
            f"{name}: {text!r} is not an amount",
            hint="write a number, with its unit where the server has several: 50, 0.5USD",
            flag=name if name.startswith("--") else "",
        )
    return money


def _names_balance(text: str) -> bool:
    from callsheet.protocol.values import words

    return not _BALANCE.isdisjoint(words(text))


def _tells_balance(description: str) -> bool:
    """Tell whether a description speaks of what is left; most others name credits as a price."""
    from callsheet.protocol.price_words import LEFT
    from callsheet.protocol.values import words

    return _names_balance(description) and not LEFT.isdisjoint(words(description))


class Budget:
    """The prices of one host, and the limits that hold for calls to it.

    What reads prices is imported where the host states one, or a limit holds. Without a ledger
    the limit of a day lets nothing pass.
    """

    def __init__(self, host: Host, *, has_ledger: bool = True) -> None:
        self.host, self._has_ledger = host, has_ledger
        self._list: Any = None
        self._was_asked = False

    @cached_property
    def limits(self) -> Limits:
        """Return the limits of the settings; raises ``UsageError``."""
        return Limits.of(self.host.settings)

    def knows_prices(self, action: Action) -> bool:
        """Tell whether the host states a price of an action, or a limit asks for one."""
        if self._has_limit():
            return True
        entry = self._entry(action)
        return entry is not None and "price" in entry.hints

    @property
    def failed_is_free(self) -> bool:
        """Tell whether the configuration says that this host charges for what succeeds alone."""
        return self.host.overlay.prices.get("charges") == "success"

    def _has_limit(self) -> bool:
        return bool(self.host.settings.max_cost or self.host.settings.daily_limit)

    def _entry(self, action: Action) -> Advertised | None:
        catalogue = self.host.cached()
        return catalogue.get(action.id) if catalogue is not None else None

    def stated_price(self, action: Action, value: Any) -> Price | None:
        """Return what this call costs as the entry of the catalogue states it, else None."""
        entry = self._entry(action)
        if entry is None or "price" not in entry.hints:
            return None
        from callsheet.protocol.prices import estimate

        body = value if isinstance(value, dict) else {}
        return estimate(entry.hints["price"], body, entry.input)

    def price(self, action: Action, value: Any) -> Flow[Price | None]:
        """Return the stated price, else that of the configured list; None where both are silent.

        The list is asked for only where a limit holds.
        """
        price = self.stated_price(action, value)
        if price is None and self._has_limit() and self.host.overlay.prices.get("path"):
            entry = self._entry(action)
            schema = entry.input if entry is not None else None
            body = value if isinstance(value, dict) else {}
            price = self._listed((yield from self._prices()), action, body, schema)
        return price

    def _listed(
        self, rows: Any, action: Action, body: Mapping[str, Any], schema: Any
    ) -> Price | None:
        """Return the price of the row that the configured field, or any value, of a body names."""
        from callsheet.protocol.prices import price_in_list

        table = self.host.overlay.prices
        field = table.get("field", "")
        named = {field: body[field]} if field in body else {} if field else dict(body)
        return price_in_list(
            rows, {**named, "action": action.id}, schema, id_key=table.get("id", ""),
            cost_key=table.get("cost", ""), body=body,
        )  # fmt: skip

    def _prices(self) -> Flow[Any]:
        """Ask for the configured list of prices once; None where it cannot be read."""
        if not self._was_asked:
            self._was_asked = True
            try:
                self._list = yield from self._get(self.host.overlay.prices["path"])
            except CallsheetError:
                self._list = None
        return self._list

    def balance(self) -> Flow[Money | None]:
        """Ask for what is left; None where the answer does not say it.

        Raises ``UsageError`` where nothing says how to ask, or not for this server, and the error
        of a refusal.
        """
        from callsheet.protocol.charges import balance_in

        path = self.host.overlay.balance.get("path", "")
        if not path:
            raise self._no_place("")
        try:
            answer = yield from self._get(path)
        except CallsheetError as error:
            if error.http_status not in _NOT_THERE:
                raise
            raise self._no_place(f": it has no {path}") from None
        return balance_in(answer)

    def _no_place(self, why: str) -> UsageError:
        """Return the error that names an action which seems to tell what is left, if one does."""
        catalogue = self.host.cached()
        outlines = catalogue.outlines() if catalogue is not None else ()
        plain = [entry for entry in outlines if re.fullmatch(r"[\w.-]+", entry.id)]
        ids = sorted(entry.id for entry in plain if _names_balance(entry.id))
        ids += sorted(entry.id for entry in plain if _tells_balance(entry.description))
        line = f"{ids[0]} may tell it: call {ids[0]} --input '{{}}'" if ids else ""
        return UsageError(
            f"nothing says where this server tells what is left{why}",
            hint=line or 'set it: [tool.callsheet.balance] path = "/…"',
        )

    def _get(self, path: str) -> Flow[Any]:
        from callsheet.flows.retry import with_retries
        from callsheet.jsonio import strict_json
        from callsheet.protocol.error_replies import error_for

        reply = yield from with_retries(Send("GET", path), self.host.timing)
        if not 200 <= reply.status < 300:
            raise error_for(
                reply.status,
                reply.headers,
                reply.body,
                action=path,
                host=self.host.settings.require_host(),
            )
        return strict_json(reply.body)

    def facts(self, action: Action, value: Any) -> Flow[dict[str, Any]]:
        """Return what the ledger records of a call's price; refuse one that costs too much.

        Raises ``LimitReached`` before anything is sent: for a price above the limit of a call,
        for one that is not known, or in another unit, while any limit holds, and for any while
        the limit of a day holds and there is no ledger.
        """
        if not action.paid or not self.knows_prices(action):
            return {}
        return self.check(action, (yield from self.price(action, value)))

    def check(self, action: Action, price: Price | None) -> dict[str, Any]:
        """Return the facts of a price; raise ``LimitReached`` where a limit does not allow it."""
        from callsheet.protocol.amounts import Money

        total = price.total if price is not None else None
        stated = Money(total, price.unit) if price is not None and total is not None else None
        call, daily = self.limits.call, self.limits.daily
        cost = self._counted(action, stated, price, call) if call is not None else stated
        if call is not None and cost is not None and cost.amount > call.amount:
            raise LimitReached(
                f"{action.id} would cost {cost}, and at most {call} may be spent; it was not sent",
                code="budget",
                flag="--max-cost",
            )
        facts: dict[str, Any] = {}
        if daily is not None:
            cost = self._counted(action, stated, price, daily)
            cost = Money(cost.amount, cost.unit or daily.unit)
            self._require_room(action, cost, daily)
            facts = {"daily_limit": float(daily.amount), "failed_is_free": self.failed_is_free}
        if cost is not None:
            facts |= {"estimate": float(cost.amount), "unit": cost.unit or None}
        return facts

    def _require_room(self, action: Action, cost: Money, daily: Money) -> None:
        """Raise ``LimitReached`` where a day has no room for a call, or nobody can know it."""
        if not self._has_ledger:
            raise LimitReached(
                f"{action.id} is not sent: a limit of a day holds, and without a ledger nobody "
                "knows what was spent",
                code="budget",
                hint="leave out ledger=None, or the limit",
            )
        if cost.amount > daily.amount:
            raise LimitReached(
                f"{action.id} would cost {cost}, and at most {daily} may be spent in a day; "
                "it was not sent",
                code="budget",
            )

    def _counted(
        self, action: Action, stated: Money | None, price: Price | None, limit: Money
    ) -> Money:
        """Return what a call counts against a limit; raise ``LimitReached`` where nothing says."""
        if stated is not None and stated.is_comparable(limit):
            return stated
        assumed = self.limits.assumed
        if assumed is not None and assumed.is_comparable(limit):
            return assumed
        words = f"is stated as {price}" if price is not None else "is not known"
        raise LimitReached(
            f"the price of {action.id} {words}, and a limit of {limit} holds; it was not sent",
            code="budget",
            hint="--assume-cost N says what to count for it",
            flag="--max-cost",
        )
