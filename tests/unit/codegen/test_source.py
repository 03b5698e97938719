"""The server to ask is chosen in one order, and the lock never names a loopback port."""

from __future__ import annotations

import io
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from unit.codegen.given import config
from unit.servers import LISTED, Said, Seen, said, serving

from callsheet.config.settings import source_name
from callsheet.errors import CallsheetError
from callsheet_codegen import cli
from callsheet_codegen import source as server
from callsheet_codegen.config import load
from callsheet_codegen.confirmed import ConfirmedFiles
from callsheet_codegen.ir import fell_back

if TYPE_CHECKING:
    from pathlib import Path


def chosen(tmp_path: Path, *, host: str | None, table: str, env: str) -> tuple[str, str] | None:
    environ = {"HOME": str(tmp_path), **({"ACME_HOST": env} if env else {})}
    project = replace(config(tmp_path), host=table)
    source = server.settings_for(project, host=host, environ=environ)
    return (source.settings.host, source.why) if source else None


@pytest.mark.parametrize(
    ("host", "table", "env", "expected"),
    [
        ("https://a.example", "https://b.example", "https://c.example", ("a", "--host")),
        (None, "https://b.example", "https://c.example", ("b", "[tool.callsheet] host")),
        (None, "", "https://c.example", ("c", "ACME_HOST")),
    ],
)
def test_the_order(
    tmp_path: Path, host: str | None, table: str, env: str, *, expected: tuple[str, str]
) -> None:
    name, why = expected

    assert chosen(tmp_path, host=host, table=table, env=env) == (f"https://{name}.example", why)


def test_nothing_configured_leaves_the_sandbox(tmp_path: Path) -> None:
    assert chosen(tmp_path, host=None, table="", env="") is None


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("http://127.0.0.1:8787", "http://127.0.0.1"),
        ("http://localhost:1", "http://localhost"),
        ("https://acme.example:8443", "https://acme.example:8443"),
    ],
)
def test_the_name_in_the_lock(origin: str, name: str) -> None:
    assert source_name(origin) == name


def key_for(tmp_path: Path, *, locked: str, table: str = "", **environ: str) -> str:
    project = replace(config(tmp_path), host=table)
    variables = {"HOME": str(tmp_path), "ACME_API_KEY": "sk-acme-0123456789", **environ}
    source = server.settings_for(project, host=None, environ=variables, locked=locked)
    assert source is not None
    assert bool(source.withheld) == (source.settings.key is None)
    return source.settings.key.reveal() if source.settings.key else source.file


def test_a_lock_fetches_no_key(tmp_path: Path) -> None:
    lock = str(tmp_path / "catalog.lock.json")

    assert key_for(tmp_path, locked="https://stranger.example") == lock
    assert key_for(tmp_path, locked="https://a.example", ACME_HOST="https://b.example") == lock


@pytest.mark.parametrize(
    ("host", "variable"),
    [
        ("https://acme.example", "acme.example"),
        ("https://acme.example", "https://acme.example:443/"),
        ("https://acme.example:443", "HTTPS://ACME.example/api"),
        ("https://ACME.example/v1/", "https://acme.example"),
    ],
)
def test_spellings_of_one_origin(tmp_path: Path, host: str, variable: str) -> None:
    assert key_for(tmp_path, locked=host, ACME_HOST=variable).startswith("sk-")
    assert key_for(tmp_path, locked="", table=host, ACME_HOST=variable).startswith("sk-")


def test_a_yes_holds_for_the_server_and_the_key_that_were_named(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.touch()
    environ = {"HOME": str(tmp_path), "ACME_API_KEY": "sk-acme-0123456789"}
    ConfirmedFiles(environ).add("ACME_API_KEY", "https://a.example", str(file))

    def goes_to(host: str, **keys: str) -> bool:
        project = replace(config(tmp_path), host=host, where=file)
        source = server.settings_for(project, host=None, environ={**environ, **keys})
        return source is not None and source.settings.key is not None

    assert goes_to("https://a.example/v1")
    assert not goes_to("https://b.example")
    assert not goes_to("https://a.example", ACME_API_KEY="", CALLSHEET_API_KEY="sk-any-0123456789")


def test_init_says_yes_to_the_server_that_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert cli.init(["--package", "acme_client", "--host", "a.example"]) == 0
    environ = {"HOME": str(tmp_path), "ACME_API_KEY": "sk-acme-0123456789"}

    source = server.settings_for(load(tmp_path, {}), host=None, environ=environ)

    assert source is not None
    assert source.settings.key is not None


def test_a_key_that_nobody_may_have_need_not_be_one(tmp_path: Path) -> None:
    assert key_for(tmp_path, locked="https://a.example", ACME_API_KEY="two\nlines")


@pytest.mark.parametrize(("written", "program"), [(False, "ads"), (True, "acme")])
def test_a_hint_names_a_program_that_is_there(
    tmp_path: Path, *, written: bool, program: str
) -> None:
    project = config(tmp_path)
    if written:
        project.folder.mkdir(parents=True)
        (project.folder / "cli.py").touch()
    with serving(said({"message": "no such page"}, 404)) as listing:
        listing.listed = said({"nothing": "of use"})
        source = server.settings_for(project, host=listing.url, environ={"HOME": str(tmp_path)})
        assert source is not None
        with pytest.raises(CallsheetError) as caught:
            server.fetch(source, project)

    assert caught.value.hint == f"see: {program} --host {listing.url} probe"


def test_a_list_that_is_not_whole_is_a_warning(tmp_path: Path) -> None:
    project = config(tmp_path)
    with serving(said({"message": "no such page"}, 404)) as listing:
        entry = {"id": "a.b", "inputSchema": {"type": "object"}}
        listing.listed = said({"actions": [entry], "total": 3})
        source = server.settings_for(project, host=listing.url, environ={"HOME": str(tmp_path)})
        assert source is not None
        _, diagnostics = server.fetch(source, project)

    assert [d.message for d in diagnostics if d.level == "warning"] == [
        "the list is incomplete: 1 of 3 entries were read"
    ]
    assert fell_back(diagnostics)  # so that `--strict` exits 1


def test_a_silent_server_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callsheet.transport.sync.REPORT_AFTER", 0.1)
    written = threading.Event()

    class Screen(io.StringIO):
        def flush(self) -> None:
            written.set()

    def answer(_request: Seen) -> Said:
        written.wait(20)
        return said({"actions": list(LISTED)})

    screen = Screen()
    with serving(said({})) as listening:
        listening.listed = answer
        project = replace(config(tmp_path), host=listening.url)
        source = server.settings_for(project, host=None, environ={"HOME": str(tmp_path)})
        assert source is not None
        server.fetch(source, project, progress=server.Progress(screen))
    assert screen.getvalue() == f"still waiting for {listening.url}\n"
