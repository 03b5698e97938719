"""Make this process as much like one on Windows as can be had elsewhere: see ``become``."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable

MODULES = ("fcntl", "pwd", "grp", "resource", "termios", "tty", "pty", "syslog", "readline")
CALLS = (
    *("fork", "forkpty", "register_at_fork", "getuid", "geteuid", "getgid", "getegid", "setsid"),
    *("getpgid", "killpg", "pread", "pwrite", "statvfs", "fchmod", "chown", "fchown", "lchown"),
    *("mkfifo", "mknod", "set_blocking", "wait", "WIFEXITED", "uname", "getloadavg", "confstr"),
    *("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_DIRECTORY", "O_CLOEXEC", "O_SYNC"),
)
SIGNALS = (
    *("SIGALRM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGPIPE", "SIGCHLD", "SIGKILL", "SIGTSTP"),
    *("alarm", "setitimer", "pthread_sigmask", "sigwait", "ITIMER_PROF"),
)
OTHERS = ("anyio", "asyncio", "click", "httpx", "sqlite3", "ssl", "subprocess", "tempfile")
BINARY = 1 << 30
_OPEN_FILES = "/proc/self/fd"


def become() -> None:
    """Remove what Windows lacks, and refuse what it refuses.

    The modules of POSIX are gone, and their functions and constants from ``os`` and ``signal``.
    An open file can be neither renamed nor removed, a folder not opened, a file that is read
    or written by ``os.open`` has to be opened as binary. Packages of others are imported before.
    """
    for name in OTHERS:
        import_module(name)
    sys.modules["msvcrt"] = _msvcrt()
    _refuse(os.O_NOFOLLOW | os.O_CLOEXEC)
    for name in MODULES:
        sys.modules[name] = cast("ModuleType", None)
    for module, names in ((os, CALLS), (signal, SIGNALS)):
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    setattr(os, "O_BINARY", BINARY)  # noqa: B010 - this system has no such constant


def _msvcrt() -> ModuleType:
    """Return a module that locks as Windows does: the file at once, or not at all."""
    library = ctypes.CDLL(None, use_errno=True)
    module: Any = ModuleType("msvcrt")
    module.LK_LOCK, module.LK_NBLCK = 1, 2

    def locking(handle: int, mode: int, _bytes: int) -> None:
        exclusive, at_once = 2, 4
        if library.flock(handle, exclusive | (at_once if mode == module.LK_NBLCK else 0)):
            raise PermissionError(errno.EACCES, "another process has locked it")

    module.locking = locking
    return module


def _refuse(usual: int) -> None:
    """Make ``os`` refuse what Windows refuses of open files and of folders."""
    os_open = os.open

    def open_file(path: Any, flags: int, mode: int = 0o777, **options: Any) -> int:
        if not flags & os.O_CREAT and os.path.isdir(path):
            raise PermissionError(errno.EACCES, "a folder", path)
        if not flags & BINARY and path != os.devnull:
            raise AssertionError(f"{path} is opened as text: every line would end in CR LF")
        return os_open(path, flags & ~BINARY | usual, mode, **options)

    setattr(os, "open", open_file)  # noqa: B010 - it takes any path
    for name in ("unlink", "remove", "rename", "replace", "link"):
        setattr(os, name, _of_closed_files(getattr(os, name)))


def _of_closed_files(call: Callable[..., Any]) -> Callable[..., Any]:
    def checked(*paths: Any, **options: Any) -> Any:
        real = [os.path.realpath(path) for path in paths]
        for handle in os.listdir(_OPEN_FILES):
            if os.path.realpath(f"{_OPEN_FILES}/{handle}") in real:
                raise PermissionError(errno.EACCES, "another process uses the file", paths[0])
        return call(*paths, **options)

    return checked
