"""The command starts quickly, says where it is, and ends cleanly."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

import callsheet_sandbox
from callsheet_sandbox.cli import main
from callsheet_sandbox.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callsheet_sandbox.server import Running

COMMAND = [sys.executable, "-m", "callsheet_sandbox", "--port", "0"]


@pytest.fixture
def process(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """Start the command with the test's flags and wait for its first line."""
    flags = getattr(request, "param", ["--print-json"])
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [*COMMAND, *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    ) as started:
        yield started
        started.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    """Return the first line of standard output."""
    assert process.stdout is not None
    return process.stdout.readline()


def test_its_first_line_says_where_it_listens(process: subprocess.Popen[str]) -> None:
    facts = json.loads(first_line(process))
    listed = httpx.get(f"{facts['url']}/api/actions", headers={"X-Api-Key": facts["key"]})
    assert sorted(facts) == ["key", "pid", "url"]
    assert facts["pid"] == process.pid
    assert facts["key"].startswith("sk-sandbox-")
    assert listed.status_code == 200


def test_what_renders_is_not_loaded_to_start() -> None:
    ask = (
        "import sys, callsheet_sandbox.cli, callsheet_sandbox.server\n"
        "print([name for name in ('av', 'PIL', 'jsonschema_rs') if name in sys.modules])"
    )
    roots = {"PYTHONPATH": str(Path(callsheet_sandbox.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", ask],
        env=os.environ | roots,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "[]\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_it_cleanly(
    process: subprocess.Popen[str], number: signal.Signals, code: int
) -> None:
    first_line(process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=5)
    assert (process.returncode, errors) == (code, "")


@pytest.mark.parametrize("process", [["--print-json", "--speed", "real"]], indirect=True)
def test_a_signal_ends_it_while_a_call_waits(process: subprocess.Popen[str]) -> None:
    facts = json.loads(first_line(process))
    body = b'{"prompt": "waves"}'
    host, port = facts["url"].removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as waiting:
        waiting.sendall(
            b"POST /api/actions/ai.video.generate_and_wait HTTP/1.1\r\nHost: x\r\n"
            b"X-Api-Key: %s\r\nContent-Length: %d\r\n\r\n%s"
            % (facts["key"].encode(), len(body), body)
        )
        while not httpx.get(f"{facts['url']}/__charges").json():
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=5)
    assert (process.returncode, errors) == (130, "")


@pytest.mark.parametrize(
    "process",
    [["--key", "sk-mine", "--key", "sk-yours", "--dialect", "snake", "--auth", "bearer"]],
    indirect=True,
)
def test_it_says_where_to_log_in(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    listening, key, login = (process.stdout.readline() for _ in range(3))
    url = listening.split()[1]
    assert "dialect snake" in listening
    assert key == "key      sk-mine\n"
    assert login == f"login    ads login --host {url} --api-key sk-mine\n"
    sent = {"Authorization": "Bearer sk-yours"}
    assert httpx.get(f"{url}/api/actions", headers=sent).json()["next_cursor"]
    assert httpx.get(f"{url}/api/actions", headers={"X-Api-Key": "sk-mine"}).status_code == 401


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--dialect", "klingon"], "no dialect 'klingon'; known: bare, "),
        (["--catalogue", "nowhere"], "nowhere: no catalogue here"),
        (["--replay", "nowhere"], "nowhere: no recorded replies here"),
        (["--faults", "explode"], "faults: no kind or file 'explode'; known: status"),
        (["--host", "203.0.113.1"], "cannot start on 203.0.113.1:0: "),
    ],
)
def test_what_cannot_start_says_why_in_a_line(
    capsys: pytest.CaptureFixture[str], flags: list[str], message: str
) -> None:
    assert main(["--port", "0", *flags]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"sandbox: {message}")
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("process", [["--print-json", "--faults", "503 x2"]], indirect=True)
def test_it_commits_faults(process: subprocess.Popen[str]) -> None:
    facts = json.loads(first_line(process))
    codes = [httpx.get(f"{facts['url']}/api/nothing").status_code for _ in range(3)]
    assert codes == [503, 503, 404]
    assert httpx.get(f"{facts['foreign']}/x").json()["taskId"] == "foreign"


def test_it_takes_faults_while_it_runs(process: subprocess.Popen[str]) -> None:
    url = json.loads(first_line(process))["url"]
    assert httpx.post(f"{url}/__faults", content="302 to=port").status_code == 200
    assert httpx.get(f"{url}/x", follow_redirects=True).json()["taskId"] == "foreign"
    assert httpx.get(f"{url}/__stats").json()["foreign"] == {"GET /x": 1}
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=5)
    assert (process.returncode, errors) == (0, "")


def test_a_port_in_use_is_named(capsys: pytest.CaptureFixture[str], sandbox: Running) -> None:
    port = sandbox.url.rsplit(":", 1)[1]
    assert main(["--port", port]) == 1
    assert f"cannot start on 127.0.0.1:{port}: Address already in use" in capsys.readouterr().err


def test_help_names_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage: callsheet sandbox [-h]")


def test_starting_imports_no_renderer() -> None:
    code = (
        "import sys, callsheet_sandbox.server\n"
        "print([n for n in ('av', 'PIL', 'jsonschema_rs', 'pytest') if n in sys.modules])"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.stdout == "[]\n", done.stderr


def test_a_temporary_state_goes_with_the_server() -> None:
    with serve() as running:
        folder = running.world.studio.folder
        assert (folder / "sandbox.sqlite3").exists()
    assert not folder.exists()


def test_a_named_state_stays(tmp_path: Path) -> None:
    from callsheet_sandbox.options import Options

    options = Options(state=tmp_path / "state", keys=("sk-mine",))
    with serve(options) as running, httpx.Client(headers={"X-Api-Key": running.key}) as client:
        create = f"{running.url}/api/actions/ai.video.generate"
        task_id = client.post(create, json={"prompt": "waves"}).json()["taskId"]
    with serve(options) as running, httpx.Client(headers={"X-Api-Key": running.key}) as client:
        query = f"{running.url}/api/actions/ai.video.query"
        assert client.post(query, json={"taskId": task_id}).json()["taskId"] == task_id
        assert running.charges()[0]["taskId"] == task_id
