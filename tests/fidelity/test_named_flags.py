"""A wrong body is refused by the flag that was typed, through objects, lists and unions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fidelity.bench import bench
from fidelity.lines import read
from fidelity.material import ActionCase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fidelity.campaign import Campaign

TEXT = {"type": "string"}
PETS = {
    "oneOf": [
        {
            "type": "object",
            "properties": {"kind": {"const": kind}, "size": {"type": "integer"}},
            "required": ["kind"],
            "additionalProperties": False,
        }
        for kind in ("cat", "dog")
    ]
}
SCHEMA = {
    "type": "object",
    "properties": {
        "userId": TEXT,
        "json": {"type": "integer"},
        "camera": {
            "type": "object",
            "properties": {
                "lens": {"type": "object", "properties": {"focal": {"type": "integer"}}}
            },
        },
        "pets": {"type": "array", "items": PETS},
        "pet": PETS,
        "seed": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "card": TEXT,
        "address": TEXT,
    },
    "required": ["userId"],
    "dependentRequired": {"card": ["address"]},
    "additionalProperties": False,
}
WRONG: list[tuple[list[str], str, str]] = [
    ([], "--user-id", "is required"),
    (["--input.json", "x"], "--input.json", "whole number"),
    (["--input.json", "1.5"], "--input.json", "whole number"),
    (["--camera.lens.focal", "wide"], "--camera.lens.focal", "whole number"),
    (["--camera.lens", '{"focal":"wide"}'], "--camera.lens.focal", "whole number"),
    (["--camera", '{"lens":[]}'], "--camera.lens", "wanted an object"),
    (["--pets", '[{"kind":"cat","size":"big"}]'], "--pets", "at /0/size: "),
    (["--pets", '{"kind":"cow"}'], "--pets", "at /0/kind: "),
    (["--pet", '{"kind":"dog","weight":1}'], "--pet", '"weight" is not a known field'),
    (["--pet.kind", "cow"], "--pet.kind", "cat"),
    (["--seed", "five"], "--seed", "whole number"),
    (["--card", "1"], "--address", 'is required beside "card"'),
    (["--input", '{"more":1}'], "--input", '"more" is not a known field'),
]


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    """Give a client that was generated from the schema."""
    with bench(
        [ActionCase("shop.buy", SCHEMA, None, (), ())], tmp_path_factory.mktemp("shop")
    ) as work:
        yield work


@pytest.mark.parametrize(("words", "flag", "says"), WRONG)
def test_the_flag_is_named(words: list[str], flag: str, says: str, campaign: Campaign) -> None:
    typed = ["--user-id", "u", *words] if words else []
    line = read(campaign.routes.client._bindings, campaign.package.action("shop.buy"), typed)

    assert line.error is not None
    assert (line.error.exit_code, line.error.flag) == (2, flag)
    assert says in line.error.message


def test_a_flag_that_knows_less_than_the_schema_refuses_nothing(campaign: Campaign) -> None:
    action = campaign.package.action("shop.buy")
    params = [
        param._replace(kind="integer", required=True, limits={"maxLength": 1}, choices=(7,))
        for param in action.params
    ]
    strict = action._replace(params=tuple(params))
    line = read(campaign.routes.client._bindings, strict, ["--user-id", "text"])

    assert (line.error, line.body) == (None, {"userId": "text"})
