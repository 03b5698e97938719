"""What a server adds after generation behaves as if generated; what it drops is told."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from callsheet import InvalidInput, ServerError
from callsheet_sandbox.catalogue import BUILT_IN

if TYPE_CHECKING:
    from pathlib import Path

    from functional.writing import Written
    from program import Program

    from callsheet_sandbox.server import Running

SPEAK = {
    "id": "ai.voice.speak",
    "title": "Speak",
    "description": "Reads a text aloud.",
    "input": {
        "type": "object",
        "properties": {
            "text": {"type": "string", "minLength": 3, "description": "What is read."},
            "voiceName": {"enum": ["alto", "bass"], "default": "alto"},
            "speed": {"type": "number", "minimum": 0.5, "maximum": 2},
        },
        "required": ["text"],
    },
    "cost": 5,
    "does": "reply",
    "reply": {"said": "$text", "voice": "$voiceName"},
}
NOTE = (
    "Not in the bindings yet: ads runs it from the cached schema, "
    "and `callsheet generate` adds types."
)


def film(part: str) -> dict[str, Any]:
    """Return a member of the video family under another name, without what is hidden there."""
    action: dict[str, Any] = json.loads((BUILT_IN / f"ai.video.{part}.json").read_text("utf-8"))
    for name in ("options", "workspaceId"):
        action["input"]["properties"].pop(name, None)
    family = {**action["family"], "name": "ai.film"}
    return {**action, "id": f"ai.film.{part}", "family": family}


@pytest.fixture
def grown(sandbox: Running) -> Running:
    """Give the sandbox with a plain action and a family that no bindings know."""
    for action in (SPEAK, *map(film, ("generate", "generate_and_wait", "query"))):
        sandbox.add_action(action)
    return sandbox


def posts(server: Running) -> list[tuple[str, Any]]:
    return [
        (str(request["path"]).rpartition("/")[2], request["body"])
        for request in server.requests()
        if request["method"] == "POST"
    ]


def test_it_is_a_command_with_flags_and_an_answer(ads: Program, grown: Running) -> None:
    done = ads.run("voice", "speak", "--text", "hello", "--voice-name", "bass", "--speed", "1.5")

    assert done.code == 0, done.stderr
    assert done.json == {"said": "hello", "voice": "bass"}
    assert posts(grown) == [
        ("ai.voice.speak", {"text": "hello", "voiceName": "bass", "speed": 1.5})
    ]
    assert " ai.voice.speak (" in done.stderr
    assert [charge["cost"] for charge in grown.charges()] == [5]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "--text is needed"),
        (["--text", "no"], "--text: "),
        (["--text", "hello", "--voice-name", "tenor"], "--voice-name: "),
        (["--text", "hello", "--speed", "3"], "--speed: "),
        (["--text", "hello", "--sped", "1"], "there is no flag --sped here"),
    ],
)
def test_it_is_checked_before_anything_is_sent(
    ads: Program, grown: Running, words: list[str], message: str
) -> None:
    done = ads.run("voice", "speak", *words)

    assert done.code == 2
    assert done.json["error"]["message"].startswith(message)
    assert posts(grown) == []


def test_its_help_is_that_of_a_generated_command(ads: Program, grown: Running) -> None:
    generated = ads.run("video", "generate", "--help")
    cached = ads.run("film", "generate", "--help")
    group = ads.run("film", "--help")

    same = generated.stdout.replace("ads video", "ads film").replace("ai.video.", "ai.film.")
    assert cached.code == 0, cached.stderr
    assert "--prompt" in same
    assert cached.stdout.startswith(same)
    assert cached.stdout.removeprefix(same).split() == NOTE.split()
    assert "generate" in group.stdout


def test_its_jobs_are_waited_for_and_saved(ads: Program, grown: Running, folder: Path) -> None:
    done = ads.run("film", "generate", "--prompt", "waves", "--out", "x.mp4")
    queried = ads.run("film", "query", "--task-id", done.json["taskId"])
    blocking = ads.run("film", "generate", "--prompt", "waves", "--blocking")
    failed = ads.run("film", "generate", "--prompt", "[fail]")

    assert done.code == 0, done.stderr
    assert list(done.json)[:3] == ["taskId", "status", "videoUrl"]
    assert (folder / "x.mp4").read_bytes()[4:8] == b"ftyp"
    assert queried.json["videoUrl"] == done.json["videoUrl"]
    assert blocking.code == 0, blocking.stderr
    assert failed.code == 6
    sent = [name for name, _ in posts(grown) if name != "ai.film.query"]
    assert sent == ["ai.film.generate", "ai.film.generate_and_wait", "ai.film.generate"]


def test_it_is_listed_and_called_by_its_id(ads: Program, grown: Running) -> None:
    listed = ads.run("actions", "list", "--json")
    commands = {row["id"]: row["command"] for row in listed.json}
    called = ads.run("call", "ai.voice.speak", "--text", "hello")
    schema = ads.run("actions", "schema", "ai.voice.speak")

    assert commands["ai.voice.speak"] == "ads voice speak"
    assert commands["ai.film.generate"] == "ads film generate"
    assert commands["ai.video.generate"] == "ads video generate"
    assert called.json == {"said": "hello"}
    assert schema.json == SPEAK["input"]


def test_the_library_reaches_it_by_call(plain: Written, grown: Running, folder: Path) -> None:
    with plain.client(api_key=plain.key) as ads:
        speech = ads.call("ai.voice.speak", {"text": "hello"})
        film = ads.call("ai.film.generate", {"prompt": "waves"}, wait=True)
        film.save(str(folder / "x.mp4"))
        with pytest.raises(InvalidInput) as refused:
            ads.call("ai.voice.speak", {"text": "no"})

    assert speech.data == {"said": "hello"}
    assert (folder / "x.mp4").read_bytes()[4:8] == b"ftyp"
    assert refused.value.pointer == "/text"
    assert [name for name, _ in posts(grown)].count("ai.voice.speak") == 1


def test_the_async_library_reaches_it_by_call(plain: Written, grown: Running) -> None:
    async def call() -> Any:
        async with plain.async_client(api_key=plain.key) as ads:
            film = await ads.call("ai.film.generate", {"prompt": "waves"}, wait=True)
            return (await ads.call("ai.voice.speak", {"text": "hello"})).data, film.media

    speech, media = asyncio.run(call())
    assert speech == {"said": "hello"}
    assert media[0].endswith(".mp4")


def test_one_that_is_gone_is_told(ads: Program, plain: Written, sandbox: Running) -> None:
    sandbox.remove_action("material.search")
    done = ads.run("material", "search", "--query", "waves")
    listed = ads.run("actions", "list", "--json")
    with plain.client(api_key=plain.key) as client, pytest.raises(ServerError) as refused:
        client.material.search(query="waves")

    assert (done.code, done.json["error"]["http_status"]) == (1, 404)
    assert "material.search" in done.json["error"]["message"]
    assert "ads actions list" in done.stderr
    assert "material.search" not in [row["id"] for row in listed.json]
    assert refused.value.code == "not_found"
    assert "material.search" in refused.value.message
