"""Keys that no file holds: a command gives them, or the system's keyring."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

import pytest
from unit.cli.test_login import KEY, Ads, ads, wants
from unit.surroundings import own_home

from callsheet.config.bindings import Bindings
from callsheet.config.profiles import ProfileFile
from callsheet.config.settings import load

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ads", "own_home"]

# A keyring as the package has it, which keeps its passwords in a file beside it.
KEYRING = """
import json, pathlib
PATH = pathlib.Path(__file__).with_name("ring.json")
def _read():
    return json.loads(PATH.read_text()) if PATH.exists() else {}
def set_password(service, name, password):
    PATH.write_text(json.dumps({**_read(), f"{service} {name}": password}))
def get_password(service, name):
    return _read().get(f"{service} {name}")
def delete_password(service, name):
    PATH.write_text(json.dumps({k: v for k, v in _read().items() if k != f"{service} {name}"}))
"""


def command_of(folder: Path, lines: str, code: int = 0) -> tuple[str, Path]:
    """Write a program that prints lines and counts its runs; return its command and the count."""
    script, runs = folder / "give key.py", folder / "runs"
    script.write_text(
        f"import sys\nopen({str(runs)!r}, 'a').write('x')\nprint({lines!r})\nsys.exit({code})\n"
    )
    return shlex.join([sys.executable, str(script)]), runs


def test_the_command_is_stored_and_not_the_key(ads: Ads, tmp_path: Path) -> None:
    command, runs = command_of(tmp_path, f"{KEY}\nsecond line")
    ads.wants = wants("authorization", f"Bearer {KEY}")

    assert ads.login("--api-key-command", command).code == 0
    assert ads.stored()["keys"] == {ads.server.url: {"command": command}}
    assert KEY not in (ads.home / ".config" / "ads" / "config.json").read_text()
    assert runs.read_text() == "x"

    assert ads("call", "v.make").code == 0
    assert ads.server.posts()[0].headers["authorization"] == f"Bearer {KEY}"
    assert runs.read_text() == "xx"


def test_nothing_runs_the_command_before_a_request(ads: Ads, tmp_path: Path) -> None:
    command, runs = command_of(tmp_path, KEY)
    ads.login("--api-key-command", command)

    displays = [ads(*words) for words in (("whoami",), ("config", "list"), ("tasks", "list"))]
    assert runs.read_text() == "x"
    assert displays[0].json["key"] == "…"
    assert displays[0].json["origin"]["key"] == f"profile default, fetched for {ads.server.url}"


@pytest.mark.parametrize(
    ("lines", "code", "message"),
    [("", 0, "gives no key: no output"), (KEY, 3, "gives no key: exit 3")],
)
def test_a_command_that_gives_no_key_is_named(
    ads: Ads, tmp_path: Path, lines: str, code: int, message: str
) -> None:
    good, _ = command_of(tmp_path, KEY)
    ads.login("--api-key-command", good)
    command_of(tmp_path, lines, code)

    failed = ads("call", "v.make")
    assert (failed.code, message in failed.err) == (3, True)
    assert KEY not in failed.err + failed.out
    assert ads.server.posts() == []


@pytest.mark.parametrize(
    ("command", "code"), [("/no/such/program", 3), ("", 2), ("'open", 2), ("echo a b", 2)]
)
def test_a_command_that_cannot_be_used_is_not_saved(ads: Ads, command: str, code: int) -> None:
    assert ads.login("--api-key-command", command).code == code
    assert ads.stored() is None


def test_no_shell_reads_the_command(ads: Ads, tmp_path: Path) -> None:
    ads.login("--api-key-command", f"echo $(touch {tmp_path}/ran);touch {tmp_path}/ran")

    assert not (tmp_path / "ran").exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="modes say nothing on Windows")
def test_a_file_that_others_may_write_runs_nothing(ads: Ads, tmp_path: Path) -> None:
    command, runs = command_of(tmp_path, KEY)
    ads.login("--api-key-command", command)
    (ads.home / ".config" / "ads" / "config.json").chmod(0o666)

    refused = ads("call", "v.make")
    assert (refused.code, "so the command in it is not run" in refused.err) == (3, True)
    assert runs.read_text() == "x"


def test_the_keyring_holds_the_key(
    ads: Ads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keyring.py").write_text(KEYRING)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "keyring", raising=False)
    ads.wants = wants("authorization", f"Bearer {KEY}")

    assert ads.login("--api-key", KEY, "--keyring").code == 0
    assert ads.stored()["keys"] == {ads.server.url: {"keyring": "ads"}}
    assert ads("call", "v.make").code == 0
    assert ads.server.posts()[0].headers["authorization"] == f"Bearer {KEY}"

    assert ads("logout").code == 0
    assert (tmp_path / "ring.json").read_text() == "{}"
    ads.login("--api-key", KEY, "--keyring")
    (tmp_path / "ring.json").write_text("{}")
    lost = ads("call", "v.make")
    assert (lost.code, "keyring holds no key" in lost.err) == (3, True)
    assert len(ads.server.posts()) == 1


def test_a_missing_keyring_is_said_before_anything_is_sent(
    ads: Ads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)

    refused = ads.login("--api-key", KEY, "--keyring")
    assert (refused.code, 'pip install "callsheet[keyring]"' in refused.err) == (2, True)
    assert ads.requests == []


def test_a_plain_key_replaces_a_command(own_home: Path) -> None:
    folder, host = own_home / ".config" / "ads", "https://a.example"
    file = ProfileFile(str(folder))
    file.save("default", {"host": host}, origin=host, key={"command": "false"})
    file.save("default", {"host": host}, origin=host, key=KEY)

    key = load(Bindings(command="ads", env="ADS")).key
    assert key is not None
    assert key.reveal() == KEY
    assert file.forget("default", host)
    assert not file.forget("default", host)
