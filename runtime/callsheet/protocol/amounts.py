"""Read the amounts of money and credits within a JSON value, with what each is for."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from callsheet.protocol import price_words as vocab
from callsheet.protocol.values import parse_nested, words
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Money(NamedTuple):
    """An amount and its unit: ``credits``, a currency such as ``USD``, "" where none is named."""

    amount: Decimal
    unit: str

    def is_comparable(self, other: Money) -> bool:
        """Tell whether both are of one unit, or one of them names none."""
        return not self.unit or not other.unit or self.unit == other.unit

    def __str__(self) -> str:
        """Return the amount as people write it: ``50 credits``, ``0.25 USD``."""
        return f"{plain_number(self.amount)} {self.unit}".rstrip()


class Amount(NamedTuple):
    """One amount as stated, with the conditions under which it holds; None of a range or tier."""

    amount: Decimal | None
    unit: str
    per: str | None
    conditions: frozenset[tuple[str, str]]


class Surroundings(NamedTuple):
    """What the keys around a value say of it."""

    unit: str = ""
    per: str | None = None
    power: int = 0
    conditions: frozenset[tuple[str, str]] = frozenset()
    depth: int = 0


MOST_DEPTH, MOST_AMOUNTS, _LONGEST_TEXT = 6, 500, 80
_NUMBER = r"\d{1,3}(?:[.,' ]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?(?:[eE]-?\d\d?)?"
_GROUP_OR_DECIMAL = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_SIGNS = "|".join(sorted(map(re.escape, vocab.SYMBOLS), key=len, reverse=True))
_TEXT = re.compile(
    rf"\s*~?\s*(?P<before>{_SIGNS}|[A-Za-z]{{3}}\b)?\s*(?P<number>{_NUMBER})\s*"
    rf"(?P<after>{_SIGNS}|[A-Za-z¢]+)?"
    r"(?:\s*(?:/|\bper\b|\ban?\b|\beach\b)\s*(?P<per>[\w ]+?))?\s*\.?\s*",
    re.IGNORECASE,
)
_PER_IN_KEY = re.compile(r"(?:^|_)per_?(?P<per>\w+)$")
UNIT_KEYS = ("currency", "currencycode", "priceunit", "costunit", "unitname", "unit", "units")
STRICT_PER_KEYS = ("per", "unit", "billingunit", "pricingunit", "perunit", "usageunit")
_PER_KEYS = (
    *STRICT_PER_KEYS,
    *("priceper", "basis", "billingbasis", "billedby", "unitofmeasure", "type"),
    *("billingtype", "mode", "granularity", "billing"),
)
_AMOUNT_KEYS = frozenset(("amount", "value", "number"))


def amounts_in(
    value: Any, context: Surroundings, fields: Mapping[str, set[str]]
) -> Iterator[Amount]:
    """Yield every amount in a value that is no price of something else."""
    value = parse_nested(value)
    if context.depth > MOST_DEPTH:
        return
    if isinstance(value, str):
        yield from _read_text(value, context)
    elif isinstance(value, list):
        for item in value[:MOST_AMOUNTS]:
            if isinstance(item, dict):
                yield from amounts_in(item, context, fields)
            elif item is not None:  # several bare amounts say nothing of what each is for
                yield Amount(None, context.unit, context.per, context.conditions)
    elif isinstance(value, dict):
        yield from _read_object(value, context, fields)
    elif (amount := exact_number(value)) is not None:
        yield _scaled(amount, context)


def _read_object(
    table: dict[str, Any], context: Surroundings, fields: Mapping[str, set[str]]
) -> Iterator[Amount]:
    context = object_context(table, context, fields)._replace(depth=context.depth + 1)
    flat = {flat_key(key): value for key, value in table.items() if isinstance(key, str)}
    if money := _as_money(flat, context):
        yield money
        return
    chosen = _by_choice(table, context, fields)
    if chosen is not None:
        yield from chosen
        return
    ends = _range_keys(flat)
    if ends is not None:
        low, high = (exact_number(flat[key]) for key in ends)
        yield _scaled(low if low == high else None, context)
        return
    if any(snake_key(key) in vocab.TIERS or set(words(key)) & vocab.FORMULAS for key in table):
        yield _scaled(None, context)
        return
    for key, value in table.items():
        if not set(words(key)) & vocab.NO_PRICE:
            yield from _read_member(key, value, context, table, fields)


def _read_member(
    key: str,
    value: Any,
    context: Surroundings,
    table: Mapping[str, Any],
    fields: Mapping[str, set[str]],
) -> Iterator[Amount]:
    """Yield the amounts under one key of an object that states a price."""
    name, parts = flat_key(key), set(words(key))
    is_description = name in (*UNIT_KEYS, *_PER_KEYS) and isinstance(value, str)
    is_rate = snake_key(key).endswith(("per_credit", "per_credits"))
    if name in {"free", "isfree"}:
        if value is True:
            yield _scaled(Decimal(0), context)
    elif parts & vocab.ADDITIVE and may_price(value):
        yield _scaled(None, context)
    elif not is_description and not is_rate and (_leads_on(key) or _holds_amounts(value, fields)):
        yield from amounts_in(value, context_inside(key, context, table), fields)


def _leads_on(key: str) -> bool:
    """Tell whether what stands under a key, within a price, is a price too."""
    name, parts = flat_key(key), set(words(key))
    is_part = bool(parts & _AMOUNT_KEYS) and bool(parts & vocab.MINOR.keys())
    is_named = names_price(key) or name in _AMOUNT_KEYS or name in vocab.HOLDERS
    return is_named or is_part or _per_of_key(key) is not None or bool(parts & vocab.SIDES)


def _holds_amounts(value: Any, fields: Mapping[str, set[str]]) -> bool:
    """Tell whether an object is keyed by units, or by values that a call may have."""
    keys = [key for key in value if isinstance(key, str)] if isinstance(value, dict) else []
    known = {text for texts in fields.values() for text in texts}
    return any(flat_key(key) in vocab.NAMED_UNITS or plain_text(key) in known for key in keys)


def _range_keys(flat: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the keys of a range, such as ``min`` and ``max`` or ``minPrice``; None without one."""
    for low, high in vocab.RANGE:
        for word in ("", "price", "cost", "credits", "credit"):
            for pair in ((f"{low}{word}", f"{high}{word}"), (f"{word}{low}", f"{word}{high}")):
                if pair[0] in flat and pair[1] in flat:
                    return pair
    return None


