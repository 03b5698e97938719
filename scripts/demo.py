"""The whole tour in one command: a sandbox, a login, a generated client, a video on disk."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = sysconfig.get_path("scripts")
HOME = Path(".demo")
CLIENT = HOME / "client"
VIDEO = Path("output/waves.mp4")
STOP_SECONDS = 5.0
OWN_SITE = """
Your own site, in four lines:
  source .venv/bin/activate
  ads login --host https://YOUR-SITE --api-key sk-…
  make generate
  ads video generate --prompt "ocean waves at sunset" --out output/mine.mp4   # spends credits
"""


class StepFailedError(Exception):
    """A step did not do its job; the text says which and how."""


@dataclass
class Tour:
    """Runs numbered steps and shows each command as it could be typed."""

    environ: Mapping[str, str]
    number: int = field(default=0)

    def announce(self, title: str, words: Sequence[str], shown_env: Mapping[str, str]) -> None:
        """Print the numbered line of a step and the command below it."""
        self.number += 1
        settings = [f"{name}={setting}" for name, setting in shown_env.items()]
        say(f"\n{self.number}. {title}\n   $ {' '.join([*settings, shlex.join(words)])}")

    def run(
        self, title: str, words: Sequence[str], *, shown_env: Mapping[str, str] | None = None
    ) -> None:
        """Run one command to its end, its output straight on the terminal."""
        extra = shown_env or {}
        self.announce(title, words, extra)
        step = launch(program(words), env={**self.environ, **extra})
        try:
            status = step.wait()
        except BaseException:
            stop(step)
            raise
        if status:
            raise StepFailedError(f"step {self.number} ({words[0]}) ended with exit code {status}")

    def start_sandbox(self) -> tuple[subprocess.Popen[str], dict[str, str]]:
        """Start the sandbox and return it with what it printed: url, key and pid."""
        words = ["callsheet", "sandbox", "--port", "0", "--speed", "demo", "--print-json"]
        self.announce("Start a sandbox on a free port of this machine", words, {})
        # Its own session: Ctrl-C reaches this script alone, which then stops the sandbox.
        server = launch(
            program(words),
            env=dict(self.environ),
            cwd=HOME,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            return server, self.listening(server)
        except BaseException:
            stop(server)
            raise

    def listening(self, server: subprocess.Popen[str]) -> dict[str, str]:
        """Wait for the one JSON line that the sandbox prints when it listens."""
        line = server.stdout.readline() if server.stdout else ""
        say(line.rstrip())
        try:
            facts = json.loads(line)
            return {"url": str(facts["url"]), "key": str(facts["key"])}
        except (ValueError, KeyError, TypeError):
            raise StepFailedError(
                f"step {self.number}: the sandbox did not say where it listens"
            ) from None


def say(text: str) -> None:
    """Write at once, so that the lines stand before the output of the commands they name."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def launch(words: Sequence[str], **options: Any) -> subprocess.Popen[str]:
    """Start a program; a signal that comes meanwhile takes effect when the child can be ended."""
    pending: list[int] = []
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = {
        number: signal.signal(number, lambda signal_number, _: pending.append(signal_number))
        for number in signals
    }
    try:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, text=True, **options)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if pending:
        stop(process)
        raise KeyboardInterrupt
    return process


def program(words: Sequence[str]) -> list[str]:
    """Return the words with the program taken from the environment this script runs in."""
    return [str(Path(SCRIPTS, words[0])), *words[1:]]


def demo_environ(outer: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which no setting of the user's own can be read or written."""
    ours = ("ADS_", "CALLSHEET_", "PYTHONPATH")
    environ = {name: setting for name, setting in outer.items() if not name.startswith(ours)}
    for kind in ("config", "state", "cache"):  # of every program that takes part
        environ[f"XDG_{kind.upper()}_HOME"] = str(ROOT / HOME / kind)
    # A proxy cannot reach this machine's loopback.
    for name in ("NO_PROXY", "no_proxy"):
        environ[name] = ",".join(filter(None, [outer.get(name), "127.0.0.1", "localhost"]))
    environ["PATH"] = os.pathsep.join([SCRIPTS, outer.get("PATH", os.defpath)])
    return environ


def stop(server: subprocess.Popen[str]) -> None:
    """End the sandbox, politely first."""
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    if server.stdout:
        server.stdout.close()


def make_video(tour: Tour, url: str, key: str) -> None:
    """Log in, generate a client of the sandbox and make a video with it."""
    tour.run("Log in", ["ads", "login", "--host", url, "--api-key", key])
    target = ["--out", str(CLIENT), "--lock", str(CLIENT / "catalog.lock.json")]
    tour.run(
        "Write a typed client and a command line for what it advertises",
        ["callsheet", "generate", "--host", url, "--package", "ads_client", *target],
    )
    request = ["--prompt", "ocean waves at sunset", "--out", str(VIDEO), "--force"]
    tour.run(
        "Make a video with the client just written",
        ["python", "-m", "ads_client", "video", "generate", *request],
        shown_env={"PYTHONPATH": str(CLIENT)},
    )
    if not VIDEO.is_file():
        raise StepFailedError(f"step {tour.number}: {VIDEO} was not written")


def tour_all() -> None:
    """Run every step; the sandbox is stopped whatever happens."""
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    tour = Tour(demo_environ(os.environ))
    server, facts = tour.start_sandbox()
    try:
        make_video(tour, facts["url"], facts["key"])
        tour.number += 1
        say(f"\n{tour.number}. The video: {VIDEO} ({VIDEO.stat().st_size:,} bytes)")
    finally:
        stop(server)
        say("   sandbox stopped")
    say(OWN_SITE.rstrip())


def interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Make SIGTERM and SIGHUP end like Ctrl-C, so that the sandbox is stopped then too."""
    raise KeyboardInterrupt


def main() -> int:
    """Return the exit code: 0 done, 1 a step failed, 130 interrupted."""
    os.chdir(ROOT)
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, interrupt)
    try:
        tour_all()
    except (StepFailedError, OSError) as problem:
        say(f"demo: {problem}")
        return 1
    except KeyboardInterrupt:
        say("demo: interrupted")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
