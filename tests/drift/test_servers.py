"""Servers at two versions: ``diff`` and ``check`` say of each what really changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from drift.catalogues import ChangedServer, as_truth, servers
from fidelity.recorder import KEY, PostRecorder, recorder

from callsheet.catalog.lock import dump_lock
from callsheet_codegen import cli, diff
from callsheet_codegen.config import Config, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLE = '[tool.callsheet]\npackage = "acme_client"\nhost = "{url}"\n'
SERVERS = servers()


@pytest.fixture(scope="module")
def wire() -> Iterator[PostRecorder]:
    """Give a server whose catalogue the test sets."""
    with recorder() as running:
        yield running


@pytest.fixture
def config(home: Path, wire: PostRecorder, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Give a project of that server, as its maintainer's shell sees it."""
    (home / "pyproject.toml").write_text(TABLE.format(url=wire.url))
    (home / "generated").mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv("ACME_API_KEY", KEY)
    return load(home, {})


def lock(config: Config, wire: PostRecorder, actions: list[dict[str, Any]]) -> Path:
    """Write the lock of what a server lists."""
    wire.advertise(actions)
    config.lock.write_text(dump_lock(diff.served_version(config, host=None).lock))
    return config.lock


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
def test_diff_and_check_agree_with_the_truth(
    server: ChangedServer, config: Config, wire: PostRecorder
) -> None:
    lock(config, wire, server.old)
    wire.advertise(server.new)
    old = diff.locked_version(config)
    report = diff.compare(old, diff.served_version(config, host=None), config, None)
    finding = diff.check_server(config, old.lock, host=wire.url)

    assert as_truth(list(report.changes)) == server.truth
    assert finding.report is not None
    assert as_truth(list(finding.report.changes)) == server.truth
    assert finding.drift


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
def test_two_locks_say_the_same_as_lock_and_server(
    server: ChangedServer, config: Config, wire: PostRecorder, capsys: pytest.CaptureFixture[str]
) -> None:
    old = lock(config, wire, server.old).rename(config.out / "old.json")
    lock(config, wire, server.new)
    code = cli.diff([str(old), "--format", "json", "--fail-on", "breaking"])
    document = json.loads(capsys.readouterr().out)
    keys = ("severity", "code", "side", "action", "pointer")

    assert sorted(tuple(change[key] for key in keys) for change in document["changes"]) == (
        server.truth
    )
    severities = {truth[0] for truth in server.truth}
    assert code == (8 if {"breaking", "unproved"} & severities else 0)


def test_the_set_is_what_it_should_be() -> None:
    severities = [truth[0] for server in SERVERS for truth in server.truth]

    assert len(SERVERS) >= 9
    assert len(severities) >= 60
    assert {name: severities.count(name) > 4 for name in set(severities)} == dict.fromkeys(
        ("breaking", "unproved", "additive", "text"), True
    )
