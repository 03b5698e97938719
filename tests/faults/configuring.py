"""S4 and S5: neither the working directory nor the environment moves a key or weakens TLS."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from faults import stage
from faults.leaking import leaks
from program import Program

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faults.tally import Tally

    from callsheet_sandbox.server import Running

LIST = ("actions", "list", "--refresh")


def _config_files(evil: str, cwd: Path, home: Path) -> dict[str, str]:
    profile = {"profile": "default", "profiles": {"default": {"host": evil}}}
    for name in ("config.json", ".config/ads/config.json", ".adsgency/config.json", "ads.json"):
        (cwd / name).parent.mkdir(parents=True, exist_ok=True)
        (cwd / name).write_text(json.dumps(profile | {"host": evil, "apiKey": "x"}))
    return {}


def _dotenv(evil: str, cwd: Path, home: Path) -> dict[str, str]:
    for name in (".env", ".envrc", "ads.env"):
        (cwd / name).write_text(f"ADS_HOST={evil}\nADS_PROFILE=evil\nHTTP_PROXY={evil}\n")
    return {}


def _project(evil: str, cwd: Path, home: Path) -> dict[str, str]:
    (cwd / "pyproject.toml").write_text(f'[tool.callsheet]\nhost = "{evil}"\nsource="{evil}"')
    (cwd / "callsheet.toml").write_text(f'host = "{evil}"\n')
    (cwd / "setup.cfg").write_text(f"[callsheet]\nhost = {evil}\n")
    return {}


def _variable(evil: str, cwd: Path, home: Path) -> dict[str, str]:
    return {"ADS_HOST": evil}


def _stored_host(evil: str, cwd: Path, home: Path) -> dict[str, str]:
    path = home / "config" / "config.json"
    profiles = json.loads(path.read_text("utf-8"))
    profiles["profiles"]["default"]["host"] = evil
    path.write_text(json.dumps(profiles))
    return {}


def _modules(evil: str, cwd: Path, home: Path) -> dict[str, str]:
    for name in ("ads_client", "callsheet", "httpx", "click", "json"):
        (cwd / f"{name}.py").write_text(f"raise SystemExit('{name} came from here')\n")
    (cwd / ".netrc").write_text("machine 127.0.0.1 login evil password evil\n")
    return {}


# Each writes files into the working directory, or into the home, and returns variables.
ATTACKS = {
    "configuration files here": _config_files,
    "environment files here": _dotenv,
    "project files here": _project,
    "ADS_HOST of another origin": _variable,
    "a profile with another host": _stored_host,
    "modules here": _modules,
}


def _run(home: Path, cwd: Path, argv: tuple[str, ...], env: Mapping[str, str]) -> tuple[int, str]:
    """Run the installed program's own way in, from a folder that is not trusted."""
    ads = Program(stage.client_folder(), home, cwd)
    process = subprocess.run(
        # A console script has its own folder on the path, not the working directory.
        [
            sys.executable,
            "-P",
            "-c",
            "import sys; from ads_client.cli import main; sys.exit(main())",
            *argv,
        ],
        env=ads.environ() | dict(env),
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return process.returncode, process.stdout + process.stderr


def play_precedence(tally: Tally, *, times: int) -> None:
    """Play S4."""
    with tempfile.TemporaryDirectory() as folder, stage.sandbox() as running:
        for name, attack in list(ATTACKS.items())[:times]:
            running.reset()
            root = Path(folder) / name.replace(" ", "-")
            home, cwd = root / "home", root / "here"
            cwd.mkdir(parents=True)
            login = ("login", "--host", running.url, "--api-key", stage.KEY)
            code, output = _run(home, cwd, login, {})
            tally.hold(code == 0, name, "login failed:", output)
            env = attack(running.foreign_url, cwd, home)
            before = len(running.requests())
            code, output = _run(home, cwd, LIST, env)
            for leak in leaks(running):
                tally.hold(False, name, "the key went to", leak)
            stays = name not in {"ADS_HOST of another origin", "a profile with another host"}
            reached = len(running.requests()) > before
            tally.hold(
                reached == stays, name, "asked the configured server:", reached, output[-300:]
            )
            tally.hold(bool(running.foreign.requests()) != stays, name, "asked the other server")
            tally.ran(name)


LOOSE = {
    "ADS_INSECURE": "1",
    "ADS_VERIFY": "false",
    "ADS_INSECURE_HTTP": "1",
    "ADS_NO_VERIFY": "1",
    "PYTHONHTTPSVERIFY": "0",
    "CURL_CA_BUNDLE": "",
    "REQUESTS_CA_BUNDLE": "",
    "NODE_TLS_REJECT_UNAUTHORIZED": "0",
}
LOOSE_CONFIG = {"verify": False, "insecure": True, "insecure_http": True, "tls": False}


def _tls_cases(running: Running, cwd: Path, home: Path) -> dict[str, tuple[str, dict[str, str]]]:
    """Return address and variables of each case; files are written when the case is made."""
    secure, port = running.secure_url, running.url.rpartition(":")[2]
    trusted = {"SSL_CERT_FILE": str(running.foreign.certificate)}
    return {
        "self-signed": (secure, {}),
        "self-signed, environment": (secure, LOOSE),
        "self-signed, profile": (secure, {"FILE": "profile"}),
        "self-signed, project": (secure, {"FILE": "project"}),
        "trusted by SSL_CERT_FILE": (secure, trusted),
        "plain http": (f"http://sandbox.example:{port}", {}),
        "plain http, environment": (f"http://127.0.0.1.sandbox.example:{port}", LOOSE),
        "plain http, profile": (f"http://0.0.0.0:{port}", {"FILE": "profile"}),
    }


def _write(kind: str, host: str, cwd: Path, home: Path) -> None:
    if kind == "profile":
        (home / "config").mkdir(parents=True, mode=0o700)
        path = home / "config" / "config.json"
        path.touch(mode=0o600)
        # The switches stand beside another host, as a copied file would have them.
        profile = {"host": "https://other.example", **LOOSE_CONFIG}
        path.write_text(json.dumps({"profiles": {"default": profile}, **LOOSE_CONFIG}))
    elif kind == "project":
        lines = [f"{name} = {json.dumps(switch)}" for name, switch in LOOSE_CONFIG.items()]
        (cwd / "pyproject.toml").write_text("\n".join(["[tool.callsheet]", *lines]))
        (cwd / ".env").write_text("\n".join(f"{name}={text}" for name, text in LOOSE.items()))


def play_tls(tally: Tally, *, words: tuple[tuple[str, ...], ...]) -> None:
    """Play S5; each case with a safe request and, where asked, a paid one."""
    with tempfile.TemporaryDirectory() as folder, stage.sandbox() as running:
        for number, argv in enumerate(words):
            for name in _tls_cases(running, Path(), Path()):
                running.reset()
                root = Path(folder) / f"{number}-{name.replace(' ', '-')}"
                home, cwd = root / "home", root / "here"
                cwd.mkdir(parents=True)
                host, env = _tls_cases(running, cwd, home)[name]
                _write(env.get("FILE", ""), host, cwd, home)
                env = {**env, "ADS_HOST": host, "ADS_API_KEY": stage.KEY}
                code, output = _run(home, cwd, argv, env)
                count = len(running.requests())
                expected = {"trusted by SSL_CERT_FILE": 0}.get(name, 2 if "plain" in name else 1)
                tally.hold(code == expected, name, argv, "exit", code, output[-300:])
                tally.hold(bool(count) == (expected == 0), name, argv, count, "requests arrived")
                tally.hold("Traceback" not in output, name, output[-300:])
                tally.ran(name)
