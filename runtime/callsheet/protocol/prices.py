"""Read what a call costs; a price that the server does not state for this call is unknown."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.protocol import price_words as vocab
from callsheet.protocol.amounts import (
    MOST_DEPTH,
    STRICT_PER_KEYS,
    UNIT_KEYS,
    Amount,
    Money,
    Surroundings,
    amounts_in,
    flat_key,
    may_price,
    names_price,
    plain_text,
)
from callsheet.protocol.values import parse_nested

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Price(NamedTuple):
    """What a server asks for a call: ``amount`` of ``unit`` for each ``per``.

    ``per`` is "" for a whole call, or such as ``second``, ``image``, ``1k tokens``. ``total`` is
    what this call costs; None where it depends on what nobody knows yet.
    """

    amount: Decimal
    unit: str
    per: str = ""
    total: Decimal | None = None

    def __str__(self) -> str:
        """Return the price as people write it: ``0.05 USD a second``."""
        article = "an" if self.per[:1] in set("aeio") else "a"
        article = article if self.per[:1].isalpha() else "per"
        return str(Money(self.amount, self.unit)) + (f" {article} {self.per}" if self.per else "")

    def as_json(self) -> dict[str, Any]:
        """Return the price as plain JSON data: amount, unit and per, null where none is named."""
        amount = float(self.amount)
        number = int(amount) if amount.is_integer() else amount
        return {"amount": number, "unit": self.unit or None, "per": self.per or None}

    def in_words(self) -> str:
        """Return what a call comes to, ``about 50 credits``; without a total the rate."""
        return str(self) if self.total is None else f"about {Money(self.total, self.unit)}"


def price_data(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an entry or a schema document says of its price, as it came; empty for nothing.

    Looks at the entry's own keys and inside what usually holds such marks, never into schemas.
    A price of more than 20,000 characters is none.
    """
    stated = _price_data(entry)
    return stated if not stated or len(str(stated)) < _LONGEST_PRICE else {}


_LONGEST_PRICE = 20_000


def _price_data(entry: Mapping[str, Any]) -> dict[str, Any]:
    stated: dict[str, Any] = {}
    for key, value in entry.items():
        flat = flat_key(key)
        if flat in vocab.HOLDERS and isinstance(value, dict) and not names_price(key):
            inner = _price_data(value)
            if inner:
                stated[key] = inner
        elif (
            (names_price(key) and may_price(value))
            or flat == "unitamount"
            or (flat in {"free", "isfree"} and value is True)
        ):
            stated[key] = value
    if stated:
        beside = (*UNIT_KEYS[:4], *STRICT_PER_KEYS, "billingbasis")
        stated |= {key: entry[key] for key in entry if flat_key(key) in beside}
    return stated


def estimate(stated: Any, body: Mapping[str, Any], schema: Any = None) -> Price | None:
    """Return what a call with this body costs by ``price_data``; None where that is unknown.

    Several amounts that may apply, ranges, tiers and parts of a sum are never guessed at.

    ``schema`` gives the defaults of fields that the body leaves out.
    """
    fields = _fields(body, schema)
    chosen = _choose(list(amounts_in(stated, Surroundings(), fields)), fields)
    if chosen is None or chosen.amount is None or chosen.per in vocab.NOT_FOR_A_CALL:
        return None
    return Price(chosen.amount, chosen.unit, chosen.per or "", _total(chosen, fields))


def price_in_list(
    rows: Any,
    named: Mapping[str, Any],
    schema: Any = None,
    *,
    id_key: str = "",
    cost_key: str = "",
    body: Mapping[str, Any] | None = None,
) -> Price | None:
    """Return the price of the row, in a list of prices, that one of ``named`` names.

    ``id_key`` is the key of the rows that holds the name, ``cost_key`` the one with the price;
    empty for the usual ones. ``body`` is the whole request, by default ``named``.
    """
    names = {text for texts in _fields(named, schema).values() for text in texts}
    names = {text for text in names if not text.isdecimal()}
    matches = [row for row in _rows(rows, 0) if names & _names_of(row, id_key)]
    prices = set()
    for row in matches:
        stated = {cost_key: row[cost_key]} if cost_key in row else price_data(row)
        prices.add(estimate(stated, named if body is None else body, schema))
    return prices.pop() if len(prices) == 1 else None


def _rows(node: Any, depth: int) -> Iterator[dict[str, Any]]:
    """Yield the objects in lists, and those keyed by a name (which becomes their ``id``)."""
    node = parse_nested(node)
    if depth > MOST_DEPTH:
        return
    if isinstance(node, list):
        yield from (row for row in node if isinstance(row, dict))
    elif isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, dict) and price_data(value):
                yield {"id": key, **value}
            elif isinstance(value, list | dict):
                yield from _rows(value, depth + 1)


