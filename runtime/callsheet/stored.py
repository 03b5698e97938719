"""Find a program's folders, and the stored help pages that are valid, with ``os`` alone."""

import os

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Mapping


WIDTHS = (60, 80, 120)
"""The widths, in columns of a terminal, for which pages are laid out and stored."""
BREAK = "\f"
"""Parts the widths of a stored page."""
_USUAL_WIDTH = 80
_OTHERS_MAY_WRITE = 0o022


def folder(kind: str, command: str, env: str, environ: "Mapping[str, str]") -> str:
    """Return the ``config``, ``state`` or ``cache`` folder: own variable, XDG, then the default."""
    own = environ.get(f"{env}_{kind.upper()}_DIR")
    if own:
        return own
    default = {"config": ".config", "state": ".local/state", "cache": ".cache"}[kind]
    root = environ.get(f"XDG_{kind.upper()}_HOME") or os.path.join(
        environ.get("HOME") or os.path.expanduser("~"), default
    )
    return os.path.join(root, command)


def fitting_width(columns: int) -> int:
    """Return the largest of ``WIDTHS`` that fits into so many columns, else the smallest."""
    return max((width for width in WIDTHS if width <= columns), default=WIDTHS[0])


def screen_width() -> int:
    """Return the width for which a page is laid out: the widest for this terminal, else 80."""
    try:
        columns = os.get_terminal_size(1).columns
    except OSError:  # no terminal
        return _USUAL_WIDTH
    typed = os.environ.get("COLUMNS", "")
    columns = int(typed) if typed.isdecimal() else columns
    return fitting_width(columns or _USUAL_WIDTH)


def state_of(path: str) -> str:
    """Return a line with a path that changes when the file does, or comes and goes."""
    try:
        state = os.stat(path)
    except OSError:
        return f"{path}\t-"
    return f"{path}\t{state.st_mtime_ns}\t{state.st_size}"


def read_page(path: str, *, is_installed: bool = False) -> str | None:
    """Read a text that is printed as it is; ``None`` where others own or may write its file.

    One that ``is_installed`` belongs to whoever installed it. ``None`` too where nothing is read.
    """
    try:
        with open(path, "rb") as file:
            state = os.fstat(file.fileno())
            is_ours = not hasattr(os, "geteuid") or (
                state.st_uid == os.geteuid() and not state.st_mode & _OTHERS_MAY_WRITE
            )
            return file.read().decode() if is_ours or is_installed else None
    except (OSError, ValueError):
        return None


class PagesInUse:
    """The text file that names the folder of the pages in use, and the conditions of their use.

    Its lines are the folder of the pages, what decided which host is in use, and the files that
    the pages were made from. If one of them has changed, the pages are not used, and the program
    itself prints the page. ``package`` is the folder of a generated package or "".
    """

    def __init__(self, package: str, command: str, env: str, environ: "Mapping[str, str]") -> None:
        self.package, self.env, self.environ = package, env, environ
        self.root = os.path.join(folder("cache", command, env, environ), "pages")
        self.config = os.path.join(folder("config", command, env, environ), "config.json")
        self.program = os.path.basename(package) or command
        self.path = os.path.join(self.root, f"{self.program}.txt")

    def made_by(self) -> list[str]:
        """Return the lines about the program itself: its version and its package."""
        from callsheet.version import __version__

        return [__version__, state_of(self.package) if self.package else ""]

    def conditions(self) -> list[str]:
        """Return the lines that decide which host is in use, and what shows its pages."""
        variables = (f"{self.env}_{name}" for name in ("HOST", "PROFILE", "OVERLAY"))
        named = [f"{name}={self.environ.get(name, '')}" for name in variables]
        return [*self.made_by(), *named, state_of(self.config)]

    def read(self, name: str) -> str | None:
        """Return the text of a stored file; ``None`` where it has to be made.

        A generated program has its own where no host and no overlay is set at all.
        """
        named = any(self.environ.get(f"{self.env}_{name}") for name in ("HOST", "OVERLAY"))
        if self.package and not named and not os.path.exists(self.config):
            return read_page(os.path.join(self.package, "help", name), is_installed=True)
        place = self.folder()
        return None if place is None else read_page(os.path.join(place, name))

    def folder(self) -> str | None:
        """Return the folder in the cache; ``None`` where its pages do not hold."""
        place, *lines = (read_page(self.path) or "").split("\n")
        count = len(conditions := self.conditions())
        is_current = lines[:count] == conditions and all(
            state_of(line.partition("\t")[0]) == line for line in lines[count:]
        )
        is_inside = place and not os.path.isabs(place) and os.pardir not in place.split(os.sep)
        return os.path.join(self.root, place) if is_current and is_inside else None


def fitting_page(page: str, width: int) -> str:
    """Return the part of a stored page that is laid out for a width; the usual one, if alone."""
    parts = page.split(BREAK)
    return parts[WIDTHS.index(width)] if len(parts) == len(WIDTHS) else parts[0]
