"""R22: after a charge no exit code says that nothing was sent, whatever becomes of ``--out``."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from faults import stage
from faults.forge import Forge, Order, forge
from unit.servers import Said, Seen, Server, said, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faults.tally import Tally

CREATE, QUERY, TASK = "ai.video.generate", "ai.video.query", "task-number-1"
FILM = (
    b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + bytes(range(256)) * 512
)  # more than a pipe holds
NAME, PRECIOUS = "x.mp4", b"precious"
MOMENTS = ("charged", "asked", "linked", "half fetched")
LAST = MOMENTS[3:]
UPLOAD = "storage.upload_image"
WORDS = ("video", "generate", "--prompt", "a cup", "--json")


def _action(name: str, field: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {field: {"type": "string"}}, "required": [field]}
    return {"id": name, "inputSchema": schema, "readOnly": name == QUERY}


class Film:
    """A server whose one job makes a film; ``hooks`` are called at the moment of their name."""

    def __init__(self) -> None:
        self.hooks: dict[str, Callable[[], object]] = {}
        self.server: Server | None = None
        self.upload = Said(500)

    def answer(self, request: Seen) -> Said:
        """Answer a request, after what happens at this moment."""
        if request.method == "GET":
            self._reach("linked")
            length, headers = len(FILM), {"ETag": '"1"', "Content-Type": "video/mp4"}
            return Said(200, FILM[: length // 2], headers, length, pieces=self._rest())
        if request.path.endswith(QUERY):
            self._reach("asked")
            link = f"{self.server.url if self.server else ''}/media/film.mp4"
            return said({"taskId": TASK, "status": "success", "videoUrl": link})
        if request.path.endswith(UPLOAD):
            return self.upload
        self._reach("charged")
        return said({"taskId": TASK, "status": "processing", "pollAfterMs": 20})

    def _rest(self) -> Iterator[bytes]:
        self._reach("half fetched")
        yield FILM[len(FILM) // 2 :]

    def _reach(self, moment: str) -> None:
        hook = self.hooks.pop(moment, None)
        if hook is not None:
            hook()

    def charges(self) -> int:
        """Return how many films were paid for."""
        posts = self.server.posts() if self.server else []
        return sum(request.path.endswith(CREATE) for request in posts)


@contextmanager
def filming() -> Iterator[Film]:
    """Run the server."""
    film = Film()
    with serving(film.answer) as server:
        fields = {CREATE: "prompt", QUERY: "taskId", UPLOAD: "data"}
        server.listed = said({"actions": [_action(*pair) for pair in fields.items()]})
        film.server = server
        yield film


class SpoiledGround:
    """A folder to save into, ``out``, beside a file that nobody may touch."""

    def __init__(self, root: Path) -> None:
        self.root, self.out = root, root / "out"
        self.out.mkdir(parents=True)
        self.target, self.precious = self.out / NAME, root / "precious"
        self.precious.write_bytes(PRECIOUS)
        (root / "other").mkdir()

    def hidden(self) -> Path:
        """Return where a part of the target lies while it is fetched."""
        digest = hashlib.sha256(NAME.encode()).hexdigest()[:8]
        return self.out / f".{NAME}.{digest}.part"

    def replace_folder(self, put: Callable[[Path], object]) -> object:
        """Remove the folder and put something else there; a program may make it again."""
        while True:
            with suppress(FileExistsError):
                shutil.rmtree(self.out)
                return put(self.out)


def _put_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def _put_device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        path.symlink_to("/dev/null")


def _remove_hidden(ground: SpoiledGround) -> None:
    end = time.monotonic() + 20
    while not ground.hidden().exists() and time.monotonic() < end:
        time.sleep(0.005)
    ground.hidden().unlink()


def _replace_hidden(ground: SpoiledGround) -> None:
    (ground.root / "new").write_bytes(b"not ours")
    (ground.root / "new").replace(ground.hidden())


def _mount_full(ground: SpoiledGround) -> None:
    """Put a full disk in the place of the folder; where none may be mounted, a read-only folder."""
    if not _mount(ground.out, "size=64k"):
        return
    with suppress(OSError), (ground.out / "filler").open("wb", buffering=0) as filler:
        while filler.write(bytes(4096)):
            pass


def _mount_read_only(ground: SpoiledGround) -> None:
    _mount(ground.out, "ro")


def _mount(folder: Path, options: str) -> bool:
    folder.chmod(0o500)
    argv = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    can = os.geteuid() == 0 and sys.platform == "linux"
    return can and subprocess.run(argv, capture_output=True, check=False).returncode == 0


def _unmount(folder: Path) -> None:
    if os.path.ismount(folder):
        subprocess.run(["umount", str(folder)], check=True)


def _take_all(ground: SpoiledGround) -> None:
    for number in range(1, 101):
        (ground.out / (f"x-{number}.mp4" if number > 1 else NAME)).write_bytes(PRECIOUS)


class Way(NamedTuple):
    """How the path is spoiled, with these flags; ``moments`` are those at which it makes sense.

    ``code`` is the exit code where only one is right.
    """

    name: str
    spoil: Callable[[SpoiledGround], object]
    more: tuple[str, ...] = ()
    out: str = f"out/{NAME}"
    moments: tuple[str, ...] = MOMENTS
    code: int | None = 1


def _write(ground: SpoiledGround) -> None:
    ground.target.write_bytes(PRECIOUS)


WAYS = (
    Way("a file appears", _write),
    Way("a folder appears", lambda g: g.target.mkdir()),
    Way("a full folder appears", lambda g: (g.target / "in").mkdir(parents=True)),
    Way("a link to a file appears", lambda g: g.target.symlink_to(g.precious)),
    Way("a link to nothing appears", lambda g: g.target.symlink_to(g.root / "none")),
    Way("a link to a folder appears", lambda g: g.target.symlink_to(g.root / "other")),
    Way("a link to itself appears", lambda g: g.target.symlink_to(NAME)),
    Way("a FIFO appears", lambda g: os.mkfifo(g.target)),
    Way("a socket appears", lambda g: _put_socket(g.target)),
    Way("a device appears", lambda g: _put_device(g.target)),
    Way("all near names are taken", _take_all),
    Way("a file appears, forced", _write, ("--force",), code=0),
    Way("a folder appears, forced", lambda g: g.target.mkdir(), ("--force",)),
    Way("a link appears, forced", lambda g: g.target.symlink_to(g.precious), ("--force",)),
    Way("a FIFO appears, forced", lambda g: os.mkfifo(g.target), ("--force",)),
    Way("a name without extension becomes a folder", lambda g: (g.out / "x").mkdir(), out="out/x"),
    Way("the folder is removed", lambda g: shutil.rmtree(g.out), code=0),
    Way("the folder is moved", lambda g: g.out.rename(g.root / "away"), code=0),
    Way("the folder becomes a file", lambda g: g.replace_folder(Path.touch)),
    Way(
        "the folder becomes a link",
        lambda g: g.replace_folder(lambda path: path.symlink_to(g.root / "other")),
        code=0,
    ),
    Way(
        "the folder becomes a link to nothing",
        lambda g: g.replace_folder(lambda path: path.symlink_to(g.root / "none")),
    ),
    Way("the folder becomes read-only", lambda g: g.out.chmod(0o500), code=None),
    Way("the folder becomes a full disk", _mount_full, moments=MOMENTS[:3], code=None),
    Way("the folder becomes a read-only disk", _mount_read_only, moments=MOMENTS[:3], code=None),
    Way("the hidden part is removed", _remove_hidden, moments=LAST, code=0),
    Way("the hidden part is another file", _replace_hidden, code=0),
    Way(
        "the hidden part is a link",
        lambda g: g.hidden().symlink_to(g.precious),
        moments=MOMENTS[:3],
        code=0,
    ),
    Way("the hidden part is a folder", lambda g: g.hidden().mkdir(), moments=MOMENTS[:3], code=0),
    Way(
        "the name, known late, is too long",
        lambda _: None,
        out="out/{task_id}" + "é" * 123 + ".mp4",
        moments=MOMENTS[:1],
    ),
    Way(
        "a name in the folder is taken",
        lambda g: (g.out / f"ai-video-generate-{TASK}-1.mp4").mkdir(),
        out="out/",
        code=0,
    ),
)


def is_film(path: Path) -> bool:
    """Tell whether the film lies there, whole."""
    return path.is_file() and path.read_bytes() == FILM


class House:
    """A folder for each run of the program, and what runs it."""

    def __init__(self, home: Path, film: Film, program: Forge) -> None:
        self.home, self.film, self.program = home, film, program
        self._count = 0

    def ground(self) -> SpoiledGround:
        """Return a fresh ground; the server has seen nothing."""
        self._count += 1
        assert self.film.server is not None
        self.film.server.seen.clear()
        self.film.hooks.clear()
        return SpoiledGround(self.home / f"ground-{self._count}")

    def environ(self, ground: SpoiledGround) -> dict[str, str]:
        """Return the environment of one run."""
        assert self.film.server is not None
        own = stage.program_environ(ground.root / "home")
        return {**own, "ADS_HOST": self.film.server.url, "ADS_API_KEY": stage.KEY}

    def run(self, ground: SpoiledGround, *words: str) -> tuple[int, Any, str]:
        """Run the program in the ground; return the exit code, its document and its messages."""
        order = Order(words, self.environ(ground), ground.root)
        ended = self.program.run(order)
        try:
            document = json.loads(ended.out)
        except ValueError:
            document = {}
        return ended.code, document, ended.text


def _play_way(tally: Tally, house: House, way: Way, moment: str) -> None:
    ground = house.ground()
    house.film.hooks[moment] = lambda: way.spoil(ground)
    try:
        _judge(tally, house, way, ground, moment)
    finally:
        _unmount(ground.out)


def _judge(tally: Tally, house: House, way: Way, ground: SpoiledGround, moment: str) -> None:
    """Run the program and hold what it says against the disk and the server."""
    code, document, text = house.run(ground, *WORDS, "--out", way.out, *way.more)
    name = f"{way.name}, {moment}:"
    tally.ran(f"{way.name}, {moment}")
    tally.hold(moment not in house.film.hooks, name, "was not reached")
    tally.hold(house.film.charges() == 1, name, house.film.charges(), "charges", text)
    tally.hold(code == way.code if way.code is not None else code in {0, 1}, name, code, text)
    error = document.get("error") or {}
    task_id = document.get("taskId") or error.get("task_id")
    tally.hold(task_id == TASK, name, "the task id is", task_id, text)
    tally.hold(ground.precious.read_bytes() == PRECIOUS, name, "wrote through a link")
    path = document.get("localPath")
    if path:
        whole = is_film(ground.root / path)
        tally.hold(whole, name, path, "is not the film")
    else:
        tally.hold(code == 1, name, "success without a file", text)
        code, document, text = house.run(
            ground, "tasks", "save", TASK, "--out", "later.mp4", "--json"
        )
        tally.hold(code == 0 and (ground.root / "later.mp4").read_bytes() == FILM, name, text)
    if code == 0 and way.out == f"out/{NAME}" and path:
        tally.hold(is_film(ground.target), name, "exit 0, and not under its name")
    left = [
        each.name for each in ground.root.rglob(".*") if each.is_file() and not each.is_symlink()
    ]
    left = [each for each in left if each.endswith((".part", ".trail"))]
    tally.hold(not left or "hidden" in way.name or "moved" in way.name, name, "left", left)


AFTERWARDS = {
    "the upload is refused": (("--upload",), Said(400, b"{}")),
    "the upload needs another key": (("--upload",), Said(401, b"{}")),
    "the upload is limited": (("--upload",), Said(402, b"{}")),
    "the upload is not known": (("--upload",), Said(404, b"{}")),
    "the upload fails": (("--upload",), Said(500, b"<html>")),
    "the upload names no link": (("--upload",), said({"status": "success"})),
    "the upload breaks": (("--upload",), Said(cut="before")),
    "the part that is printed is none": (("--jmespath", "length(status.x)"), Said()),
}


def _play_afterwards(tally: Tally, house: House, every: int) -> None:
    """Let something fail once the file lies there: it is told with the task id, never as unsent."""
    for name, (more, answer) in list(AFTERWARDS.items())[::every]:
        ground = house.ground()
        house.film.upload = answer
        code, document, text = house.run(ground, *WORDS, "--out", f"out/{NAME}", *more)
        tally.ran(f"afterwards: {name}")
        tally.hold(code not in {0, 2}, name, "ended with", code, text)
        tally.hold(house.film.charges() == 1, name, house.film.charges(), "charges")
        tally.hold(TASK in text and "Traceback" not in text, name, "no task id", text)
        tally.hold(is_film(ground.target), name, "the file is not there")
        is_named = document.get("localPath") == f"out/{NAME}" or "--upload" not in more
        tally.hold(is_named, name, "the file is not named", text)


def _refusals(ground: SpoiledGround) -> dict[str, tuple[str, ...]]:
    """Return the paths that can be known to be useless before anything is sent."""
    target = ground.target
    (ground.out / "file").write_bytes(PRECIOUS)
    (ground.out / "link").symlink_to("file")
    (ground.out / "dangling").symlink_to("nothing")
    (ground.out / "loop").symlink_to("loop")
    (ground.out / "folder").mkdir()
    (ground.out / "linked").symlink_to("folder")
    _put_socket(ground.out / "socket")
    out = str(ground.out)
    return {
        "an existing file": (f"{out}/file",),
        "below a file": (f"{out}/file/{NAME}",),
        "a link": (f"{out}/link",),
        "a link to nothing": (f"{out}/dangling",),
        "a link to itself": (f"{out}/loop", "--force"),
        "a link to a folder": (f"{out}/linked", "--force"),
        "a socket": (f"{out}/socket", "--force"),
        "a long name": (f"{out}/{'n' * 252}.mp4",),
        "a long name of many bytes": (f"{out}/{'é' * 126}.mp4",),
        "a long path": (f"{out}/{'d/' * 2100}{NAME}",),
        "a deep path": (f"{'d/' * 1500}{NAME}",),
        "a long name in a template": (f"{out}/{{task_id}}{'n' * 252}.mp4",),
        "in /proc": (f"/proc/{NAME}",),
        "in /proc/self": ("/proc/self/",),
        "in /sys": (f"/sys/kernel/{NAME}", "--force"),
        "in /dev/fd": (f"/dev/fd/{NAME}",),
        "a closed descriptor": ("/dev/fd/987",),
        "a word that there is not": (f"{out}/{{task}}.mp4",),
        "no path": ("",),
        "an upload of nothing": ("-", "--upload"),
        "a stream and an upload": ("/dev/null", "--upload"),
        "a surrogate and a long name": (f"{target}\udcff{'n' * 255}",),
    }


def _play_refusals(tally: Tally, house: House, every: int) -> None:
    for name in list(_refusals(house.ground()))[::every]:
        ground = house.ground()
        before = _refusals(ground)[name]
        tree = sorted(ground.root.rglob("*"))
        code, _, text = house.run(ground, *WORDS, "--out", *before)
        tally.ran(f"before: {name}")
        tally.hold(code == 2, name, "ended with", code, text)
        tally.hold(house.film.charges() == 0, name, "was charged")
        tally.hold("Traceback" not in text, name, text)
        now = [each for each in sorted(ground.root.rglob("*")) if "home" not in each.parts]
        tally.hold(now == [each for each in tree if "home" not in each.parts], name, "left", now)


def _run_alone(house: House, ground: SpoiledGround, *words: str) -> int:
    """Run the program in a process of its own; return the exit code."""
    process = subprocess.run(
        [sys.executable, "-m", "ads_client", *words],
        env=house.environ(ground),
        cwd=ground.root,
        capture_output=True,
        check=False,
        timeout=120,
    )
    return process.returncode


def _play_claims(tally: Tally, house: House, many: int, *, force: bool) -> None:
    """Start several programs with one path: the answer to the POST waits for all other ends."""
    ground, ended = house.ground(), threading.Semaphore(0)

    def wait_for_others() -> None:
        for _ in range(many - 1):
            ended.acquire(timeout=60)

    house.film.hooks["charged"] = wait_for_others
    (ground.root / "alias").symlink_to("out")
    outs = [
        f"out/{NAME}",
        f"./out/{NAME}",
        str(ground.target),
        f"alias/{NAME}",
        f"out/../out/{NAME}",
    ]
    codes: list[int] = []

    def run(out: str) -> None:
        codes.append(_run_alone(house, ground, *WORDS, "--out", out, *["--force"] * force))
        ended.release()

    threads = [threading.Thread(target=run, args=(outs[n % len(outs)],)) for n in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    name = f"{many} programs with one path{', forced' * force}:"
    tally.ran(name, many)
    tally.hold(sorted(codes) == [0] + [2] * (many - 1), name, codes)
    tally.hold(house.film.charges() == 1, name, house.film.charges(), "charges")
    tally.hold(os.listdir(ground.out) == [NAME], name, os.listdir(ground.out))
    code, _, text = house.run(ground, *WORDS, "--out", f"out/{NAME}", "--force")
    tally.hold(code == 0, name, "the path is claimed after the end:", text)


def play(tally: Tally, *, moments: int, many: int, every: int) -> None:
    """Play R22."""
    with tempfile.TemporaryDirectory() as folder, filming() as film:
        home = Path(folder)
        with forge(home / "forge", stage.program_environ(home)) as program:
            house = House(home, film, program)
            for number, way in enumerate(WAYS[::every]):
                chosen = way.moments * 2
                for moment in chosen[number % len(way.moments) :][: min(moments, len(way.moments))]:
                    _play_way(tally, house, way, moment)
            _play_afterwards(tally, house, every)
            _play_refusals(tally, house, every)
            for force in (False, True)[:moments]:
                _play_claims(tally, house, many, force=force)
