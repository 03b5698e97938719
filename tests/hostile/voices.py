"""Every command of the client against a server that writes to the terminal in every field."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from hostile.campaign import WATCH, CatalogueRun, Outcome
from hostile.cases import batches, listing
from hostile.screen import moved
from hostile.server import Hostile, ServedPage, serving

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hostile.cases import Case

_BATCH = 70
_FEW = 5
_TEXT = {"type": "string"}
_TASK = {"type": "object", "properties": {"taskId": _TEXT}, "required": ["taskId"]}
_FAMILY = (
    {"id": "job.make", "inputSchema": {"type": "object", "properties": {"prompt": _TEXT}}},
    {"id": "job.make_and_wait", "inputSchema": {"type": "object", "properties": {"prompt": _TEXT}}},
    {"id": "job.query", "inputSchema": _TASK},
)


def replies(text: str) -> dict[str, ServedPage]:
    """Return what the server answers to a POST, by the kind of trouble."""
    inside = {"title": text, text: text, "list": [text, {"deep": text}]}
    job = {"taskId": text, "status": text, "message": text, "provider": text, "model": text}
    failed = {**job, "status": "failed", "failReason": text}
    flat = "".join(char for char in text if " " <= char <= "~")
    headers = {"Content-Type": "application/json", "X-Request-Id": flat}
    html = f"<html><title>{text}</title><body>{text}".encode("utf-8", "surrogatepass")
    html_headers = {"Content-Type": "text/html", "Server": flat}
    error = {"code": text, "message": text, "details": [{"field": text, "message": text}]}
    credit = {"error": f"insufficient credits {text}"}
    return {
        "done": ServedPage(json.dumps(inside).encode(), 200, headers),
        "job": ServedPage(json.dumps(job).encode(), 200, headers),
        "failed": ServedPage(json.dumps({**failed, **inside}).encode(), 200, headers),
        "refused": ServedPage(json.dumps({"error": error}).encode(), 400, headers),
        "credit": ServedPage(json.dumps(credit).encode(), 402, headers),
        "envelope": ServedPage(
            json.dumps({"code": 7, "msg": text, "data": None}).encode(), 200, headers
        ),
        "problem": ServedPage(json.dumps({"title": text, "detail": text}).encode(), 422, headers),
        "page": ServedPage(html, 403, html_headers),
        "words": ServedPage(
            text.encode("utf-8", "surrogatepass"), 200, {"Content-Type": "text/plain"}
        ),
    }


class Speaker:
    """The client as one long-lived process; ``say`` runs a command line in it."""

    def __init__(self, run: CatalogueRun, url: str) -> None:
        self.run, self.url = run, url
        self.outcome = run.outcome
        environ = run.environ("speaking.log") | {"TERM": "dumb", "ADS_HOST": url}
        environ |= {"ADS_API_KEY": "sk-hostile-0123456789", "COLUMNS": "200"}
        source = str(WATCH.parent / "speaking.py")
        self.process = subprocess.Popen(
            [sys.executable, "-P", source],
            cwd=run.here,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.count = 0

    def say(self, *argv: str, environ: dict[str, str] | None = None) -> dict[str, Any]:
        """Run one command line, check what it printed, and return its output."""
        self.count += 1
        # A shell reads what may follow through a pipe.
        terminal = self.count % 4 != 0 and not environ
        job = {"argv": argv, "terminal": terminal, "environ": environ or {}}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        reply: dict[str, Any] = json.loads(self.process.stdout.readline())
        for stream in ("out", "err"):
            text = reply[stream] if job["terminal"] else reply[stream].replace("\t", " ")
            for effect in moved(text):
                self.outcome.ran.append(f"{' '.join(argv)!r} ({stream}): {effect}")
        if "Traceback" in reply["err"] or "_unexpected" in reply["err"]:
            self.outcome.broken.append(f"{argv}: {reply['err'][-300:]}")
        return reply

    def close(self) -> None:
        """End the process."""
        with self.process:  # closes both pipes and waits
            assert self.process.stdin is not None
            self.process.stdin.close()


def show_catalogue(speaker: Speaker, run: CatalogueRun) -> None:
    """Run the commands that show the whole catalogue."""
    speaker.say("login", "--host", speaker.url, "--api-key", "sk-hostile-0123456789")
    for argv in (
        ("actions", "list"),
        ("actions", "list", "--format", "table"),
        ("actions", "list", "--json"),
        ("actions", "search", "TEXT"),
        ("api", "GET", "/api/actions"),
        ("api", "GET", "/api/actions", "--format", "raw"),
        ("--help",),
        ("hostile", "--help"),
        ("probe",),
        ("doctor",),
        ("whoami",),
        ("hostile", "t"),
        ("nothing",),
    ):
        speaker.say(*argv)
    for shell in ("bash_complete", "zsh_complete", "fish_complete"):
        for line in ("ads hostile ", "ads call ", "ads actions schema "):
            environ = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()))}
            speaker.say(environ={**environ, "_ADS_COMPLETE": shell})
    place = ("--out", str(run.out), "--package", "voices_client", "--host", speaker.url)
    speaker.say("generate", *place)
    speaker.say("check", *place)


def show_action(speaker: Speaker, server: Hostile, case: Case) -> None:
    """Run the commands about one action, with every kind of answer."""
    name, text = case.id, str(case.document["text"])
    word = name.partition(".")[2]
    for argv in (
        ("hostile", word, "--help"),
        ("hostile", word, "--choice", "nope"),
        ("hostile", word, "--unknown"),
        ("hostile", word, "--skeleton"),
        ("hostile", word, "--input", '{"choice": 5}', "--dry-run"),
        ("actions", "schema", name),
        ("call", name, "--choice", "nope"),
    ):
        speaker.say(*argv)
    for kind, page in replies(text).items():
        server.pages[f"/api/actions/{name}"] = page
        flags = ("--format", "table") if kind == "done" else ()
        speaker.say("hostile", word, *flags)
        if kind in {"job", "failed", "page", "envelope"}:
            server.pages["/api/actions/job.make"] = server.pages["/api/actions/job.query"] = page
            speaker.say("job", "make", "--no-wait")
            speaker.say("job", "query", "--task-id", "x", "--verbose")
    speaker.say("tasks", "list")
    speaker.say("tasks", "show", text.replace("\x00", ""))


def _listed(cases: Sequence[Case]) -> ServedPage:
    return ServedPage(listing([*map(json.dumps, _FAMILY), *(case.listed() for case in cases)]))


def _run_batch(part: Sequence[Case], folder: Path) -> Outcome:
    run = CatalogueRun(folder, part)
    with serving() as server:
        server.pages["/api/actions"] = _listed(part)
        speaker = Speaker(run, server.url)
        try:
            show_catalogue(speaker, run)
            for few in batches(part, _FEW):  # a short list is read sooner, and often
                server.pages["/api/actions"] = _listed(few)
                speaker.say("actions", "list", "--refresh")
                for case in few:
                    show_action(speaker, server, case)
        finally:
            speaker.close()
        run.events("speaking.log", server.url.rpartition(":")[2])
    return run.outcome


def voices(cases: Sequence[Case], folder: Path) -> Outcome:
    """Run every command against every case; what moved a terminal counts as code that ran."""
    total = Outcome()
    parts = batches(cases, _BATCH)
    folders = [folder / f"voices{number}" for number in range(len(parts))]
    with ThreadPoolExecutor(2) as pool:
        for outcome in pool.map(_run_batch, parts, folders):
            total.add(outcome)
    return total
