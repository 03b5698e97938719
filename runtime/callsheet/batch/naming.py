"""Name batches, rows, requests and files: a row gets the same reference in every run."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
import uuid
from typing import TYPE_CHECKING, Any

from callsheet.errors import UsageError
from callsheet.jsonio import canonical, digest
from callsheet.masking import masked
from callsheet.storage.output_path import PLACEHOLDERS
from callsheet.text import did_you_mean, listing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from callsheet.batch.rows import Row


_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.-]*)(?::0?(\d{1,2}))?\}")
_LONGEST_WORD = 80  # bytes of one word in a file's name
_LATE = frozenset(PLACEHOLDERS) - {"action"}
OWN = ("n", "key", *PLACEHOLDERS)
"""The placeholders of a file's name beside the fields of the body."""


def batch_name(path: str, content: str) -> str:
    """Return the name of a batch: the stem of its file and a digest of the absolute path.

    Rows without a file (``-``, or of a program) are named by the digest of their ``content``.
    """
    if path in {"-", ""}:
        return f"{'stdin' if path else 'rows'}-{content[:8]}"
    absolute = os.path.realpath(path)
    stem = _word(os.path.splitext(os.path.basename(path))[0]) or "rows"
    return f"{stem}-{hashlib.sha256(os.fsencode(absolute)).hexdigest()[:8]}"


def check_name(name: str) -> str:
    """Return the name of a batch; raise ``UsageError`` if it cannot be part of a file's name."""
    if not re.fullmatch(r"[\w][\w.-]{0,99}", name):
        raise UsageError(
            f"a batch cannot be called {name!r}", hint="use letters, digits, - _ .", flag="--name"
        )
    return name


def reference_maker(origin: str, batch: str) -> Callable[[str, int], str]:
    """Return the function from a row's key and attempt to its client reference.

    It is the UUIDv5 of origin, batch, key and attempt: the same request has the same reference in
    every process, and the ledger refuses a second use of it.
    """

    def reference(key: str, attempt: int) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, canonical([origin, batch, key, attempt])))

    return reference


def row_digest(row: Row) -> str:
    """Return the digest of what a row asks for: its action and its body."""
    return digest([row.action, row.body])


def check_template(out: str, fields: Sequence[str]) -> None:
    """Raise ``UsageError`` for a placeholder that is neither ours nor a field of the body."""
    for match in _PLACEHOLDER.finditer(out):
        name = match[1]
        if name not in OWN and name not in fields:
            words = listing(f"{{{word}}}" for word in OWN)
            raise UsageError(
                f"--out: there is no {{{name}}}",
                hint=did_you_mean(name, [*OWN, *fields]) or f"a field of the body, or {words}",
                flag="--out",
            )


def fill_template(out: str, row: Row) -> str:
    """Fill in what a row says; ``{task_id}``, ``{index}`` and ``{ext}`` come with its result.

    No word that is filled in can lead to another folder.
    """

    def replace(match: re.Match[str]) -> str:
        name, width = match[1], int(match[2] or 0)
        if name in _LATE:
            return match[0]
        if name == "n":
            return f"{row.n:0{width}d}"
        word = row.key if name == "key" else row.action if name == "action" else _field(row, name)
        return _word(word) or "none"

    return _PLACEHOLDER.sub(replace, out)


def _field(row: Row, name: str) -> str:
    value: Any = row.body
    for step in (name,) if name in row.body else name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return "" if value is None else str(value)


def _word(text: str) -> str:
    """Return text as a part of a file's name: letters and digits of any script, and ``_ -``."""
    plain = unicodedata.normalize("NFC", masked(text))
    safe = re.sub(r"[^\w-]+|_{2,}", "-", plain).strip("-_")
    return safe.encode()[:_LONGEST_WORD].decode(errors="ignore").strip("-_")
