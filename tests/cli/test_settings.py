"""Settings: which origin wins, where the folders are, and what is never read."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

from cli.test_words import NOBODY, login

if TYPE_CHECKING:
    from cli.conftest import BareProgram

# Tells every file that is opened, and every folder that is listed, in the folder of work.
WATCHED = """
import os, sys
here, names = os.getcwd(), {"open", "os.listdir", "os.scandir", "os.rename"}
def told(event, args):
    name = args[0] if event in names and isinstance(args[0], str) else "/"
    if os.path.abspath(name).startswith(here):
        os.write(2, f"READ {args[0]}\\n".encode())
sys.addaudithook(told)
"""


def origins(ads: BareProgram, *words: str, **environ: str) -> dict[str, tuple[str, str]]:
    rows = ads(*words, "config", "list", "--json", **environ).json
    return {row["name"]: (row["value"], row["origin"]) for row in rows}


def test_a_flag_beats_the_environment_which_beats_the_profile(ads: BareProgram) -> None:
    login(ads, "--api-key", ads.server.key)
    other = "https://elsewhere.example"

    assert origins(ads, **NOBODY)["host"] == (ads.server.url, "profile default")
    assert origins(ads, ADS_HOST=other)["host"] == (other, "ADS_HOST")
    assert origins(ads, "--host", other)["host"] == (other, "--host")
    assert origins(ads, "--host", other, **NOBODY)["key"] == ("", "default")
    assert origins(ads)["auth"] == ("bearer", "profile default")
    assert origins(ads, ADS_AUTH="x-api-key")["auth"] == ("x-api-key", "ADS_AUTH")


def test_every_setting_tells_its_origin(ads: BareProgram) -> None:
    said = {
        "ADS_STATE_DIR": "/tmp/state",
        "XDG_CACHE_HOME": "/tmp/caches",
        "ADS_FORMAT": "json",
        "ADS_STORE_INPUT": "no",
        "HTTPS_PROXY": "http://someone:secret@proxy.example:3128",
        "SSL_CERT_FILE": "",
    }
    found = origins(ads, **said)

    assert found["state_dir"] == ("/tmp/state", "ADS_STATE_DIR")
    assert found["cache_dir"] == ("/tmp/caches/ads", "XDG_CACHE_HOME")
    assert found["config_dir"][1] == "default"
    assert found["format"] == ("json", "ADS_FORMAT")
    assert found["store_input"] == ("no", "ADS_STORE_INPUT")
    assert found["proxy"] == ("http://proxy.example:3128", "HTTPS_PROXY")
    assert found["certificates"] == ("", "default")


def test_profiles_are_kept_apart(ads: BareProgram) -> None:
    login(ads, "--api-key", ads.server.key)
    wrong = ads("login", "--profile", "work", "--host", ads.server.url, "--api-key", "no", **NOBODY)
    login(ads, "--api-key", ads.server.key, "--profile", "work")
    rows = origins(ads, **NOBODY)

    assert wrong.code == 3
    assert rows["profiles"] == ("default, work", "config.json")
    assert rows["profile"] == ("work", "default")
    assert ads("logout", "--profile", "work", **NOBODY).code == 0
    assert ads("whoami", "--profile", "default", **NOBODY).json["key"] is not None
    assert ads("whoami", ADS_PROFILE="work", **NOBODY).json["key"] is None
    assert ads("actions", "list", "--profile", "nosuch", **NOBODY).code == 2


TOUR = (
    ("actions", "list", "--refresh"),
    ("image", "generate", "--prompt", "x", "--out", "x.png", "--upload"),
    ("video", "generate", "--prompt", "x", "--no-wait"),
    ("video", "generate", "--help"),
    ("doctor",),
    ("probe", "--save", "replies"),
)


def test_the_xdg_folders_are_used_and_closed_to_others(ads: BareProgram) -> None:
    root, home = ads.folder.parent / "xdg", ads.folder.parent / "home"
    home.mkdir()
    said = {f"XDG_{kind}_HOME": str(root / kind) for kind in ("CONFIG", "STATE", "CACHE")}
    login(ads, "--api-key", ads.server.key, **said)
    codes = [ads(*words, **said, **NOBODY).code for words in TOUR]

    files = {path.name: path for path in root.rglob("*") if path.is_file()}
    assert {"config.json", "ledger.sqlite3", "uploads.json"} <= set(files)
    assert ([code for code in codes if code], list(home.iterdir())) == ([], [])
    assert {path.name for path in ads.folder.iterdir()} == {"x.png", "replies"}
    for name in ("config.json", "ledger.sqlite3"):
        assert stat.S_IMODE(files[name].stat().st_mode) == 0o600
    for kind in ("CONFIG", "STATE", "CACHE"):
        assert stat.S_IMODE((root / kind / "ads").stat().st_mode) == 0o700


def test_nothing_is_read_from_the_working_directory(ads: BareProgram) -> None:
    bait = {"profile": "default", "profiles": {"default": {"host": "https://bait.example"}}}
    for name in ("config.json", ".env", ".ads.json", "pyproject.toml", ".netrc", "ads.json"):
        (ads.folder / name).write_text(json.dumps(bait), "utf-8")
    watch = ads.folder.parent / "watch"
    watch.mkdir()
    (watch / "sitecustomize.py").write_text(WATCHED, "utf-8")
    # As a console script starts: the working directory is no place for modules either.
    said = {"PYTHONSAFEPATH": "1", "PYTHONPATH": f"{watch}:{ads.environ['PYTHONPATH']}"}
    done = ads("video", "generate", "--prompt", "x", "--out", "made.mp4", **said)
    seen = [line[5:] for line in done.err.splitlines() if line.startswith("READ ")]

    assert done.code == 0
    assert "." in seen  # the folder itself, so that the new name in it is durable
    assert all("made.mp4" in name or "./.callsheet-" in name for name in seen if name != "."), seen
    assert ads("config", "get", "host").out == f"{ads.server.url}\n"


def test_login_warns_of_a_short_key(ads: BareProgram) -> None:
    words = ("login", "--host", ads.server.url, "--api-key")

    assert "the key has only 11 characters" in ads(*words, "sk-12345678", **NOBODY).err
    assert "characters" not in ads(*words, ads.server.key, **NOBODY).err


def test_login_without_a_key_in_the_words(ads: BareProgram) -> None:
    done = ads("login", "--host", ads.server.url, "--api-key-stdin", stdin="", **NOBODY)

    assert done.code == 2
    assert ads("whoami", **NOBODY).json["key"] is None
