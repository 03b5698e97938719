"""Every documented shape of a price, a charge or a balance: the right amount, or unknown."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from callsheet.protocol.charges import balance_in, charge_in
from callsheet.protocol.prices import estimate, price_data, price_in_list

HERE = Path(__file__).parent
SCHEMA_KEYS = ("inputSchema", "input_schema", "schema", "parameters", "input")
OWN_CREDITS = {"units", "unit", "points", "api units", "tokens"}
ONE_CALL = {"", "request", "generation", "call", "run", "job", "task", "prediction", "count"}
FACTORS = {"1k": 1000, "1m": 1_000_000, "million": 1_000_000, "1,000": 1000}
MEASURES = {"minute": ("second", 60), "hour": ("second", 3600)}


class Reading(NamedTuple):
    """An amount for one ``per`` in its ``unit``, and what the call comes to."""

    amount: float
    unit: str
    per: str
    total: float | None


def shapes() -> list[tuple[str, dict[str, Any]]]:
    named = []
    for path in sorted((HERE / "data").glob("*.json")):
        service = json.loads(path.read_text())
        named += [(f"{service['service']}.{s['name']}", s) for s in service["shapes"]]
    return named


def read(shape: dict[str, Any]) -> Reading | None:
    """Read a shape as the program does, from the place where it stands."""
    data, body = shape["data"], shape["input"] or {}
    if shape["where"] in {"reply", "headers", "balance-reply"}:
        is_header = shape["where"] == "headers"
        headers = {name.lower(): text for name, text in data.items()} if is_header else {}
        document = {} if is_header else data
        look = balance_in if shape["where"] == "balance-reply" else charge_in
        money = look(document, headers)
        return money and _reading(money.amount, money.unit, "", money.amount)
    if shape["where"] == "price-list-reply":
        price = price_in_list(data, {**body, "action": shape.get("action", "")})
    else:
        schema = next((data[key] for key in SCHEMA_KEYS if isinstance(data.get(key), dict)), None)
        price = estimate(price_data(data), body, schema)
    return price and _reading(price.amount, price.unit, price.per, price.total)


def _reading(amount: Any, unit: str | None, per: str | None, total: Any) -> Reading:
    """Return a reading in plain units: a minute is sixty seconds, 1k tokens a thousand."""
    words = (per or "").lower().split()
    factor = Decimal(1)
    if len(words) > 1 and (words[0] in FACTORS or words[0].isdecimal()):
        factor = Decimal(FACTORS.get(words[0], words[0]))
        words = words[1:]
    measure = " ".join(words)
    measure, seconds = MEASURES.get(measure.rstrip("s"), (measure.rstrip("s"), 1))
    unit = (unit or "").lower()
    return Reading(
        float(Decimal(str(amount)) / factor / seconds),
        "credits" if unit in OWN_CREDITS else unit,
        "" if measure in ONE_CALL else measure,
        None if total is None else float(total),
    )


def is_right(reading: Reading | None, expected: dict[str, Any], where: str) -> bool:
    if reading is None or expected["amount"] is None:
        return reading is None and expected["amount"] is None
    wanted = _reading(
        expected["amount"], expected["unit"], expected["per"], expected["total_for_input"]
    )
    same = _close(reading.amount, wanted.amount) and reading.unit == wanted.unit
    same = same and (
        reading.per == wanted.per or {reading.per, wanted.per} <= {"", "image", "video"}
    )
    if where in {"reply", "headers", "balance-reply"}:
        return same
    return same and (
        reading.total is None
        if wanted.total is None
        else reading.total is not None and _close(reading.total, wanted.total)
    )


def _close(amount: float, expected: float) -> bool:
    return abs(amount - expected) <= 1e-6 * max(abs(expected), 1e-12)


def answers(shape: dict[str, Any]) -> list[dict[str, Any]]:
    return [shape["expect"], *shape.get("also_ok", ())]


def test_every_shape_gives_the_right_amount_or_unknown() -> None:
    unread = set((HERE / "unread.txt").read_text().split())
    wrong, missed = [], set()
    for name, shape in shapes():
        reading = read(shape)
        if any(is_right(reading, answer, shape["where"]) for answer in answers(shape)):
            continue
        if reading is None:
            missed.add(name)
        else:
            wrong.append(f"{name}: {reading}, not {shape['expect']}")
    assert wrong == []
    assert missed == unread


def test_there_are_shapes_of_many_services_and_most_are_traps() -> None:
    everything = shapes()
    assert len({name.partition(".")[0] for name, _ in everything}) >= 40
    assert len(everything) >= 190
    assert sum(bool(shape.get("trap")) for _, shape in everything) * 2 > len(everything)
