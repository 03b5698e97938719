"""``--all`` and ``--limit``: a list over all its pages, of free actions alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cli.test_offer import SPEAK

if TYPE_CHECKING:
    from cli.conftest import BareProgram

SEARCH = ("material", "search", "--query", "", "--page-size", "2")


def paid_posts(ads: BareProgram) -> list[str]:
    return [one["path"] for one in ads.server.requests() if one["method"] == "POST"]


def test_all_pages_are_one_list(ads: BareProgram) -> None:
    first = ads(*SEARCH, "--json").json
    ads.server.reset()
    done = ads(*SEARCH, "--all", "--json")

    assert done.code == 0, done.err
    assert len(done.json) == first["total"] > 2
    assert done.json[:2] == first["items"]
    assert len(paid_posts(ads)) == (first["total"] + 1) // 2


def test_a_limit_reads_what_it_needs(ads: BareProgram) -> None:
    done = ads("call", "material.search", *SEARCH[2:], "--limit", "3", "--format", "jsonl")

    assert done.code == 0, done.err
    assert len([json.loads(line) for line in done.out.splitlines()]) == 3
    assert len(paid_posts(ads)) == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((*SEARCH, "--limit", "0"), "--limit"),
        ((*SEARCH, "--limit", "many"), "--limit"),
        ((*SEARCH, "--all", "--out", "list.json"), "--out"),
    ],
)
def test_what_is_refused_sends_nothing(ads: BareProgram, words: tuple[str, ...], says: str) -> None:
    done = ads(*words)

    assert done.code == 2
    assert says in done.err
    assert paid_posts(ads) == []


@pytest.mark.parametrize("words", [("voice", "speak"), ("call", "ai.voice.speak")])
def test_what_may_cost_money_is_never_paged(ads: BareProgram, words: tuple[str, ...]) -> None:
    ads.server.add_action(SPEAK)
    done = ads(*words, "--text", "x", "--all")

    assert done.code == 2
    assert "may cost money" in done.err
    assert "--set free=ai.voice.speak" in done.err
    assert paid_posts(ads) == []


def test_a_dry_run_shows_the_first_request(ads: BareProgram) -> None:
    done = ads(*SEARCH, "--all", "--dry-run", "--json")

    assert done.code == 0, done.err
    assert done.json["body"] == {"query": "", "pageSize": 2}
    assert paid_posts(ads) == []