def _by_choice(
    table: dict[str, Any], context: Surroundings, fields: Mapping[str, set[str]]
) -> list[Amount] | None:
    """Read an object whose keys are values of one field, such as resolutions or models.

    None for any other object. The keys may carry the field's name before them.
    """
    keys = [key for key in table if isinstance(key, str) and flat_key(key) not in UNIT_KEYS]
    if not keys or any(names_price(key) or flat_key(key) in _AMOUNT_KEYS for key in keys):
        return None
    known = {text for values in fields.values() for text in values}
    if not any(plain_text(key) in known for key in keys):
        return None
    amounts: list[Amount] = []
    for key in keys:
        if set(words(key)) & vocab.NO_PRICE and plain_text(key) not in known:
            continue
        condition = ("*", plain_text(key))
        inner = context._replace(conditions=context.conditions | {condition})
        amounts += amounts_in(table[key], inner, fields)
    return amounts


def object_context(
    table: dict[str, Any], context: Surroundings, fields: Mapping[str, set[str]]
) -> Surroundings:
    """Return the context inside an object: its currency, its unit, and when it applies."""
    for key, value in table.items():
        flat = flat_key(key)
        if isinstance(value, str):
            if flat in UNIT_KEYS and (unit := _unit_of(value)):
                context = context._replace(unit=unit)
            per = _per_of(value) if flat in (*_PER_KEYS, *UNIT_KEYS) else None
            if per is None and flat in STRICT_PER_KEYS and not _unit_of(value):
                per = one_line(value, 40)
            context = context if per is None else context._replace(per=per)
        is_scalar = isinstance(value, str | int | float) and not isinstance(value, bool)
        if is_scalar and flat_key(key) in fields and not names_price(key) and flat not in _PER_KEYS:
            condition = (flat_key(key), plain_text(value))
            context = context._replace(conditions=context.conditions | {condition})
    return context


