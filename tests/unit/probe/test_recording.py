"""What a probe keeps holds no key, no prompt and no signature, and can be served again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from unit.surroundings import asker

from callsheet import Client, UsageError
from callsheet.probe.probe import probe
from callsheet.probe.recording import REMOVED, Redactor, texts_of
from callsheet.secret import Secret
from callsheet_sandbox.dialects import read_dialects
from callsheet_sandbox.options import Options
from callsheet_sandbox.server import serve

if TYPE_CHECKING:
    from pathlib import Path

    from callsheet.probe.report import Report
    from callsheet_sandbox.server import Running

KEY = "sk-0123456789abcdef0123"
PROMPT = "a very private lighthouse"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (f"key {KEY} was used", "key sk-…0123 was used"),
        ("key sk-other-key-000000 too", f"key {REMOVED} too"),
        ("https://m.example/a.mp4?Signature=x&Expires=1", "https://m.example/a.mp4"),
        ("https://me:pass@m.example/a.mp4#t", "https://m.example/a.mp4"),
        ("/media/a.mp4?sig=1", "/media/a.mp4"),
        ("https://h.example/api/actions?page=2", "https://h.example/api/actions?page=2"),
        ("data:image/png;base64,iVBORw0KGgo=", f"data:image/png;base64,{REMOVED}"),
        (f"about {PROMPT}.", f"about {REMOVED}."),
        ("what is this?", "what is this?"),
    ],
)
def test_text(text: str, redacted: str) -> None:
    pages = {"https://h.example/api/actions?page=2"}

    assert Redactor([Secret(KEY)], texts=[PROMPT], links=pages).text(text) == redacted


@pytest.mark.parametrize(
    ("reply", "redacted"),
    [
        ({"prompt": "x"}, {"prompt": REMOVED}),
        ({"negative_prompt": "x"}, {"negative_prompt": REMOVED}),
        ({"input": {"any": ["x"]}}, {"input": {"any": [REMOVED]}}),
        ({"notes": "two words"}, {"notes": REMOVED}),
        ({"message": "Not enough credit"}, {"message": "Not enough credit"}),
        ({"status": "in line"}, {"status": "in line"}),
        ({"accessToken": "x"}, {"accessToken": REMOVED}),
        ({"info": '{"prompt": "x"}'}, {"info": json.dumps({"prompt": REMOVED})}),
        ({"model": "a/b", "cost": 5}, {"model": "a/b", "cost": 5}),
    ],
)
def test_a_job_keeps_no_words_of_the_user(reply: Any, redacted: Any) -> None:
    assert Redactor().job(reply) == redacted


def test_a_catalogue_keeps_its_words() -> None:
    schema = {"properties": {"prompt": {"type": "string", "description": "What it shows."}}}

    assert Redactor().catalogue(schema) == schema


def test_every_text_of_a_body_is_private() -> None:
    assert sorted(texts_of('{"prompt": "a", "more": [{"x": "b"}], "n": 1}')) == ["a", "b"]
    assert texts_of("") == ()


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("replayed")


def look(url: str, key: str, dialect: str, **options: Any) -> Report:
    auth = "x-api-key" if dialect == "flagged" else "bearer"
    with Client(host=url, api_key=key, auth=auth) as ads:
        return probe(asker(ads), **options)


@pytest.mark.parametrize("dialect", read_dialects())
def test_a_recording_reads_as_its_server_did(sandbox: Running, home: Path, dialect: str) -> None:
    url, folder = sandbox.dialect_url(dialect), home / "kept"
    auth = "x-api-key" if dialect == "flagged" else "bearer"
    with Client(host=url, api_key=sandbox.key, auth=auth) as ads:
        task = ads.submit("ai.video.generate", {"prompt": PROMPT}).id
    sandbox.advance(60)
    live = look(url, sandbox.key, dialect, task=task, save=str(folder))
    with serve(Options(replay=folder)) as replay:
        again = look(replay.url, sandbox.key, dialect, task=task)

    text = "".join(path.read_text("utf-8") for path in folder.iterdir())
    private = (PROMPT, sandbox.key, sandbox.url, "Signature=")
    assert [secret for secret in private if secret in text] == []
    assert len(live.saved) == len(list(folder.iterdir()))
    for topic in ("list", "schemas", "families", "task"):
        assert (topic, again[topic].read) == (topic, live[topic].read)


def test_a_folder_with_other_recordings_is_refused(sandbox: Running, home: Path) -> None:
    (home / "kept").mkdir()
    (home / "kept" / "001.json").write_text("{}")

    with pytest.raises(UsageError, match="holds JSON files already"):
        look(sandbox.url, sandbox.key, "plain", save=str(home / "kept"))
    assert sandbox.requests() == []


def test_a_folder_that_cannot_be_made_is_refused(sandbox: Running, home: Path) -> None:
    (home / "kept").write_text("a file")

    with pytest.raises(UsageError, match="cannot be used"):
        look(sandbox.url, sandbox.key, "plain", save=str(home / "kept"))
    assert sandbox.requests() == []
