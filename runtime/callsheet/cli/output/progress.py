"""Show the progress of a job."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from callsheet.cli.output.formats import can_redraw, duration
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from callsheet.cli.output.formats import Console
    from callsheet.flows.effects import JobUpdate


_STEP = 0.1
_SILENCE = 30.0
"""Seconds after which a line is written although nothing changed: a still log looks dead."""
_LONG = 60.0
"""Seconds of waiting after which a terminal rings: a person looks elsewhere by then."""
_BAR = 20
_LONGEST_STATE, _LONGEST_MESSAGE = 40, 60
_PREVIEWS = frozenset({"preview", "thumbnail", "thumb", "poster", "cover"})


class Progress:
    """Shows updates while a job is waited for; silent with ``--quiet``.

    ``usual`` is how many seconds such a job usually takes, where that is known.
    """

    def __init__(
        self,
        console: Console,
        title: str,
        usual: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console, self.title, self.usual, self.clock = console, title, usual, clock
        self._shown: tuple[str, ...] | None = None
        self._told, self._started = 0.0, clock()
        self._status: Any = None
        self._previewed = False
        self._last: tuple[JobUpdate | None, float] = (None, clock())

    def __enter__(self) -> Progress:
        moving = can_redraw(sys.stderr, self.console.environ) and not self.console.quiet
        if moving and "utf" in (sys.stderr.encoding or "").lower():
            from rich.console import Console as RichConsole

            screen = RichConsole(stderr=True, markup=False, highlight=False)
            self._status = screen.status(self, refresh_per_second=8)
            self._status.start()
        return self

    @property
    def moves(self) -> bool:
        """Tell whether one line is drawn over again, instead of a line a change."""
        return self._status is not None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()
            if error is None and self.clock() - self._started >= _LONG:
                self._status.console.bell()

    def __call__(self, update: JobUpdate) -> None:
        """Show one update; without a terminal only a change, or a line every 30 seconds."""
        self._last = (update, self.clock())
        if update.note:
            self.console.note(update.note)
        if not self._previewed and (link := find_preview(update.fields.payload)):
            self._previewed = True
            self.console.note(f"preview: {link}")
        if self._status is not None:
            self._status.update(self)
            return
        now, quiet = _milestone(update), update.elapsed - self._told < _SILENCE
        if now != self._shown or not quiet:
            self._shown, self._told = now, update.elapsed
            self.console.note(f"{self.title}: {describe(update, self.usual)}")

    def __rich__(self) -> Any:
        """Return the moving line now: the time goes on between two replies of the server."""
        from rich.text import Text

        update, since = self._last
        ago = self.clock() - since
        line = Text(no_wrap=True, overflow="ellipsis", end="")
        if update is not None and update.progress is not None:
            full = round(max(0.0, min(1.0, update.progress)) * _BAR)
            line.append("━" * full, "green").append("━" * (_BAR - full), "bright_black").append(" ")
        line.append(f"{one_line(self.title)}: ")
        if update is None:
            return line.append(f"waiting ({duration(ago)})")
        return line.append(describe(update._replace(elapsed=update.elapsed + ago), self.usual))


def describe(update: JobUpdate, usual: float | None = None) -> str:
    """Describe an update, such as ``running 40 %, 8 s (usually 20 s): rendering frames``."""
    state = one_line(update.raw_state, _LONGEST_STATE) or update.state
    percent = "" if update.progress is None else f" {update.progress * 100:.0f} %"
    place = f", place {update.fields.queue} in the queue" if update.fields.queue else ""
    expected = "" if usual is None else f" (usually {duration(usual)})"
    is_over = update.state == "failed"  # the error says why, whole
    words = "" if is_over else one_line(update.fields.message, _LONGEST_MESSAGE)
    message = f": {words}" if words and words.lower() not in {state.lower(), update.state} else ""
    return f"{state}{percent}{place}, {duration(update.elapsed)}{expected}{message}"


def _milestone(update: JobUpdate) -> tuple[str, ...]:
    """Return what a log shows the change of; numbers in a message change with every reply."""
    part = "" if update.progress is None else str(int(update.progress / _STEP))
    message = "".join(char for char in update.fields.message if not char.isdigit())
    return update.raw_state, part, str(update.fields.queue or ""), message


def find_preview(payload: Any) -> str:
    """Return the first link under a name such as ``previewUrl``; empty for none."""
    from callsheet.protocol.media import is_link

    for name, field in payload.items() if isinstance(payload, dict) else ():
        word = name.lower().replace("_", "").removesuffix("s")
        word = word.removesuffix("url").removesuffix("uri").removesuffix("image")
        if word in _PREVIEWS:
            link = field[0] if isinstance(field, list) and field else field
            if isinstance(link, str) and link.startswith("http") and is_link(link):
                return one_line(link)
    return ""
