"""Bindings count where their source is the host in use; rules hold everywhere."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from callsheet.config.bindings import Bindings, program_of
from callsheet.config.overlay import Overlay
from callsheet.config.settings import SANDBOX, bindings_for, load
from callsheet.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from callsheet.config.settings import Settings


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a project with a package by hand; return its folder."""
    package = tmp_path / "src/counted_client"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "overlay.json").write_text(json.dumps({"free": ["v.note"]}))
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.delitem(sys.modules, "counted_client", raising=False)
    return tmp_path


def made_from(source: str) -> Bindings:
    return Bindings(package="counted_client", command="acme", env="ACME", source=source)


def settings(tmp_path: Path, host: str, **variables: str) -> Settings:
    return load(made_from(""), flags={"host": host}, environ={"HOME": str(tmp_path), **variables})


@pytest.mark.parametrize(
    ("source", "host", "server", "counts"),
    [
        ("https://a.example", "https://a.example/v1", "", True),
        ("https://a.example", "https://b.example", "", False),
        ("https://a.example", "", "", True),
        ("http://127.0.0.1", "http://127.0.0.1:8787", "", True),
        ("http://127.0.0.1", "http://localhost:8787", "", False),
        ("http://127.0.0.1", "http://127.0.0.1", "", True),
        ("sandbox", "http://127.0.0.1:8787", SANDBOX, True),
        ("sandbox", "http://127.0.0.1:8787", "", False),
        ("sandbox", "https://a.example", SANDBOX, False),
        ("", "https://a.example", "", False),
    ],
)
def test_bindings_count_for_the_host_that_they_were_made_from(
    project: Path, source: str, host: str, server: str, counts: bool
) -> None:
    in_use = settings(project, host)
    bindings = bindings_for(made_from(source), in_use, lambda: SimpleNamespace(server=server))

    assert bindings.package == ("counted_client" if counts else "")
    assert (bindings.command, bindings.env) == ("acme", "ACME")
    assert bindings.overlay() == Overlay(free=("v.note",))


def test_a_configured_overlay_takes_the_place_of_the_programs_own(project: Path) -> None:
    file = project / "mine.json"
    file.write_text(json.dumps({"aliases": {"imageInput": "picture"}}))
    in_use = settings(project, "https://a.example", ACME_OVERLAY=str(file))

    bindings = bindings_for(made_from("https://a.example"), in_use, lambda: None)

    assert (bindings.package, bindings.overlay()) == (
        "",
        Overlay(aliases={"imageInput": "picture"}),
    )
    assert program_of("", "ads", "ADS").overlay().aliases["timeoutMs"] == "timeout"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "it is not JSON"),
        ("[]", "it is not an object"),
        ('{"aliasses": {}}', "aliasses is not known"),
        ('{"free": "a.*"}', "free is not a list of texts"),
        ('{"aliases": {"a": 1}}', "aliases is not a table as it should be"),
        ('{"tasks": {"action": "a"}}', "tasks lacks match"),
        ('{"balance": {"path": "@other.example/"}}', "balance.path is no path of the server"),
        ('{"prices": {"path": ".other.example/"}}', "prices.path is no path of the server"),
        (None, "No such file"),
    ],
)
def test_an_overlay_that_cannot_be_used_is_named(
    tmp_path: Path, text: str | None, says: str
) -> None:
    file = tmp_path / "mine.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UsageError, match="overlay") as caught:
        Bindings(rules=str(file)).overlay()

    assert str(file) in caught.value.message
    assert says in caught.value.message


@pytest.mark.parametrize(
    ("makefile", "line"),
    [
        ("install generate: x\n\techo\n", "make generate"),
        ("install: x\n\tcallsheet generate\n", "callsheet generate"),
        (None, "callsheet generate"),
    ],
)
def test_the_line_that_renews_a_package_is_its_projects(
    project: Path, makefile: str | None, line: str
) -> None:
    if makefile is not None:
        (project / "Makefile").write_text(makefile)
    assert made_from("").folder() == str(project / "src/counted_client")

    assert made_from("").renewal() == line
