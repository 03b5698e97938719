"""The table of pyproject.toml and flags become one configuration, or a message names the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callsheet.errors import UsageError
from callsheet_codegen.config import MANIFEST, load

if TYPE_CHECKING:
    from pathlib import Path

TABLE = """
[tool.callsheet]
package = "acme_client"
env-prefix = "AC"
out = "gen"
host = "https://acme.example"
free = ["a.*"]
"""


def write(folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_text(text, "utf-8")


def test_the_table_is_read_from_a_folder_below(tmp_path: Path) -> None:
    write(tmp_path, TABLE)
    (tmp_path / "deep").mkdir()
    config = load(tmp_path / "deep", {})

    assert (config.package, config.command, config.env) == ("acme_client", "acme", "AC")
    assert config.folder == tmp_path / "gen/acme_client"
    assert config.lock == tmp_path / "gen/catalog.lock.json"
    assert config.host == "https://acme.example"
    assert config.overlay.free == ("a.*",)


def test_flags_win(tmp_path: Path) -> None:
    write(tmp_path, TABLE)
    config = load(tmp_path, {"package": "other", "out": "there", "lock": "here.json"})

    assert config.folder == tmp_path / "there/other"
    assert config.lock == tmp_path / "here.json"


def test_a_second_package_in_a_folder_has_a_lock_of_its_own(tmp_path: Path) -> None:
    def lock(package: str) -> str:
        return load(tmp_path, {"package": package, "out": "."}).lock.name

    assert lock("one") == "catalog.lock.json"
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / MANIFEST).write_text("{}")
    assert (lock("one"), lock("two")) == ("catalog.lock.json", "two.lock.json")

    (tmp_path / "two.lock.json").write_text("{}")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / MANIFEST).write_text("{}")
    assert (lock("one"), lock("two")) == ("catalog.lock.json", "two.lock.json")


def test_flags_are_enough_without_a_table(tmp_path: Path) -> None:
    config = load(tmp_path, {"package": "my_api_client", "out": "."})

    assert (config.command, config.env) == ("my-api", "MY_API")
    assert config.overlay.strip_prefixes == ("ai.",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[project]\nname = 'x'", "there is no [tool.callsheet]"),
        ("[tool.callsheet]\npackage = 'a'\nfre = []", "tool.callsheet.fre is not known"),
        ("[tool.callsheet]\ncommand = 'a'", "tool.callsheet.package is missing"),
        ("[tool.callsheet]\npackage = 'a-b'", "package is 'a-b'"),
        ("[tool.callsheet]\npackage = 1", "tool.callsheet.package is 1"),
        ("[tool.callsheet]\npackage = 'a'\nfree = 'x'", "tool.callsheet.free"),
        ("[tool]\ncallsheet = 1", "tool.callsheet is not a table"),
        ("[tool", "cannot be read"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        load(tmp_path, {})

    assert message in caught.value.message
