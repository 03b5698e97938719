"""Stopped or killed at any moment, the program loses no job, and a part is gone on with."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from cli.conftest import PROGRAM
from unit.servers import Said, Seen, said, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cli.conftest import BareProgram
    from unit.servers import Server

NEVER = 1000  # seconds: longer than anything here is waited for
GENERATE = ("video", "generate", "--prompt", "waves")


PICTURE = {"type": "string", "contentEncoding": "base64"}
TAKES_LINK = {"type": "object", "properties": {"image": {"type": "string", "format": "uri"}}}
STORING = [
    {"id": "s.put", "inputSchema": {"properties": {"file": PICTURE}, "required": ["file"]}},
    {"id": "v.make", "inputSchema": TAKES_LINK},
]


def begun(ads: BareProgram, *words: str, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        env={**ads.environ, **environ},
        cwd=ads.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition: Callable[[], object], child: subprocess.Popen[str]) -> None:
    """Wait for what a running program brings about, however long the machine takes."""
    while not condition():
        assert child.poll() is None, "the program ended before it happened"
        time.sleep(0.01)


def parts(ads: BareProgram) -> list[str]:
    return [name for name in os.listdir(ads.folder) if name.endswith(".trail")]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_a_download_that_was_stopped_is_gone_on_with(
    ads: BareProgram, number: int, code: int
) -> None:
    ads("actions", "list")
    ads.server.set_faults("bandwidth rate=4000 /media/* x1")
    child = begun(ads, *GENERATE, "--out", "v.mp4")
    wait_for(lambda: parts(ads), child)
    child.send_signal(number)
    _, stderr = child.communicate(timeout=20)
    ads.server.clear_faults()
    (row,) = ads("tasks", "recover", "--json").json
    saved = ads("tasks", "save", row["taskId"])
    asked = [one for one in ads.server.requests() if str(one["path"]).startswith("/media/")]

    assert child.returncode == code
    if code > 0:
        assert f"  ads tasks save {row['taskId']}\n" in stderr
    assert row["next"] == f"ads tasks save {row['taskId']}"
    assert saved.code == 0, saved.err
    assert "range" in asked[-1]["headers"]
    data = (ads.folder / "v.mp4").read_bytes()
    assert saved.json["files"][0]["sha256"] == hashlib.sha256(data).hexdigest()
    assert os.listdir(ads.folder) == ["v.mp4"]
    assert len(ads.server.charges()) == 1


def test_a_program_killed_while_the_request_was_out_leaves_it_unknown(ads: BareProgram) -> None:
    ads("actions", "list")
    ads.server.set_faults("hang ai.video.generate after")
    child = begun(ads, *GENERATE)
    wait_for(ads.server.charges, child)
    child.kill()
    child.communicate(timeout=20)
    found = ads("tasks", "recover", "--json")

    assert (found.code, [row["state"] for row in found.json]) == (5, ["unknown"])
    assert len(ads.server.charges()) == 1


@contextmanager
def storing(ads: BareProgram, **stored: str) -> Iterator[Server]:
    """Serve an upload that may cost; the picture is ``a.png``. Without a link it never answers."""
    (ads.folder / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    over = threading.Event()

    def answer(request: Seen) -> Said:
        if not stored:
            over.wait(NEVER)
        return said(stored if request.path.endswith("s.put") else {}, 200)

    with serving(answer) as server:
        server.listed = said({"actions": STORING})
        yield server
        over.set()


def test_an_upload_that_is_interrupted_is_told_as_sent(ads: BareProgram) -> None:
    with storing(ads) as server:
        child = begun(ads, "v", "make", "--image", "a.png", ADS_HOST=server.url)
        wait_for(server.posts, child)
        child.send_signal(signal.SIGINT)
        _, stderr = child.communicate(timeout=20)

    assert child.returncode == 130
    assert "interrupted; s.put was sent and its outcome is unknown\n  ads tasks recover " in stderr


def test_a_link_of_an_earlier_upload_does_not_count_as_sent(ads: BareProgram) -> None:
    words = ("v", "make", "--image", "a.png")
    with storing(ads, url="https://cdn.example/a.png", id="x") as server:
        ads(*words, ADS_HOST=server.url)
        before = len(server.posts())
        done = ads(*words, ADS_HOST=server.url, ADS_STATE_DIR="/dev/null/x")

    assert (before, len(server.posts())) == (2, 2)
    assert (done.code, done.error["code"]) == (2, "ledger")


def test_the_second_ctrl_c_ends_at_once(ads: BareProgram) -> None:
    ads("actions", "list")
    ads.server.set_faults(f"hang seconds={NEVER} *.query x*")
    child = begun(ads, *GENERATE)
    assert child.stderr is not None
    while "task " not in child.stderr.readline():
        pass
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=20)

    assert child.returncode in {130, -signal.SIGINT}
