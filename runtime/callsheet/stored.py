"""Find a program's folders and the stored pages of the host in use, with ``os`` alone."""

import os

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Mapping


WIDTHS = (60, 80, 120)
"""The widths, in columns of a terminal, for which pages are laid out and stored."""
BREAK = "\f"
"""Parts the widths of a stored page."""
_USUAL_WIDTH = 80


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


class PagesInUse:
    """Where the pages of the host in use lie: a text file that holds under its conditions.

    Its lines are the folder of the pages, what decided which host is in use, and the files that
    the pages were made from. Where one of them is another by now, the pages are not used, and the
    whole program answers in their place. ``package`` is the folder of a generated package or "".
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

    def folder(self) -> str | None:
        """Return the folder of the pages; ``None`` where they have to be made.

        A generated program has its own where no host and no overlay is set at all.
        """
        named = any(self.environ.get(f"{self.env}_{name}") for name in ("HOST", "OVERLAY"))
        if self.package and not named and not os.path.exists(self.config):
            return os.path.join(self.package, "help")
        try:
            with open(self.path, encoding="utf-8") as file:
                place, *lines = file.read().split("\n")
        except (OSError, ValueError):
            return None
        count = len(conditions := self.conditions())
        is_current = lines[:count] == conditions and all(
            state_of(line.partition("\t")[0]) == line for line in lines[count:]
        )
        return os.path.join(self.root, place) if is_current and place else None


def fitting_page(page: str, width: int) -> str:
    """Return the part of a stored page that is laid out for a width; the usual one, if alone."""
    parts = page.split(BREAK)
    return parts[WIDTHS.index(width)] if len(parts) == len(WIDTHS) else parts[0]
