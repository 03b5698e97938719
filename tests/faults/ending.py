"""R29: broken streams, few files, odd ids and hosts: documented exit codes and a sentence."""

from __future__ import annotations

import os
import resource
import shlex
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

from faults import stage
from faults.booking import LISTED, PNG, Round, playing
from faults.liar import Answer, json_answer, lying

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from faults.tally import Tally

ADS = "import sys; from ads_client.cli import main; sys.exit(main())"
CALLSHEET = "import sys; from callsheet.cli.callsheet import main; sys.exit(main())"
CODES = frozenset((*range(9), 130, 143))
_PAID = ("call", "ai.image.generate", "--prompt", "x")
WORDS: dict[str, tuple[str, ...]] = {
    "a stored page": ("--help",),
    "the version": ("--version",),
    "a list": ("actions", "list"),
    "a paid call": _PAID,
    "a paid call as JSON": (*_PAID, "--json"),
    "a file": (*_PAID, "--wait", "--out", "cup.png", "--force"),
    "a file to the output": (*_PAID, "--wait", "--out", "-"),
    "a wrong flag": ("call", "ai.image.generate", "--nonsense", "x"),
    "a wrong word": ("nonsense",),
    "completion": ("completion", "bash"),
    "callsheet": ("callsheet", "--help"),
    "callsheet with a wrong word": ("callsheet", "nonsense"),
    "callsheet with a page": ("callsheet", "generate", "--help"),
    "callsheet with a wrong flag": ("callsheet", "generate", "--nonsense"),
    "callsheet that writes": ("callsheet", "generate", "--package", "x_client", "--out", "gen"),
    "callsheet without a host": (
        *("callsheet", "generate", "--json", "--package", "y_client"),
        *("--host", "http://127.0.0.1:1"),
    ),
}
# What each stream is: full, a pipe that nobody reads, closed, opened the wrong way.
STREAMS: dict[str, tuple[str, str]] = {
    f"{output} output, {errors} errors": (output, errors)
    for output, errors in (
        *(("full", ""), ("", "full"), ("full", "full"), ("broken", ""), ("", "broken")),
        *(("broken", "broken"), ("closed", ""), ("", "closed"), ("closed", "closed")),
        *(("read-only", ""), ("", "read-only")),
    )
}
IDS = ("--help", "-h", "--", "-", "--out", "-1", "$(x)", "é", "x" * 300, "tasks", "../x", "'", "*")
HOSTS = (
    *("https://a..b", "https://.", "http://[::1", "https://a b", "https://:80", "https://a:99999"),
    *("https://" + "a" * 64 + ".example", "https://" + "a." * 130 + "example", "https://ä..ö"),
    *("file:///etc/passwd", "https://u:pw@h", "https://", "//x", "https://a.b..", "https://%41"),
    *("https://xn--a.example", "https://\u2603.example", "https://a\tb", "http://[fe80::1%25lo]:1"),
)


