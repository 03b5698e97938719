"""Several clients in one project: each with its own server, package and lock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from functional.recorder import recorder
from unit.surroundings import own_home

from callsheet_codegen import cli

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from functional.recorder import Recorder

__all__ = ["own_home"]


class Project:
    """A project with the clients ``shop`` and ``film``, and the server of each."""

    def __init__(self, here: Path, shop: Recorder, film: Recorder) -> None:
        self.here, self.servers = here, {"shop": shop, "film": film}
        self.write(
            f'[tool.callsheet.clients.shop]\nhost = "{shop.url}"\n'
            f'[tool.callsheet.clients.film]\nhost = "{film.url}"\npackage = "pictures"\n'
        )

    def write(self, text: str) -> None:
        """Write the project's file."""
        (self.here / "pyproject.toml").write_text(text)

    def counts(self) -> tuple[int, int]:
        """Return how often each server was requests since the last time."""
        requests = tuple(len(server.keys) for server in self.servers.values())
        for server in self.servers.values():
            server.keys.clear()
        return requests


@pytest.fixture
def project(tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Give a project in the working directory."""
    monkeypatch.chdir(tmp_path)
    with recorder() as shop, recorder() as film:
        yield Project(tmp_path, shop, film)


def document(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)["clients"]


def test_all_are_generated_checked_and_compared(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    out = project.here / "generated"
    assert cli.generate(["--json"]) == 0
    documents = document(capsys)
    assert [documents[name]["package"] for name in ("shop", "film")] == [
        str(out / "shop_client"), str(out / "pictures"),
    ]  # fmt: skip
    assert {path.name for path in out.iterdir()} == {
        "shop_client", "pictures", "shop_client.lock.json", "pictures.lock.json",
    }  # fmt: skip

    assert cli.generate(["--json", "--locked"]) == 0
    assert [entry["written"] for entry in document(capsys).values()] == [[], []]
    (out / "pictures" / "client.py").write_text("")
    assert cli.check(["--json", "--offline"]) == 8
    assert {name: entry["drift"] for name, entry in document(capsys).items()} == {
        "shop": False, "film": True,
    }  # fmt: skip
    assert cli.diff([]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "client shop:"


def test_a_named_client_is_the_only_one(project: Project) -> None:
    assert cli.generate(["--client", "film"]) == 0
    assert not (project.here / "generated" / "shop_client").exists()
    assert project.counts()[0] == 0

    assert cli.generate(["--client", "shop", "--lock", "own.json"]) == 0
    assert (project.here / "own.json").exists()


def test_a_client_that_fails_costs_the_others_nothing(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.servers["shop"].status = 401

    assert cli.generate(["--json"]) == 3
    documents = document(capsys)
    assert documents["shop"]["error"]["code"] == "auth"
    assert documents["film"]["files"] > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--lock", "one.json"], "--lock works for one client only"),
        (["--host", "https://a.example"], "--host works for one client only"),
        (["--client", "flm"], "there is no client flm"),
    ],
)
def test_what_fits_one_client_is_refused_for_several(
    project: Project, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert cli.generate(words) == 2
    assert message in capsys.readouterr().err
    assert project.counts() == (0, 0)


TABLES = [
    ('[tool.callsheet]\nout = "x"\nclients.a = {}\n', "tool.callsheet.out is not known"),
    ("[tool.callsheet]\napi-key-command = 'x'\n", "api-key-command is not known"),
    ("[tool.callsheet]\nclients = 5\n", "tool.callsheet.clients holds no table"),
    ("[tool.callsheet]\nclients.a = 5\n", "tool.callsheet.clients.a is not a table"),
    ("[tool.callsheet.clients.a]\nhots = 'x'\n", "tool.callsheet.clients.a.hots is not known"),
    ("[tool.callsheet.clients.a]\nfree = 'x'\n", "tool.callsheet.clients.a.free is str"),
    (
        "[tool.callsheet.clients.a]\npackage = 'x'\n[tool.callsheet.clients.b]\npackage = 'x'\n",
        "the clients a and b would write to one place",
    ),
    (
        "[tool.callsheet.clients.a]\n[tool.callsheet.clients.b]\ncommand = 'a'\n",
        "the clients a and b would write to one place: a",
    ),
]


@pytest.mark.parametrize(("text", "message"), TABLES)
def test_a_table_that_cannot_be_used_is_named(
    project: Project, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    project.write(text)

    assert cli.check([]) == 2
    assert message in capsys.readouterr().err


def test_a_lock_of_another_package_is_refused(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write(f'[tool.callsheet]\nhost = "{project.servers["shop"].url}"\n')
    words = ["--lock", "one.json", "--out", ".", "--package"]
    assert cli.generate([*words, "first"]) == 0
    lock = (project.here / "one.json").read_text()

    assert cli.generate([*words, "second"]) == 2
    assert "one.json is the lock of first" in capsys.readouterr().err
    assert (project.here / "one.json").read_text() == lock
    assert cli.generate([*words, "first"]) == 0


def test_a_package_that_was_renamed_takes_its_lock_along(project: Project) -> None:
    project.write(f'[tool.callsheet]\nhost = "{project.servers["shop"].url}"\n')
    words = ["--lock", "one.json", "--out", ".", "--package"]
    cli.generate([*words, "first"])
    (project.here / "first").rename(project.here / "second")

    assert cli.generate([*words, "second", "--force"]) == 0
