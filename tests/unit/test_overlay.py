"""The project's table is read exactly, and a mistake in it is named by its path."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from callsheet.errors import UsageError
from callsheet.overlay import Overlay

TABLE = """
package = "ads_client"
strip-prefixes = ["ai."]
free = ["material.*"]
comma = ["imageInput", "videoInput"]
media = ["videoUrl", "imageUrl"]
include = ["ai.*", "material.*"]
exclude = ["ai.secret.*"]
aliases = { timeoutMs = "timeout", aspectRatio = "aspect" }
hidden = { "ai.video.*" = ["options", "workspaceId"] }
families = { "ai.song.write" = { query = "ai.song.status", task-key = "song" } }
upload = { action = "storage.upload_image", field = "data", result = "url" }
tasks = { action = "ai.task.list", match = "clientReference" }
protocol = { state = "phase", done = ["ok"], envelope-ok = 0 }
"""


def test_a_whole_table_answers_and_comes_back() -> None:
    table = tomllib.loads(TABLE)
    overlay = Overlay.parse(table)

    assert overlay.alias("aspectRatio") == "aspect"
    assert overlay.alias("prompt") is None
    assert overlay.is_hidden("ai.video.generate", "options")
    assert not overlay.is_hidden("ai.image.generate", "options")
    assert overlay.is_free("material.search")
    assert not overlay.is_free("ai.video.generate")
    assert overlay.admits("ai.video.generate")
    assert not overlay.admits("ai.secret.key")
    assert not overlay.admits("storage.upload_image")
    assert overlay.protocol == {"state": "phase", "done": ["ok"], "envelope-ok": 0}
    assert Overlay.parse(overlay.as_json()) == overlay
    assert overlay.as_json().items() <= {**table, "strip-prefixes": ["ai."]}.items()


def test_an_empty_table_strips_ai_and_admits_everything() -> None:
    overlay = Overlay.parse({})

    assert overlay == Overlay()
    assert overlay.strip_prefixes == ("ai.",)
    assert overlay.admits("any.thing")
    assert overlay.as_json() == {}


def test_no_prefixes_can_be_said() -> None:
    assert Overlay.parse(Overlay(strip_prefixes=()).as_json()).strip_prefixes == ()


@pytest.mark.parametrize(
    ("table", "path"),
    [
        ({"hidden": {"ai.*": "options"}}, 'tool.callsheet.hidden."ai.*"'),
        ({"hidden": []}, "tool.callsheet.hidden"),
        ({"free": "material.*"}, "tool.callsheet.free"),
        ({"comma": [1]}, "tool.callsheet.comma[0]"),
        ({"aliases": {"timeoutMs": "--timeout"}}, "tool.callsheet.aliases.timeoutMs"),
        ({"aliases": {"a b": ""}}, 'tool.callsheet.aliases."a b"'),
        ({"upload": {"action": "x"}}, "tool.callsheet.upload lacks field"),
        (
            {"upload": {"action": "x", "field": "f", "encoding": "hex"}},
            "tool.callsheet.upload.encoding",
        ),
        ({"tasks": {"action": "x", "match": "m", "more": "z"}}, "tool.callsheet.tasks.more"),
        ({"families": {"a": {"wait": "b"}}}, "tool.callsheet.families.a lacks query"),
        ({"protocol": {"stat": "x"}}, "tool.callsheet.protocol.stat"),
        ({"protocol": {"done": [1]}}, "tool.callsheet.protocol.done[0]"),
    ],
)
def test_a_mistake_is_named_by_its_path(table: dict[str, Any], path: str) -> None:
    with pytest.raises(UsageError) as raised:
        Overlay.parse(table)

    assert raised.value.message.startswith(path)
    assert raised.value.exit_code == 2


def test_the_keys_are_those_of_the_table() -> None:
    assert tomllib.loads(TABLE).keys() - {"package"} == Overlay.keys()
