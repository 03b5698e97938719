"""Define the effects that a flow may ask its driver for."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from callsheet.errors import UsageError
from callsheet.text import one_line, warn

if TYPE_CHECKING:
    from callsheet.protocol.replies import ReplyFields
    from callsheet.storage.kept_replies import SpooledBody
    from callsheet.storage.partial_file import PartialFile


# Annotations are evaluated: as texts they cost a named tuple twice as much.


T = TypeVar("T")
SILENCE = 60.0
"""Seconds without a byte after which a request is given up."""
_LONGEST_WORDS = 200  # characters
LARGEST_REPLY, LARGEST_PAID_REPLY = 16 << 20, 1 << 30
"""Bytes of a reply in the memory, and of one that was paid for, on the disk."""


class Pace(NamedTuple):
    """The least rate of a body that may be long: so many bytes in each window of seconds."""

    window: float = 60.0
    least: int = 64 << 10


class TimeLimits(NamedTuple):
    """The seconds that requests may take in all, even if bytes keep coming.

    ``request`` is for what is asked of a host, with all its retries; ``call`` is for an action,
    and for a list over all its pages.
    """

    request: float = 120.0
    call: float = 600.0
    pace: Pace = Pace()


class Send(NamedTuple):
    """One HTTP request to the configured host; answered by a ``HttpReply``.

    ``url`` replaces host and ``path`` where a redirect inside the origin was followed.
    ``timeout`` is the longest silence of the server, in seconds; ``within`` is how long the whole
    exchange may take, or longer while a body that goes to the disk keeps its ``pace``.
    ``is_bounded`` says that it ends with the time of the command, once it has left. ``spool`` is
    the name under which a medium, or a reply too large for the memory, is stored; without one
    such a reply is refused. ``largest`` is the bytes that a reply may have which is no medium.
    ``on_event`` gets each JSON event of an event stream as it comes. ``shares_connection`` lets
    it leave on a connection that was kept, where the rest of an earlier answer could be read as
    its own: only what costs nothing and is sent often may.
    """

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = {}
    timeout: float = SILENCE
    url: str = ""
    within: float = TimeLimits().request
    pace: Pace = Pace()
    is_bounded: bool = True
    spool: str = ""
    largest: int = LARGEST_REPLY
    on_event: Callable[[Any], object] | None = None
    shares_connection: bool = False


class Gather(NamedTuple):
    """Send safe requests at once; answered by a tuple of replies or exceptions, in order.

    All together may take ``within`` seconds.
    """

    sends: tuple[Send, ...]
    within: float = TimeLimits().call


class Sleep(NamedTuple):
    """Wait for some seconds; answered by nothing."""

    seconds: float


class Block(NamedTuple):
    """Do ``work`` that may wait for another process; answered by what it returns.

    An event loop goes on meanwhile: the work is done in a thread.
    """

    work: Callable[[], Any]


class Record(NamedTuple):
    """Write an event of one invocation to the ledger, durably, before anything else happens."""

    event: str
    ref: str
    values: Mapping[str, Any] = {}


class KeepReply(NamedTuple):
    """Store the whole body of a reply; answered by its path, or ``""`` without a ledger.

    ``why`` are lines that say how it was read; they are stored beside it.
    """

    name: str
    body: bytes
    why: tuple[str, ...] = ()


class Download(NamedTuple):
    """Stream one GET of ``url`` into a part file; answered by a ``HttpReply`` without its body.

    The key goes along only where ``url`` is on the configured origin. It goes on while the body
    keeps its ``pace``.
    """

    url: str
    part: PartialFile
    pace: Pace = Pace()


class Notify(NamedTuple):
    """Give the caller an update of a job; answered by nothing."""

    update: JobUpdate


class HttpReply(NamedTuple):
    """An HTTP reply; header names are in lower case.

    ``file`` holds the body where it is a medium or was too large; ``body`` is empty then.
    ``is_cut`` says that an event stream broke off.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    file: SpooledBody | None = None
    is_cut: bool = False

    def __repr__(self) -> str:
        """Return what a traceback with locals may show: not the body, which may repeat a key."""
        return f"HttpReply({self.status}, {len(self.body)} bytes)"


class JobUpdate(NamedTuple):
    """How a job stands at one moment.

    ``state`` is running, done or failed; ``raw_state`` is the server's own word. ``progress`` is
    0 to 1 where the server reports it; ``elapsed`` is in seconds since the job was created.
    ``note`` is something that the user should be told once.
    """

    task_id: str
    state: str
    raw_state: str
    progress: float | None
    elapsed: float
    fields: ReplyFields
    note: str = ""

    def __str__(self) -> str:
        """Return one line: ``t-17: running, queued 40 % (12 s)``."""
        raw = one_line(self.raw_state, _LONGEST_WORDS)
        words = self.state if raw.lower() in {"", self.state} else f"{self.state}, {raw}"
        percent = "" if self.progress is None else f" {self.progress * 100:.0f} %"
        note = f"; {one_line(self.note, _LONGEST_WORDS)}" if self.note else ""
        return f"{one_line(self.task_id)}: {words}{percent} ({self.elapsed:.0f} s){note}"


Effect: TypeAlias = Send | Gather | Sleep | Block | Record | KeepReply | Download | Notify
Flow: TypeAlias = Generator[Effect, Any, T]


def record_leniently(record: Record) -> Flow[None]:
    """Record the outcome of an invocation; where the ledger fails, warn and go on.

    The intent is on disk by then, and the ledger keeps the event in memory: ``Ledger.unwritten``.
    """
    try:
        yield record
    except UsageError as error:
        warn(error.message)
