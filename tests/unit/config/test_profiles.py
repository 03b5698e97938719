"""The file with keys: 0600 from its first byte, replaced as a whole, its dangers told."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path

import pytest

from callsheet.config.profiles import ProfileFile
from callsheet.errors import UsageError

HOST = "https://ads.example"


def mode(path: str | Path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def login(folder: Path, key: str = "sk-1", name: str = "default") -> ProfileFile:
    file = ProfileFile(str(folder))
    file.save(name, {"host": HOST}, origin=HOST, key=key)
    return file


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_the_file_is_for_its_owner_alone(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        file = login(tmp_path / "ads")
    finally:
        os.umask(before)
    assert (mode(file.path), mode(tmp_path / "ads")) == (0o600, 0o700)
    assert os.listdir(tmp_path / "ads") == ["config.json"]


def test_no_other_mode_is_ever_seen(tmp_path: Path) -> None:
    folder, modes, done = tmp_path / "ads", set(), threading.Event()

    def watch() -> None:
        while not done.is_set():
            for name in os.listdir(folder) if folder.exists() else ():
                try:
                    modes.add(mode(folder / name))
                except FileNotFoundError:
                    continue

    watcher = threading.Thread(target=watch)
    before = os.umask(0)
    watcher.start()
    try:
        for n in range(40):
            login(folder, f"sk-{n}")
    finally:
        done.set()
        watcher.join()
        os.umask(before)
    assert modes == {0o600}


def test_what_is_stored_is_found_again(tmp_path: Path) -> None:
    login(tmp_path)
    login(tmp_path, "sk-2", "work")
    file = ProfileFile(str(tmp_path))
    assert (file.names(), file.current) == (["default", "work"], "work")
    assert (file.key("default", HOST), file.key("work", HOST)) == ("sk-1", "sk-2")
    assert file.key("default", f"{HOST}:8443") is None
    assert file.profile("work") == {"host": HOST}
    assert file.profile("none") == {}


def test_two_logins_at_once_both_stay(tmp_path: Path) -> None:
    first, second = ProfileFile(str(tmp_path)), ProfileFile(str(tmp_path))
    first.save("one", {}, origin=HOST, key="sk-1")
    second.save("two", {}, origin=HOST, key="sk-2")
    assert ProfileFile(str(tmp_path)).names() == ["one", "two"]


def test_a_key_is_forgotten(tmp_path: Path) -> None:
    file = login(tmp_path)
    assert file.forget("default", "https://other.example") is False
    assert file.forget("default", HOST) is True
    assert ProfileFile(str(tmp_path)).key("default", HOST) is None
    assert "sk-1" not in Path(file.path).read_text()


def test_a_file_that_others_may_read_is_told(tmp_path: Path) -> None:
    file = login(tmp_path)
    assert ProfileFile(str(tmp_path)).warnings == ()
    os.chmod(file.path, 0o644)
    (warning,) = ProfileFile(str(tmp_path)).warnings
    assert "chmod 600" in warning
    login(tmp_path)
    assert ProfileFile(str(tmp_path)).warnings == ()


def test_a_file_of_another_user_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    login(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    (warning,) = ProfileFile(str(tmp_path)).warnings
    assert "another user" in warning


@pytest.mark.parametrize("text", ["", "{", "[]", '{"profiles": []}', '"x"', "[" * 50_000, "\udcff"])
def test_a_damaged_file_is_told_and_kept(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError, match=r"config\.json"):
        ProfileFile(str(tmp_path))
    assert path.exists()


@pytest.mark.parametrize("keys", [[], "sk-1", 5, {HOST: 7}])
def test_keys_of_another_shape_are_none(tmp_path: Path, keys: object) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"profiles": {"default": {"keys": keys}}}))
    file = ProfileFile(str(tmp_path))
    assert file.key("default", HOST) is None
    file.save("default", {}, origin=HOST, key="sk-1")
    assert file.key("default", HOST) == "sk-1"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be"):
        login(tmp_path / "file" / "ads")


def test_a_link_at_the_file_is_replaced_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text('{"profiles": {}}')
    (tmp_path / "ads").mkdir()
    (tmp_path / "ads/config.json").symlink_to(victim)
    login(tmp_path / "ads")
    assert victim.read_text() == '{"profiles": {}}'
    assert not (tmp_path / "ads/config.json").is_symlink()
