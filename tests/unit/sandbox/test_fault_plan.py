"""The plan counts what matches, strikes when it is due, and repeats itself for a seed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from callsheet_sandbox.faults.plan import Ask, Plan, ask_of
from callsheet_sandbox.faults.script import read_script

GENERATE = ask_of("POST", "/api/actions/ai.video.generate")


def struck(script: str, asks: list[Ask], layer: str = "request") -> str:
    """Return one letter a request: the struck fault's kind, or a dot."""
    plan = Plan(read_script(script))
    picked = [plan.pick(layer, ask) for ask in asks]
    return "".join(fault.kind[0] if fault else "." for fault in picked)


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("POST", "/api/actions/ai.video.generate", "ai.video.generate"),
        ("POST", "/api/v2/actions/ai.video.query", "ai.video.query"),
        ("GET", "/api/actions/ai.video.query/schema", None),
        ("GET", "/media/x.mp4", None),
    ],
)
def test_the_action_of_a_request(method: str, path: str, action: str | None) -> None:
    assert ask_of(method, path) == Ask(method, path, action)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("drop", "d...."),
        ("drop x2", "dd..."),
        ("drop x*", "ddddd"),
        ("drop @2", ".d..."),
        ("drop @2-3", ".dd.."),
        ("drop @4-", "...dd"),
        ("drop 0% x*", "....."),
        ("drop; 503", "d...."),
        ("drop; 503 x2", "ds..."),
        ("drop @3; 503 x*", "ssdss"),
        ("drop ai.image.* x*", "....."),
        ("drop GET x*", "....."),
        ("drop /api/* x*", "ddddd"),
        ("drop ai.video.* POST x*", "ddddd"),
    ],
)
def test_which_requests_are_struck(script: str, expected: str) -> None:
    assert struck(script, [GENERATE] * 5) == expected


def test_only_matching_requests_count() -> None:
    media = ask_of("GET", "/media/x.png")
    assert struck("drop /media/* @2", [GENERATE, media, GENERATE, media]) == "...d"


def test_layers_are_apart() -> None:
    script = "reset at=connect; reset at=request; reset at=sent"
    assert [
        struck(script, [Ask()] * 2, layer) for layer in ("connection", "headers", "request")
    ] == ["r."] * 3


def test_a_seed_repeats_itself() -> None:
    runs = [struck(f"drop x* 30%; seed={seed}", [GENERATE] * 300) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]
    assert 60 <= runs[0].count("d") <= 120


def test_reset_goes_back_to_the_start() -> None:
    plan = Plan(read_script("drop"))
    plan.pick("request", GENERATE)
    plan.set(read_script("503 @2"))
    plan.pick("request", GENERATE)
    [line] = plan.report()
    assert (line["kind"], line["seen"], line["fired"]) == ("status", 1, 0)
    plan.reset()
    assert [(line["kind"], line["seen"]) for line in plan.report()] == [("drop", 0)]


def test_threads_together_are_struck_as_often_as_said() -> None:
    plan = Plan(read_script("drop @101-150"))
    with ThreadPoolExecutor(8) as pool:
        picked = list(pool.map(lambda _: plan.pick("request", GENERATE), range(400)))
    assert sum(fault is not None for fault in picked) == 50
    assert plan.report()[0]["seen"] == 400
