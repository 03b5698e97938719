"""Writes what a Python process does to files, sockets and processes into the log of WATCH_LOG."""

import json
import os
import sys

_WANTED = ("open", "socket.", "subprocess.", "os.", "shutil.", "ctypes.", "pty.", "import.watch")
_QUIET = frozenset(
    ("os.listdir", "os.scandir", "os.walk", "os.fwalk", "os.putenv", "os.unsetenv", "os.kill")
)
_READ_ONLY = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_NONBLOCK


class _Watch:
    def __init__(self, log: str) -> None:
        # Anything that Python itself reads, and whatever the run was told to expect.
        expected = os.environ.get("WATCH_READS", "").split(os.pathsep)
        roots = (sys.prefix, sys.base_prefix, os.path.dirname(os.__file__), *expected)
        self.roots = tuple(root.rstrip("/") + "/" for root in roots if root)
        self.log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.busy = False

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.busy or event in _QUIET or not event.startswith(_WANTED):
            return
        self.busy = True
        try:
            row = self._row(event, arguments)
            if row:
                os.write(self.log, (json.dumps(row) + "\n").encode())
        finally:
            self.busy = False

    def _row(self, event: str, arguments: tuple[object, ...]) -> list[object]:
        if event == "socket.connect":
            return [event, repr(arguments[1])]
        if event == "subprocess.Popen":
            return [event, repr(arguments[1])]
        if event.startswith("socket."):
            return []
        if event == "os.fork":
            return [event, sys._getframe(2).f_code.co_filename]
        name = os.fsdecode(arguments[0]) if isinstance(arguments[0], (str, bytes)) else ""
        if event != "open":
            return [event, self._place(name, arguments) if name else repr(arguments)]
        flags = arguments[2] if isinstance(arguments[2], int) else 0
        kind = "write" if flags & ~_READ_ONLY else "read"
        path = os.path.abspath(name)
        # A folder that is removed is read by names relative to a handle, which are not here.
        if not name or not (kind == "write" or os.path.lexists(path)):
            return []
        return [] if kind == "read" and path.startswith(self.roots) else [kind, path]

    def _place(self, name: str, arguments: tuple[object, ...]) -> str:
        handle = arguments[-1]
        if not os.path.isabs(name) and isinstance(handle, int) and handle > 0:
            name = os.path.join(os.readlink(f"/proc/self/fd/{handle}"), name)
        return os.path.abspath(name)


_LOG = os.environ.get("WATCH_LOG")
if _LOG:
    sys.addaudithook(_Watch(_LOG))
