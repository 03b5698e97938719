"""A folder's configuration fetches no key: a host named there gets one only if the user names it.

Every form runs ``callsheet`` in a project of somebody else against a server that keeps the headers
of each request.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from functional.recorder import KEYS, STORED, recorder

from callsheet.catalog.lock import Lock, Snapshot, dump_lock
from callsheet.spec import Advertised
from callsheet_codegen import cli

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from functional.recorder import Recorder


class Folder:
    """A project of somebody else, the user's home beside it, and the server that it names."""

    def __init__(self, root: Path, server: Recorder) -> None:
        self.home, self.here, self.server = root / "home", root / "here", server
        self.here.mkdir()

    def fill(self, text: str) -> str:
        """Return a text with the address of the server in it."""
        url, port = self.server.url, self.server.port
        return text.replace("{url}", url).replace("{port}", port).replace("{here}", str(self.here))

    def table(self, **rows: str) -> None:
        """Write the project's file and a lock."""
        rows = {"package": "acme_client", "out": ".", "host": "{url}", **rows}
        text = "".join(f"{name} = {json.dumps(self.fill(row))}\n" for name, row in rows.items())
        (self.here / "pyproject.toml").write_text(f"[tool.callsheet]\n{text}")
        actions = (Advertised(id="zoo.feed", input={"type": "object", "properties": {}}),)
        lock = dump_lock(Lock(Snapshot("http://127.0.0.1", actions)))
        (self.here / "catalog.lock.json").write_text(lock)

    def profiles(self, command: str, profiles: Mapping[str, Any]) -> None:
        """Write the user's saved profiles of one program."""
        folder = self.home / ".config" / command
        folder.mkdir(parents=True)
        text = self.fill(json.dumps({"profile": "default", "profiles": profiles}))
        (folder / "config.json").write_text(text)
        (folder / "config.json").chmod(0o600)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    """Give a foreign folder as the working directory, and keys in the environment."""
    with recorder() as server:
        place = Folder(tmp_path, server)
        for name in ("ADS_HOST", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
            monkeypatch.delenv(name, raising=False)
        for name, text in {"HOME": str(place.home), **KEYS}.items():
            monkeypatch.setenv(name, text)
        monkeypatch.chdir(place.here)
        yield place


class KeyForm(NamedTuple):
    """A way in which a folder and its user name a host, and the key that may go there."""

    table: Mapping[str, str]
    environ: Mapping[str, str] = {}
    profiles: Mapping[str, Any] = {}
    command: str = "acme"
    words: tuple[str, ...] = ()
    key: str = ""


OPENAI = {"env-prefix": "OPENAI"}
ADS = {"command": "ads"}
NOWHERE = {
    "another prefix": KeyForm(OPENAI),
    "the prefix of another program": KeyForm({"command": "openai"}),
    "our own program": KeyForm(ADS),
    "the prefix of the package": KeyForm({}),
    "the variable names another host": KeyForm(OPENAI, {"OPENAI_HOST": "https://api.example"}),
    "the variable names another port": KeyForm(OPENAI, {"OPENAI_HOST": "http://127.0.0.1:9"}),
    "the variable names another scheme": KeyForm(
        OPENAI, {"OPENAI_HOST": "https://127.0.0.1:{port}"}
    ),
    "the variable names another name": KeyForm(OPENAI, {"OPENAI_HOST": "http://localhost:{port}"}),
    "the variable is no address": KeyForm(OPENAI, {"OPENAI_HOST": "not an address"}),
    "the variable of another prefix": KeyForm(OPENAI, {"ADS_HOST": "{url}"}),
    "a profile of another host": KeyForm(
        ADS, profiles={"default": {"host": "https://api.example"}}, command="ads"
    ),
    "a profile of another program": KeyForm(
        {"command": "openai"}, profiles={"default": {"host": "{url}"}}, command="ads"
    ),
    "a key stored for another host": KeyForm(
        ADS,
        profiles={"default": {"host": "https://a.example", "keys": {"https://a.example": STORED}}},
        command="ads",
    ),
    "a hostile host in capitals": KeyForm({**OPENAI, "host": "HTTP://LOCALHOST:{port}/"}),
}
SENT = {
    "a flag names it": KeyForm(OPENAI, words=("--host", "{url}"), key="OPENAI_API_KEY"),
    "a flag names another spelling": KeyForm(
        OPENAI, words=("--host", "HTTP://127.0.0.1:{port}/api/"), key="OPENAI_API_KEY"
    ),
    "the variable names it": KeyForm(OPENAI, {"OPENAI_HOST": "{url}"}, key="OPENAI_API_KEY"),
    "the variable ends in a slash": KeyForm({}, {"ACME_HOST": "{url}/"}, key="ACME_API_KEY"),
    "the variable is in capitals": KeyForm(
        {"host": "http://LocalHost:{port}"},
        {"ACME_HOST": "HTTP://LOCALHOST:{port}/api/actions"},
        key="ACME_API_KEY",
    ),
    "a profile names it": KeyForm(
        ADS, profiles={"default": {"host": "{url}"}}, command="ads", key="ADS_API_KEY"
    ),
    "another profile names it": KeyForm(
        ADS,
        profiles={"default": {"host": "https://a.example"}, "two": {"host": "{url}/"}},
        command="ads",
        key="ADS_API_KEY",
    ),
    "the folder names none": KeyForm(
        {"host": "", **ADS}, {"ADS_HOST": "{url}"}, command="ads", key="ADS_API_KEY"
    ),
    "the login alone": KeyForm(
        {"host": "", **ADS},
        profiles={"default": {"host": "{url}"}},
        command="ads",
        key="ADS_API_KEY",
    ),
}


def ask(folder: Folder, form: KeyForm, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run ``callsheet diff`` in the form; return its exit code."""
    folder.table(**form.table)
    for name, text in form.environ.items():
        monkeypatch.setenv(name, folder.fill(text))
    if form.profiles:
        folder.profiles(form.command, form.profiles)
    return cli.diff([folder.fill(word) for word in form.words])


@pytest.mark.parametrize("name", NOWHERE)
def test_no_key_goes_to_a_host_that_only_the_folder_names(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert ask(folder, NOWHERE[name], monkeypatch) == 0
    assert folder.server.requests_without_a_key() >= 1


@pytest.mark.parametrize("name", SENT)
def test_a_key_goes_to_a_host_that_the_user_names(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert ask(folder, SENT[name], monkeypatch) == 0
    assert set(folder.server.keys) == {KEYS[SENT[name].key]}


@pytest.mark.parametrize("prefix", ["ADS", "OPENAI"])
def test_a_key_that_is_stored_for_the_host_is_sent(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    monkeypatch.delenv("ADS_API_KEY")
    saved = {"default": {"host": "{url}", "keys": {"{url}": STORED}}}
    form = KeyForm({**ADS, "env-prefix": prefix}, profiles=saved, command="ads")

    assert ask(folder, form, monkeypatch) == 0
    assert set(folder.server.keys) == {STORED}


@pytest.mark.parametrize("word", ["generate", "check", "diff"])
@pytest.mark.parametrize("status", [401, 403])
def test_the_refusal_says_what_to_type(
    folder: Folder, capsys: pytest.CaptureFixture[str], word: str, status: int
) -> None:
    folder.table(**OPENAI)
    folder.server.status = status
    run = {"generate": cli.generate, "check": cli.check, "diff": cli.diff}[word]

    assert run(["--json"]) == 3
    host = folder.server.url
    error = json.loads(capsys.readouterr().out)["error"]
    assert f"the key in OPENAI_API_KEY was not sent to {host}, because only" in error["message"]
    assert str(folder.here / "pyproject.toml") in error["message"]
    assert f"--host {host}, or ads login --host {host}" in error["hint"]
    assert error["http_status"] == status
    assert folder.server.requests_without_a_key() >= 1


@pytest.mark.parametrize("program", ["ads", "shop"])
def test_the_login_of_any_program_counts_for_its_server(folder: Folder, program: str) -> None:
    folder.table()
    saved = {"work": {"host": "{url}", "auth": "header:X-Zoo", "keys": {"{url}": STORED}}}
    folder.profiles(program, saved)

    assert cli.diff([]) == 0
    assert set(folder.server.keys) == {STORED}
    assert folder.server.headers[-1]["X-Zoo"] == STORED


def test_the_login_of_another_server_does_not_count(folder: Folder) -> None:
    folder.table()
    other = {"host": "https://a.example", "keys": {"https://a.example": STORED}}
    folder.profiles("ads", {"default": other, "two": {"host": "{url}"}})
    folder.profiles("shop", {"default": {"keys": {"{url}0": STORED, "{url}": 5}}})
    (folder.home / ".config" / "torn").mkdir()
    (folder.home / ".config" / "torn" / "config.json").write_text("{")

    assert cli.diff([]) == 0
    assert folder.server.requests_without_a_key() >= 1


def test_a_login_that_others_may_read_does_not_count(folder: Folder) -> None:
    folder.table()
    folder.profiles("shop", {"default": {"keys": {"{url}": STORED}}})
    (folder.home / ".config" / "shop" / "config.json").chmod(0o644)

    assert cli.diff([]) == 0
    assert folder.server.requests_without_a_key() >= 1


def test_the_key_for_any_server_goes_where_the_user_says(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.table(**OPENAI)
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setenv("CALLSHEET_API_KEY", "sk-any-0123456789")
    assert cli.diff([]) == 0
    assert folder.server.requests_without_a_key() >= 1

    folder.server.headers.clear()
    assert cli.diff(["--host", folder.server.url]) == 0
    assert {h["Authorization"] for h in folder.server.headers} == {"Bearer sk-any-0123456789"}

    folder.profiles("ads", {"default": {"keys": {"{url}": STORED}}})
    folder.server.headers.clear()
    assert cli.diff(["--host", folder.server.url]) == 0
    assert {h["Authorization"] for h in folder.server.headers} == {f"Bearer {STORED}"}


def test_a_refusal_without_a_key_names_every_way_to_give_one(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.table()
    monkeypatch.delenv("ACME_API_KEY")
    folder.server.status = 401

    assert cli.generate([]) == 3
    hint = f"ads login --host {folder.server.url}, or set ACME_API_KEY or CALLSHEET_API_KEY"
    assert capsys.readouterr().err.splitlines()[-1].strip() == hint


@pytest.mark.parametrize("word", ["generate", "check", "diff"])
def test_a_variable_that_names_another_server_is_told(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], word: str
) -> None:
    folder.table()
    monkeypatch.setenv("ACME_HOST", "https://other.example")
    run = {"generate": cli.generate, "check": cli.check, "diff": cli.diff}[word]
    run([])

    out = capsys.readouterr().out
    assert "note: ACME_HOST names another server, but" in out
    assert f"callsheet {word} --host" in out


def test_the_headers_of_the_table_are_sent(folder: Folder) -> None:
    folder.table()
    table = folder.here / "pyproject.toml"
    table.write_text(table.read_text() + '\n[tool.callsheet.headers]\nX-Version = "7"\n')

    assert cli.diff([]) == 0
    assert {headers["X-Version"] for headers in folder.server.headers} == {"7"}


@pytest.mark.parametrize("row", ['Authorization = "Bearer x"', 'X-Api-Key = "x"', 'Host = "x"'])
def test_the_table_may_hold_no_credential(
    folder: Folder, capsys: pytest.CaptureFixture[str], row: str
) -> None:
    folder.table()
    table = folder.here / "pyproject.toml"
    table.write_text(table.read_text() + f"\n[tool.callsheet.headers]\n{row}\n")

    assert cli.diff([]) == 2
    assert "tool.callsheet.headers" in capsys.readouterr().err
    assert folder.server.headers == []


def test_a_public_catalogue_needs_no_key_and_a_note_says_so(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.table(**OPENAI)

    assert cli.generate([]) == 0
    assert "note: the key in OPENAI_API_KEY was not sent to" in capsys.readouterr().out
    assert cli.check([]) == 0
    assert folder.server.requests_without_a_key() >= 2


def test_a_key_is_refused_as_before_where_it_was_sent(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.table(**OPENAI)
    folder.server.status = 401

    assert cli.diff(["--host", folder.server.url]) == 3
    assert "was not sent" not in capsys.readouterr().err
    assert set(folder.server.keys) == {KEYS["OPENAI_API_KEY"]}


def test_a_redirect_leads_no_key_away(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    with recorder() as stranger:
        folder.server.status, folder.server.location = 307, f"{stranger.url}/api/actions"
        named = KeyForm(OPENAI, {"OPENAI_HOST": "{url}"})
        assert ask(folder, named, monkeypatch) == 1
        assert stranger.requests_without_a_key() == 0

        folder.table(**OPENAI, host=stranger.url)
        stranger.status, stranger.location = 307, f"{folder.server.url}/api/actions"
        folder.server.keys.clear()
        assert cli.diff([]) == 1
        assert stranger.requests_without_a_key() == 1
        assert folder.server.requests_without_a_key() == 0


@pytest.mark.parametrize("command", ["{here}", "../here", "..", "a/b", ""])
def test_the_command_cannot_lead_to_a_profile_of_the_folder(
    folder: Folder, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    saved = {"profiles": {"default": {"host": "{url}"}}}
    (folder.here / "config.json").write_text(folder.fill(json.dumps(saved)))
    folder.table(command=command, **OPENAI)

    assert cli.diff([]) == 2
    assert "command is" in capsys.readouterr().err
    assert folder.server.keys == []


@pytest.mark.parametrize("prefix", ["A B", "A=B", "1A", "a-b"])
def test_the_prefix_is_that_of_a_variable(folder: Folder, prefix: str) -> None:
    folder.table(**{"env-prefix": prefix})

    assert cli.diff([]) == 2
    assert folder.server.keys == []


def test_two_versions_ask_nobody(folder: Folder) -> None:
    folder.table(**OPENAI)

    assert cli.diff(["catalog.lock.json"]) == 0
    assert cli.diff(["catalog.lock.json", "catalog.lock.json"]) == 0
    assert folder.server.keys == []
