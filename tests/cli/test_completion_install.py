"""Completion is set up once, in the files of the shell, and can be taken back."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from callsheet.cli.commands import completion, shell_setup
from callsheet.cli.context import Context
from callsheet.config.bindings import Bindings
from callsheet.errors import CallsheetError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import BareProgram

PROFILE = ".config/powershell/Microsoft.PowerShell_profile.ps1"
STARTUP = {"bash": ".bashrc", "zsh": ".zshrc", "powershell": PROFILE}


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("PATH", str(tmp_path))  # no PowerShell that would name its own profile
    environ = {"HOME": str(tmp_path), "SHELL": "/usr/bin/zsh"}
    return Context(Bindings(command="ads", env="ADS"), (), environ)


@pytest.mark.parametrize("shell", STARTUP)
def test_it_is_written_once_and_taken_back(context: Context, tmp_path: Path, shell: str) -> None:
    startup, text = tmp_path / STARTUP[shell], completion.script(shell, "ads")
    startup.parent.mkdir(parents=True, exist_ok=True)
    startup.write_bytes(b"alias x=y\r\nno line end \xff")
    startup.chmod(0o640)

    lines = shell_setup.install(context, shell, text)
    content = startup.read_bytes()

    script = next((tmp_path / ".config" / "ads").glob("completion.*"))
    assert script.read_text("utf-8") == text
    assert lines == [f"wrote {script}", f"added a line to {startup}"]
    assert content.startswith(b"alias x=y\r\nno line end \xff\n")
    assert str(script).encode() in content.splitlines()[-1]
    assert startup.stat().st_mode & 0o777 == 0o640
    assert shell_setup.install(context, shell, text) == [f"{shell} completes ads already"]
    assert startup.read_bytes() == content

    assert len(shell_setup.uninstall(context, shell)) == 2
    assert startup.read_bytes() == b"alias x=y\r\nno line end \xff\n"
    assert not script.exists()
    assert shell_setup.uninstall(context, shell) == [f"ads was not set up for {shell}"]


def test_fish_needs_no_line(context: Context, tmp_path: Path) -> None:
    path = tmp_path / ".config" / "fish" / "completions" / "ads.fish"

    assert shell_setup.install(context, "fish", "text") == [f"wrote {path}"]
    assert shell_setup.uninstall(context, "fish") == [f"removed {path}"]


def test_a_link_stays_and_an_older_line_is_replaced(context: Context, tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles", tmp_path / ".bashrc"
    mark = shell_setup.setup_of(context, "bash").line.rpartition("  #")[2]
    real.write_text(f'. "/elsewhere"  #{mark}\nlast\n', "utf-8")
    link.symlink_to(real)
    shell_setup.install(context, "bash", "text")

    assert link.is_symlink()
    assert real.read_text("utf-8").splitlines()[0] == "last"
    assert real.read_text("utf-8").count(mark) == 1


def test_the_shell_in_use_is_set_up(context: Context) -> None:
    assert shell_setup.usual_shell(context) == "zsh"
    other = Context(Bindings(command="ads", env="ADS"), (), {"SHELL": "/bin/tcsh"})
    with pytest.raises(UsageError, match="the shell in use is not known"):
        shell_setup.usual_shell(other)


def test_a_folder_that_cannot_be_written_is_named(context: Context, tmp_path: Path) -> None:
    (tmp_path / ".bashrc").mkdir()
    with pytest.raises(CallsheetError, match=r"\.bashrc cannot be written: Is a directory"):
        shell_setup.install(context, "bash", "text")


def test_a_new_bash_completes(ads: BareProgram, tmp_path: Path) -> None:
    done = ads("completion", "install", "bash")
    names = "type -t _ads_completion; complete -p ads"
    line = f'HOME={ads.environ["HOME"]}; . "$HOME/.bashrc"; {names}'
    answer = subprocess.run(
        [shutil.which("bash") or "bash", "--norc", "-c", line],
        capture_output=True,
        text=True,
        check=True,
    )

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1] == "a new bash completes ads"
    assert answer.stdout.splitlines()[0] == "function"
    assert "_ads_completion ads" in answer.stdout
    assert ads("completion", "bash", "zsh").code == 2
    assert ads("completion", "install", "--uninstall", "bash").code == 0


def test_powershell_gets_the_lines_that_it_splits(ads: BareProgram) -> None:
    script = ads("completion", "powershell").out
    words = {"_ADS_COMPLETE": "powershell_complete", "COMP_WORDS": "ads actions li"}

    assert "Register-ArgumentCompleter -Native -CommandName ads " in script
    assert "$env:_ADS_COMPLETE = 'powershell_complete'" in script
    assert ads(**words).out.split("\t")[:2] == ["plain", "list"]
