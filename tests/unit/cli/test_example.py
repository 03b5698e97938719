"""A page ends with a line to copy, made of what the schema gives as examples."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest
from unit.cli.given import action, page, sent

from callsheet.actions.params import merge_params, read_params, with_flags
from callsheet.cli.help.layout import example_body, example_line
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
    (buy(["what"], what=TEXT, more=LAMP), ""),
    (buy([], what=TEXT), ""),
    (buy(["what"], what={**TEXT, "examples": ["a\x1b[31mb"]}), ""),
    (buy(["what"], what={**TEXT, "examples": ["x" * 190]}), ""),
    (buy(["what"], what={**TEXT, "examples": []}), ""),
]


@pytest.mark.parametrize(("subject", "expected"), LINES)
def test_the_line(subject: Action, expected: str) -> None:
    text = example_line(subject, "ads")

    assert text == expected
    assert (f"Example:\n  {text}\n" in page(subject)) == bool(text)
    if text:
        words = shlex.split(text)[3:]
        assert json.loads(sent(subject, *words)) == example_body(subject)


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

    assert example_line(subject, "ads") == ""
