"""Trees that cannot be written, lead elsewhere or carry another's name: a sentence each."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from hostile.campaign import GENERATE, Outcome
from hostile.server import ServedPage, serving
from hostile.together import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PACKAGE = "placed_client"
TAKEN = (
    *("json", "os", "callsheet", "click", "httpx", "pydantic", "typing", "sitecustomize"),
    *("conftest", "setup", "callsheet_codegen", "JSON", "asyncio", "usercustomize", "rich"),
)
NO_NAMES = ("a-b", "../x", "a.b", "class", "1a", "x\ny", "a" * 300, "é\u0301", "/etc", "~")


class Place(NamedTuple):
    """What is prepared in a folder that holds a tree, and the exit codes that are right then.

    ``says`` stands in what is printed; ``stays`` are paths that must not change.
    """

    prepare: Callable[[Site], object]
    codes: tuple[int, ...]
    says: str = ""
    stays: tuple[str, ...] = ()
    words: tuple[str, ...] = ("generate", "B")


class Site:
    """One folder with a tree, and an outside that nobody may touch."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.tree, self.outside = folder / "tree", folder / "outside"
        self.package, self.lock = self.tree / PACKAGE, self.tree / "catalog.lock.json"
        self.stack = ExitStack()
        self.outside.mkdir(parents=True)
        (self.outside / "kept.py").write_text("kept")

    def run(self, *words: str, package: str = PACKAGE, program: str = GENERATE) -> tuple[int, str]:
        """Run callsheet; return its exit code and what it printed."""
        place = ["--out", str(self.tree), "--package", package] if package else []
        done = subprocess.run(
            [sys.executable, "-c", program, *words, *place],
            cwd=self.folder,
            env={
                **os.environ,
                "HOME": str(self.folder),
                "PLACED_API_KEY": "sk-hostile-0123456789",
                "PYTHONPATH": os.pathsep.join(sys.path),
                "CALLSHEET_CACHE_DIR": str(self.folder.parent / "cache"),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        return done.returncode, done.stdout + done.stderr

    def generate(self) -> tuple[int, str]:
        """Generate from the server."""
        return self.run("generate", "--host", self.url)

    def make_read_only(self, path: Path) -> None:
        """Let nobody write below a folder, where this user may: by a mount, else by its mode."""
        is_root = os.geteuid() == 0
        mount = ["mount", "--bind", "-o", "ro", str(path), str(path)]
        if is_root and subprocess.run(mount, capture_output=True, check=False).returncode == 0:
            remount = ["mount", "-o", "remount,ro,bind", str(path)]
            subprocess.run(remount, capture_output=True, check=True)
            self.stack.callback(subprocess.run, ["umount", str(path)], check=True)
            return
        path.chmod(0o500)
        self.stack.callback(path.chmod, 0o700)

    def move_and_link(self, path: Path, *, whole: bool = True) -> None:
        """Put a link in the place of a folder; ``whole`` moves what was there to the outside."""
        target = self.outside / path.name
        if whole:
            path.rename(target)
        else:
            path.rename(self.folder / "away")
        path.symlink_to(target)

    def replace(self, path: Path, make: Callable[[Path], object]) -> None:
        """Put something else in the place of a file or folder."""
        path.rename(self.folder / "away")
        make(path)


def digest(path: Path) -> str:
    """Return a digest of everything below a path."""
    total = hashlib.sha256()
    for entry in sorted([path, *path.rglob("*")]):
        link = os.readlink(entry) if entry.is_symlink() else ""
        content = entry.read_bytes() if entry.is_file() and not link else b""
        total.update(f"{entry.relative_to(path)} {link}\n".encode() + content)
    return total.hexdigest()


PLACES: dict[str, Place] = {
    "a read-only tree": Place(
        lambda site: site.make_read_only(site.tree), (1,), "could not be written", ("tree",)),
    "a read-only tree, checked": Place(
        lambda site: site.make_read_only(site.tree), (0,), "", ("tree",), ("check", "--offline")),
    "a read-only folder for a new tree": Place(
        lambda site: (site.replace(site.tree, lambda path: path.mkdir()),
                      site.make_read_only(site.tree)), (1,), "could not be written", ("tree",)),
    "the package is a link": Place(
        lambda site: site.move_and_link(site.package), (2,), "is a symbolic link",
        ("outside", "tree")),
    "the package is a link, checked": Place(
        lambda site: site.move_and_link(site.package), (2,), "is a symbolic link",
        ("outside", "tree"), ("check", "--offline")),
    "the package is a link to nothing": Place(
        lambda site: site.move_and_link(site.package, whole=False), (2,), "is a symbolic link",
        ("outside", "tree")),
    "the package is a link to itself": Place(
        lambda site: site.replace(site.package, lambda path: path.symlink_to(path.name)), (2,),
        "is a symbolic link", ("outside",)),
    "a folder of the package is a link": Place(
        lambda site: site.move_and_link(site.package / "groups"), (2,), "is a symbolic link",
        ("outside",)),
    "a folder of the package leads to nothing": Place(
        lambda site: site.move_and_link(site.package / "help", whole=False), (1, 2), "",
        ("outside",)),
    "the out folder is a link": Place(
        lambda site: site.move_and_link(site.tree), (0,), "", ()),
    "the out folder is a link to itself": Place(
        lambda site: site.replace(site.tree, lambda path: path.symlink_to("tree")), (1, 2), "",
        ("outside",)),
    "the out folder is a file": Place(
        lambda site: site.replace(site.tree, lambda path: path.write_text("x")), (1, 2), "",
        ("tree",)),
    "the package is a file": Place(
        lambda site: site.replace(site.package, lambda path: path.write_text("x")), (1, 2), "",
        ("tree",)),
    "the lock is a folder": Place(
        lambda site: site.replace(site.lock, lambda path: path.mkdir()), (1, 2), "", ("tree",)),
    "the lock is a link": Place(
        lambda site: (site.lock.rename(site.outside / "lock"),
                      site.lock.symlink_to(site.outside / "lock")), (0, 2), "", ("outside",)),
    "the lock cannot be parsed": Place(
        lambda site: site.lock.write_text("{"), (1, 2), "", ("tree",)),
    "the manifest is a folder": Place(
        lambda site: site.replace(site.package / ".manifest.json", lambda path: path.mkdir()),
        (1, 2), "", ("outside",)),
    "the manifest names files outside": Place(
        lambda site: (site.package / ".manifest.json").write_text(
            '{"files": {"../../outside/kept.py": "' + hashlib.sha256(b"kept").hexdigest() + '"}}'),
        (0, 1, 2), "", ("outside",), ("generate", "B", "--force")),
    "the journal names files outside": Place(
        lambda site: (site.tree / f".{PACKAGE}.publishing").write_text(
            f'{{"folder": {site.package.stat().st_ino}, "beside": ["../outside/kept.py"]}}'),
        (0,), "", ("outside",), ("check", "--offline")),
    "the journal is a folder": Place(
        lambda site: (site.tree / f".{PACKAGE}.publishing").mkdir(), (1, 2), "", ("outside",)),
    "a stage is a link": Place(
        lambda site: (site.tree / f".{PACKAGE}.0.new").symlink_to(site.outside), (0,), "",
        ("outside",)),
    "a pipe in the package": Place(
        lambda site: os.mkfifo(site.package / "pipe"), (0,), "", ()),
    "the working directory is gone": Place(lambda site: None, (1, 2), "", ("tree",)),
}  # fmt: skip
GONE = "import os, shutil; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone'); " + GENERATE


def _play(name: str, site: Site, urls: dict[str, str], outcome: Outcome) -> None:
    """Prepare the place of a tree, run once, and look at what must not have changed."""
    place, folder = PLACES[name], site.folder
    with site.stack:
        place.prepare(site)
        before = {path: digest(folder / path) for path in place.stays}
        words = [f"--host={urls[word]}" if word in urls else word for word in place.words]
        code, text = site.run(*words, program=GONE if "is gone" in name else GENERATE)
        if code not in place.codes or place.says not in text or "Traceback" in text:
            outcome.broken.append(f"{name}: {code}: {text[-700:]}")
        changed = [path for path in before if digest(folder / path) != before[path]]
        outcome.outside += [f"{name}: {path} changed" for path in changed]


def _name(name: str, folder: Path, url: str, outcome: Outcome) -> None:
    """Generate a package of a name that is another's, or none."""
    site = Site(folder, url)
    for words in (("generate", f"--host={url}"), ("check", "--offline")):
        code, text = site.run(*words, package=name)
        if code != 2 or "Traceback" in text or site.tree.exists():
            outcome.broken.append(f"package {name!r}: {words[0]}: {code}: {text[-300:]}")
    init = ("init", "--package", name)
    code, text = site.run(*init, package="")
    if code != 2 or (folder / "pyproject.toml").exists():
        outcome.broken.append(f"package {name!r}: init: {code}: {text[-300:]}")


def _two(folder: Path, urls: dict[str, str], outcome: Outcome) -> None:
    """Generate two packages into one folder: each has its lock, and both stay whole."""
    site = Site(folder, urls["A"])
    for package, kind in ((PACKAGE, "A"), ("second_client", "B"), (PACKAGE, "B")):
        code, text = site.run("generate", f"--host={urls[kind]}", package=package)
        if code:
            outcome.broken.append(f"two packages: {package}: {code}: {text[-300:]}")
    for package in (PACKAGE, "second_client"):
        code, text = site.run("check", "--offline", package=package)
        if code:
            outcome.broken.append(f"two packages: check {package}: {code}: {text[-300:]}")
    if len(list(site.tree.glob("*.json"))) != 2:
        outcome.broken.append(f"two packages: {[path.name for path in site.tree.iterdir()]}")


def places(folder: Path, step: int = 1) -> tuple[int, Outcome]:
    """Play every place and name, or each ``step``-th; return how many, and what went wrong."""
    outcome = Outcome()
    with serving() as first, serving() as second:
        first.pages["/api/actions"] = ServedPage(catalogue("A"))
        second.pages["/api/actions"] = ServedPage(catalogue("B"))
        urls = {"A": first.url, "B": second.url}
        situations = list(PLACES)[::step]
        model = Site(folder / "model", urls["A"])
        code, text = model.generate()
        if code:
            outcome.broken.append(f"the tree was not made: {text[-400:]}")
            return 0, outcome
        for number, name in enumerate(situations):
            site = Site(folder / f"place-{number}", urls["A"])
            shutil.copytree(model.tree, site.tree, symlinks=True)
            _play(name, site, urls, outcome)
        names = [*TAKEN, *NO_NAMES][::step]
        for number, name in enumerate(names):
            _name(name, folder / f"name-{number}", first.url, outcome)
        _two(folder / "two", urls, outcome)
    return len(situations) + len(names) + 1, outcome
