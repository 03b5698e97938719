"""The project's table is read exactly, and a mistake in it is named by its path."""

from __future__ import annotations

import tomllib
from datetime import date
from typing import Any

import pytest

from callsheet.config.overlay import Overlay
from callsheet.errors import UsageError

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
flags = { "ai.image.*" = { imageInput = "picture" } }
hide = ["ai.debug.*"]
groups = { "ai.song" = "music maker" }
commands = { "ai.video.generate" = "film make" }
methods = { "ai.video.generate" = "make_film" }
describe = { "ai.video.*" = "Makes moving pictures." }
describe-fields = { "ai.*" = { prompt = "What is to be seen." } }
waits = { "ai.video.*" = "20m", "ai.image.*" = 90000 }
defaults = { "ai.*" = { resolution = "720p" }, "ai.image.*" = { seed = 7, tags = ["a"] } }
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
    said = {**table, "strip-prefixes": ["ai."]}
    said["waits"] = {"ai.video.*": 1_200_000, "ai.image.*": 90_000}
    assert overlay.as_json().items() <= said.items()


def test_what_is_said_of_single_actions() -> None:
    overlay = Overlay.parse(tomllib.loads(TABLE))

    assert overlay.of("ai.image.generate").alias("imageInput") == "picture"
    assert overlay.of("ai.video.generate").alias("imageInput") is None
    assert overlay.is_without_command("ai.debug.dump")
    assert overlay.command("ai.video.generate") == ("film", "make")
    assert overlay.command("ai.song.write_down") == ("music", "maker", "write-down")
    assert overlay.command("ai.songs.write") == ()
    assert overlay.description("ai.video.query") == "Makes moving pictures."
    assert overlay.field_descriptions("ai.image.query") == {"prompt": "What is to be seen."}
    assert (overlay.wait_ms("ai.video.generate"), overlay.wait_ms("material.x")) == (
        1_200_000,
        None,
    )
    assert overlay.sent("ai.image.generate") == {"resolution": "720p", "seed": 7, "tags": ["a"]}
    assert overlay.sent("material.search") == {}


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
        ({"flags": {"ai.*": {"prompt": "Prompt"}}}, 'tool.callsheet.flags."ai.*".prompt'),
        ({"flags": {"ai.*": "x"}}, 'tool.callsheet.flags."ai.*"'),
        ({"hide": [""]}, "tool.callsheet.hide[0]"),
        ({"groups": {"ai.video": "Film"}}, 'tool.callsheet.groups."ai.video"'),
        ({"commands": {"ai.go": []}}, 'tool.callsheet.commands."ai.go"'),
        ({"commands": {"ai.go": "--go"}}, 'tool.callsheet.commands."ai.go"'),
        ({"methods": {"ai.go": "go-now"}}, 'tool.callsheet.methods."ai.go"'),
        ({"describe": {"ai.go": 5}}, 'tool.callsheet.describe."ai.go"'),
        ({"describe-fields": {"a": {"b": ""}}}, "tool.callsheet.describe-fields.a.b"),
        ({"waits": {"ai.*": "soon"}}, 'tool.callsheet.waits."ai.*"'),
        ({"waits": {"ai.*": 20}}, 'tool.callsheet.waits."ai.*"'),
        ({"waits": {"ai.*": True}}, 'tool.callsheet.waits."ai.*"'),
        (
            {"defaults": {"ai.*": {"when": [date(2026, 1, 1)]}}},
            'tool.callsheet.defaults."ai.*".when[0]',
        ),
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
