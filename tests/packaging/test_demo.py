"""`make demo`: how the script behaves when a step fails, and the tour as a whole."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import av
import pytest
from packing import ROOT, SCRIPTS, clean_environ, run

SANDBOX = """\
if [ "$1" = sandbox ]; then
    echo "{\\"url\\": \\"http://127.0.0.1:1\\", \\"key\\": \\"sk-demo\\", \\"pid\\": $$}"
    echo $$ > sandbox.pid
    exec tail -f /dev/null
fi
mkdir -p .demo/client/ads_client && cp client.py .demo/client/ads_client/__main__.py
"""


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """Return a folder with the script and an environment whose programs can be replaced."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/demo.py", tmp_path / "scripts/demo.py")
    words = [sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"]
    assert run(words, env=clean_environ(tmp_path), cwd=tmp_path).code == 0
    act(tmp_path, "callsheet", SANDBOX)
    return tmp_path


def act(stage: Path, name: str, script: str) -> None:
    """Put a program of this name on the stage."""
    path = stage / "venv/bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    path.chmod(0o755)


def sandbox_runs(stage: Path) -> bool:
    """Say whether the sandbox that was started is still alive."""
    try:
        os.kill(int((stage / ".demo/sandbox.pid").read_text("utf-8")), 0)
    except ProcessLookupError:
        return False
    return True


def demo(stage: Path) -> list[object]:
    return [stage / "venv/bin/python", stage / "scripts/demo.py"]


def test_a_failing_step_is_named_and_the_sandbox_stopped(stage: Path) -> None:
    act(stage, "ads", "")
    (stage / "client.py").write_text("import os; os.write(2, b'no credits\\n'); os._exit(7)\n")
    done = run(demo(stage), env=clean_environ(stage), cwd=stage)

    assert done.code == 1
    assert "demo: step 4 (python) ended with exit code 7" in done.out
    assert done.err == "no credits\n"
    assert not sandbox_runs(stage)


def test_a_missing_program_is_one_line(stage: Path) -> None:
    (stage / "venv/bin/callsheet").unlink()
    done = run(demo(stage), env=clean_environ(stage), cwd=stage)

    assert (done.code, done.err) == (1, "")
    assert done.out.splitlines()[-1].startswith("demo: ")


def test_a_sandbox_that_does_not_start_is_one_line(stage: Path) -> None:
    act(stage, "callsheet", "echo 'port is taken' >&2; exit 1")
    done = run(demo(stage), env=clean_environ(stage), cwd=stage)

    assert (done.code, done.err) == (1, "port is taken\n")
    assert done.out.splitlines()[-1] == "demo: step 1: the sandbox did not say where it listens"


def test_settings_of_the_user_stay_outside(stage: Path) -> None:
    act(stage, "ads", f'"{sys.executable}" -c "{DUMP}" > seen.json; exit 1')
    mine = {"ADS_HOST": "https://ads.example", "ADS_API_KEY": "sk-mine", "ADS_PROFILE": "work"}
    run(demo(stage), env=clean_environ(stage, mine), cwd=stage)
    reported = json.loads((stage / "seen.json").read_text("utf-8"))

    ours = {name: reported[name] for name in reported if name.startswith(("ADS_", "XDG_"))}
    assert ours == {
        "XDG_CONFIG_HOME": str(stage / ".demo/config"),
        "XDG_STATE_HOME": str(stage / ".demo/state"),
        "XDG_CACHE_HOME": str(stage / ".demo/cache"),
    }


DUMP = "import json, os; print(json.dumps(dict(os.environ)))"


def test_a_signal_stops_the_sandbox_too(stage: Path) -> None:
    act(stage, "ads", "echo waiting; exec tail -f /dev/null")
    words = [str(word) for word in demo(stage)]
    with subprocess.Popen(
        words, env=clean_environ(stage), cwd=stage, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while process.stdout.readline() != "waiting\n":
            pass
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()

    assert process.returncode == 130
    assert rest.splitlines()[-1] == "demo: interrupted"
    assert not sandbox_runs(stage)


@pytest.mark.skipif(not (SCRIPTS / "ads").exists(), reason="make install adds the programs")
def test_the_tour_ends_with_a_video(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    script = Path(shutil.copy(ROOT / "scripts/demo.py", tmp_path / "scripts/demo.py"))
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    environ = clean_environ(home, {"TMPDIR": str(temporary)})
    done = run([sys.executable, script], env=environ, cwd=tmp_path)

    assert done.code == 0, done.out + done.err
    assert [line[:2] for line in done.out.splitlines() if line[:2] in NUMBERS] == NUMBERS
    assert "ads login --host https://" in done.out.splitlines()[-3]
    made = {path.name for path in tmp_path.iterdir()} - {"scripts", "home", "temporary"}
    assert made == {".demo", "output"}
    assert [*home.iterdir(), *temporary.iterdir()] == []
    assert seconds_of_h264(tmp_path / "output/waves.mp4") >= 2.0


NUMBERS = ["1.", "2.", "3.", "4.", "5."]


def seconds_of_h264(path: Path) -> float:
    """Decode every frame and return how long they last."""
    with av.open(str(path)) as video:
        stream = video.streams.video[0]
        assert stream.codec_context.name == "h264"
        frames = sum(1 for _ in video.decode(stream))
        assert stream.average_rate is not None
        return frames / float(stream.average_rate)
