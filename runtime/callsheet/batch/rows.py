"""Read the rows of a batch from text, CSV or JSON lines, each as the body of a request."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import tempfile
from itertools import product
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from callsheet import jsonio
from callsheet.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    Path = tuple[str, ...]
    CellReader = Callable[[str, str], tuple[Path, Any]]


ENVELOPE = frozenset(("action", "input", "out", "id"))
"""The keys of a line that names its action, its id or its file beside its body."""
KINDS = {".txt": "txt", ".text": "txt", ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_CHUNK = 1 << 20  # bytes
_LONGEST_LINE = 64 << 20  # bytes


class Row(NamedTuple):
    """One request of a batch: its number from 1, the line that it stands on, and its body.

    ``id`` and ``out`` are empty where the row does not name them. ``key`` names the row within
    its batch, however often the file is read.
    """

    n: int
    line: int
    action: str
    body: dict[str, Any]
    id: str = ""
    out: str = ""
    key: str = ""


class RowFault(UsageError):
    """Rows that cannot be sent; ``faults`` has a line for each of the first ones."""

    code = "invalid_input"
    faults: tuple[str, ...] = ()


class RowShape(NamedTuple):
    """How a row becomes a body.

    ``action`` is the action of rows that name none, ``base`` what all bodies begin with.
    ``field`` is the path that a line of text fills. ``read_cell`` reads a cell of CSV by the name
    of its column. ``vary`` are the fields that take each of several values in turn.
    """

    action: str = ""
    base: Mapping[str, Any] = {}
    field: Path = ()
    read_cell: CellReader | None = None
    vary: tuple[tuple[Path, tuple[Any, ...]], ...] = ()


class RowSource:
    """The bytes of a file of rows, copied when they were first read; nothing else changes them.

    ``digest`` is their SHA-256. ``name`` is what messages call the file.
    """

    def __init__(self, name: str, kind: str) -> None:
        self.name, self.kind = name, kind
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by ``close``
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        """Return the SHA-256 of all bytes."""
        return self._hash.hexdigest()

    def add(self, chunk: bytes) -> None:
        """Append bytes."""
        self._file.write(chunk)
        self._hash.update(chunk)

    def close(self) -> None:
        """Remove the copy."""
        self._file.close()

    def records(self) -> Iterator[tuple[int, Any]]:
        """Yield the number of each line that holds a row, and what stands there, not yet read.

        That is a text, or for CSV a pair of the column names and the cells. Raises ``UsageError``.
        """
        self._file.seek(0)
        if self.kind == "csv":
            yield from self._cells()
            return
        for number, line in enumerate(iter(lambda: self._file.readline(_LONGEST_LINE), b""), 1):
            text = self._decode(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line, number)
            if text.strip():
                yield number, text.strip("\r\n")

    def _cells(self) -> Iterator[tuple[int, Any]]:
        text = io.TextIOWrapper(self._file, "utf-8-sig", newline="", errors="strict")
        try:
            reader = csv.reader(text, strict=True)
            names = [name.strip() for name in next(reader, [])]
            self._check_columns(names)
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield reader.line_num, (names, cells)
        except UnicodeDecodeError:
            raise UsageError(f"{self.name} is not UTF-8") from None
        except csv.Error as error:
            raise UsageError(f"{self.name} is not CSV: {error}") from None
        finally:
            text.detach()

    def _check_columns(self, names: Sequence[str]) -> None:
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise UsageError(f"{self.name}: two columns are called {twice!r}")
        if not any(names):
            raise UsageError(
                f"{self.name}: the first line does not name the columns",
                hint="name each column by a flag, such as prompt",
            )

    def _decode(self, line: bytes, number: int) -> str:
        if len(line) >= _LONGEST_LINE:
            raise UsageError(f"{self.name} line {number}: longer than 64 MiB")
        try:
            return line.decode()
        except UnicodeDecodeError:
            raise UsageError(f"{self.name} line {number} is not UTF-8") from None


def read_file(path: str, stdin: IO[bytes], kind: str = "") -> RowSource:
    """Copy a file of rows, or standard input for ``-``; ``kind`` is txt, csv or jsonl.

    Raises ``UsageError`` for a file that cannot be read, and for a kind that no name tells.
    """
    name = "standard input" if path == "-" else path
    kind = kind or KINDS.get(os.path.splitext(path)[1].lower(), "txt" if path == "-" else "")
    if not kind:
        raise UsageError(
            f"{path}: the format is not known: the name does not end in {', '.join(KINDS)}",
            hint="name it: --rows txt, csv or jsonl",
            flag="--rows",
        )
    source = RowSource(name, kind)
    try:
        with stdin if path == "-" else open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                source.add(chunk)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    return source


def read_values(rows: Iterable[Any]) -> RowSource:
    """Copy rows of a program: bodies, or objects with the keys of ``ENVELOPE``."""
    source = RowSource("the rows", "jsonl")
    for row in rows:
        source.add(jsonio.encode(row).encode() + b"\n")
    return source


def make_rows(
    source: RowSource, shape: RowShape, wanted: Callable[[int], bool] = lambda n: True
) -> Iterator[Row | UsageError]:
    """Yield the rows of a source without keys, and the error of each that cannot be read.

    Only rows whose number is ``wanted`` are read. Raises ``UsageError`` where no row can be.
    """
    if source.kind == "txt" and not shape.field:
        raise UsageError(
            f"{source.name}: it is not known which field a line fills",
            hint="name it: --field NAME",
            flag="--field",
        )
    variants = list(product(*(values for _, values in shape.vary)))
    n = 0
    for line, record in source.records():
        if source.kind == "csv" and not n:
            _require_fields(record[0], shape)
        numbers = range(n + 1, n + len(variants) + 1)
        n += len(variants)
        if not any(wanted(number) for number in numbers):
            continue
        try:
            row = _read(source.kind, record, shape)
        except (UsageError, ValueError) as error:
            message = error.message if isinstance(error, UsageError) else str(error)
            yield UsageError(f"{source.name} line {line}: {message}")
            continue
        for number, chosen in zip(numbers, variants, strict=True):
            if wanted(number):
                yield _vary(row._replace(n=number, line=line), shape, chosen)


def _read(kind: str, record: Any, shape: RowShape) -> Row:
    if kind == "jsonl":
        return _read_object(jsonio.decode(record), shape)
    base = _copy(shape.base)
    if kind == "txt":
        put(base, shape.field, record)
        return Row(0, 0, shape.action, base)
    return _read_cells(*record, base=base, shape=shape)


def _read_cells(
    names: Sequence[str], cells: Sequence[str], *, base: dict[str, Any], shape: RowShape
) -> Row:
    if len(cells) > len(names):
        raise UsageError(f"{len(cells)} cells, but {len(names)} named columns")
    own = {"action": shape.action, "id": "", "out": ""}
    for name, cell in zip(names, cells, strict=False):
        if not cell.strip() or not name:
            continue
        if name in own and not _is_field(name, shape):
            own[name] = cell.strip()
            continue
        if shape.read_cell is None:
            raise UsageError("a row of CSV needs the name of its action")
        put(base, *shape.read_cell(name, cell))
    return Row(0, 0, own["action"], base, own["id"], own["out"])


def _require_fields(names: Sequence[str], shape: RowShape) -> None:
    """Raise ``UsageError`` for a column that is no field, even if all its cells are empty."""
    for name in names:
        if name and name not in ENVELOPE and shape.read_cell is not None:
            shape.read_cell(name, "null")


def _is_field(name: str, shape: RowShape) -> bool:
    """Tell whether a column fills a field of that name, for an action's fields own their names."""
    if shape.read_cell is None:
        return False
    try:
        shape.read_cell(name, "null")
    except UsageError:
        return False
    return True


