"""Check the values of a project's rules one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callsheet.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Reader = Callable[[object, str], Any]


_FLAG = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.")
_WORD = _FLAG - {"."}
_ENCODINGS = ("data-uri", "base64", "multipart")
_PROTOCOL_KEYS = frozenset(
    (
        *("list", "id-key", "schema", "envelope-ok", "task-id", "state", "done", "failed"),
        *("media", "error-message", "auth", "free"),
    )
)
_UNITS = {"s": 1000, "m": 60_000, "h": 3_600_000}
_LONGEST = 7 * 24 * 3_600_000


def _refuse(where: str, wanted: str, value: object) -> UsageError:
    return UsageError(
        f"{where} is {type(value).__name__} {str(value)[:60]!r}, wanted {wanted}",
        hint="correct it in pyproject.toml",
        code="configuration",
    )


def _key(where: str, key: str) -> str:
    bare = bool(key) and all(char.isalnum() or char in "-_" for char in key)
    return f"{where}.{key}" if bare else f'{where}."{key}"'


def text(value: object, where: str) -> str:
    """A text that says something."""
    if not isinstance(value, str) or not value:
        raise _refuse(where, "a text", value)
    return value


def texts(value: object, where: str) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(value, list | tuple):
        raise _refuse(where, "a list of texts", value)
    return tuple(text(item, f"{where}[{index}]") for index, item in enumerate(value))


def _table(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _refuse(where, "a table", value)
    return value


def each(read: Reader) -> Reader:
    """A reader of a table whose every value ``read`` takes."""

    def whole(value: object, where: str) -> Mapping[str, Any]:
        return {key: read(item, _key(where, key)) for key, item in _table(value, where).items()}

    return whole


def flag(value: object, where: str) -> str:
    """A flag without its dashes."""
    named = text(value, where)
    if not set(named) <= _FLAG or not named[0].isalnum() or not named[-1].isalnum():
        raise _refuse(where, "a flag such as image-input, without --", value)
    return named


def command(value: object, where: str) -> tuple[str, ...]:
    """The words of a command or of a group: ``film make``."""
    words = tuple(text(value, where).split())
    if not words or not all(set(word) <= _WORD and word[0].isalpha() for word in words):
        raise _refuse(where, "words of small letters such as `film make`", value)
    return words


def identifier(value: object, where: str) -> str:
    """A name in Python."""
    named = text(value, where)
    if not named.isidentifier() or not named.isascii() or named.startswith("_"):
        raise _refuse(where, "a Python name such as make_film", value)
    return named


def duration(value: object, where: str) -> int:
    """A time in milliseconds: ``90s``, ``20m``, ``2h``, or a number of milliseconds."""
    said = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    number, unit = (said[:-1], said[-1:]) if said[-1:] in _UNITS else (said, "")
    amount = int(number) * _UNITS.get(unit, 1) if number.isascii() and number.isdecimal() else 0
    if not 1000 <= amount <= _LONGEST:
        raise _refuse(
            where, "a time such as 90s, 20m or 600000 (milliseconds), a second to a week", value
        )
    return amount


def plain(value: object, where: str) -> Any:
    """A value that JSON can say."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, list | tuple):
        return [plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, dict):
        return {key: plain(item, _key(where, key)) for key, item in value.items()}
    raise _refuse(where, "a value that JSON can say", value)


def record(allowed: Mapping[str, bool]) -> Callable[[object, str], Mapping[str, str]]:
    """A reader of a table of texts; ``allowed`` says of each key whether it must be there."""

    def read(value: object, where: str) -> Mapping[str, str]:
        table = _table(value, where)
        for key, needed in allowed.items():
            if needed and key not in table:
                raise UsageError(f"{where} lacks {key}", code="configuration")
        for key in table:
            if key not in allowed:
                raise _refuse(_key(where, key), f"one of {', '.join(sorted(allowed))}", key)
        return {key: text(item, _key(where, key)) for key, item in table.items()}

    return read


def upload(value: object, where: str) -> Mapping[str, str]:
    """How a local file is stored: ``action``, ``field``, ``encoding``, ``result``."""
    needed = {"action": True, "field": True, "encoding": False, "result": False}
    found = record(needed)(value, where)
    if found.get("encoding", "data-uri") not in _ENCODINGS:
        raise _refuse(f"{where}.encoding", f"one of {', '.join(_ENCODINGS)}", found["encoding"])
    return found


def families(value: object, where: str) -> Mapping[str, Mapping[str, str]]:
    """Create action → ``query``, ``wait`` and ``task-key``."""
    read = record({"wait": False, "query": True, "task-key": False})
    return {name: read(one, _key(where, name)) for name, one in _table(value, where).items()}


def protocol(value: object, where: str) -> Mapping[str, Any]:
    """What is forced where a reply is not recognised by its structure."""
    table = _table(value, where)
    for key, said in table.items():
        if key not in _PROTOCOL_KEYS:
            raise _refuse(_key(where, key), f"one of {', '.join(sorted(_PROTOCOL_KEYS))}", key)
        if isinstance(said, list | tuple):
            texts(said, _key(where, key))
        elif not isinstance(said, str | int | bool):
            raise _refuse(_key(where, key), "a text, a number or a list of texts", said)
    return dict(table)
