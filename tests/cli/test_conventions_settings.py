"""Settings and the key, each rule by a run of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from hostile.server import ServedPage, serving

if TYPE_CHECKING:
    from cli.conftest import BareProgram

NOBODY = {"ADS_HOST": "", "ADS_API_KEY": ""}


def origins(ads: BareProgram, *words: str, **environ: str) -> dict[str, tuple[str, str]]:
    rows = ads(*words, "config", "list", **environ).out.splitlines()
    return {name: (value, origin) for name, value, origin in (row.split("\t") for row in rows)}


def test_a_flag_wins_over_a_variable_over_the_profile_over_the_default(ads: BareProgram) -> None:
    ads("login", "--host", ads.server.url, "--api-key", ads.server.key, **NOBODY)
    profile = origins(ads, **NOBODY)["auth"]
    variable = origins(ads, **NOBODY, ADS_AUTH="x-api-key")["auth"]
    flag = origins(ads, "--auth", "bearer", **NOBODY, ADS_AUTH="x-api-key")["auth"]
    nothing = origins(ads, "--profile", "other", **NOBODY)["auth"]

    assert profile == ("bearer", "profile default")
    assert variable == ("x-api-key", "ADS_AUTH")
    assert flag == ("bearer", "--auth")
    assert nothing == ("bearer", "default")


def test_the_key_is_masked_where_it_is_shown(ads: BareProgram) -> None:
    mask = f"sk-…{ads.server.key[-4:]}"

    assert origins(ads)["key"] == (mask, "ADS_API_KEY")
    assert ads("whoami").json["key"] == mask
    assert ads("config", "get", "key").out == f"{mask}\n"


def test_the_folders_are_the_usual_ones(ads: BareProgram, tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    usual = origins(ads)
    moved = origins(ads, XDG_CONFIG_HOME="/c", XDG_STATE_HOME="/s", XDG_CACHE_HOME="/k")

    assert [usual[f"{name}_dir"][0] for name in ("config", "state", "cache")] == [
        f"{home}/.config/ads",
        f"{home}/.local/state/ads",
        f"{home}/.cache/ads",
    ]
    assert [moved[f"{name}_dir"][0] for name in ("config", "state", "cache")] == [
        "/c/ads",
        "/s/ads",
        "/k/ads",
    ]


def test_the_older_file_is_taken_over_from_its_place(ads: BareProgram, tmp_path: Path) -> None:
    older = tmp_path / "home" / ".adsgency" / "config.json"
    older.parent.mkdir(parents=True)
    older.write_text(json.dumps({"host": ads.server.url, "apiKey": ads.server.key}), "utf-8")
    done = ads("login", "--import", **NOBODY)

    assert done.code == 0, done.err
    assert ads("whoami", **NOBODY).json["host"] == ads.server.url


def test_login_counts_what_it_found(ads: BareProgram) -> None:
    ads.server.add_action({"id": "odd.one", "title": "Odd", "input": {"type": "nonsense"}})
    done = ads("login", "--api-key", ads.server.key)

    assert done.out == "11 actions, 2 families, 1 schema unreadable; details: ads probe\n"


def test_a_proxy_is_used_for_other_machines_unless_told_otherwise(ads: BareProgram) -> None:
    listed = ServedPage(b'{"actions": []}')
    place = {"ADS_HOST": "", "no_proxy": ""}
    words = ["--host", "http://shop.invalid", "--insecure-http", "actions", "list"]
    with serving() as proxy:
        proxy.pages["http://shop.invalid/api/actions"] = listed
        used = ads(*words, **place, HTTP_PROXY=proxy.url, http_proxy=proxy.url)
        asked = list(proxy.requests)
        words[1] = "http://other.invalid"
        passed = ads(*words, NO_PROXY="other.invalid", http_proxy=proxy.url, ADS_HOST="")
        own = ads("actions", "list", http_proxy=proxy.url)

    assert (used.code, asked) == (0, ["GET http://shop.invalid/api/actions"])
    assert (passed.code, own.code, proxy.requests) == (1, 0, asked)


def test_plain_http_needs_to_be_asked_for(ads: BareProgram) -> None:
    refused = ads("--host", "http://shop.invalid", "whoami")
    taken = ads("--host", "http://shop.invalid", "--insecure-http", "whoami")

    assert (refused.code, refused.error["flag"]) == (2, "--host")
    assert "--insecure-http" in refused.error["hint"]
    assert taken.json["host"] == "http://shop.invalid"


def test_nothing_is_read_from_the_working_directory(ads: BareProgram) -> None:
    Path(ads.folder / "config.json").write_text('{"host": "http://127.0.0.1:1"}', "utf-8")
    Path(ads.folder / "pyproject.toml").write_text(
        '[tool.callsheet]\nhost = "http://127.0.0.1:1"\n', "utf-8"
    )

    assert ads("whoami").json["host"] == ads.server.url
