"""``doctor``: each check with what is right and what is wrong, also where nothing works."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import BareProgram

NAMES = [
    *("python", "versions", "configuration", "key", "server", "certificate", "clock"),
    *("catalogue", "bindings", "ledger"),
]


def checks(ads: BareProgram, **environ: str) -> dict[str, dict[str, Any]]:
    done = ads("doctor", **environ)
    rows = {row["check"]: row for row in done.json}

    assert list(rows) == NAMES
    assert done.code == int(any(row["ok"] is False for row in rows.values()))
    return rows


def wrong(rows: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name, row in rows.items() if row["ok"] is False]


def state(ads: BareProgram) -> Path:
    return ads.folder.parent / "home/.local/state/ads"


def test_all_is_well(ads: BareProgram) -> None:
    rows = checks(ads)
    rows = checks(ads)

    assert wrong(rows) == []
    assert "10 actions, asked now, last " in rows["catalogue"]["detail"]
    assert rows["bindings"]["detail"].startswith("ads has no bindings")
    assert rows["configuration"]["detail"].endswith("host from ADS_HOST, overlay from ADS_OVERLAY")
    assert ads.server.key not in json.dumps(rows)
    assert rows["key"]["detail"] == f"sk-…{ads.server.key[-4:]} from ADS_API_KEY"
    assert rows["clock"]["ok"] is True


def test_a_key_that_lacks_or_is_refused(ads: BareProgram) -> None:
    assert wrong(checks(ads, ADS_API_KEY="")) == ["catalogue"]
    assert wrong(checks(ads, ADS_API_KEY="sk-of-nobody")) == ["catalogue"]


def test_a_server_that_is_gone(ads: BareProgram) -> None:
    ads("actions", "list")
    rows = checks(ads, ADS_HOST=ads.server.refused_url)

    assert wrong(rows) == ["server"]
    assert [name for name, row in rows.items() if row["ok"] is None] == ["clock", "catalogue"]


def test_a_broken_configuration(ads: BareProgram) -> None:
    folder = ads.folder / "settings"
    folder.mkdir()
    (folder / "config.json").write_text("{broken", "utf-8")
    rows = checks(ads, ADS_CONFIG_DIR=str(folder))

    assert wrong(rows) == ["configuration"]
    assert rows["configuration"]["hint"] == "repair or remove the file, then log in again"
    assert rows["server"]["detail"] == "not checked without configuration"
    assert rows["ledger"]["ok"] is True


def test_no_server_at_all(ads: BareProgram) -> None:
    assert wrong(checks(ads, ADS_HOST="")) == ["configuration"]


@pytest.mark.parametrize("trusted", [True, False])
def test_the_certificate(ads: BareProgram, trusted: bool) -> None:
    trust = {"SSL_CERT_FILE": str(ads.server.foreign.certificate)} if trusted else {}
    rows = checks(ads, ADS_HOST=ads.server.secure_url, **trust)

    if trusted:
        assert wrong(rows) == []
        assert rows["certificate"]["detail"].endswith(" days")
    else:
        assert wrong(rows) == ["server", "certificate"]
        assert "certificate verify failed" in rows["certificate"]["detail"]
        assert rows["certificate"]["hint"] == "see SSL_CERT_FILE"


def test_a_damaged_ledger(ads: BareProgram) -> None:
    ads("video", "generate", "--prompt", "x", "--no-wait")
    assert checks(ads)["ledger"]["detail"].startswith("1 job, undamaged; ")
    file = state(ads) / "ledger.sqlite3"
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    data = bytearray(file.read_bytes())
    data[4096:8192] = b"\xff" * 4096
    file.write_bytes(data)
    row = checks(ads)["ledger"]

    assert row["ok"] is False
    assert str(file) in row["detail"]


def test_jobs_whose_outcome_is_unknown(ads: BareProgram) -> None:
    ads.server.set_faults("drop after ai.video.generate x*")
    lost = ads("video", "generate", "--prompt", "x")
    row = checks(ads)["ledger"]

    assert lost.code == 5
    assert (row["detail"].split(";")[0], row["hint"]) == (
        "1 job, 1 of them unknown, undamaged",
        "ads tasks recover",
    )
