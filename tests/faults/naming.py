"""R11: nothing is written outside the folder that was asked for, whatever names a server says."""

from __future__ import annotations

import os
import random
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from faults import stage
from faults.liar import Answer, json_answer, lying

from callsheet.errors import CallsheetError, UsageError
from callsheet.storage.output_path import extension_of, resolve, target_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.tally import Tally

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + bytes(64)
SAFE = re.compile(r"[A-Za-z0-9_-]+(\.[a-z0-9]{1,4})?")
_STEMS = (
    "../evil", "../../evil", "/etc/evil", "..\\evil", "C:\\evil", "C:evil", "\\\\host\\share",
    "evil\x00.mp4", "evil\n.mp4", "evil\r\nX: y", ".", "..", "...", "~/evil", "~root", "$HOME/x",
    "`id`", "$(id)", "%2e%2e%2fevil", "%2e%2e/evil", "..%2fevil", "..%5cevil", "%00", "%0a",
    "..%252fevil", "\u202egpj.exe", "\u2044etc\u2044evil", "\uff0e\uff0e\uff0fevil", "con",
    "nul.mp4", "aux", "com1", "-rf", "--force", "a" * 300, ".bashrc", ".ssh/authorized_keys",
    "evil.sh", "evil.py", "evil.so", "evil.mp4/../../x", "a/b/c", "//evil", "file:///etc/evil",
    "http://x/../evil", ";ls", "|ls", "&", "*", "?", "<x>", '"', "'", "\x1b[2J", "\u2028",
    "e\u0301vil", "\U0001f600", "", " ", "\t", "evil ", "evil.", "link", "link/x", "inside/../..",
)  # fmt: skip
_FRAMES = (
    "{}", "{}.mp4", "x/{}", "../{}.mp4", "{}/x.mp4", "./{}", "{}%00.mp4", "//{}.png",
    "{}::$DATA", "{};filename=x.mp4",
)  # fmt: skip


def hostile_names(many: int) -> list[str]:
    """Return different names that are meant to lead elsewhere."""
    names = [frame.format(stem) for frame in _FRAMES for stem in _STEMS]
    return list(dict.fromkeys(names))[:many]


def random_name(dice: random.Random) -> str:
    """Return one of endlessly many others."""
    pieces = [
        "..",
        "/",
        "\\",
        "%2e",
        "%2f",
        "\x00",
        "~",
        ":",
        "a",
        ".mp4",
        "\u202e",
        "\n",
        " ",
        "é",
    ]
    return "".join(dice.choice(pieces) for _ in range(dice.randrange(1, 12)))


class Ground:
    """A folder to save into, amid others that nobody may touch."""

    def __init__(self, root: Path) -> None:
        self.root, self.out = root, root / "asked" / "out"
        self.out.mkdir(parents=True)
        (root / "outside").mkdir()
        (root / "outside" / "precious").write_text("precious")
        (root / "evil").write_text("not to be replaced")
        (self.out / "link").symlink_to(root / "outside")
        (self.out / "link.mp4").symlink_to(root / "outside" / "precious")
        self.before = self.scan()

    def scan(self) -> dict[str, tuple[object, ...]]:
        """Return each path below the root with its kind, size, time and target."""
        states: dict[str, tuple[object, ...]] = {}
        for folder, names, files in os.walk(self.root):
            for name in [*names, *files]:
                path = Path(folder, name)
                state = path.lstat()
                target = os.readlink(path) if path.is_symlink() else ""
                changed = 0 if path.is_dir() else state.st_mtime_ns
                size = 0 if path.is_dir() else state.st_size
                states[str(path.relative_to(self.root))] = (state.st_mode, size, changed, target)
        return states

    def check(self, tally: Tally, name: str) -> int:
        """Hold the tree against what it was; takes away and counts what is new and allowed."""
        now = self.scan()
        for path, state in self.before.items():
            tally.hold(now.get(path) == state, name, "changed", repr(path))
        new = [path for path in now if path not in self.before]
        for path in new:
            inside = os.path.dirname(path) == "asked/out"
            plain = (self.root / path).is_file() and not (self.root / path).is_symlink()
            safe = SAFE.fullmatch(os.path.basename(path))
            tally.hold(inside and plain and safe, name, "wrote", repr(path))
            if plain:
                (self.root / path).unlink()
        return len(new)


def _by_url(name: str) -> Callable[[str], tuple[Any, dict[str, str]]]:
    return lambda url: ({"taskId": "t", "videoUrl": f"{url}/media/{quote(name, safe='/%:.~')}"}, {})


