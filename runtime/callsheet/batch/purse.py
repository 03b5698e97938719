"""Keep a batch within what may be spent on it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from callsheet.errors import LimitReached, UsageError

if TYPE_CHECKING:
    from callsheet.batch.results import RowResult
    from callsheet.engine.budget import Budget
    from callsheet.flows.effects import Flow
    from callsheet.protocol.amounts import Money
    from callsheet.spec import Action


class Purse:
    """What the rows of a batch may cost together, and what they came to so far.

    ``limit`` is ``--max-cost``, for all rows and all runs of the batch together. A row counts with
    its price from before it is sent; from its end with what the host says that it cost, and with
    nothing where the host did not accept it.
    """

    def __init__(self, budget: Budget, limit: str = "", *, spent: float = 0.0) -> None:
        self._budget, self._typed = budget, limit
        self.spent = Decimal(str(spent))
        self._reserved: dict[str, Decimal] = {}

    def limit(self) -> Money | None:
        """Return the limit, that of the settings unless one was given; raises ``UsageError``."""
        if not self._typed:
            return self._budget.limits.call
        from callsheet.protocol.amounts import parse_money

        money = parse_money(self._typed)
        if money is None:
            raise UsageError(f"max_cost: {self._typed!r} is not an amount", flag="--max-cost")
        return money

    def reserve(self, key: str, action: Action, body: Any) -> Flow[None]:
        """Count a row that is about to be sent; raise ``LimitReached`` above the limit.

        Also for a price that is not known, or in another unit, unless one is assumed for it.
        """
        limit = self.limit()
        if limit is None or not action.paid:
            return
        cost = self._amount((yield from self._budget.price(action, body)), limit)
        if cost is None:
            raise LimitReached(
                f"the price of {action.id} is not known, and there is a limit of {limit}",
                code="budget",
                hint="--assume-cost N says what to count for it",
                flag="--max-cost",
            )
        if self.spent + cost > limit.amount:
            raise LimitReached(
                f"the next row may cost {cost:f}, the rows before it come to {self.spent:f}, and "
                f"at most {limit} may be spent",
                code="budget",
                flag="--max-cost",
            )
        self.spent += cost
        self._reserved[key] = cost

    def _amount(self, price: Any, limit: Money) -> Decimal | None:
        """Return what to count for a row; None where its price says nothing about the limit."""
        from callsheet.protocol.amounts import Money

        if price is not None and price.total is not None:
            cost = Money(price.total, price.unit)
            if cost.is_comparable(limit):
                return cost.amount
        assumed = self._budget.limits.assumed
        return assumed.amount if assumed is not None and assumed.is_comparable(limit) else None

    def settle(self, result: RowResult) -> None:
        """Count what a row came to; a row that still runs keeps its price."""
        reserved = self._reserved.pop(result.key, None)
        if reserved is None:
            return
        if result.state in {"unsent", "refused"}:
            self.spent -= reserved
        elif result.cost is not None:
            self.spent += Decimal(str(result.cost)) - reserved
