"""Pages of the host in use are stored, printed without the program, and never stale."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from callsheet import launcher
from callsheet.catalog.host import Host
from callsheet.cli.context import Context
from callsheet.cli.help.storing import store_pages
from callsheet.cli.main import run
from callsheet.config.bindings import program_of
from callsheet.flows.retry import default_timing
from callsheet.stored import BREAK, WIDTHS, PagesInUse
from callsheet.transport.sync import Transport
from callsheet_sandbox.catalogue import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callsheet_sandbox.server import Running

Run = Any
PAGES = (["--help"], ["video", "--help"], ["video", "generate", "-h"], ["tasks", "list", "--help"])
SHOP = {
    "id": "shop.order.buy_now",
    "description": "Buys at once.",
    "input": {"type": "object", "properties": {"amount": {"type": "integer"}}},
}


@pytest.fixture
def ads(home: Path, sandbox: Running, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Give the installed program in this process, logged in; it returns what it printed."""

    def call(*words: str) -> str:
        assert launcher.main(argv=list(words)) == 0
        return capfdbinary.readouterr().out.decode()

    call("login", "--host", sandbox.url, "--api-key", sandbox.key)
    return call


def in_use() -> PagesInUse:
    return PagesInUse("", "ads", "ADS", os.environ)


def stored(*words: str) -> str:
    """Return a stored page that the launcher would take, "" where the program has to answer."""
    folder = in_use().folder()
    path = Path(folder or "/nowhere", ".".join(words or ("_",)) + ".txt")
    return path.read_text("utf-8") if path.exists() else ""


def test_a_login_stores_the_pages_of_the_server(ads: Run) -> None:
    assert "  video     generate, query" in stored()
    assert stored("video", "generate").count(BREAK) == len(WIDTHS) - 1
    assert stored("tasks", "list") == ""  # a page of ours is stored when it is first shown
    assert "ads tasks list" in ads("tasks", "list", "--help")
    assert "ads tasks list" in stored("tasks", "list")


@pytest.mark.parametrize("words", PAGES, ids=" ".join)
def test_a_stored_page_is_the_one_of_the_program(
    ads: Run, words: list[str], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    ads(*words)
    first = stored(*words[:-1])
    assert run("", "ads", "ADS", words) == 0  # the program, which no launcher spares
    printed = capfdbinary.readouterr().out.decode()

    assert first
    assert ads(*words) == printed == first.split(BREAK)[WIDTHS.index(80)]


def test_an_action_of_this_morning_has_its_page_after_a_refresh(ads: Run, sandbox: Running) -> None:
    search = json.loads((BUILT_IN / "material.search.json").read_text("utf-8"))
    search["input"]["properties"]["colour"] = {"type": "string"}
    assert "--colour" not in ads("material", "search", "--help")

    sandbox.add_action(SHOP)
    sandbox.add_action(search)
    ads("actions", "list", "--refresh")

    assert stored() == ""
    assert "  shop " in ads("--help")
    assert "--amount" in ads("shop", "order", "buy-now", "--help")
    assert "--amount" in stored("shop", "order", "buy-now")
    assert "--colour" in ads("material", "search", "--help")
    assert len(list(Path(in_use().folder() or "").parent.iterdir())) == 1


def test_pages_of_a_catalogue_that_was_replaced_meanwhile_are_not_used(
    ads: Run, sandbox: Running
) -> None:
    program = program_of("", "ads", "ADS")
    slow = Context(program, (), os.environ)
    before = slow.stored.revision()

    sandbox.add_action(SHOP)
    other = Host(slow.settings, program, default_timing())
    transport = Transport(slow.settings, None)
    transport.run(other.refresh())
    transport.close()
    store_pages(slow, {"_.txt": "old"})

    assert other.revision() != before
    assert stored() != "old"


def another_profile(home: Path) -> Mapping[str, str]:
    config = home / "config/config.json"
    document = json.loads(config.read_text("utf-8"))
    config.write_text(json.dumps({**document, "profile": "other"}))
    return {}


@pytest.mark.parametrize(
    "change",
    [
        lambda _: {"ADS_HOST": "https://other.example"},
        lambda _: {"ADS_PROFILE": "other"},
        lambda _: {"ADS_OVERLAY": "/some/rules.json"},
        lambda home: {"ADS_CONFIG_DIR": str(home / "other")},
        another_profile,
    ],
)
def test_pages_hold_for_what_they_were_made_for(
    ads: Run,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], Mapping[str, str]],
) -> None:
    assert in_use().folder() is not None
    for name, text in change(home).items():
        monkeypatch.setenv(name, text)

    assert in_use().folder() is None


def lead_away(pointer: Path, _: Path) -> None:
    (pointer.parent.parent / "_.txt").write_text("\x1b]0;planted\x07")
    (pointer.parent.parent / "_.txt").chmod(0o600)
    pointer.write_text("\n".join(["..", *pointer.read_text("utf-8").split("\n")[1:]]))


def open_pointer(pointer: Path, _: Path) -> None:
    pointer.chmod(0o666)


def open_page(_: Path, page: Path) -> None:
    page.write_text("planted")
    page.chmod(0o620)


@pytest.mark.parametrize("plant", [lead_away, open_pointer, open_page])
def test_nothing_is_printed_that_others_may_have_written(
    ads: Run, plant: Callable[[Path, Path], None]
) -> None:
    folder = in_use().folder()
    assert folder is not None
    plant(Path(in_use().path), Path(folder, "_.txt"))

    assert in_use().read("_.txt") is None
    assert "planted" not in ads("--help")


def test_pages_of_another_user_are_not_printed(ads: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

    assert in_use().read("_.txt") is None


def test_nothing_but_pages_is_removed(ads: Run, tmp_path: Path) -> None:
    beside = Path(in_use().folder() or "").parent
    letters = tmp_path / "documents/letters"
    letters.mkdir(parents=True)
    shutil.rmtree(beside)
    beside.symlink_to(letters.parent)
    ads("--help")

    assert letters.is_dir()


def test_another_version_makes_its_own_pages(ads: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callsheet.version.__version__", "99")

    assert in_use().folder() is None
    ads("--help")
    assert in_use().folder() is not None


def test_changed_rules_are_obeyed_at_once(
    ads: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = home / "rules.json"
    rules.write_text("{}")
    monkeypatch.setenv("ADS_OVERLAY", str(rules))
    plain = ads("image", "generate", "--help")
    rules.write_text('{"aliases": {"aspectRatio": "shape"}}')

    assert "--aspect-ratio" in plain
    assert "--shape" in ads("image", "generate", "--help")


def test_completion_offers_the_flags_of_the_host_in_use(
    ads: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_ADS_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "ads video generate --pro")

    assert "plain,--prompt" in ads().splitlines()


def test_a_cache_that_cannot_be_written_changes_nothing(
    ads: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "file").touch()
    monkeypatch.setenv("ADS_CACHE_DIR", str(home / "file"))

    assert "  video     generate, query" in ads("--help")
    assert stored() == ""