def _names_of(row: Mapping[str, Any], id_key: str = "") -> set[str]:
    keys = [id_key] if id_key in row else [k for k in row if flat_key(k) in vocab.ROW_NAMES]
    return {plain_text(row[key]) for key in keys} - {""}


# --- which amount applies, and what it comes to


def _choose(amounts: list[Amount], fields: Mapping[str, set[str]]) -> Amount | None:
    """Return the amount that applies to a body; None where none or more than one does."""
    values = {text for texts in fields.values() for text in texts}
    fitting = [
        amount
        for amount in amounts
        if all(
            wanted in (values if name == "*" else fields.get(name, set()))
            for name, wanted in amount.conditions
        )
    ]
    if not fitting:
        return None
    most = max(len(amount.conditions) for amount in fitting)
    best = {amount for amount in fitting if len(amount.conditions) == most}
    units = {amount.unit for amount in best}
    if len(units) > 1 and any(amount.unit for amount in best):
        unit = "credits" if "credits" in units else min(filter(None, units))
        best = {amount for amount in best if amount.unit == unit}
    return best.pop() if len({(a.amount, a.unit, a.per) for a in best}) == 1 else None


def _total(price: Amount, fields: Mapping[str, set[str]]) -> Decimal | None:
    """Return what one call comes to; None where that needs what the body does not say."""
    if price.amount is None:
        return None
    if not price.amount:
        return price.amount
    factor, _, per = (price.per or "").rpartition(" ")
    if factor and _factor(factor) is None:  # such as compute seconds
        return None
    count = _number_of(vocab.COUNTS, fields, Decimal(1))
    quantity: Decimal | None = None
    if per.rstrip("s") in _SECONDS_IN:
        seconds = _seconds(fields)
        if seconds is not None and count is not None:
            quantity = seconds * count / _SECONDS_IN[per.rstrip("s")]
    elif per in {"image", "video"}:
        quantity = count
    elif per.rstrip("s") == "character":
        quantity = _characters(fields)
    elif not per and (count == 1 or price.per == ""):
        quantity = Decimal(1)
    if quantity is None:
        return None
    quantity /= _factor(factor) or 1
    # How a part of a minute or of fifteen seconds is rounded is not told.
    is_rounded = (per.rstrip("s") in {"minute", "hour"} or factor) and per.rstrip(
        "s"
    ) in _SECONDS_IN
    return None if is_rounded and quantity % 1 else price.amount * quantity


_SECONDS_IN = {"second": 1, "minute": 60, "hour": 3600}


def _factor(text: str) -> int | None:
    known = {"": 1, "1k": 1000, "1M": 1_000_000}
    return known.get(text) or (int(text) if text.isdecimal() else None)


def _seconds(fields: Mapping[str, set[str]]) -> Decimal | None:
    seconds = _number_of(vocab.SECONDS, fields, None)
    thousandths = _number_of(vocab.MILLISECONDS, fields, None)
    return thousandths / 1000 if seconds is None and thousandths is not None else seconds


def _number_of(
    names: Iterable[str], fields: Mapping[str, set[str]], missing: Decimal | None
) -> Decimal | None:
    """Return the number in the one field with such a name; None where there are several or none."""
    values = {text for name in names for text in fields.get(name, ())}
    if not values:
        return missing
    text = values.pop() if len(values) == 1 else ""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?(?:s|sec|secs|seconds?)?", text)
    return Decimal(match[1]) if match else None


def _characters(fields: Mapping[str, set[str]]) -> Decimal | None:
    for name in vocab.TEXTS:
        lengths = list(fields.get(f"#{name}", ()))
        if len(lengths) == 1:
            return Decimal(lengths[0])
    return None


def _fields(body: Any, schema: Any) -> dict[str, set[str]]:
    """Return leaf name → its values in a body, in plain text; ``#name`` → the length of a text.

    Fields that the body leaves out have the default of the schema.
    """
    fields: dict[str, set[str]] = {}

    def add(name: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return
        if isinstance(value, str):
            fields.setdefault(f"#{flat_key(name)}", set()).add(str(len(value)))
        fields.setdefault(flat_key(name), set()).add(plain_text(value))

    def walk(node: Any, schema: Any, depth: int) -> None:
        properties = schema.get("properties") if isinstance(schema, dict) else None
        properties = properties if isinstance(properties, dict) else {}
        for name, inner in properties.items():
            if isinstance(inner, dict) and "default" in inner and name not in node:
                add(name, inner["default"])
        for name, value in node.items():
            if isinstance(value, dict) and depth < MOST_DEPTH:
                walk(value, properties.get(name), depth + 1)
            else:
                add(name, value)

    walk(body if isinstance(body, dict) else {}, schema, 0)
    return fields
