"""Tell what a request may spend, before it leaves and in a dry run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.engine.budget import Budget

if TYPE_CHECKING:
    from callsheet.cli.context import Context
    from callsheet.cli.input.request import CommandRequest
    from callsheet.spec import Action


def announce(context: Context, action: Action, body: Any = None) -> None:
    """Note on stderr where a request goes that may cost money, and what it costs if that is known.

    Raises ``LimitReached`` where a limit does not allow it.
    """
    if not action.paid:
        return
    host, budget = context.settings.require_host(), context.engine.budget
    context.run(budget.facts(action, body))
    if context.host.is_sandbox():
        context.console.note(f"→ sandbox {host} {action.id} (free)")
        return
    words = "may spend credits"
    if budget.knows_prices(action):
        price = context.run(budget.price(action, body))
        words = price.in_words() if price is not None else words
    context.console.note(f"→ {host} {action.id} ({words})")


def note_price(context: Context, request: CommandRequest) -> None:
    """Note what the request would cost as its entry states it; raise ``LimitReached`` as sending.

    A configured list of prices is not asked for: a dry run sends nothing.
    """
    budget, action = Budget(context.host), request.action
    if action.paid and budget.knows_prices(action):
        price = budget.stated_price(action, request.body.value)
        words = "the price is not known" if price is None else price.in_words()
        context.console.note(f"{action.id}: {words}")
        budget.check(action, price)
