"""What the server refuses is told by the flag that was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.conftest import BareProgram


def test_the_flag_of_a_refusal_is_named(ads: BareProgram) -> None:
    done = ads("material", "search", "--query", "x", "--page-size", "0", "--no-check")

    assert (done.code, done.error["http_status"], done.error["flag"]) == (1, 422, "--page-size")
    assert done.error["hint"] == "look at --page-size"
    assert ads.posts() == [("material.search", {"query": "x", "pageSize": 0})]


def test_call_names_it_too(ads: BareProgram) -> None:
    done = ads("call", "material.search", "--input", '{"query":7}', "--no-check")

    assert (done.code, done.error["flag"]) == (1, "--query")
