"""A page ends with a line to copy, made of what the schema gives as examples."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest
from unit.cli.given import GENERATE, action, page, sent

from callsheet.actions.params import merge_params, read_params, with_flags
from callsheet.cli.help.example import example_body, example_line
from callsheet.config.overlay import Overlay
from callsheet.schema.admission import admit

if TYPE_CHECKING:
    from callsheet.spec import Action


def buy(required: list[str], examples: list[Any] | None = None, **fields: Any) -> Action:
    """Return an action whose fields have these schemas."""
    schema = {"type": "object", "properties": fields, "required": required}
    complete = schema if examples is None else {**schema, "examples": examples}
    return action(
        *with_flags(read_params(admit(complete)), action_id="shop.buy", overlay=Overlay())
    )


TEXT = {"type": "string"}
LAMP = {**TEXT, "examples": ["a red lamp", "b"]}
LINE = {
    "type": "object",
    "required": ["productId", "size"],
    "properties": {"productId": TEXT, "size": {"enum": ["s"]}, "note": TEXT},
}
LINES: list[tuple[Action, str]] = [
    (buy(["what"], what=LAMP), 'ads shop buy --what "a red lamp"'),
    (buy([], what=LAMP, other=TEXT), 'ads shop buy --what "a red lamp"'),
    (buy(["what"], what=LAMP, size={"enum": ["s", "m"]}), 'ads shop buy --what "a red lamp"'),
    (buy(["size"], size={"enum": ["s", "m"], "default": "m"}), "ads shop buy --size m"),
    (buy([], size={"enum": ["s", "m"]}, other=TEXT), "ads shop buy --size s"),
    (buy(["tags"], tags={"type": "array", "items": {"enum": ["s"]}}), "ads shop buy --tags s"),
    (buy(["yes"], yes={"type": "boolean"}), "ads shop buy --yes"),
    (buy(["what"], [{"what": "x y"}], what=TEXT), 'ads shop buy --what "x y"'),
    (buy(["what"], [{"what": "it's"}], what=TEXT), 'ads shop buy --what "it\'s"'),
    (buy(["what"], [{"what": "$HOME !"}], what=TEXT), "ads shop buy --what '$HOME !'"),
    (buy(["what"], what=TEXT, more=LAMP), 'ads shop buy --what WHAT --more "a red lamp"'),
    (buy([], what=TEXT), "ads shop buy"),
    (buy([], prompt=TEXT), 'ads shop buy --prompt "ocean waves"'),
    (buy(["pageUrl"], pageUrl=TEXT), "ads shop buy --page-url https://example.com/"),
    (buy(["videoUrl"], videoUrl=TEXT), "ads shop buy --video-url https://example.com/video.mp4"),
    (buy(["what"], what={**TEXT, "examples": ["a\x1b[31mb"]}), "ads shop buy --what WHAT"),
    (buy(["what"], what={**TEXT, "examples": ["x" * 190]}), "ads shop buy --what WHAT"),
    (buy(["what"], what={**TEXT, "examples": []}), "ads shop buy --what WHAT"),
    (buy(["what"], what={**TEXT, "pattern": "^[a-z]{3}$"}), "ads shop buy --what aaa"),
    (buy(["what"], what={**TEXT, "minLength": 30}), f"ads shop buy --what {'a' * 30}"),
    (buy(["size"], size={"type": "integer", "minimum": 7}), "ads shop buy --size 7"),
    (
        buy(["lines"], lines={"type": "array", "items": LINE}),
        """ads shop buy --lines '[{"productId":"PRODUCT_ID","size":"s"}]'""",
    ),
    (
        buy(["apiKey"], apiKey={**TEXT, "examples": ["sk-live-1234567890"]}),
        "ads shop buy --api-key YOUR_API_KEY",
    ),
]


@pytest.mark.parametrize(("subject", "expected"), LINES)
def test_the_line(subject: Action, expected: str) -> None:
    text = example_line(subject, "ads")

    assert text == expected
    assert f"Example:\n  {text}\n" in page(subject)
    assert json.loads(sent(subject, *shlex.split(text)[3:])) == example_body(subject)


def test_a_job_saves_a_file_of_its_medium() -> None:
    assert example_line(GENERATE, "ads") == (
        'ads video generate --prompt "ocean waves" --out video.mp4'
    )
    plain = GENERATE._replace(id="thing.make", media=("imageUrl",))
    assert example_line(plain, "ads").endswith(" --out image.png")
    assert example_line(plain._replace(media=()), "ads").endswith(" --out output/")


def test_without_values_the_line_prints_a_body_to_fill_in() -> None:
    odd = buy(["what"], what={**TEXT, "pattern": "^q{9}$"})

    assert example_line(odd, "ads") == "ads shop buy --skeleton"
    assert example_line(odd._replace(typed=False), "ads") == "ads shop buy --input '{}'"


def test_objects_are_shown_by_what_they_need() -> None:
    camera = {
        "type": "object",
        "required": ["pan"],
        "properties": {"pan": {"type": "number", "default": 0.5}, "tilt": {"type": "number"}},
    }

    assert example_line(buy(["camera"], camera=camera), "ads") == "ads shop buy --camera.pan 0.5"


def test_the_example_of_a_family_needs_no_blocking() -> None:
    subject = action(
        *with_flags(
            merge_params((), read_params(admit({"type": "object", "properties": {"a": LAMP}}))),
            action_id="x",
            overlay=Overlay(),
        )
    )

    assert example_line(subject, "ads") == "ads shop buy"
