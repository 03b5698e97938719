"""Hold the streams of one run, and print results on them as JSON, a table or raw text."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, NamedTuple, TextIO

from callsheet.cli.output.cells import (
    align,
    brief,
    cell,
    cells_of,
    csv_of,
    separate_by_tabs,
    table_of,
)
from callsheet.errors import CallsheetError, UsageError
from callsheet.masking import masked
from callsheet.text import did_you_mean, dumps, safe_text, silence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import BinaryIO

    from callsheet.flows.invoke import ParsedReply
    from callsheet.storage.partial_file import SavedFile


FORMATS = ("json", "jsonl", "ndjson", "csv", "table", "raw")


class Console:
    """The streams of one run with its format, verbosity and colour.

    ``flags`` holds the values of our own flags; it is filled while the command line is parsed,
    so ``argv`` counts for ``--json`` and ``--debug`` before that. ``env`` begins the names of
    the program's variables. ``emits_json`` is false for a command whose output is not a
    JSON document.
    """

    def __init__(
        self,
        prog: str,
        env: str,
        flags: Mapping[str, str],
        argv: Sequence[str],
        environ: Mapping[str, str],
    ) -> None:
        self.prog, self.env = prog, env
        self.flags, self.argv, self.environ = flags, argv, environ
        self.emits_json = True

    @property
    def quiet(self) -> bool:
        """Tell whether progress and hints are unwanted."""
        return "quiet" in self.flags

    @property
    def debug(self) -> bool:
        """Tell whether ``--debug`` was given, also where the command line could not be parsed."""
        return "debug" in self.flags or "--debug" in self.argv

    def on_terminal(self) -> bool:
        """Tell whether stdout is a terminal, which a person reads."""
        return sys.stdout is not None and sys.stdout.isatty()

    def can_ask(self) -> bool:
        """Tell whether a person can be asked: two terminals, and no ``--no-input``."""
        streams = (sys.stdin, sys.stderr)
        terminals = all(stream is not None and stream.isatty() for stream in streams)
        return terminals and "no-input" not in self.flags

    def style(self, text: str, style: str, stream: TextIO | None) -> str:
        """Return our own ``text`` in a style where ``stream`` shows colour."""
        return apply_style(text, style, wants_colour(stream, self.environ))

    def note(self, text: str) -> None:
        """Write one line to stderr, unless ``--quiet`` was given."""
        if not self.quiet:
            self.warn(text)

    def warn(self, text: str, head: str = "") -> None:
        """Write one line to stderr; ``head`` is ours and begins it, in the colour of errors.

        A closed or full stream is ignored: it must not end a command whose job runs on.
        """
        if sys.stderr is None:
            return
        head = self.style(head, "bad", sys.stderr)
        try:
            sys.stderr.write(f"{head}{safe_text(text)}\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            silence(sys.stderr)


STYLES = {"bold": "1", "dim": "2", "bad": "1;31", "good": "32", "odd": "33"}


def wants_colour(stream: IO[str] | None, environ: Mapping[str, str]) -> bool:
    """Tell whether to colour: not with ``NO_COLOR``, else on a terminal or with ``FORCE_COLOR``."""
    if stream is None or environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "") not in {"", "0"}:
        return True
    return can_redraw(stream, environ)


def can_redraw(stream: IO[str] | None, environ: Mapping[str, str]) -> bool:
    """Tell whether a line on this stream may be drawn over again."""
    return stream is not None and stream.isatty() and environ.get("TERM") not in {"dumb", ""}


def apply_style(text: str, style: str, wanted: bool) -> str:
    """Return our own ``text`` in a style; a server's text has to be made safe before."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if wanted and style and text else text


def write(text: str) -> None:
    """Write text to stdout as UTF-8 in any locale, with the keys in use masked."""
    write_bytes(masked(text).encode("utf-8", "replace"))


