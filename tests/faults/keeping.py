"""S3: stored keys are readable by nobody else from the first byte on, and never half written."""

from __future__ import annotations

import json
import os
import stat
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from faults import stage

from callsheet.config.profiles import ProfileFile

if TYPE_CHECKING:
    from faults.tally import Tally

ORIGIN = "https://api.example"
UMASKS = (0o000, 0o022, 0o077)


class FolderWatch(threading.Thread):
    """Looks at a folder without a pause, and notes what is open to others or half written."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder, self.faults, self.looks = folder, set[str](), 0
        self.ending = threading.Event()

    def run(self) -> None:
        """Look until told to end."""
        while not self.ending.is_set():
            self._look()

    def _look(self) -> None:
        try:
            self._note(self.folder, 0o700)
            with os.scandir(self.folder) as entries:
                files = list(entries)
            for entry in files:
                self._note(Path(entry.path), 0o600)
                if entry.name == "config.json":
                    self._read(Path(entry.path))
            self.looks += 1
        except FileNotFoundError:  # replaced, or not made yet
            return

    def _note(self, path: Path, allowed: int) -> None:
        mode = stat.S_IMODE(path.lstat().st_mode)
        if mode != allowed:
            self.faults.add(f"{path.name} was {mode:o}, not {allowed:o}")

    def _read(self, path: Path) -> None:
        text = path.read_text("utf-8")
        try:
            json.loads(text)
        except ValueError:
            self.faults.add(f"half a file: {text[:40]!r}")


def _rounds(tally: Tally, folder: Path, umask: int, rounds: int) -> None:
    before = os.umask(umask)
    watch = FolderWatch(folder / "config")
    watch.start()
    try:
        for number in range(rounds):
            if number % 25 == 0:  # the folder's own first moment
                _remove(folder / "config")
            file = ProfileFile(str(folder / "config"))
            file.save("default", {"host": ORIGIN}, origin=ORIGIN, key=f"{stage.KEY}{number}")
            stored = ProfileFile(str(folder / "config")).key("default", ORIGIN)
            tally.hold(stored == f"{stage.KEY}{number}", f"umask {umask:03o}: lost a key")
            tally.ran(f"umask {umask:03o}")
    finally:
        os.umask(before)
        watch.ending.set()
        watch.join()
    for words in watch.faults:
        tally.hold(False, f"umask {umask:03o}:", words)
    tally.hold(watch.looks > rounds // 10, f"umask {umask:03o}: only {watch.looks} looks")


def _remove(folder: Path) -> None:
    if folder.exists():
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def _warns(tally: Tally, folder: Path) -> None:
    """Check that whoever uses a file that others may read, or own, is warned."""
    path = folder / "config" / "config.json"
    for mode in (0o644, 0o640, 0o604, 0o660):
        path.chmod(mode)
        warnings = warnings_of(folder)
        tally.hold(
            any("chmod 600" in warning for warning in warnings),
            f"mode {mode:o} is not told:",
            warnings,
        )
        tally.ran(f"mode {mode:o} told")
    path.chmod(0o600)
    tally.hold(not warnings_of(folder), "a warning for nothing:", warnings_of(folder))
    if os.geteuid() == 0:  # nobody else can give a file away
        os.chown(path, 65534, -1)
        warnings = warnings_of(folder)
        tally.hold(
            any("another user" in warning for warning in warnings),
            "the owner is not told:",
            warnings,
        )
        tally.ran("owner told")


def warnings_of(folder: Path) -> tuple[str, ...]:
    """Return what a client of these folders would be warned of."""
    return stage.settings_for(ORIGIN, folder).warnings


def play(tally: Tally, *, rounds: int) -> None:
    """Play S3."""
    for umask in UMASKS:
        with tempfile.TemporaryDirectory() as name:
            _rounds(tally, Path(name), umask, rounds)
            _warns(tally, Path(name))
