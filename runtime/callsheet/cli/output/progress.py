"""How a job goes, on stderr: one moving line on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from callsheet.cli.durations import spoken
from callsheet.text import one_line

if TYPE_CHECKING:
    from types import TracebackType

    from callsheet.cli.session import Session
    from callsheet.flows import Update

_STEP = 0.1


class Progress:
    """Shows updates while a job is waited for; silent with ``--quiet``.

    ``usual`` is how many seconds such a job usually takes, where that is known.
    """

    def __init__(self, session: Session, title: str, usual: float | None = None) -> None:
        self.session, self.title, self.usual = session, title, usual
        self._shown: tuple[str, int] | None = None
        self._status: Any = None

    def __enter__(self) -> Progress:
        moving = sys.stderr.isatty() and self.session.environ.get("TERM") != "dumb"
        if moving and "quiet" not in self.session.flags:
            from rich.console import Console
            from rich.text import Text

            console = Console(stderr=True, markup=False, highlight=False)
            self._status = console.status(Text(self.title))
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def __call__(self, update: Update) -> None:
        """Show one update."""
        line = f"{self.title}: {words(update, self.usual)}"
        if self._status is not None:
            from rich.text import Text

            self._status.update(Text(line))
            return
        part = -1 if update.progress is None else int(update.progress / _STEP)
        if (update.said, part) != self._shown:
            self._shown = (update.said, part)
            self.session.note(line)


def words(update: Update, usual: float | None = None) -> str:
    """State, percentage where it is told, time since the start, and how long it usually takes."""
    said = one_line(update.said, 40) or update.state
    percent = "" if update.progress is None else f" {update.progress * 100:.0f} %"
    expected = "" if usual is None else f" of usually {spoken(usual)}"
    return f"{said}{percent} ({spoken(update.elapsed)}{expected})"
