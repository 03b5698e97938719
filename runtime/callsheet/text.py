"""Make server text safe to print, and suggest what a mistyped word may mean."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from callsheet.masking import masked

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

# Patterns stay texts until one is needed: ``re`` keeps what it compiled, and most text is plain.
# A whole sequence goes, not its first byte alone: "[31m" would stay behind as noise. The string
# forms (OSC, DCS, SOS, PM, APC) end at BEL or ST; an unfinished one loses only its opening.
_SEQUENCE = (
    r"(?:\x1b\[|\x9b)[0-?]{0,256}[ -/]{0,16}[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]{0,4096}(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]{1,16}[0-~]"
    r"|\x1b[0-Z\\^-~]"
)
_LINE_END = "\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]"

# Printable by category, yet drawn as nothing: they hide text or make two names look alike.
INVISIBLE = (
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_PLAIN = frozenset("._:/@%+,=-")
_DRAWN = frozenset("→…≤≥·")  # what our own lines have beside ASCII


def safe_text(content: object, limit: int | None = None, *, multiline: bool = False) -> str:
    """Return ``content`` as text that cannot control a terminal, of at most ``limit`` characters.

    Keys in use are masked. Ordinary Unicode stays. Line ends become ``\\n`` with ``multiline``,
    else a space. ``None`` becomes "", other values than texts and bytes JSON. Never raises.
    """
    text = _as_text(content)
    if not (text.isascii() and text.isprintable()):
        text = _clean(text, "\n" if multiline else " ")
    text = masked(text)  # after signs inside a key are gone, and before it is cut
    if limit is not None and len(text) > limit:
        text = text[: max(limit - 1, 0)] + "…" if limit > 0 else ""
    return text


def one_line(content: object, limit: int | None = None) -> str:
    """Return ``safe_text`` of ``content``, trimmed and with single spaces inside."""
    whole = safe_text(content)
    text = " ".join(whole.split())
    return text if limit is None and text == whole else safe_text(text, limit)


def is_typable(text: str) -> bool:
    """Tell whether every shell takes ``text`` as one plain word, fit to be a completion."""
    return bool(text) and all(char.isalnum() or char in _PLAIN for char in text)


def shell_word(text: str) -> str:
    """Quote ``text`` as one word of a command line that a person may copy into any shell."""
    word = one_line(text)
    if is_typable(word):
        return word
    import shlex

    return shlex.quote(word)


def task_line(verb: str, task_id: str, flags: str = "") -> str:
    """Return ``tasks VERB ID FLAGS`` as a person may type it; an id like a flag follows ``--``."""
    word = shell_word(task_id)
    parts = (flags, "--", word) if task_id.startswith("-") else (word, flags)
    return " ".join(filter(None, ("tasks", verb, *parts)))


def silence(stream: TextIO) -> None:
    """Redirect a stream that cannot be written to the null device.

    What is left in its buffer would fail once more when the interpreter ends, with exit code 120.
    """
    import os

    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def clip(text: str, size: int) -> str:
    """Cut ``text`` to at most ``size`` bytes of UTF-8, with ``…`` where something was cut."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= size:
        return text
    return encoded[: max(size - 3, 0)].decode("utf-8", "ignore") + ("…" if size >= 3 else "")


def _as_text(content: object) -> str:
    """Return a value as text, which may still control a terminal; never raises."""
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if isinstance(content, bytes | bytearray):
        return bytes(content).decode("utf-8", "replace")
    import json

    try:
        return json.dumps(content, ensure_ascii=False, default=str)
    except (ValueError, TypeError, RecursionError):
        return f"({type(content).__name__} that cannot be shown)"


def _clean(text: str, line_end: str) -> str:
    """Return a text without terminal sequences and invisible characters."""
    if not text.isprintable():
        text = re.sub(_SEQUENCE, "", text)
        text = re.sub(_LINE_END, line_end, text).replace("\t", " ")
    if not _DRAWN.issuperset(char for char in set(text) if not char.isascii()):
        text = re.sub(INVISIBLE, "", text)  # takes long to be compiled
    if text.isprintable():
        return text
    return "".join(_visible_char(char) for char in text)


def _visible_char(char: str) -> str:
    if char.isprintable() or char == "\n":
        return char
    import unicodedata

    category = unicodedata.category(char)
    if category == "Zs":
        return " "
    return "" if category in {"Cc", "Cf"} else "\ufffd"


_LONGEST = 60

# Each looks at a letter but once or twice: a server may send a name of a hundred thousand.
_PLURAL_ACRONYM = r"(?<![A-Z])([A-Z]{2,}+)s(?![a-z])"

