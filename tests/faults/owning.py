"""S21: folders that others may write or own are told, and logins at once keep every profile."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from faults import stage
from program import Program

from callsheet.config.profiles import ProfileFile
from callsheet.config.settings import load

if TYPE_CHECKING:
    from faults.tally import Tally

ORIGIN = "https://api.example"
LOGINS = 24
STRANGER = 4321


class FolderForm(NamedTuple):
    """The mode of a folder, whether it is told, and whether it belongs to somebody else."""

    mode: int
    is_told: bool
    is_foreign: bool = False


FORMS = {
    "its owner's alone": FolderForm(0o700, False),
    "others may read": FolderForm(0o755, False),
    "the group may read": FolderForm(0o750, False),
    "others may write": FolderForm(0o757, True),
    "the group may write": FolderForm(0o775, True),
    "everybody may write": FolderForm(0o777, True),
    "everybody may write, removal is limited": FolderForm(0o1777, True),
    "others may write, not read": FolderForm(0o702, True),
    "the group may write, not read": FolderForm(0o720, True),
    "another user's": FolderForm(0o755, True, is_foreign=True),
    "another user's, and everybody may write": FolderForm(0o777, True, is_foreign=True),
}


def play(tally: Tally, *, forms: int, rounds: int, programs: int) -> None:
    """Play S21: ``forms`` of folders, ``rounds`` of saves at once, ``programs`` that log in."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for number, (name, form) in enumerate(list(FORMS.items())[-forms:]):
            for kind in ("config", "state"):
                for through in ("", "link"):
                    home = root / f"{number}-{kind}-{through}"
                    _play_form(tally, home, (kind, through), (name, form))
        for number in range(rounds):
            _save_at_once(tally, root / f"round-{number}")
        if programs:
            _log_in_at_once(tally, root / "programs", programs)


def _play_form(
    tally: Tally, home: Path, place: tuple[str, str], case: tuple[str, FolderForm]
) -> None:
    kind, through = place
    name, form = case
    if form.is_foreign and os.geteuid():
        return  # only root can give a folder away
    other = "state" if kind == "config" else "config"
    (home / other).mkdir(parents=True, mode=0o700)
    path = home / kind
    if through:
        (home / "elsewhere").mkdir()
        path.symlink_to(home / "elsewhere")
    else:
        path.mkdir()
    path.chmod(form.mode)
    if form.is_foreign:
        os.chown(path, STRANGER, STRANGER)
    environ = {**stage.environ(home), "ADS_HOST": ORIGIN}
    warnings = load(stage.BINDINGS, environ=environ).warnings
    label = f"{kind} {name} {through}:"
    told = [line for line in warnings if str(path) in line]
    tally.hold(bool(told) == form.is_told, label, warnings)
    tally.hold(len(told) == len(warnings), label, "told of something else:", warnings)
    if form.mode & 0o022:
        tally.hold(any("chmod go-w" in line for line in told), label, "says no remedy:", told)
    if form.is_foreign:
        tally.hold(any("another user" in line for line in told), label, told)
    tally.ran(f"{kind}: {name}")


def _save(folder: str, number: int, start: Any) -> None:
    start.wait()
    values = {"host": f"{ORIGIN}/{number}"}
    ProfileFile(folder).save(f"p{number}", values, origin=ORIGIN, key=f"{stage.KEY}{number}")


def _save_at_once(tally: Tally, folder: Path) -> None:
    """Let processes that wait for one another save a profile each."""
    fork = multiprocessing.get_context("fork")
    start = fork.Barrier(LOGINS)
    processes = [
        fork.Process(target=_save, args=(str(folder), number, start)) for number in range(LOGINS)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    codes = [process.exitcode for process in processes]
    _check_profiles(tally, folder, "saves at once:", codes)


def _check_profiles(tally: Tally, folder: Path, name: str, codes: list[int | None]) -> None:
    file = ProfileFile(str(folder))
    names = {f"p{number}" for number in range(len(codes))}
    tally.hold(not any(codes), name, "exits", codes)
    tally.hold(set(file.names()) == names, name, "lost", names - set(file.names()))
    keys = {file.key(profile, origin) for profile in names for origin in _origins(file, profile)}
    tally.hold(None not in keys, name, "lost a key")
    tally.ran(name)


def _origins(file: ProfileFile, profile: str) -> list[str]:
    host = str(file.profile(profile).get("host", ""))
    return ["/".join(host.split("/")[:3])]


def _log_in_at_once(tally: Tally, home: Path, many: int) -> None:
    """Log in with programs at the same time, each to a profile of its own."""
    home.mkdir()
    ads = Program(stage.client_folder(), home, home)
    with stage.sandbox() as running:
        words = ("login", "--host", running.url, "--api-key", stage.KEY, "--profile")
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "ads_client", *words, f"p{number}"],
                env=ads.environ(),
                cwd=home,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            for number in range(many)
        ]
        errors = [process.communicate()[1] for process in processes]
    codes = [process.returncode for process in processes]
    tally.hold(not any(codes), "programs:", errors[:2])
    _check_profiles(tally, home / "config", "logins at once:", list(codes))