def _as_money(flat: Mapping[str, Any], context: Surroundings) -> Amount | None:
    """Read the objects in which payment services write money; None for any other object."""
    currency = next(
        (flat[k] for k in ("currencycode", "currency") if isinstance(flat.get(k), str)), ""
    )
    whole = {"units", "nanos"} & set(flat)
    if currency and whole and not isinstance(flat.get("units"), dict):
        units = exact_number(flat.get("units", 0)) or Decimal(0)
        nanos = exact_number(flat.get("nanos", 0)) or Decimal(0)
        return Amount(units + nanos.scaleb(-9), currency.upper(), context.per, context.conditions)
    if "unitamount" in flat and currency:
        power = 0 if currency.upper() in vocab.WITHOUT_CENTS else 2
        amount = exact_number(flat["unitamount"])
        scaled = amount.scaleb(-power) if amount is not None else None
        per = _per_of(str(flat.get("interval", ""))) or context.per
        return Amount(scaled, currency.upper(), per, context.conditions)
    amount = flat.get("amount", flat.get("value"))
    unit = _unit_of(currency)
    is_whole_number = isinstance(amount, int) and not isinstance(amount, bool)
    if is_whole_number and unit not in {"", "credits"} and not context.power and amount:
        return Amount(None, unit, context.per, context.conditions)  # may be cents
    return None


def context_inside(key: str, context: Surroundings, table: Mapping[str, Any]) -> Surroundings:
    """Return the context of the value under a key."""
    parts = words(key)
    unit = next(
        (vocab.NAMED_UNITS[part] for part in reversed(parts) if part in vocab.NAMED_UNITS), ""
    )
    power = next((vocab.MINOR[part] for part in parts if part in vocab.MINOR), 0)
    per = _per_of_key(key)
    return context._replace(
        unit=unit or context.unit,
        power=power or context.power,
        per=context.per if per is None else per,
    )


def _scaled(amount: Decimal | None, context: Surroundings) -> Amount:
    """Return an amount in whole units; credits have no parts."""
    if amount is not None and context.power:
        amount = amount.scaleb(-context.power) if context.unit != "credits" else None
    return Amount(amount, context.unit, context.per, context.conditions)


def _read_text(text: str, context: Surroundings) -> Iterator[Amount]:
    """Yield the amount that a text is: ``$0.05 per second``, ``0,05 €``, ``12.5 credits``.

    One with other words around a number states something that nobody can rely on.
    """
    if text.strip().lower() in vocab.FREE:
        yield _scaled(Decimal(0), context)
        return
    match = _TEXT.fullmatch(text[:_LONGEST_TEXT])
    if match is None:
        if any(map(str.isdigit, text)) and len(text) < _LONGEST_TEXT:
            yield _scaled(None, context)
        return
    for sign in filter(None, (match["before"], match["after"])):
        signed = _with_sign(sign, context)
        if signed is None:
            return
        context = signed
    if match["per"]:
        per = _per_of(match["per"])
        if per is None:
            yield _scaled(None, context)
            return
        context = context._replace(per=per)
    is_unclear = _GROUP_OR_DECIMAL.fullmatch(match["number"]) and (
        "." in match["number"] or context.unit == "EUR"
    )
    yield _scaled(None if is_unclear else exact_number(match["number"]), context)


def parse_money(text: str) -> Money | None:
    """Read an amount that a person typed: ``50``, ``0.5USD``, ``$0.50``, ``12 credits``."""
    amounts = [] if text.strip().lower() in vocab.FREE else list(_read_text(text, Surroundings()))
    if len(amounts) != 1 or amounts[0].amount is None or amounts[0].per:
        return None
    return Money(amounts[0].amount, amounts[0].unit)