_WORD_START = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"

_NOT_A_WORD = r"[^A-Za-z0-9]+"


def kebab(name: str) -> str:
    """Join words of ``[a-z0-9]`` by dashes: ``imageInput`` → ``image-input``.

    Accents are dropped; a letter outside ASCII becomes ``x`` and its number in hexadecimal,
    so that a flag can be typed anywhere. Never empty, at most 60 characters.
    """
    plain = name if name.isascii() else _fold_accents(name)
    plain = re.sub(_PLURAL_ACRONYM, lambda match: match[1].capitalize() + "s", plain)
    plain = re.sub(_WORD_START, "-", plain)
    text = re.sub(_NOT_A_WORD, "-", plain).strip("-").lower()
    if not text:
        return f"field-{_short_hash(name)}" if name else "field"
    if len(text) > _LONGEST:
        return f"{text[: _LONGEST - 9].rstrip('-')}-{_short_hash(name)}"
    return text


def _fold_accents(name: str) -> str:
    """Return a name in ASCII: accents go, other letters become ``-xHEX-``."""
    import unicodedata

    letters = unicodedata.normalize("NFKD", name)
    return "".join(_typable_char(char) for char in letters if not unicodedata.combining(char))


def _typable_char(char: str) -> str:
    if char.isascii():
        return char
    return f"-x{ord(char):x}-" if char.isalnum() else "-"


def _short_hash(name: str) -> str:
    import hashlib

    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]


# Legal inside a JSON string and yet able to drive a terminal; their escapes mean the same.
_UNSAFE = "[\x7f-\x9f\u2028\u2029]|" + INVISIBLE


def dumps(document: Any, indent: int | None = None) -> str:
    """Write one JSON document without characters that control a terminal; these are escaped."""
    import json

    separators = (",", ":") if indent is None else None
    text = json.dumps(
        document, ensure_ascii=False, indent=indent, separators=separators, default=str
    )
    if text.isascii() and "\x7f" not in text:
        return text
    text = re.sub(_UNSAFE, lambda match: json.dumps(match[0])[1:-1], text)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(document, indent=indent, separators=separators, default=str)
    return text


_SHOWN = 12


def nearest(word: str, words: Iterable[str], cutoff: float = 0.6) -> str:
    """Return the one of ``words`` closest to ``word``, case aside, or "" where none is close.

    ``cutoff`` is how much of them has to agree, from 0 to 1.
    """
    import difflib

    by_case = {name.lower(): name for name in words}
    close = difflib.get_close_matches(word.lower(), by_case, n=1, cutoff=cutoff)
    return by_case[close[0]] if close else ""


def nearest_number(number: float, choices: Iterable[object]) -> int | float | None:
    """Return the number among ``choices`` closest to ``number``, or ``None`` without numbers."""
    numbers = [n for n in choices if isinstance(n, int | float) and not isinstance(n, bool)]
    return min(numbers, key=lambda candidate: abs(candidate - number), default=None)


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """Return a question such as ``did you mean text-to-video?``, or an empty string."""
    close = nearest(word, words)
    return f"did you mean {close}?" if close else ""


def listing(words: Iterable[str]) -> str:
    """Join words with commas; after the first dozen say only how many more there are."""
    listed = list(words)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more


# The runtime writes its own command lines without the name of the program: "tasks wait ID".
_OWN_LINES = (
    r"(?:^|(?<=: )|(?<=; )|(?<=`))(?=(?:"
    r"batch (?:run|list|status|failed|retry|save|cancel)|"
    r"tasks (?:list|show|wait|save|rerun|recover|forget|prune|cancel)|actions (?:list|schema|diff)|"
    r"login(?= --)|call(?= [\w.-]+(?: --|`))|api(?= GET)|probe|doctor|"
    r"config (?:get|list|set))(?![\w.]))"
)


def with_program(program: str, hint: str) -> str:
    """Return a hint with the name of the program before each command line of ours."""
    return re.sub(_OWN_LINES, lambda _: f"{program} ", hint)


def warn(text: str) -> None:
    """Log a warning as ``callsheet``, with keys in use masked; a program decides who sees it."""
    import logging

    log = logging.getLogger("callsheet")
    if not log.handlers:
        log.addHandler(logging.NullHandler())
    log.warning("%s", masked(text))


def word_list(text: str) -> tuple[str, ...]:
    """Return the words of a table that is written as plain text, in their order."""
    return tuple(text.split())


def word_set(text: str) -> frozenset[str]:
    """Return the words of a table that is written as plain text."""
    return frozenset(text.split())
