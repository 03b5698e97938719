"""Tell what was spent, by the ledger, and what the account has left."""

from __future__ import annotations

import time
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from callsheet.cli.builtin import BuiltinCommand
from callsheet.cli.commands.task_list import parse_since, whole_number
from callsheet.cli.output import formats as output
from callsheet.engine.budget import Budget
from callsheet.errors import UsageError
from callsheet.storage.ledger_search import JobFilter
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callsheet.cli.context import Context
    from callsheet.storage.ledger_entry import LedgerEntry

_BAR, _LONGEST_LABEL = 30, 40
_NOT_CHARGED = frozenset({"unsent", "refused"})


class Spending(NamedTuple):
    """What was spent on the calls under one label, in one unit.

    ``expected`` is the part that no answer confirmed, ``unpriced`` counts calls without a price.
    """

    label: str
    unit: str
    amount: float
    expected: float
    jobs: int
    unpriced: int


def sum_up(jobs: Iterable[LedgerEntry], by: str, *, failed_is_free: bool = False) -> list[Spending]:
    """Sum up what jobs cost, by ``day``, ``action``, ``model`` or host; units are never mixed.

    A job counts with what the server told of its cost, else with the price that was expected; not
    at all where it was not sent or was refused, nor where it failed and ``failed_is_free``.
    """
    uncharged = _NOT_CHARGED | {"failed"} if failed_is_free else _NOT_CHARGED
    sums: dict[tuple[str, str], Spending] = {}
    for job in jobs:
        if job.state in uncharged:
            continue
        amount, unit = job.spent
        key = (_label(job, by), unit)
        before = sums.get(key, Spending(*key, 0.0, 0.0, 0, 0))
        sums[key] = before._replace(
            amount=before.amount + (amount or 0.0),
            expected=before.expected + ((amount or 0.0) if job.cost is None else 0.0),
            jobs=before.jobs + 1,
            unpriced=before.unpriced + (amount is None),
        )
    return sorted(sums.values(), key=lambda spending: spending.label, reverse=by == "day")


def _label(job: LedgerEntry, by: str) -> str:
    if by == "day":
        return time.strftime("%Y-%m-%d", time.localtime(job.created))
    return {"action": job.action, "model": job.model or "no model named", "host": job.host}[by]


def _spend(context: Context, since: str, by: str, svg: str | None, **_: Any) -> None:
    """Sum up what was spent, as the ledger has it.

    A job counts with what the server told of its cost, else with the price that it was expected to
    have when it was sent.
    """
    begun = parse_since(since, time.time()) if since else 0.0
    chosen = JobFilter(since=begun, host=context.settings.host)
    is_free = Budget(context.host).failed_is_free if context.settings.host else False
    rows = sum_up(context.ledger().jobs(limit=-1, only=chosen), by, failed_is_free=is_free)
    if svg:
        _write_svg(Path(svg), rows, force="force" in context.flags)
    document = [
        {
            by: row.label,
            "amount": whole_number(round(row.amount, 9)),
            "unit": row.unit or None,
            "expected": whole_number(round(row.expected, 9)),
            "jobs": row.jobs,
            "unpriced": row.unpriced,
        }
        for row in rows
    ]
    output.emit(context.console, document, lambda: _bars(rows))


def _bars(rows: list[Spending]) -> str:
    """Draw a line for each row: label, amount, and a bar beside those of the same unit."""
    if not rows:
        return "nothing was spent"
    width = max(len(one_line(row.label, _LONGEST_LABEL)) for row in rows)
    lines = []
    for row in rows:
        most = max((other.amount for other in rows if other.unit == row.unit), default=0.0)
        bar = "█" * round(_BAR * row.amount / most) if most else ""
        notes = f"  ({row.unpriced} of {row.jobs} without a price)" if row.unpriced else ""
        label = one_line(row.label, _LONGEST_LABEL)
        amount = f"{row.amount:g} {row.unit or 'units'}"
        lines.append(f"{label:<{width}}  {amount:>14}  {bar}{notes}".rstrip())
    return "\n".join(lines)


def _write_svg(path: Path, rows: list[Spending], *, force: bool) -> None:
    """Draw the bars into an SVG file; raises ``UsageError`` where it cannot be written."""
    parts = []
    for number, row in enumerate(rows):
        most = max((other.amount for other in rows if other.unit == row.unit), default=0.0)
        length = round(400 * row.amount / most) if most else 0
        top = 24 * number + 8
        label = escape(one_line(row.label, _LONGEST_LABEL))
        amount = escape(f"{row.amount:g} {row.unit or 'units'}")
        parts.append(
            f'<text x="8" y="{top + 13}">{label}</text>'
            f'<rect x="260" y="{top}" width="{length}" height="16" fill="#3b82f6"/>'
            f'<text x="{268 + length}" y="{top + 13}">{amount}</text>'
        )
    height = 24 * len(rows) + 16
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="820" height="{height}" '
        f'font-family="sans-serif" font-size="13">{"".join(parts)}</svg>\n'
    )
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        hint = "--force replaces it" if isinstance(error, FileExistsError) else ""
        raise UsageError(f"{path} cannot be written: {error.strerror}", hint=hint) from None


def _balance(context: Context, **_: Any) -> None:
    """Ask the server what the account has left."""
    money = context.run(context.engine.budget.balance())
    if money is None:
        raise UsageError(
            "the server's answer does not say what is left",
            hint="look at it: api GET PATH",
        )
    document = {"amount": whole_number(float(money.amount)), "unit": money.unit or None}
    output.emit(context.console, document, lambda: str(money))


spend = BuiltinCommand(
    "spend",
    _spend,
    params=[
        click.Option(["--since"], default="", metavar="TIME", help="Since 30m, 2d, 2026-11-30"),
        click.Option(
            ["--by"],
            default="day",
            type=click.Choice(["day", "action", "model", "host"]),
            help="day (default), action, model or host",
        ),
        click.Option(["--svg"], metavar="PATH", help="Draw the sums into this SVG file too"),
    ],
)
balance = BuiltinCommand("balance", _balance)