def write_bytes(raw: bytes) -> None:
    """Write bytes to stdout as they are; nowhere if it is closed.

    Raises ``BrokenPipeError`` for a closed pipe, ``CallsheetError`` where they cannot be written,
    such as on a full disk.
    """
    if sys.stdout is None:
        return
    with open_stdout() as stream:
        stream.write(raw)


@contextmanager
def open_stdout() -> Iterator[BinaryIO]:
    """Yield stdout for bytes, flushed before and after.

    Raises ``BrokenPipeError`` for a closed pipe, ``CallsheetError`` for any other failure.
    """
    try:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except OSError as error:
        silence(sys.stdout)
        if isinstance(error, BrokenPipeError):
            raise
        why = error.strerror or type(error).__name__
        raise CallsheetError(
            f"the result cannot be written: {why}",
            code="output",
            hint="tasks list shows what was started",
        ) from None


def write_json(value: Any) -> None:
    """Write one JSON document."""
    write(dumps(value, 2) + "\n")


def chosen_format(console: Console) -> str:
    """Return the format of ``--json``, ``--format`` or the environment; ``""`` without one.

    Raises ``UsageError`` for an unknown format.
    """
    if "json" in console.flags or "--json" in console.argv:
        return "json"
    variable = f"{console.env}_FORMAT"
    name = console.flags.get("format") or console.environ.get(variable, "")
    if name and name not in FORMATS:
        source = "--format" if console.flags.get("format") else variable
        formats = ", ".join(FORMATS)
        hint = did_you_mean(name, FORMATS)
        raise UsageError(f"{source}: {name!r} is not one of {formats}", hint=hint, flag="--format")
    return name


def check(console: Console) -> None:
    """Refuse a format or an expression that cannot be used; raises ``UsageError``."""
    chosen_format(console)
    if console.flags.get("jmespath") is not None:
        _compile(console.flags.get("jmespath") or "")


def wants_document(console: Console) -> bool:
    """Tell whether stdout carries one JSON document, also where something fails."""
    try:
        form = chosen_format(console)
    except UsageError:
        form = ""
    if console.flags.get("out") == "-":
        return False
    if form:
        return form == "json"
    return console.emits_json and not console.on_terminal()


def emit(
    console: Console, value: Any, human: Callable[[], str] | None = None, *, raw: bool = False
) -> None:
    """Print the result of a command in the format asked for.

    ``human`` makes the short view for a terminal; without one a terminal gets JSON too, with the
    files in it cut short, or with ``raw`` the text as it is. Raises ``UsageError`` for a format or
    an expression that cannot be used, ``CallsheetError`` where stdout cannot be written.
    """
    form = chosen_format(console)
    expression = console.flags.get("jmespath")
    if expression:
        value = _select(value, expression)
    elif not form and human is not None and console.on_terminal():
        write(human().rstrip("\n") + "\n")
        return
    elif not form and not raw and console.on_terminal():
        value = brief(value)
    usual = "raw" if raw else "json"
    write(render(value, form or usual, raw_for_terminal=console.on_terminal()))


def render(value: Any, form: str, *, raw_for_terminal: bool = False) -> str:
    """Return ``value`` in one of the formats, with a line end."""
    if form in {"jsonl", "ndjson"}:
        rows = value if isinstance(value, list) else [value]
        return "".join(dumps(row) + "\n" for row in rows)
    if form == "csv":
        return csv_of(value)
    if form == "table":
        return table_of(value)
    if form == "raw":
        are_texts = isinstance(value, list) and all(isinstance(row, str) for row in value)
        return "".join(
            _raw(row, raw_for_terminal) + "\n" for row in (value if are_texts else [value])
        )
    return dumps(value, 2) + "\n"


def _select(value: Any, expression: str) -> Any:
    """Apply the expression of ``--jmespath``; raise ``UsageError`` where it cannot be."""
    from jmespath.exceptions import JMESPathError

    try:
        return _compile(expression).search(value)
    except JMESPathError as error:
        raise _expression_error(error) from None


def _compile(expression: str) -> Any:
    """Compile the expression of ``--jmespath``; raise ``UsageError`` for a wrong one."""
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.compile(expression)
    except JMESPathError as error:
        raise _expression_error(error) from None


