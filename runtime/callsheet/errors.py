"""Define the exception tree and the exit code of each error.

::

    CallsheetError                 1   something went wrong
    ├── UsageError                 2   the request was not made: nothing was sent
    │   ├── InvalidInput           2   the advertised schema refuses the body
    │   └── ReferenceUsed          2   another request left with this client reference
    ├── AuthError                  3   no key, or the server refused it
    ├── StillRunning               4   stopped waiting; the job is alive
    ├── OutcomeUnknown             5   sent, and no answer that tells what became of it
    ├── TaskFailed                 6   the job failed or was cancelled on the server
    ├── LimitReached               7   rate limit, or no credit left
    ├── DriftFound                 8   server, lock and tree differ
    ├── ServerError                1   the server refused the request
    ├── NetworkError               1   no answer: ``sent`` says whether the request may have left
    │   └── OutOfTime              1   no whole answer in the time that there was
    ├── DownloadError              1   a file could not be fetched or written
    │   ├── WrongKind              1   the link leads to another kind of file
    │   └── SavedElsewhere         1   the file is saved, under another name than was asked for
    └── Interrupted          130/143   stopped by a signal
"""

# Without such an error the command line ends with 5 where the ledger could not take the row of a
# paid request (``cli.main``), and where ``tasks recover`` leaves requests unknown.

from __future__ import annotations

from typing import Any, NamedTuple

from callsheet.masking import masked

Pointer = tuple[str | int, ...]


class Detail(NamedTuple):
    """Fault of a field: ``pointer`` has the steps into the body, ``message`` is safe to print."""

    pointer: Pointer
    message: str


class CallsheetError(Exception):
    """Base of all errors of this package; keys in use are masked in its texts.

    ``message`` is one line; ``hint`` says what to do next; ``flag`` names the flag that caused
    it; ``raw`` keeps the server's reply where it was not understood (redacted, 2 kB at most).
    ``retry_after`` is the pause in seconds that the server asks for, where it names one.
    ``lasting`` is what the server says in a refusal that another try does not change, else empty.
    """

    exit_code: int = 1
    code: str = "failure"
    retry_after: float | None = None
    lasting: str = ""

    def __init__(  # the one place where an error's facts are named
        self,
        message: str,
        *,
        hint: str = "",
        code: str = "",
        flag: str | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
        task_id: str | None = None,
        action: str | None = None,
        retryable: bool = False,
        raw: str = "",
    ) -> None:
        message = masked(message)
        super().__init__(message)
        self.message = message
        self.hint = masked(hint)
        self.code = code or type(self).code
        self.flag = flag
        self.http_status = http_status
        self.request_id = request_id
        self.task_id = task_id
        self.action = action
        self.retryable = retryable
        self.raw = masked(raw)

    def as_json(self) -> dict[str, object]:
        """Return the object that ``--json`` prints under ``error``."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint or None,
            "flag": self.flag,
            "http_status": self.http_status,
            "request_id": self.request_id,
            "task_id": self.task_id,
            "retryable": self.retryable,
        }


class UsageError(CallsheetError):
    """The request was not made: nothing was sent."""

    exit_code = 2
    code = "usage"


class InvalidInput(UsageError):
    """The advertised schema refuses the body; ``pointer`` is a JSON pointer into it."""

    code = "invalid_input"

    def __init__(self, message: str, *, pointer: str = "", hint: str = "", flag: str | None = None):
        super().__init__(message, hint=hint, flag=flag)
        self.pointer = pointer


class ReferenceUsed(UsageError):
    """Another request left with this client reference."""

    code = "reference_used"


class AuthError(CallsheetError):
    """There is no key, or the server refused it."""

    exit_code = 3
    code = "auth"


class StillRunning(CallsheetError):
    """The wait ended before the job did; the job goes on."""

    exit_code = 4
    code = "still_running"


class OutcomeUnknown(CallsheetError):
    """The request left, and what the server made of it is not known."""

    exit_code = 5
    code = "outcome_unknown"


class TaskFailed(CallsheetError):
    """The job failed or was cancelled on the server."""

    exit_code = 6
    code = "task_failed"


class LimitReached(CallsheetError):
    """A rate limit was reached, or no credit is left."""

    exit_code = 7
    code = "limit"


class DriftFound(CallsheetError):
    """Server, lock and generated tree do not agree."""

    exit_code = 8
    code = "drift"


class ServerError(CallsheetError):
    """The server answered with a refusal; ``details`` holds a fault for each field it refused.

    ``may_have_run`` says that the refusal may come from a server that did the work.
    """

    code = "server"
    details: tuple[Detail, ...] = ()
    may_have_run = False


class Unreadable(ServerError):
    """A reply of success in which neither a task id nor a result is recognised."""

    code = "unreadable"


class NetworkError(CallsheetError):
    """No answer came; ``sent`` is false only when the request cannot have reached the server."""

    code = "network"

    def __init__(self, message: str, *, sent: bool = True, hint: str = "") -> None:
        super().__init__(message, hint=hint, retryable=True)
        self.sent = sent


class OutOfTime(NetworkError):
    """The time that a request, or the whole command, may take has run out."""

    code = "out_of_time"


class DownloadError(CallsheetError):
    """A file could not be fetched, checked or written."""

    code = "download"


class WrongKind(DownloadError):
    """A link leads to another kind of file than was asked for."""

    code = "wrong_kind"


class SavedElsewhere(DownloadError):
    """The name was taken or lost while the file was fetched; ``files`` say where they are."""

    code = "saved_elsewhere"
    files: tuple[Any, ...] = ()


class Interrupted(CallsheetError):
    """Stopped by a signal; the exit code is 130 for SIGINT, 143 for SIGTERM."""

    exit_code = 130
    code = "interrupted"
