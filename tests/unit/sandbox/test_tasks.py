"""A job's state follows from the time that has passed; its model from its scene."""

import json

import pytest

from callsheet_sandbox.catalogue import BUILT_IN, read_catalogue
from callsheet_sandbox.speeds import SPEEDS
from callsheet_sandbox.store import TaskRow
from callsheet_sandbox.tasks import Standing, new_task, standing
from callsheet_sandbox.templates import Json


def make(body: Json, action: str = "ai.video.generate") -> TaskRow:
    """Return the row of a job that began at second 100."""
    chosen = read_catalogue(BUILT_IN)[action]
    return new_task("plain", chosen, body, speed=SPEEDS["demo"], reference="r", now=100.0)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (100.0, Standing("pending", 0.0)),
        (100.7, Standing("pending", 0.0)),
        (102.0, Standing("processing", 0.25)),
        (107.9, Standing("processing", 0.99)),
        (108.0, Standing("success", 1.0)),
        (999.0, Standing("success", 1.0)),
    ],
)
def test_standing(now: float, expected: Standing) -> None:
    assert standing(make({"prompt": "waves"}), now) == expected


def test_a_marked_prompt_fails_at_its_end() -> None:
    row = make({"prompt": "waves [fail]"})
    assert standing(row, 104.0) == Standing("processing", 0.5)
    assert standing(row, 108.0) == Standing("failed", 1.0)


def test_the_length_can_be_given() -> None:
    assert make({"options": {"sandboxSeconds": 60}}).seconds == 60.0
    assert make({"options": {"sandboxSeconds": "60"}}).seconds == 8.0
    assert make({}, "ai.image.generate").seconds == 2.0


def test_no_length_is_done_at_once() -> None:
    assert standing(make({"options": {"sandboxSeconds": 0}}), 100.0) == Standing("success", 1.0)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, ("text-to-video", "kie", "bytedance/seedance-2-mini")),
        ({"scene": "image-to-video"}, ("image-to-video", "kie", "wan/2-7-image-to-video")),
        ({"scene": "ad-video"}, ("ad-video", "sandbox", "sandbox/ad-video")),
        ({"scene": "new"}, ("new", "kie", "bytedance/seedance-2-mini")),
        ({"model": "m"}, ("text-to-video", "kie", "m")),
        ({"provider": "p", "model": "m"}, ("text-to-video", "p", "m")),
    ],
)
def test_scene_provider_and_model(body: Json, expected: tuple[str, str, str]) -> None:
    row = make(body)
    assert (row.scene, row.provider, row.model) == expected
    assert json.loads(row.body) == body