def _with_sign(sign: str, context: Surroundings) -> Surroundings | None:
    """Return the context of a number beside a sign or word of a unit; None beside any other."""
    if sign == "¢":
        return context._replace(power=2, unit=context.unit or "USD")
    unit = vocab.SYMBOLS.get(sign.upper()) or vocab.NAMED_UNITS.get(sign.lower())
    if unit:
        return context._replace(unit=unit)
    power = vocab.MINOR.get(sign.lower())
    return context._replace(power=power) if power else None


# --- words and numbers


def names_price(key: str) -> bool:
    """Tell whether a key names the price of a call."""
    parts = set(words(key))
    return bool(parts & vocab.PRICE) and not parts & vocab.NO_PRICE


def may_price(value: Any) -> bool:
    """Tell whether a value may state a price: a number, object, list, or text with digits."""
    if isinstance(value, bool) or value is None:
        return False
    is_price_text = isinstance(value, str) and (
        any(map(str.isdigit, value)) or value.strip().lower() in vocab.FREE
    )
    return is_price_text or isinstance(value, int | float | dict | list)


def _unit_of(text: str) -> str:
    """Return the unit that a text names first: a currency or credits; "" for none."""
    head = re.split(r"[^A-Za-z€$£]+", text.strip(), maxsplit=1)[0]
    return vocab.SYMBOLS.get(head.upper(), "") or vocab.NAMED_UNITS.get(head.lower(), "")


def _per_of_key(key: str) -> str | None:
    match = _PER_IN_KEY.search(snake_key(key))
    parts = match["per"].split("_") if match else []
    return _per_of(" ".join(part for part in parts if part not in vocab.NAMED_UNITS))


@lru_cache(maxsize=512)
def _per_of(text: str) -> str | None:
    """Return what a text asks an amount for, ``per second`` or ``USD/1K tokens``; else None."""
    text = re.sub(r"^.*?(?:/|\bper[ _])", "", text.strip().lower().replace("_", " "))
    text = re.sub(r"\b(?:usd|credits?|video|audio|input|output|of|generated)\b ", "", text)
    match = re.fullmatch(r"(?:(\d+|thousand|million|(?:\d+ ?)?[km](?= |$)) ?)?([a-z]+)", text)
    match = match or re.fullmatch(r"(\d+[km])([a-z]+)", text)
    unit = vocab.PER.get(match[2]) if match else None
    if match is None or unit is None:
        return None
    if match[1] is None or match[1] == "1":
        return unit
    factor = vocab.THOUSANDS.get(match[1], match[1])
    return "megapixel" if (factor, unit) == ("1M", "pixel") else f"{factor} {unit}s"


def exact_number(value: Any) -> Decimal | None:
    """Return a number, or a text that is one, exactly; None for others and negative ones."""
    if isinstance(value, str):
        value = _without_groups(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def _without_groups(text: str) -> str | None:
    """Return the digits and point of a number such as ``1,234.5`` or ``0,05``; else None."""
    text = re.sub(r"[\s']", "", text)
    if re.fullmatch(r"\d+(?:\.\d+)?e[+-]?\d{1,2}", text, re.IGNORECASE):
        return text
    comma, point = text.rfind(","), text.rfind(".")
    if comma > point:
        is_group = point < 0 and len(text) - comma == 4 and text[0] != "0"
        text = text.replace(",", "") if is_group else text.replace(".", "").replace(",", ".")
    else:
        text = text.replace(",", "")
    return text if re.fullmatch(r"\d{1,30}(?:\.\d{1,30})?", text) else None


def plain_number(amount: Decimal) -> str:
    """Return a number without exponent and trailing zeros."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def plain_text(value: Any) -> str:
    """Return a value as text that is the same for ``5``, ``5.0`` and ``"5"``."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, int | float):
        return plain_number(Decimal(str(value))) if value == value else ""
    return value.strip().lower() if isinstance(value, str) else ""


def snake_key(key: str) -> str:
    """Return a key in lower case with ``_`` between its words."""
    return "_".join(words(key))


def flat_key(key: object) -> str:
    """Return a key in lower case without anything between its words; "" for no text."""
    return "".join(words(key)) if isinstance(key, str) else ""
