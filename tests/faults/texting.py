"""S15: a text value reaches the server as it was typed, and no file is opened for it."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from faults import stage
from faults.forge import Forge, Order, forge

if TYPE_CHECKING:
    from faults.tally import Tally

    from callsheet_sandbox.server import Running

BAIT = ("secret.txt", "prompt", "a.png", "clip.mp4", "body.json", "-", "config.json", ".env")
_FRAMES = (
    "{}", "@{}", "@./{}", "./{}", "{here}/{}", "@{here}/{}", "file://{here}/{}", "<{}", "< {}",
    "file:{}", "file={}", "path:{}", "fileb://{}", "data:@{}", "{}:{}", "$(cat {})", "`cat {}`",
    "{{{{include {}}}}}", "!include {}", "%{}%",
)  # fmt: skip
_OTHERS = (
    "@", "@-", "-", "--", "---", "--json", "--help", "-h", "--out=x", "--input={}", "--prompt=x",
    "--no-wait", "-x", "--host=http://evil.example", "@@secret.txt", "@@", "@file", "@ file",
    "http://example.com/a.png", "https://example.com/a,b.png", "HTTP://EXAMPLE.COM", "ftp://x/y",
    "data:image/png;base64,AAAA", "javascript:alert(1)", "//example.com/x", "a,b,c", "a, b",
    '{"a": 1}', "[1, 2]", "null", "true", "false", "1", "1.0", "1e3", "NaN", "0x10", '"quoted"',
    "'single'", "a\nb", "a\tb", " lead", "trail ", "  ", "", "\u202eabc", "\U0001f600", "e\u0301",
    "\x1b[31m", "a\\nb", "\\", "%00", "%2e%2e", "~", "~/secret.txt", "$HOME", "${HOME}", "*", "?",
    "[a-z]*", "*.txt", "a=b", "a:=1", "a:=@body.json", "=x", "x=", "#", ";", "&&", "|", "\\\\x\\y",
    "C:\\secret.txt", "/etc/passwd", "@/etc/passwd", "/dev/stdin", "/proc/self/environ",
)  # fmt: skip


class Flag(NamedTuple):
    """A text field by its flag and wire name, and the command that has it."""

    command: tuple[str, ...]
    flag: str
    field: str


FLAGS = (
    Flag(("video", "generate"), "--prompt", "prompt"),
    Flag(("image", "generate"), "--prompt", "prompt"),
    Flag(("image", "generate"), "--preset", "preset"),
    Flag(("video", "generate"), "--model", "model"),
    Flag(("image", "generate"), "--resolution", "resolution"),
)


def values(folder: Path, many: int) -> list[str]:
    """Return different texts that look like files, addresses or flags."""
    framed = [
        frame.format(*[bait] * frame.count("{}"), here=folder)
        for bait, frame in itertools.product(BAIT, _FRAMES)
    ]
    mixed = [
        text for pair in itertools.zip_longest(_OTHERS, framed) for text in pair if text is not None
    ]
    return list(dict.fromkeys(mixed))[:many]


def _argv(flag: Flag, text: str, number: int) -> tuple[str, ...]:
    """Return the command line; a value may stand apart from its flag unless it looks like one."""
    rest = () if flag.field == "prompt" else ("--prompt", "x")
    apart = number % 2 == 0 and not text.startswith("-")
    argv = (flag.flag, text) if apart else (f"{flag.flag}={text}",)
    return (*flag.command, *rest, *argv, "--no-wait")


class Desk(NamedTuple):
    """A sandbox, a forge, a folder with files for bait, and the variables of a program."""

    running: Running
    forge: Forge
    here: Path
    environ: dict[str, str]


def play(tally: Tally, *, many: int) -> None:
    """Play S15."""
    with tempfile.TemporaryDirectory() as name, stage.sandbox() as running:
        home, cwd = Path(name) / "home", Path(name) / "here"
        cwd.mkdir(parents=True)
        for bait in BAIT:
            (cwd / bait).write_text("what stands in a file\n")
        env = {**stage.program_environ(home), "ADS_HOST": running.url, "ADS_API_KEY": stage.KEY}
        with forge(Path(name) / "forge", env) as warm:
            _control(tally, Desk(running, warm, cwd, env))
            for number, text in enumerate(values(cwd, many)):
                _play_value(tally, Desk(running, warm, cwd, env), text, number)


def _control(tally: Tally, desk: Desk) -> None:
    """Check that the watch sees a file that is named, or the rest would prove nothing."""
    log = desk.here.parent / "opened"
    watched = (("faults.auditing:watch", (str(log), str(desk.here))),)
    words = ("video", "generate", "--prompt-file", BAIT[0], "--no-wait")
    ended = desk.forge.run(Order(words, desk.environ, desk.here, before=watched))
    noticed = log.exists() and BAIT[0] in log.read_text()
    tally.hold(ended.code == 0 and noticed, "the watch sees nothing:", ended.text[-300:])


def _play_value(tally: Tally, desk: Desk, text: str, number: int) -> None:
    flag = FLAGS[number % len(FLAGS)]
    log = desk.here.parent / "opened"
    log.unlink(missing_ok=True)
    desk.running.reset()
    watched = (("faults.auditing:watch", (str(log), str(desk.here))),)
    words = _argv(flag, text, number)
    order = Order(words, desk.environ, desk.here, before=watched, stdin=b"from stdin")
    ended = desk.forge.run(order)
    name = f"{flag.flag} {text!r}:"
    posts = [entry for entry in desk.running.requests() if entry["method"] == "POST"]
    sent = [entry["body"].get(flag.field) for entry in posts]
    tally.hold(sent == [text], name, "reached the server as", sent, ended.text[-200:])
    opened = log.read_text().splitlines() if log.exists() else []
    tally.hold(not opened, name, "opened", opened)
    tally.ran(text)
