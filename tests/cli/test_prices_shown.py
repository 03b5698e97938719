"""The stated price of an action stands in lists and help pages, and as data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from fidelity.recorder import KEY, PostRecorder, recorder

from callsheet import launcher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = {"type": "object", "properties": {"model": {"type": "string", "default": "a"}}}
ACTIONS: list[dict[str, Any]] = [
    {"id": "film.flat", "inputSchema": SCHEMA, "creditCost": 50},
    {"id": "film.long", "inputSchema": SCHEMA, "pricing": {"usd_per_second": 0.05}},
    {"id": "film.models", "inputSchema": SCHEMA, "price": {"a": {"usd": 1}, "b": {"usd": 2}}},
    {"id": "film.read", "inputSchema": SCHEMA, "readOnly": True},
    {"id": "film.silent", "inputSchema": SCHEMA},
]
Ads = "Callable[..., str]"


@pytest.fixture
def server() -> Iterator[PostRecorder]:
    with recorder() as server:
        server.advertise(ACTIONS)
        yield server


@pytest.fixture
def ads(home: Path, server: PostRecorder, capfdbinary: pytest.CaptureFixture[bytes]) -> Ads:
    def call(*words: str) -> str:
        assert launcher.main(argv=list(words)) == 0
        return capfdbinary.readouterr().out.decode()

    call("login", "--host", server.url, "--api-key", KEY)
    return call


def test_the_list_shows_what_any_call_costs(ads: Ads) -> None:
    rows = json.loads(ads("actions", "list", "--json"))
    assert {row["id"]: (row["cost"], row["price"]) for row in rows} == {
        "film.flat": ("50 credits", {"amount": 50, "unit": "credits", "per": None}),
        "film.long": ("0.05 USD a second", {"amount": 0.05, "unit": "USD", "per": "second"}),
        "film.models": ("may cost", None),  # which it is depends on the call
        "film.read": ("free", None),
        "film.silent": ("may cost", None),
    }
    assert "0.05 USD a second" in ads("actions", "list", "--cached")


def test_the_help_of_an_action_shows_it_too(ads: Ads) -> None:
    assert "Action film.long (0.05 USD a second)." in ads("film", "long", "--help")
    assert "Action film.silent (may spend credits)." in ads("film", "silent", "--help")
    document = json.loads(ads("film", "long", "--help", "--json"))
    assert document["price"] == {"amount": 0.05, "unit": "USD", "per": "second"}
    assert "price" not in json.loads(ads("film", "silent", "--help", "--json"))


def test_a_stored_page_ends_with_the_price_that_it_shows(ads: Ads, server: PostRecorder) -> None:
    assert "(50 credits)" in ads("film", "flat", "--help")
    server.advertise([{**ACTIONS[0], "creditCost": 60}, *ACTIONS[1:]])
    ads("actions", "list", "--refresh")
    assert "(60 credits)" in ads("film", "flat", "--help")