def _expression_error(error: Exception) -> UsageError:
    words = str(error).splitlines()[0].rstrip(":")
    return UsageError(
        f"--jmespath: {words}", hint="the language: https://jmespath.org", flag="--jmespath"
    )


def _raw(value: Any, terminal: bool) -> str:
    text = value if isinstance(value, str) else dumps(value)
    return safe_text(text, multiline=True) if terminal else text


def emit_list(
    console: Console,
    rows: list[dict[str, Any]],
    columns: Sequence[str],
    spare: Sequence[str] = (),
) -> None:
    """Print a list: a table on a terminal, tab-separated lines in a pipe, or the chosen format.

    ``spare`` names the columns that a narrow terminal does without, the first to go first.
    """
    if is_tab_separated(console):
        write(to_tab_separated(rows, columns))
        return
    if console.flags.get("jmespath") or chosen_format(console) not in {"", "table"}:
        emit(console, rows)
        return
    if not console.on_terminal():
        heads = [name.upper() for name in columns]
        write(align([heads, *cells_of(rows, columns)]))
        return
    from callsheet.cli.output.fitting import fit_table

    coloured = wants_colour(sys.stdout, console.environ)
    write(fit_table(rows, columns, screen_width(), spare=spare, coloured=coloured))


def screen_width() -> int:
    """Return the columns of the terminal; 80 where nothing tells."""
    from shutil import get_terminal_size

    return get_terminal_size().columns


def is_tab_separated(console: Console) -> bool:
    """Tell whether a list goes into a pipe without another format."""
    plain = not console.flags.get("jmespath") and not chosen_format(console)
    return plain and not console.on_terminal()


def to_tab_separated(rows: list[dict[str, Any]], columns: Sequence[str]) -> str:
    """Return a list as a pipe reads it: a line a row."""
    return separate_by_tabs(cells_of(rows, columns))


def duration(seconds: float) -> str:
    """Return seconds as ``8 s`` or ``2 min 05 s``."""
    total = max(0, int(seconds))
    return f"{total} s" if total < 60 else f"{total // 60} min {total % 60:02d} s"


class JobView(NamedTuple):
    """What is known of a job when it is printed; ``links`` are absolute."""

    answer: ParsedReply
    links: Sequence[str] = ()
    task_id: str | None = None
    medium: str = "videoUrl"
    saved: SavedFile | None = None
    stored: str | None = None


def medium_of(media: Sequence[str], action_id: str) -> str:
    """Return the key of a job's first link: the first of ``media``, else by the action's id."""
    if media:
        return media[0]
    return "imageUrl" if ".image." in f".{action_id}." else "videoUrl"


def job_object(view: JobView) -> dict[str, Any]:
    """Return the documented fields in their order, then the other fields that the server sent."""
    reading = view.answer.fields
    payload = reading.payload if isinstance(reading.payload, dict) else {}
    link = view.links[0] if view.links else None
    file = view.answer.http.file
    document: dict[str, Any] = {
        "taskId": view.task_id or (reading.task_ids[0] if reading.task_ids else None),
        "status": reading.raw_state or reading.state or None,
        view.medium: link,
        "localPath": view.saved.path if view.saved else file.path if file else None,
        "url": view.stored or payload.get("url") or link,
        "provider": payload.get("provider"),
        "model": payload.get("model"),
        "files": [view.saved._asdict()] if view.saved else [],
    }
    return document | {name: field for name, field in payload.items() if name not in document}


def job_lines(document: dict[str, Any]) -> str:
    """Return the short view for a terminal: a line for each field of a job that has a value."""
    names = ("taskId", "status", "localPath", "url", "provider", "model")
    rows = [(name, cell(document[name])) for name in names if document.get(name) is not None]
    if document.get("usualSeconds") is not None:
        rows.append(("usually", duration(document["usualSeconds"])))
    return "".join(f"{name:10} {text}\n" for name, text in rows)