# Variables of a proxy and of what needs none, and the one that the error names; PROXY is a server
# that knows no CONNECT.
PROXIES: tuple[tuple[dict[str, str], str], ...] = (
    ({"HTTPS_PROXY": "http://127.0.0.1:1"}, "HTTPS_PROXY"),
    ({"https_proxy": "127.0.0.1:1"}, "HTTPS_PROXY"),
    ({"ALL_PROXY": "http://user:secret@127.0.0.1:1"}, "ALL_PROXY"),
    ({"HTTPS_PROXY": "PROXY"}, "HTTPS_PROXY"),
    ({"ALL_PROXY": "PROXY", "NO_PROXY": "10.0.0.0/8,[::1]:1"}, "ALL_PROXY"),
    ({"ALL_PROXY": "socks4://127.0.0.1:1"}, "ALL_PROXY"),
    ({"HTTPS_PROXY": "nonsense://x"}, "HTTPS_PROXY"),
    ({"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "ads.invalid"}, ""),
    ({"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "x, .invalid:443"}, ""),
    ({"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "ads.invalid:444"}, "HTTPS_PROXY"),
    ({"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "*"}, ""),
)


class Ended(NamedTuple):
    """How a process ended, and what it printed where that could be read."""

    code: int
    out: bytes
    err: str


def _opened(kind: str, stack: ExitStack) -> Any:
    if kind == "broken":
        reader, writer = os.pipe()
        os.close(reader)
        stack.callback(os.close, writer)
        return writer
    if kind in {"full", "read-only"}:
        path = "/dev/full" if kind == "full" else os.devnull
        return stack.enter_context(open(path, "wb" if kind == "full" else "rb"))
    return subprocess.PIPE


def run(
    now: Round,
    words: tuple[str, ...],
    streams: tuple[str, str] = ("", ""),
    before: Callable[[], object] = lambda: None,
    more: Mapping[str, str] | None = None,
) -> Ended:
    """Run one of the programs with these streams; ``before`` is done in its process.

    ``more`` are variables of its environment.
    """
    program, words = (CALLSHEET, words[1:]) if words[0] == "callsheet" else (ADS, words)
    if "x_client" in words:
        words = (*words, "--host", now.url)
    environ = {
        **stage.program_environ(now.home),
        "ADS_HOST": now.url,
        "ADS_API_KEY": stage.KEY,
        "X_API_KEY": stage.KEY,
        "CALLSHEET_CACHE_DIR": str(now.home / "cache"),
        **(more or {}),
    }
    environ["PYTHONPATH"] += os.pathsep + str(stage.ROOT / "codegen")

    def prepare() -> None:
        for number, kind in zip((1, 2), streams, strict=True):
            if kind == "closed":
                os.close(number)
        before()

    with ExitStack() as stack:
        output, errors = (_opened(kind, stack) for kind in streams)
        process = subprocess.run(
            [sys.executable, "-c", program, *words],
            stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=environ, cwd=now.home,
            preexec_fn=prepare, check=False, timeout=300,
        )  # fmt: skip
    return Ended(process.returncode, process.stdout or b"", (process.stderr or b"").decode())


def _hold(tally: Tally, label: str, ended: Ended) -> None:
    """Hold that the code is documented and that nobody sees a traceback."""
    is_told = "Traceback" not in ended.err and "Exception ignored" not in ended.err
    tally.hold(ended.code in CODES and is_told, label, "exit", ended.code, ended.err[-400:])


def _streams(tally: Tally, now: Round, words: str, streams: str) -> None:
    """Break the streams of one command: it does what it would have done, and ends as it says."""
    usual = run(now, WORDS[words]).code
    posts, label = now.posts, f"{words}, {streams}:"
    ended = run(now, WORDS[words], STREAMS[streams])
    _hold(tally, label, ended)
    output = STREAMS[streams][0]
    right = {usual} if output in {"", "closed"} else {usual, 1}
    if words == "a file to the output":
        right = {usual, 1}
    tally.hold(ended.code in right, label, "exit", ended.code, "and else", usual, ended.err[-200:])
    tally.hold(now.posts - posts == ("ai.image.generate" in WORDS[words] and usual == 0), label)
    if output in {"full", "read-only"} and not STREAMS[streams][1] and ended.code == 1 != usual:
        tally.hold("cannot be written" in ended.err, label, "says", ended.err[-200:])
    tally.ran(f"{streams}")


def _few(tally: Tally, now: Round, words: str, files: int) -> None:
    """Let a command open few files."""
    posts, label = now.posts, f"{words}, {files} files:"
    limits = (files, files)
    ended = run(
        now, WORDS[words], before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    )
    _hold(tally, label, ended)
    tally.hold(now.posts - posts <= 1, label, "POSTs:", now.posts - posts)
    tally.hold(ended.code == 0 or ended.err.strip(), label, "says nothing")
    tally.ran(f"{files} files")


def _named(tally: Tally, task_id: str) -> None:
    """Let the server call a job by an odd name; the line that is printed leads to the file."""

    def answer(path: str) -> Answer:
        if path.endswith("generate"):
            return json_answer({"taskId": task_id, "status": "running"})
        if path.endswith("query"):
            link = f"{now.url}/cup.png"
            return json_answer({"taskId": task_id, "status": "done", "imageUrl": link})
        return Answer(200, PNG, {"Content-Type": "image/png"})

    with playing() as now, lying(answer, LISTED) as now.url:
        _hold(tally, f"id {task_id!r}:", run(now, _PAID))
        ended = run(now, ("tasks", "recover"))
        line = ended.out.decode().strip().split("\t")[-1]
        words = tuple(word if word != "PATH" else "cup.png" for word in shlex.split(line)[1:])
        ended = run(now, words)
        is_whole = (now.home / "cup.png").exists() and (now.home / "cup.png").read_bytes() == PNG
        tally.hold(ended.code == 0 and is_whole, f"id {task_id!r}:", line, ended)
    tally.ran(f"id {task_id[:20]}")


def _host(tally: Tally, now: Round, host: str) -> None:
    """Name a host that is none."""
    for words in (
        ("actions", "list", "--host", host),
        ("login", "--host", host, "--api-key", stage.KEY),
    ):
        ended = run(now, words)
        label = f"host {host[:60]!r}: {words[0]}:"
        _hold(tally, label, ended)
        lines = ended.err.strip().splitlines()
        is_sentence = bool(lines) and lines[0].startswith("ads: ") and "Error in" not in lines[0]
        tally.hold(ended.code in {1, 2, 3} and is_sentence, label, ended.code, ended.err[-300:])
    tally.ran(f"host {host[:20]}")


def _proxy(tally: Tally, now: Round, variables: dict[str, str], name: str) -> None:
    """Ask through a proxy that fails, or past it: the error names its variable, or it does not."""
    more = {key: text.replace("PROXY", now.url) for key, text in variables.items()}
    ended = run(now, ("actions", "list", "--host", "https://ads.invalid"), more=more)
    label = f"proxy {variables}:"
    _hold(tally, label, ended)
    is_named = name in ended.err if name else "_PROXY" not in ended.err
    tally.hold(ended.code in {1, 2} and is_named, label, ended.code, ended.err[-300:])
    tally.hold("secret" not in ended.err, label, "shows the password")
    tally.ran(label)


def play(
    tally: Tally, *, streams: int, files: tuple[int, ...], ids: int, hosts: int, proxies: int
) -> None:
    """Play R29; ``streams`` is how many words are played with each form of the streams."""
    with playing() as now:
        names = list(WORDS)
        for number, form in enumerate(list(STREAMS)[:: 1 if streams > 1 else 5]):
            for offset in range(streams):
                _streams(tally, now, names[(number * streams + offset) % len(names)], form)
        for number, count in enumerate(files):
            _few(tally, now, ("a paid call", "a file", "callsheet that writes")[number % 3], count)
        for host in HOSTS[:hosts]:
            _host(tally, now, host)
        for variables, name in PROXIES[:proxies]:
            _proxy(tally, now, variables, name)
    for task_id in IDS[:ids]:
        _named(tally, task_id)
