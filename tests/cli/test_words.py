"""The program's own words: login, settings, catalogue, raw calls, jobs that were started."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

from callsheet.version import __version__

if TYPE_CHECKING:
    from cli.conftest import BareProgram

NOBODY = {"ADS_HOST": "", "ADS_API_KEY": ""}


def login(ads: BareProgram, *words: str, **environ: str) -> None:
    done = ads("login", "--host", ads.server.url, *words, **{**NOBODY, **environ})

    assert done.code == 0, done.err
    assert done.out == "10 actions, 2 families; details: ads probe\n"


def test_login_is_kept_and_masked(ads: BareProgram) -> None:
    login(ads, "--api-key", ads.server.key)
    file = ads("config", "path", **NOBODY).out.strip()
    shown = ads("whoami", **NOBODY)

    assert shown.json["host"] == ads.server.url
    assert ads.server.key not in shown.out
    assert stat.S_IMODE(ads.folder.joinpath(file).stat().st_mode) == 0o600
    assert ads("actions", "list", **NOBODY).code == 0


def test_login_reads_the_key_from_standard_input(ads: BareProgram) -> None:
    words = ["login", "--host", ads.server.url, "--api-key-stdin"]
    done = ads(*words, stdin=f"{ads.server.key}\n", **NOBODY)

    assert done.code == 0
    assert ads("whoami", **NOBODY).json["key"] is not None


def test_login_finds_the_scheme(ads: BareProgram) -> None:
    for name in ads.server.dialects():
        done = ads("login", "--host", ads.server.dialect_url(name), "--api-key", ads.server.key)

        assert done.code == 0, (name, done.err)


def test_a_wrong_key_is_not_saved(ads: BareProgram) -> None:
    done = ads("login", "--host", ads.server.url, "--api-key", "sk-of-nobody", **NOBODY)

    assert done.code == 3
    assert "sk-of-nobody" not in done.out + done.err
    assert ads("whoami", **NOBODY).json["host"] is None


def test_login_without_a_key_asks_for_one(ads: BareProgram) -> None:
    done = ads("login", "--host", ads.server.url, **NOBODY)

    assert (done.code, done.err.splitlines()[0]) == (2, "ads: no key was given")


def test_import_takes_an_older_file(ads: BareProgram) -> None:
    older = ads.folder / "older.json"
    older.write_text(json.dumps({"host": ads.server.url, "apiKey": ads.server.key}), "utf-8")
    done = ads("login", "--import", "older.json", **NOBODY)

    assert done.code == 0
    assert ads("whoami", **NOBODY).json["host"] == ads.server.url


def test_logout_forgets_the_key(ads: BareProgram) -> None:
    login(ads, "--api-key", ads.server.key)
    done = ads("logout", **NOBODY)

    assert done.code == 0
    assert ads("whoami", **NOBODY).json["key"] is None
    assert ads("video", "generate", "--prompt", "x", **NOBODY).code == 3


def test_config_tells_where_values_come_from(ads: BareProgram) -> None:
    rows = [line.split("\t") for line in ads("config", "list").out.splitlines()]

    assert ["host", ads.server.url, "ADS_HOST"] in rows
    assert ads("config", "get", "host").out == f"{ads.server.url}\n"
    assert ads.server.key not in ads("config", "get").out
    assert ads("config", "get", "hots").code == 2


def test_actions_are_listed_searched_and_shown(ads: BareProgram) -> None:
    rows = [line.split("\t") for line in ads("actions", "list").out.splitlines()]
    found = ads("actions", "search", "upload").out
    schema = ads("actions", "schema", "ai.video.query").json

    assert len(rows) == 10
    assert rows[4][:4] == ["ai.video.generate", "ads video generate", "job", "may cost"]
    assert found.startswith("storage.upload_image\t")
    assert schema["required"] == ["taskId"]
    assert ads("actions", "list", "--json").json[0]["id"] == "ai.image.generate"


def test_an_unknown_action_is_told_the_nearest(ads: BareProgram) -> None:
    done = ads("actions", "schema", "ai.video.generat")

    assert (done.code, done.error["hint"]) == (2, "did you mean ai.video.generate?")


def test_call_makes_one_post(ads: BareProgram) -> None:
    done = ads("call", "ai.video.generate", "--prompt", "x")
    blocked = ads("call", "ai.video.generate_and_wait", "--prompt", "y", "--timeout", "60000")

    assert done.json["status"] == "pending"
    assert blocked.json["status"] == "success"
    assert ads.posts() == [
        ("ai.video.generate", {"prompt": "x"}),
        ("ai.video.generate_and_wait", {"prompt": "y", "timeoutMs": 60_000}),
    ]


def test_call_waits_when_told_to(ads: BareProgram) -> None:
    done = ads("call", "--wait", "ai.video.generate", "--prompt", "x", "--out", "x.mp4")

    assert done.json["status"] == "success"
    assert (ads.folder / "x.mp4").is_file()


def test_call_of_nothing_known(ads: BareProgram) -> None:
    done = ads("call", "shop.close", "--input", "{}")

    assert done.code == 1
    assert done.error["http_status"] == 404


def test_api_is_raw_and_stays_at_home(ads: BareProgram) -> None:
    listed = ads("api", "GET", "/api/actions")
    away = ads("api", "GET", "https://example.com/api/actions")
    lost = ads("api", "GET", "/api/nowhere")
    deleted = ads("api", "DELETE", "/api/actions/ai.video.generate")

    assert len(listed.json["actions"]) == 10
    assert [away.code, lost.code, deleted.code] == [2, 1, 2]
    assert lost.error["http_status"] == 404


def test_tasks_know_what_was_started(ads: BareProgram) -> None:
    task = ads("video", "generate", "--prompt", "x", "--no-wait").json["taskId"]
    row = ads("tasks", "list", "--cached").out.rstrip("\n").split("\t")
    waited = ads("tasks", "wait", task).json
    saved = ads("tasks", "save", task[:], "--out", "x.mp4").json
    shown = ads("tasks", "show", row[0]).json

    assert row[1:4] == ["running", "ai.video.generate", task]
    assert waited["status"] == "success"
    assert saved["localPath"] == "x.mp4"
    assert shown["files"][0]["sha256"] == saved["files"][0]["sha256"]
    assert ads("tasks", "forget", row[0]).code == 0
    assert ads("tasks", "list").out == ""


def test_rerun_starts_a_new_job(ads: BareProgram) -> None:
    first = ads("video", "generate", "--prompt", "x").json["taskId"]
    refused = ads("tasks", "rerun", first)
    second = ads("tasks", "rerun", first, "--yes").json["taskId"]

    assert (refused.code, refused.error["hint"]) == (2, "add --yes")
    assert first != second
    assert [c["action"] for c in ads.server.charges()] == ["ai.video.generate"] * 2


def test_completion_and_version(ads: BareProgram) -> None:
    shells = [ads("completion", shell) for shell in ("bash", "zsh", "fish")]

    assert [(done.code, "_ADS_COMPLETE" in done.out) for done in shells] == [(0, True)] * 3
    assert ads("completion", "tcsh").code == 2
    assert ads("version").out == f"{__version__}\n"
    assert ads("version", "--json").json["callsheet"] == __version__


def test_words_complete_without_the_server(ads: BareProgram) -> None:
    ads("actions", "list")
    asked = {"_ADS_COMPLETE": "bash_complete", "ADS_HOST": ads.server.url}
    before = len(ads.server.requests())
    groups = ads(COMP_WORDS="ads vi", COMP_CWORD="1", **asked).out
    ids = ads(COMP_WORDS="ads call ai.video.q", COMP_CWORD="2", **asked).out
    flags = ads(COMP_WORDS="ads video generate --pro", COMP_CWORD="3", **asked).out

    assert groups == "plain,video\n"
    assert ids == "plain,ai.video.query\n"
    assert flags.splitlines() == ["plain,--prompt", "plain,--provider", "plain,--profile"]
    assert len(ads.server.requests()) == before


def test_probe_says_how_replies_are_read(ads: BareProgram) -> None:
    task = ads("video", "generate", "--prompt", "x", "--no-wait").json["taskId"]
    done = ads("probe", "--task", task, "--save", "replies")

    assert done.code == 0
    assert [one["topic"] for one in done.json["findings"]][-1] == "task"
    assert done.json["queries"] == 1
    assert any((ads.folder / "replies").iterdir())
    assert [name for name, _ in ads.posts()] == ["ai.video.generate", "ai.video.query"]


def test_a_configuration_that_others_can_read_is_told(ads: BareProgram) -> None:
    login(ads, "--api-key", ads.server.key)
    file = ads.folder.joinpath(ads("config", "path", **NOBODY).out.strip())
    file.chmod(0o644)

    told = ads("whoami", **NOBODY).err

    assert told == f"others may read the keys in {file}; fix it: chmod 600\n"