def _by_header(name: str) -> Callable[[str], tuple[Any, dict[str, str]]]:
    plain = name.encode("ascii", "replace").decode().translate(dict.fromkeys(range(32), "_"))
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return lambda url: (
        {"taskId": "t", "videoUrl": f"{url}/media/x"},
        {"Content-Disposition": disposition, "Content-Type": "video/mp4"},
    )


def _by_json(name: str) -> Callable[[str], tuple[Any, dict[str, str]]]:
    named = dict.fromkeys(("taskId", "id", "filename", "localPath", "path", "name"), name)
    return lambda url: ({**named, "videoUrl": f"{url}/media/x.mp4", "ext": name}, {})


WAYS = {"URL": _by_url, "Content-Disposition": _by_header, "JSON": _by_json}
OUTS = ("{out}/", "{out}", "{out}/{{task_id}}.{{ext}}", "{out}/{{action}}-{{index}}.{{ext}}")


def _save_all(
    tally: Tally, names: list[str], ground: Ground, home: Path, *, ways: tuple[str, ...], kind: str
) -> None:
    """Save a job of a server that says these names, in every way; ``kind`` is hostile or random."""
    current: dict[str, Any] = {}

    def answer(path: str) -> Answer:
        reply, headers = current["make"](url)
        if path.startswith("/api/actions/"):
            return json_answer({"status": "success", **reply})
        return Answer(200, MP4, {"Content-Type": "video/mp4", **headers})

    async def steps(client: Any, wait: Any) -> None:
        for number, name in enumerate(names):
            for way in ways:
                current["make"] = WAYS[way](name)
                out = OUTS[number % len(OUTS)].format(out=ground.out)
                written = await _save_one(client, wait, out)
                new = ground.check(tally, f"{way} {name!r} to {out}:")
                tally.hold(new <= 1 and new == written, way, repr(name), new, "files")
                tally.ran(f"{way} {name!r}" if kind == "hostile" else f"random by {way}")

    with lying(answer) as url:
        stage.run(stage.settings_for(url, home), steps, stage.Play("sync"))


async def _save_one(client: Any, wait: Any, out: str) -> int:
    """Return how many files the client says that it wrote."""
    try:
        reply = await wait(client.call("v.free", {}))
        await wait(reply.save(out))
    except CallsheetError:
        return 0
    return 1


def _random_targets(tally: Tally, ground: Ground, many: int) -> None:
    """Check the name itself for many more: one plain word below the folder."""
    dice = random.Random(5)
    for number in range(many):
        action, task, link = random_name(dice), random_name(dice), random_name(dice)
        out = OUTS[number % len(OUTS)].format(out=ground.out)
        ext = extension_of(f"http://x/{link}", link)
        path = target_path(resolve(out).path, action=action, task_id=task, extension=ext)
        inside = os.path.dirname(path) == str(ground.out)
        name = os.path.basename(path)
        tally.hold(inside and SAFE.fullmatch(name), repr((action, task, link)), "became", path)
        tally.ran("random target")


def _symlinks(tally: Tally, ground: Ground, home: Path) -> None:
    """Check that a link under the final name is not followed, with and without ``force``."""

    def answer(path: str) -> Answer:
        if path.startswith("/api/actions/"):
            return json_answer({"status": "success", "videoUrl": f"{url}/media/x.mp4"})
        return Answer(200, MP4, {"Content-Type": "video/mp4"})

    link = ground.out / "link.mp4"

    async def steps(client: Any, wait: Any) -> None:
        reply = await wait(client.call("v.free", {}))
        for force in (False, True):
            with suppress(UsageError):
                await wait(reply.save(str(link), force=force))
                tally.hold(False, "a link was taken for a file, force:", force)
            untouched = (ground.root / "outside" / "precious").read_text() == "precious"
            tally.hold(untouched, "a link was followed, force:", force)
            tally.hold(link.is_symlink(), "the link was replaced, force:", force)
            tally.ran(f"symlink, force {force}")

    with lying(answer) as url:
        stage.run(stage.settings_for(url, home), steps, stage.Play("sync"))


def play(tally: Tally, *, names: int, randoms: int, targets: int) -> None:
    """Play R11."""
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground(Path(folder) / "ground")
        ways = tuple(WAYS)
        home = Path(folder) / "home"
        _save_all(tally, hostile_names(names), ground, home, ways=ways, kind="hostile")
        dice = random.Random(11)
        others = [random_name(dice) for _ in range(randoms)]
        for number, way in enumerate(ways):
            some = others[number :: len(ways)]
            _save_all(tally, some, ground, home / way, ways=(way,), kind="random")
        _random_targets(tally, ground, targets)
        _symlinks(tally, ground, home / "link")
