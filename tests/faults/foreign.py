"""S16: a project of somebody else fetches no key of the environment, and runs nothing of its own.

What a host got is read from the headers that it received; what ran, from files that it wrote.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pexpect
from faults import stage
from functional.recorder import KEYS, STORED, Recorder, recorder

from callsheet.catalog.lock import Lock, Snapshot, dump_lock
from callsheet.spec import Advertised

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faults.tally import Tally

SOURCES = ("runtime", "codegen", "sandbox", "templates")
# A console script has its own folder on the path, not the working directory.
SCRIPT = ("-P", "-c", "import sys; from callsheet.cli.callsheet import main; sys.exit(main())")
OTHER_WORDS = ("generate", "", "check", "")  # beside diff, one form after the other
TABLE = {"package": "acme_client", "out": ".", "host": "{url}", "env-prefix": "OPENAI"}
CONFIRMED = ".config/callsheet/confirmed.json"


class ForeignProject:
    """The user's home, the project of somebody else in it, and the server that it names."""

    def __init__(self, root: Path, server: Recorder) -> None:
        self.home, self.here, self.server = root / "home", root / "home/work/here", server
        self.here.mkdir(parents=True)
        actions = (Advertised(id="zoo.feed", input={"type": "object", "properties": {}}),)
        lock = dump_lock(Lock(Snapshot(server.url.rpartition(":")[0], actions)))
        (self.here / "catalog.lock.json").write_text(lock)
        self.table(TABLE)

    def fill(self, text: str) -> str:
        """Return a text with the address of the server in it."""
        url, port = self.server.url, self.server.port
        return text.replace("{url}", url).replace("{port}", port)

    def table(self, rows: Mapping[str, str], path: str = "work/here/pyproject.toml") -> None:
        """Write the project's file."""
        text = "".join(f"{name} = {json.dumps(row)}\n" for name, row in rows.items())
        self.write(path, f"[tool.callsheet]\n{text}")

    def write(self, path: str, text: str) -> Path:
        """Write a file below the home."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.fill(text))
        file.chmod(0o600)
        return file

    def confirm(self, path: Path, *, at: str = CONFIRMED, mode: int = 0o600) -> None:
        """Confirm a file as it is now."""
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        entry = f"OPENAI_API_KEY {self.server.url} {os.path.realpath(path)}"
        self.write(at, json.dumps({entry: digest})).chmod(mode)

    @property
    def project(self) -> Path:
        """Return the project's file."""
        return self.here / "pyproject.toml"

    def environ(self, more: Mapping[str, str]) -> dict[str, str]:
        """Return an environment with the keys of three programs."""
        roots = os.pathsep.join(str(stage.ROOT / name) for name in SOURCES)
        own = {"HOME": str(self.home), "PATH": os.environ.get("PATH", ""), "PYTHONPATH": roots}
        return {**own, **KEYS, **{name: self.fill(text) for name, text in more.items()}}

    def run(self, *words: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run ``callsheet`` in the project."""
        return subprocess.run(
            [sys.executable, *SCRIPT, *map(self.fill, words)],
            cwd=self.here,
            env=self.environ(env),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=120,
        )


class Form(NamedTuple):
    """What the folder and its user name; ``key`` is the variable whose key may go to the host."""

    table: Mapping[str, str] = {}
    env: Mapping[str, str] = {}
    files: Mapping[str, str] = {}
    words: tuple[str, ...] = ()
    key: str = ""
    special: str = ""


def _profile(**values: object) -> str:
    return json.dumps({"profile": "default", "profiles": {"default": values}})


FORMS = {
    "a prefix of another program": Form(),
    "the command of another program": Form({"env-prefix": "", "command": "openai"}),
    "the package of another program": Form({"env-prefix": "", "package": "openai_client"}),
    "a table in a folder above": Form(special="above"),
    "a linked file": Form(special="link"),
    "a host in capitals": Form({"host": "HTTP://LOCALHOST:{port}"}),
    "a host with a path": Form({"host": "{url}/v1"}),
    "files of variables": Form(
        files={"work/here/.env": "OPENAI_HOST={url}", "work/here/.envrc": "OPENAI_HOST={url}"}
    ),
    "a profile in the folder": Form(
        {"command": "openai"},
        files={"work/here/.config/openai/config.json": _profile(host="{url}")},
    ),
    "a profile of another program": Form(
        {"command": "openai"}, files={".config/acme/config.json": _profile(host="{url}")}
    ),
    "a variable with another port": Form(env={"OPENAI_HOST": "http://127.0.0.1:9"}),
    "a variable of another program": Form(env={"ADS_HOST": "{url}"}),
    "a list in the folder": Form(special="list here"),
    "a confirmed file that was changed": Form(special="changed"),
    "a confirmed file, copied": Form(special="copied"),
    "a list that others may write": Form(special="open list"),
    "a list that is none": Form(files={CONFIRMED: '["{url}"]'}),
}
ALLOWED = {
    "a flag": Form(words=("--host", "{url}"), key="OPENAI_API_KEY"),
    "a variable": Form(env={"OPENAI_HOST": "{url}/"}, key="OPENAI_API_KEY"),
    "a profile": Form(
        {"command": "ads", "env-prefix": "ADS"},
        files={".config/ads/config.json": _profile(host="{url}")},
        key="ADS_API_KEY",
    ),
    "a stored key": Form(
        {"command": "ads"},
        files={".config/ads/config.json": _profile(host="{url}", keys={"{url}": STORED})},
        key="STORED",
    ),
    "a confirmed file": Form(key="OPENAI_API_KEY", special="confirmed"),
}


def _prepare(place: ForeignProject, form: Form) -> None:
    table = {name: row for name, row in {**TABLE, **form.table}.items() if row}
    place.table(table)
    for path, text in form.files.items():
        place.write(path, text)
    match form.special:
        case "above":
            place.project.rename(place.here.parent / "pyproject.toml")
        case "link":
            place.project.symlink_to(place.project.rename(place.home / "elsewhere.toml"))
        case "list here":
            place.confirm(place.project, at=f"work/here/{CONFIRMED}")
        case "changed":
            place.table({**table, "host": "https://before.example"})
            place.confirm(place.project)
            place.table(table)
        case "copied":
            place.confirm(place.write("work/other/pyproject.toml", place.project.read_text()))
        case "open list":
            place.confirm(place.project, mode=0o666)
        case "confirmed":
            place.confirm(place.project)


def _play_form(tally: Tally, root: Path, name: str, form: Form, word: str) -> None:
    with recorder() as server:
        place = ForeignProject(root, server)
        _prepare(place, form)
        flags = ("--lock", str(place.here / "catalog.lock.json"), *form.words)
        ended = place.run(word, *flags, env=form.env)
        name = f"{name}, {word}:"
        allowed = {STORED if form.key == "STORED" else KEYS[form.key]} if form.key else set()
        keys = set(server.keys) - {""}
        tally.hold(keys == allowed, name, "keys", keys, "instead of", allowed, ended.stderr[-300:])
        tally.hold(bool(server.keys), name, "nothing was asked:", ended.stderr[-400:])
        if not form.key:
            server.keys.clear()
            server.status = 401
            refused = place.run(word, "--refresh", env=form.env) if word == "generate" else ended
            typed = f"callsheet {word} --host {server.url}" in refused.stderr
            tally.hold(word != "generate" or form.table.get("host") or typed, name, refused.stderr)
            tally.hold(set(server.keys) <= {""}, name, "a key went when the server refused")


def play(tally: Tally, *, forms: int, only_diff: bool, answers: int) -> None:
    """Play S16: ``forms`` of the folder, then ``answers`` on a terminal."""
    cases = [*list(FORMS.items())[:forms], *list(ALLOWED.items())[: forms // 3]]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:

        def work(case: tuple[int, tuple[str, Form]]) -> None:
            number, (name, form) = case
            other = "" if only_diff else OTHER_WORDS[number % 4]
            for word in filter(None, ("diff", other)):
                _play_form(tally, Path(folder) / f"{number}-{word}", name, form, word)
                tally.ran(name)

        list(pool.map(work, enumerate(cases)))
        for number, name in enumerate(list(ANSWERS)[:answers]):
            _ask(tally, Path(folder) / f"asked-{number}", name)


ANSWERS = {"y": True, "YES": True, "": False, "n": False, "no": False, "\x04": False, "yo": False}


def _ask(tally: Tally, root: Path, answer: str) -> None:
    """Answer on a terminal; a yes holds for this file as it is, and for no other."""
    with recorder() as server:
        place = ForeignProject(root, server)

        def asked() -> bool:
            server.keys.clear()
            words = [*SCRIPT, "diff"]
            child = pexpect.spawn(
                sys.executable, words, cwd=place.here, env=place.environ({}), timeout=60
            )
            was_asked = child.expect(["y/N", pexpect.EOF]) == 0
            if was_asked:
                child.send("\x04" if answer == "\x04" else f"{answer}\r")
                child.expect(pexpect.EOF)
            child.close()
            return was_asked

        name = f"answer {answer!r}:"
        tally.hold(asked(), name, "was not asked")
        keys = set(server.keys) - {""}
        expected = {KEYS["OPENAI_API_KEY"]} if ANSWERS[answer] else set()
        tally.hold(keys == expected, name, "keys", keys)
        tally.hold(bool(server.keys), name, "nothing was sent")
        if ANSWERS[answer]:
            tally.hold(not asked(), name, "was asked again")
            tally.hold(set(server.keys) == expected, name, "keys", set(server.keys))
            mode = (place.home / CONFIRMED).stat().st_mode & 0o777
            tally.hold(mode == 0o600, name, f"the list has mode {mode:o}")
            place.project.write_text(place.project.read_text() + "# changed\n")
            tally.hold(asked(), name, "was not asked about a changed file")
        tally.ran("asked on a terminal")


MODULES = (
    *("callsheet_sandbox", "callsheet", "json", "encodings", "sitecustomize", "usercustomize"),
    *("starlette", "uvicorn", "pydantic", "av", "callsheet_codegen", "datamodel_code_generator"),
    *("tomllib", "ruff", "jinja2", "asyncio"),
)
POISON = "import os\nopen({mark!r}, 'a').write({name!r} + '\\n')\nraise SystemExit(77)\n"


def play_modules(tally: Tally, *, names: int, generations: int) -> None:
    """Play S20: a module in the working directory, in each form, beside a command that needs it."""
    forms = ("{}.py", "{}/__init__.py")
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        cases = [("diff", name, forms[n % 2]) for n, name in enumerate(MODULES[:names])]
        cases += [("generate", "", form) for form in forms][:generations]
        cases += [("check", "", form) for form in forms][: names // 8]

        def work(case: tuple[int, tuple[str, str, str]]) -> None:
            number, (word, name, form) = case
            _play_module(tally, Path(folder) / str(number), word, (name, form))

        list(pool.map(work, enumerate(cases)))


def _play_module(tally: Tally, root: Path, word: str, module: tuple[str, str]) -> None:
    with recorder() as server:
        place = ForeignProject(root, server)
    place.table({name: row for name, row in TABLE.items() if name != "host"})
    name, form = module
    mark = root / "mark"
    for poisoned in [name] if name else MODULES:
        text = POISON.format(mark=str(mark), name=poisoned)
        place.write(f"work/here/{form.format(poisoned)}", text)
    ended = place.run(word, env={})
    ran = mark.read_text().split() if mark.exists() else []
    label = f"{word} beside {form.format(name or 'every name')}:"
    tally.hold(not ran, label, "imported from the folder:", ran)
    tally.hold(ended.returncode in {0, 8}, label, "exit", ended.returncode, ended.stderr[-400:])
    if word == "generate":
        tally.hold((place.here / "acme_client/__init__.py").is_file(), label, "nothing written")
    tally.ran(f"{word} {form.format(name or 'every name')}")
