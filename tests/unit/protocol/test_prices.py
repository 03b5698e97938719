"""What a call costs, what was charged and what is left, in the words of servers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from callsheet.protocol.charges import balance_in, charge_in
from callsheet.protocol.prices import estimate, price_data, price_in_list

STD_OR_PRO = {"std": {"5": 10, "10": 20}, "pro": {"5": 20, "10": 40}}
BY_ROW = [
    {"resolution": "720p", "duration": 5, "credits": 10},
    {"resolution": "720p", "duration": 10, "credits": 20},
    {"resolution": "1080p", "duration": 5, "credits": 30},
]
SECONDS = {"type": "object", "properties": {"duration": {"type": "integer", "default": 8}}}


@pytest.mark.parametrize(
    ("entry", "body", "words", "total"),
    [
        ({"cost": 5}, {}, "5", "5"),
        ({"creditCost": 50}, {}, "50 credits", "50"),
        ({"price": "$0.05"}, {}, "0.05 USD", "0.05"),
        ({"price": "0,05 €"}, {}, "0.05 EUR", "0.05"),
        ({"price": "1,200 credits"}, {}, "1200 credits", "1200"),
        ({"price": "free"}, {}, "0", "0"),
        ({"meta": {"cost": 3}}, {}, "3", "3"),
        ({"originalPrice": 10, "price": 8}, {}, "8", "8"),
        ({"price": {"min": 2, "max": 2}}, {}, "2", "2"),
        ({"credits": 5, "priceUsd": 0.05}, {}, "5 credits", "5"),
        ({"cost_usd_cents": 5}, {}, "0.05 USD", "0.05"),
        ({"cost_cents": 5}, {}, "0.05", "0.05"),
        ({"unit_amount": 500, "currency": "usd"}, {}, "5 USD", "5"),
        ({"unit_amount": 500, "currency": "jpy"}, {}, "500 JPY", "500"),
        (
            {"price": {"currencyCode": "USD", "units": "1", "nanos": 50000000}},
            {},
            "1.05 USD",
            "1.05",
        ),
        ({"price": "$0.05 per second"}, {"duration": 6}, "0.05 USD a second", "0.3"),
        (
            {"price_per_second": 0.05, "currency": "USD"},
            {"duration": "5s"},
            "0.05 USD a second",
            "0.25",
        ),
        ({"price_per_second": 0.05}, {}, "0.05 a second", None),
        (
            {"pricing": {"unit": "image", "price": 0.02}},
            {"num_images": 3},
            "0.02 an image",
            "0.06",
        ),
        ({"price_per_1k_characters": 0.3}, {"text": "a" * 500}, "0.3 per 1k characters", "0.15"),
        ({"pricing": {"720p": 10, "1080p": 20}}, {"resolution": "720p"}, "10", "10"),
        ({"credits": STD_OR_PRO}, {"mode": "pro", "duration": "10"}, "40 credits", "40"),
        ({"pricing": BY_ROW}, {"resolution": "720p", "duration": 10}, "20 credits", "20"),
    ],
)
def test_a_price_is_read_with_its_unit_and_what_this_call_comes_to(
    entry: dict[str, Any], body: dict[str, Any], words: str, total: str | None
) -> None:
    price = estimate(price_data(entry), body)
    assert price is not None
    assert str(price) == words
    assert price.total == (None if total is None else Decimal(total))


@pytest.mark.parametrize(
    ("entry", "body"),
    [
        ({}, {}),
        ({"description": "costs 5 credits"}, {}),
        ({"price": {"min": 1, "max": 2}}, {}),
        ({"minPrice": 1, "maxPrice": 2}, {}),
        ({"price": "5 to 10 credits"}, {}),
        ({"price": "from $5"}, {}),
        ({"max_price": 8, "creditBalance": 100}, {}),
        ({"price": "$29/month"}, {}),
        ({"price": {"amount": 500, "currency": "USD"}}, {}),
        ({"pricing": {"input": 1, "output": 2, "unit": "per 1M tokens"}}, {}),
        ({"pricing": {"base": 1, "per_second": 2}}, {"duration": 3}),
        ({"pricing": [{"up_to": 100, "price": 2}, {"up_to": 200, "price": 1}]}, {}),
        ({"pricing": {"720p": 10, "1080p": 20}}, {}),
        ({"pricing": BY_ROW}, {"resolution": "720p"}),
        ({"price": -5}, {}),
        ({"price": True}, {}),
        ({"inputSchema": {"properties": {"price": {"default": 5}}}}, {}),
    ],
)
def test_what_the_server_does_not_state_for_this_call_is_unknown(
    entry: dict[str, Any], body: dict[str, Any]
) -> None:
    assert estimate(price_data(entry), body) is None


def test_a_field_that_the_body_leaves_out_has_the_default_of_the_schema() -> None:
    price = estimate(price_data({"credits_per_second": 2}), {}, SECONDS)
    assert price is not None
    assert price.total == 16


def test_a_price_for_each_call_says_nothing_of_a_call_for_four_images() -> None:
    price = estimate(price_data({"cost": 5}), {"num_images": 4})
    assert price is not None
    assert price.total is None


def test_the_price_in_a_list_is_that_of_the_row_which_the_body_names() -> None:
    rows = {"data": [{"id": "small", "creditCost": 5}, {"id": "large", "creditCost": 7}]}
    price = price_in_list(rows, {"model": "large", "duration": 5})
    assert str(price) == "7 credits"
    assert price_in_list(rows, {"model": "other"}) is None


@pytest.mark.parametrize(
    ("reply", "headers", "charge", "balance"),
    [
        (
            {"data": {"credits_used": 5, "credits_remaining": 95}},
            {},
            "5 credits",
            "95 credits",
        ),
        ({"cost": 0.05, "currency": "USD"}, {}, "0.05 USD", None),
        ({"data": {"total_credits": 10, "total_usage": 2.5}}, {}, None, "7.5 credits"),
        ({"code": 200, "msg": "success", "data": 100}, {}, None, "100"),
        ({"usage": {"total_tokens": 500}}, {}, None, None),
        ({}, {"x-credits-used": "3", "x-credits-remaining": "7"}, "3 credits", "7 credits"),
        ({}, {"x-ratelimit-remaining": "7"}, None, None),
        ({"input": {"cost": 5}}, {}, None, None),
    ],
)
def test_a_reply_says_what_was_charged_and_what_is_left(
    reply: dict[str, Any], headers: dict[str, str], charge: str | None, balance: str | None
) -> None:
    amounts = (charge_in(reply, headers), balance_in(reply, headers))
    assert tuple(None if money is None else str(money) for money in amounts) == (charge, balance)