def _read_object(document: Any, shape: RowShape) -> Row:
    if isinstance(document, str) and shape.field:
        base = _copy(shape.base)
        put(base, shape.field, document)
        return Row(0, 0, shape.action, base)
    if not isinstance(document, dict):
        raise UsageError("not a JSON object")
    if not isinstance(document.get("input"), dict) or not set(document) <= ENVELOPE:
        return Row(0, 0, shape.action, {**_copy(shape.base), **document})
    own = {name: document.get(name, "") for name in ("action", "id", "out")}
    wrong = next((name for name, text in own.items() if not isinstance(text, str | int)), None)
    if wrong is not None:
        raise UsageError(f"{wrong} is not a text")
    action = str(own["action"]) or shape.action
    base = _copy(shape.base) if action == shape.action else {}
    return Row(0, 0, action, {**base, **document["input"]}, str(own["id"]), str(own["out"]))


def _vary(row: Row, shape: RowShape, chosen: Sequence[Any]) -> Row:
    """Return a row with one value of each field that varies; its id names them too."""
    if not chosen:
        return row
    body, suffix = _copy(row.body), ""
    for (path, _), value in zip(shape.vary, chosen, strict=True):
        put(body, path, value)
        suffix += f"/{'.'.join(path)}={value if isinstance(value, str) else json.dumps(value)}"
    return row._replace(body=body, id=row.id + suffix if row.id else "")


def _copy(body: Mapping[str, Any]) -> dict[str, Any]:
    """Copy the objects of a body, so that ``put`` changes the copy alone."""
    return {name: _copy(part) if isinstance(part, dict) else part for name, part in body.items()}


def put(body: dict[str, Any], path: Path, value: Any) -> None:
    """Set the value at a path of names in ``body`` itself; replace what is not an object there."""
    for name in path[:-1]:
        inner = body.get(name)
        if not isinstance(inner, dict):
            inner = body[name] = {}
        body = inner
    body[path[-1]] = value
