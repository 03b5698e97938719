"""A media field that names a local file which does not exist is refused before anything is sent."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

import pytest
from unit.cli.given import param
from unit.servers import said, serving
from unit.transport.test_transport import options

from callsheet import AsyncClient, Client, InvalidInput
from callsheet.client.groups import Group
from callsheet.engine.local_files import is_path, require_files
from callsheet.spec import Action

if TYPE_CHECKING:
    from pathlib import Path

PATHS = [
    "a.png",
    "A.PNG",
    "./a",
    "../a.txt",
    "/uploads/a.png",
    "/uploads/a",
    "user-123/a.png",
    "~/a.jpg",
    "my photos/cat 1.webp",
    "C:\\pictures\\a",
    ".\\pictures\\a",
    "\\\\server\\a",
    "pictures\\a.png",
    "//cdn.example/a",
    "example.com/a",
    " a.mp4 ",
    "film.mov",
    "sound.mp3",
    "[1].png",
    "photos/cat1",
]
NO_PATHS = [
    "",
    "asset_123",
    "file-abc",
    "1.5",
    "v2.0",
    "cat",
    "a.txt",
    "png",
    ".png.x",
    "https://a.example/x.png",
    "HTTPS://a.example/x.png",
    "data:image/png;base64,iVBORw0KGgo=",
    "s3://bucket/a.png",
    "asset:films/7",
    "/9j/4AAQSkZJRgABAQ==",
    base64.b64encode(bytes(range(256))).decode(),
    '["https://a.example/x.png"]',
    '{"url": "https://a.example/x.png"}',
    "<svg xmlns='http://www.w3.org/2000/svg'/>",
    "q\"uo'te\\back",
    "two lines\nand a/b",
]


@pytest.mark.parametrize("text", PATHS)
def test_it_looks_like_a_path(text: str) -> None:
    assert is_path(text)


@pytest.mark.parametrize("text", NO_PATHS)
def test_it_does_not_look_like_a_path(text: str) -> None:
    assert not is_path(text)


FIELDS = (
    param("imageInput", "array", items="string", comma=True, media=True),
    param("videoUrl", media=True),
    param("shots", "array", items="string", media=True),
    param("image.url", media=True),
    param("tags", "array", items="string", comma=True, media=True),
    param("either", "any", media=True),
    param("prompt"),
    param("a/b", path=["a/b"], media=True),
)
REFUSED: list[tuple[Any, str, str]] = [
    ({"videoUrl": "a.mp4"}, "/videoUrl", "a.mp4"),
    ({"imageInput": ["a.png"]}, "/imageInput/0", "a.png"),
    ({"imageInput": ["https://x/y.png", "a.png"]}, "/imageInput/1", "a.png"),
    ({"imageInput": ["here.png,a.png"]}, "/imageInput/0", "a.png"),
    ({"imageInput": "a.png, here.png"}, "/imageInput", "a.png"),
    ({"imageInput": ["https://x/y.png,a.png"]}, "/imageInput/0", "a.png"),
    ({"imageInput": ["data:image/png;base64,QQ==,a.png"]}, "/imageInput/0", "a.png"),
    ({"shots": ["here.png", "there/"]}, "/shots/1", "there/"),
    ({"shots": ["here.png,a.png"]}, "/shots/0", "here.png,a.png"),
    ({"image": {"url": "a.png"}}, "/image/url", "a.png"),
    ({"tags": ["sea", "a.png"]}, "/tags/1", "a.png"),
    ({"either": "x/y"}, "/either", "x/y"),
    ({"either": [["x/y"]]}, "/either/0/0", "x/y"),
    ({"a/b": "x/y"}, "/a~1b", "x/y"),
]
SENT: list[Any] = [
    {},
    [],
    None,
    {"prompt": "a.png"},
    {"prompt": "/etc/passwd"},
    {"imageInput": ["here.png", "https://x/y.png"]},
    {"imageInput": "here.png,here.png"},
    {"imageInput": ["https://res.example/w_400,h_300/sample.jpg"]},
    {"imageInput": ["https://x/y.png?tr=w-400,h-300/x.png"]},
    {"imageInput": ["one, two.png"]},
    {"imageInput": ["asset_1", "v2.0"]},
    {"imageInput": None},
    {"videoUrl": 5},
    {"videoUrl": "https://x/a,b.mp4"},
    {"image": "a.png"},
    {"image": {"prompt": "a.png"}},
    {"tags": ["sea/waves", "black/white"]},
    {"either": {"anything": "x/y"}},
]


@pytest.fixture
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder that holds two files."""
    for name in ("here.png", "one, two.png"):
        (tmp_path / name).write_bytes(b"x")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize(("body", "pointer", "path"), REFUSED)
def test_a_missing_file_is_refused(body: Any, pointer: str, path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        require_files(FIELDS, body)
    assert caught.value.message == f"{pointer}: there is no file {path!r}"
    assert (caught.value.pointer, caught.value.exit_code) == (pointer, 2)
    assert "check=False" in caught.value.hint


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize("body", SENT)
def test_everything_else_passes(body: Any) -> None:
    require_files(FIELDS, body)


SCHEMA = {
    "type": "object",
    "properties": {
        "prompt": {"type": "string"},
        "referenceImages": {"type": "array", "items": {"type": "string"}},
        "image_url": {"type": "string"},
    },
}
LISTED = said({"actions": [{"id": "v.make", "inputSchema": SCHEMA}]})
BODY = {"prompt": "x/y.png", "referenceImages": ["https://x/y.png", "gone/a"]}


def test_the_library_sends_nothing(tmp_path: Path) -> None:
    with serving(said({"ok": 1})) as server, Client(**options(server.url, tmp_path)) as client:
        server.listed = LISTED
        for send in (client.call, client.submit):
            with pytest.raises(InvalidInput, match="there is no file 'gone/a'"):
                send("v.make", BODY)
        with pytest.raises(InvalidInput, match=r"there is no file 'a\.png'"):
            client.call("v.make", b'{"image_url": "a.png"}')
        assert (server.posts(), client.tasks.list()) == ([], [])
        client.call("v.make", BODY, check=False)
        client.call("v.make", {"prompt": "x/y.png", "image_url": "asset_1"})
        assert len(server.posts()) == 2


def test_the_asynchronous_library_sends_nothing(tmp_path: Path) -> None:
    async def play(url: str) -> None:
        async with AsyncClient(**options(url, tmp_path)) as client:
            for send in (client.call, client.submit):
                with pytest.raises(InvalidInput, match="there is no file 'gone/a'"):
                    await send("v.make", BODY)
            await client.call("v.make", BODY, check=False)

    with serving(said({"ok": 1})) as server:
        server.listed = LISTED
        asyncio.run(play(server.url))
        assert len(server.posts()) == 1


def test_a_method_of_a_generated_client_sends_nothing(tmp_path: Path) -> None:
    make = Action("v.make", params=(param("image_url", media=True),))
    with serving(said({"ok": 1})) as server, Client(**options(server.url, tmp_path)) as client:
        server.listed = LISTED
        for call in (Group(client)._call, Group(client)._submit):
            with pytest.raises(InvalidInput, match=r"/image_url: there is no file 'a\.png'"):
                call(make, {"image_url": "a.png"})
        assert server.posts() == []
        Group(client)._call(make, {}, extra_body={"image_url": "a.png"})
        (request,) = server.posts()
        assert request.body == b'{"image_url":"a.png"}'
