"""Rules about actions hold for the actions that their globs match, and survive as JSON."""

from __future__ import annotations

import tomllib

from callsheet.config.overlay import Overlay
from callsheet_codegen.config import parse_overlay

TABLE = """
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
prices = { charges = "success" }
balance = { path = "/credits" }
protocol = { state = "phase", done = ["ok"], envelope-ok = "code=0" }
headers = { X-Version = "2023-06-01" }
"""


def test_a_whole_table_answers_and_comes_back() -> None:
    table = tomllib.loads(TABLE)
    overlay = parse_overlay(table)

    assert overlay.alias("aspectRatio") == "aspect"
    assert overlay.alias("prompt") is None
    assert overlay.is_hidden("ai.video.generate", "options")
    assert not overlay.is_hidden("ai.image.generate", "options")
    assert overlay.is_free("material.search")
    assert not overlay.is_free("ai.video.generate")
    assert overlay.admits("ai.video.generate")
    assert not overlay.admits("ai.secret.key")
    assert not overlay.admits("storage.upload_image")
    assert overlay.protocol == {"state": "phase", "done": ["ok"], "envelope-ok": "code=0"}
    assert overlay.headers == {"X-Version": "2023-06-01"}
    assert Overlay.from_json(overlay.as_json()) == overlay
    settings = {**table, "strip-prefixes": ["ai."]}
    settings["waits"] = {"ai.video.*": 1_200_000, "ai.image.*": 90_000}
    assert overlay.as_json().items() <= settings.items()


def test_what_is_said_of_single_actions() -> None:
    overlay = parse_overlay(tomllib.loads(TABLE))

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
    assert overlay.default_values("ai.image.generate") == {
        "resolution": "720p",
        "seed": 7,
        "tags": ["a"],
    }
    assert overlay.default_values("material.search") == {}


def test_an_empty_table_strips_ai_and_admits_everything() -> None:
    overlay = parse_overlay({})

    assert overlay == Overlay()
    assert overlay.strip_prefixes == ("ai.",)
    assert overlay.admits("any.thing")
    assert overlay.as_json() == {}


def test_prefixes_can_be_set_to_none() -> None:
    assert Overlay.from_json(Overlay(strip_prefixes=()).as_json()).strip_prefixes == ()


def test_the_keys_are_those_of_the_table() -> None:
    assert tomllib.loads(TABLE).keys() == Overlay.keys()
