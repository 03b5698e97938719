"""Read what a reply says was charged, and what an account has left."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from callsheet.protocol import price_words as vocab
from callsheet.protocol.amounts import (
    MOST_AMOUNTS,
    MOST_DEPTH,
    Money,
    Surroundings,
    amounts_in,
    context_inside,
    exact_number,
    flat_key,
    object_context,
)
from callsheet.protocol.values import parse_nested, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence


def charge_in(reply: Any, headers: Mapping[str, str] | None = None) -> Money | None:
    """Return what a reply or its headers (lower-case names) say was charged; None for nothing."""
    return _only(_stated(reply, _is_charge, headers or {}))


def refund_in(reply: Any) -> Money | None:
    """Return what a reply says was given back, an endless amount for all; None for nothing."""
    level = [_single(reply)]
    for _ in range(MOST_DEPTH):
        tables = [node for node in level if isinstance(node, dict)]
        if any(map(_is_refunded, tables)):
            return Money(Decimal("Infinity"), "")
        level = [
            _single(value)
            for table in tables
            for key, value in table.items()
            if flat_key(key) not in _NOT_ASKED
        ][:MOST_AMOUNTS]
    return _only(_stated(reply, lambda key, around: _is_refund(f"{around}_{key}"), {}))


def _is_refund(path: str) -> bool:
    return bool(set(words(path)) & vocab.REFUND) and not set(words(path)) & vocab.NO_REFUND


def _is_refunded(table: Mapping[str, Any]) -> bool:
    """Tell whether an object says that all was given back: by a mark, or by a state."""
    return any(
        (value is True and _is_refund(key))
        or (isinstance(value, str) and value.lower() in _REFUNDED and "status" in words(key))
        for key, value in table.items()
    )


_REFUNDED = frozenset({"refunded", "fully_refunded", "fully refunded"})


def balance_in(reply: Any, headers: Mapping[str, str] | None = None) -> Money | None:
    """Return what a reply or its headers say is left; None where that is not clear.

    Where only the whole and what was used of it are stated, their difference is left.
    """
    left = _only(_stated(reply, _is_left, headers or {}))
    if left is not None:
        return left
    whole = _only(_stated(reply, _is_whole, {}))
    used = _only(_stated(reply, _is_spent, {}))
    if whole is not None and used is not None and (not used.unit or whole.unit == used.unit):
        return Money(whole.amount - used.amount, whole.unit)
    bare = _bare(reply)
    return Money(bare, "") if bare is not None else None


def _bare(reply: Any) -> Decimal | None:
    """Return the number that is the whole answer, as in ``{"code": 200, "data": 100}``."""
    reply = parse_nested(reply)
    if isinstance(reply, dict):
        keys = [key for key in ("data", "result") if key in reply]
        reply = reply[keys[0]] if len(keys) == 1 else None
    return exact_number(reply) if not isinstance(reply, str) else None


def _only(amounts: Iterable[Money]) -> Money | None:
    """Return the one amount; of several units the credits. None where one unit has two."""
    by_unit: dict[str, set[Decimal]] = {}
    for money in amounts:
        by_unit.setdefault(money.unit, set()).add(money.amount)
    unit = "credits" if "credits" in by_unit else next(iter(by_unit), "")
    several = by_unit.get(unit, set())
    return Money(several.pop(), unit) if len(several) == 1 else None


def _stated(
    reply: Any, fits: Callable[[str, str], bool], headers: Mapping[str, str]
) -> Iterator[Money]:
    """Yield the amounts under keys that ``fits``, those nearest to the root alone.

    Of amounts beside each other, numbers go before objects, and totals before parts; zero beside
    another says nothing.
    """
    level: list[_Node] = [(_single(reply), Surroundings(), "")]
    for _ in range(MOST_DEPTH):
        here, below = [], []
        for node, outer, around in level:
            for key, value, inside in _members(node, outer):
                if fits(key, around):
                    here.append((key, value, inside))
                if isinstance(value, dict) and flat_key(key) not in _NOT_ASKED:
                    below.append((value, inside, f"{around}_{key}"))
        if here:
            yield from _best(here)
            return
        level = below[:MOST_AMOUNTS]
    for name, text in headers.items():
        if fits(name.removeprefix("x-"), "") and "ratelimit" not in flat_key(name):
            yield from _money(text, context_inside(name, Surroundings(), {}))


_Node: TypeAlias = tuple[Any, Surroundings, str]
_Member: TypeAlias = tuple[str, Any, Surroundings]


def _members(node: Any, outer: Surroundings) -> Iterator[_Member]:
    """Yield key, value and surroundings of an object's members; nothing for other values."""
    if not isinstance(node, dict) or _is_void(node):
        return
    context = object_context(node, outer, {})
    for key, value in node.items():
        inside = context_inside(key, context, node)
        if not inside.unit and set(words(key)) & vocab.LEFT and _names_credits(node):
            inside = inside._replace(unit="credits")
        yield key, _single(value), inside


