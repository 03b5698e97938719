"""Local files go up from paths and open files, results come down to them, a notebook shows them."""

from __future__ import annotations

import copy
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from unit.servers import Said, said, serving
from unit.transport.test_transport import options

from callsheet import Client, InvalidInput, OutcomeUnknown, UsageError
from callsheet.client.notebook import figure
from callsheet.masking import watch
from callsheet.secret import Secret
from callsheet.storage.partial_file import SavedFile

if TYPE_CHECKING:
    from pathlib import Path

    from unit.surroundings import Runner

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
LINK = "https://cdn.example/a.png"
FILE = {"type": "string", "contentEncoding": "base64"}
IMAGES = {"type": "array", "items": {"type": "string", "format": "uri"}}
FIELDS = {"prompt": {"type": "string"}, "imageInput": IMAGES, "n": {"type": "integer"}}
LISTED = said({
    "actions": [
        {"id": "s.put", "inputSchema": {"properties": {"file": FILE}, "required": ["file"]}},
        {"id": "v.make", "inputSchema": {"type": "object", "properties": FIELDS}},
    ]
})  # fmt: skip
STORED, MADE = said({"url": LINK}), said({"imageUrl": LINK, "status": "done", "cost": 7})


def bodies(server: Any) -> list[Any]:
    return [json.loads(post.body) for post in server.posts()]


def test_files_of_a_media_field_are_uploaded_once(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    path = tmp_path / "a.png"

    async def steps(client: Any, wait: Any) -> Any:
        with path.open("rb") as file:
            body = {"imageInput": [path, path, "b.png?text", file]}
            made = await wait(client.call("v.make", body, check=False))
        with path.open() as file, pytest.raises(UsageError, match="open as text"):
            await wait(client.call("v.make", {"imageInput": [file]}))
        return made, await wait(client.upload(str(path)))

    with serving(STORED, MADE) as server:
        server.listed = LISTED
        result, link = runner(options(server.url, tmp_path), steps)
        assert bodies(server)[1:] == [{"imageInput": [LINK, LINK, "b.png?text", LINK]}]
        assert (link, result.cost) == (LINK, 7.0)


def test_a_text_is_not_read_as_the_name_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    body = {"imageInput": [str(tmp_path / "a.png")], "prompt": str(tmp_path / "a.png")}
    with serving(MADE) as server, Client(**options(server.url, tmp_path)) as client:
        server.listed = LISTED
        with pytest.raises(InvalidInput, match="a text is not read as one") as caught:
            client.call("v.make", body)
        assert "pathlib.Path(" in caught.value.hint
        assert server.posts() == []
        client.call("v.make", body, check=False)
        assert bodies(server) == [body]


@pytest.mark.parametrize("field", ["prompt", "n", "later"])
def test_only_a_media_field_takes_a_file(tmp_path: Path, field: str) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    with serving(STORED) as server, Client(**options(server.url, tmp_path)) as client:
        server.listed = LISTED
        with pytest.raises(InvalidInput, match=f"/{field}: a file"):
            client.call("v.make", {field: tmp_path / "a.png"})
        assert server.posts() == []


def test_the_rest_of_the_body_is_checked_before_an_upload(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    with serving(STORED) as server, Client(**options(server.url, tmp_path)) as client:
        server.listed = LISTED
        for file, error in ((tmp_path / "a.png", InvalidInput), (tmp_path / "no.png", UsageError)):
            with pytest.raises(error):
                client.call("v.make", {"imageInput": [file], "n": "x"})
        assert server.posts() == []


def test_an_upload_is_recorded_before_it_leaves(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    with serving(said({}, 502)) as server, Client(**options(server.url, tmp_path)) as client:
        server.listed = LISTED
        with pytest.raises(OutcomeUnknown):
            client.call("v.make", {"imageInput": [tmp_path / "a.png"]})
        assert [(row.action, row.state) for row in client.ledger.jobs()] == [("s.put", "unknown")]
        assert len(server.posts()) == 1


def test_a_result_is_saved_to_a_path_or_an_open_file(runner: Runner, tmp_path: Path) -> None:
    into = io.BytesIO()

    async def steps(client: Any, wait: Any) -> Any:
        result = await wait(client.call("v.make", {}))
        unsaved = await wait(result.save(into)), client.ledger.jobs()[0].state
        with pytest.raises(UsageError, match="no bytes"):
            await wait(result.save(io.StringIO()))
        with pytest.raises(UsageError, match="manifest"):
            await wait(result.media[0].save(into, manifest=True))
        saved = await wait(result.save(tmp_path / "a.png"))
        return unsaved, saved, result, client.ledger.jobs()[0].state

    with serving(
        said({"imageUrl": "/a.png"}), Said(200, PNG, {"Content-Type": "image/png"})
    ) as server:
        server.listed = LISTED
        (copied, before), saved, result, after = runner(options(server.url, tmp_path), steps)
    assert into.getvalue() == PNG == (tmp_path / "a.png").read_bytes()
    assert (copied, saved.path) == (SavedFile("", len(PNG), saved.sha256), str(tmp_path / "a.png"))
    assert (before, after) == ("done", "saved")
    assert '<img src="data:image/png;base64,' in result._repr_html_()
    assert copy.copy(result).cost is None


@pytest.mark.parametrize(
    ("link", "kind", "part"),
    [
        ("https://a.example/v.mp4?x=1&y=2", "", '<video src="https://a.example/v.mp4?x=1&amp;y=2"'),
        ("https://a.example/v", "image", '<img src="https://a.example/v"'),
        ("data:audio/mpeg;base64,AAAA", "", '<audio src="data:audio/mpeg;base64,AAAA"'),
        ("https://a.example/x", "", '<a href="https://a.example/x" rel="noreferrer noopener"'),
        ('https://a.example/"><script>.png', "image", '<img src="https://a.example/&quot;&gt;&lt;'),
        ("data:text/html,<script>1</script>", "image", None),
        ("javascript:alert(1)", "image", None),
        ("file:///etc/passwd", "image", None),
        ("https://a.example/sk-notebook-0123456789.png", "image", None),
    ],
)
def test_a_notebook_shows_links_and_no_code(link: str, kind: str, part: str | None) -> None:
    key = Secret("sk-notebook-0123456789")
    watch(key)
    html = figure("v.make </figcaption><script>", [(link, kind)])

    assert part is None or part in html
    assert "<script" not in html
    assert html.count("<") - html.count("</") == (2 if part is None else 3)