def _best(members: Sequence[_Member]) -> list[Money]:
    ranked = [
        ((isinstance(value, dict), not set(words(key)) & {"total", "final"}), money)
        for key, value, inside in members
        for money in _money(value, inside)
    ]
    best = min((rank for rank, _ in ranked), default=None)
    chosen = [money for rank, money in ranked if rank == best]
    is_sure = len(members) == 1 or any(money.amount for money in chosen)
    return chosen if is_sure else []


def _names_credits(table: Mapping[str, Any]) -> bool:
    return any(flat_key(key) in _CREDITS for key in table)


_CREDITS = frozenset({"credits", "credit"})
_NOT_ASKED = frozenset({"input", "request", "params"})


def _single(value: Any) -> Any:
    """Return a value, parsed where it is JSON in a text; of a list with one item that item."""
    value = parse_nested(value)
    return parse_nested(value[0]) if isinstance(value, list) and len(value) == 1 else value


def _is_void(table: Mapping[str, Any]) -> bool:
    """Tell whether an object says that its amounts were given back or can be used no longer."""
    flat = {flat_key(key): value for key, value in table.items()}
    return _is_refunded(table) or flat.get("status") in {"expired", "runOut", "run_out"}


def _money(value: Any, context: Surroundings) -> list[Money]:
    """Return the amount that a value states; several where an object names several units."""
    amounts = [amount for amount in amounts_in(value, context, {}) if not amount.conditions]
    return [Money(a.amount, a.unit) for a in amounts if a.amount is not None and not a.per]


def _is_charge(key: str, around: str) -> bool:
    parts = set(words(key))
    if parts & vocab.NOT_MONEY:
        return False
    if parts & {"deduction", "deducted"}:
        return True
    if parts & vocab.LEFT or parts & vocab.TOTALS - {"total"} or parts & vocab.NO_PRICE:
        return False
    is_used = bool(parts & vocab.USED) and bool(parts & (vocab.PRICE | vocab.CURRENCIES))
    is_credits = flat_key(key) in _CREDITS and not _names_balance(around)
    return bool(parts & vocab.CHARGED) or is_used or is_credits


def _names_balance(path: str) -> bool:
    return bool(set(words(path)) & (vocab.LEFT | {"account", "user", "wallet", "subscription"}))


def _is_left(key: str, around: str) -> bool:
    parts, outer = set(words(key)), set(words(around))
    if parts & (vocab.NOT_MONEY | {"reset", "percent", "date", "at"}) or "ratelimit" in flat_key(
        key
    ):
        return False
    is_left = bool(parts & vocab.LEFT)
    is_credits = flat_key(key) in _CREDITS and not outer & vocab.USED
    return is_left or is_credits


def _is_whole(key: str, around: str) -> bool:
    parts = set(words(key))
    return bool(parts & vocab.TOTALS) and not parts & (vocab.SPENT | vocab.NOT_MONEY)


def _is_spent(key: str, around: str) -> bool:
    parts = set(words(key))
    return bool(parts & (vocab.SPENT - {"count"})) and not parts & vocab.NOT_MONEY
