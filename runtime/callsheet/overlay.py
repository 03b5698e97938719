"""The project's own word on a catalogue: aliases, hidden fields, families, free actions."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from callsheet.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WHERE = "tool.callsheet"
_FLAG = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.")
_ENCODINGS = ("data-uri", "base64", "multipart")
_PROTOCOL_KEYS = frozenset(
    (
        *("list", "id-key", "schema", "envelope-ok", "task-id", "state", "done", "failed"),
        *("media", "error-message", "auth", "free"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """What the configuration says about actions; globs match action ids, names are wire names.

    ``aliases`` maps a wire name (nested ones joined by dots) to a flag. ``hidden`` maps a glob
    to the fields that get no flag. ``families`` maps a create action to ``wait``, ``query``
    and ``task-key``. ``upload``, ``tasks`` and ``protocol`` are handed on as they were read.
    """

    strip_prefixes: tuple[str, ...] = ("ai.",)
    free: tuple[str, ...] = ()
    comma: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    hidden: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    families: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    upload: Mapping[str, str] = field(default_factory=dict)
    tasks: Mapping[str, str] = field(default_factory=dict)
    protocol: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def keys(cls) -> frozenset[str]:
        """The keys of the table that this class reads; the others belong to the configuration."""
        return frozenset(one.name.replace("_", "-") for one in fields(cls))

    @classmethod
    def parse(cls, table: Mapping[str, Any]) -> Overlay:
        """Read the ``[tool.callsheet]`` table; raises ``UsageError`` that names the key's path.

        Keys that are not the overlay's are left to their owner.
        """
        known = {
            one.name: _READERS[one.name](table[key], f"{_WHERE}.{key}")
            for one in fields(cls)
            if (key := one.name.replace("_", "-")) in table
        }
        return cls(**known)

    def as_json(self) -> dict[str, Any]:
        """The plain table again, with every key that differs from its default."""
        plain = Overlay()
        return {
            one.name.replace("_", "-"): _plain(getattr(self, one.name))
            for one in fields(self)
            if getattr(self, one.name) != getattr(plain, one.name)
        }

    def alias(self, wire: str) -> str | None:
        """The flag that the configuration gives to a wire name, or ``None``."""
        return self.aliases.get(wire)

    def is_hidden(self, action_id: str, wire: str) -> bool:
        """Whether the field is the API's alone and gets no flag."""
        return any(
            wire in names and fnmatchcase(action_id, glob) for glob, names in self.hidden.items()
        )

    def is_free(self, action_id: str) -> bool:
        """Whether the configuration says that the action costs nothing."""
        return _matches(action_id, self.free)

    def admits(self, action_id: str) -> bool:
        """Whether the action is wanted: in ``include`` (all, when empty), not in ``exclude``."""
        wanted = not self.include or _matches(action_id, self.include)
        return wanted and not _matches(action_id, self.exclude)


def _matches(action_id: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(action_id, glob) for glob in globs)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if hasattr(value, "items"):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _refuse(where: str, wanted: str, value: object) -> UsageError:
    return UsageError(
        f"{where} is {type(value).__name__} {str(value)[:60]!r}, wanted {wanted}",
        hint="correct it in pyproject.toml",
        code="configuration",
    )


def _key(where: str, key: str) -> str:
    bare = bool(key) and all(char.isalnum() or char in "-_" for char in key)
    return f"{where}.{key}" if bare else f'{where}."{key}"'


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise _refuse(where, "a text", value)
    return value


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise _refuse(where, "a list of texts", value)
    return tuple(_text(item, f"{where}[{index}]") for index, item in enumerate(value))


def _table(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _refuse(where, "a table", value)
    return value


def _aliases(value: object, where: str) -> Mapping[str, str]:
    for wire, flag in _table(value, where).items():
        named = _text(flag, _key(where, wire))
        if not set(named) <= _FLAG or not named[0].isalnum() or not named[-1].isalnum():
            raise _refuse(_key(where, wire), "a flag such as image-input, without --", flag)
    return dict(_table(value, where))


def _hidden(value: object, where: str) -> Mapping[str, tuple[str, ...]]:
    table = _table(value, where)
    return {glob: _texts(names, _key(where, glob)) for glob, names in table.items()}


def _record(allowed: Mapping[str, bool]) -> Callable[[object, str], Mapping[str, str]]:
    """A reader of a table of texts; ``allowed`` says of each key whether it must be there."""

    def read(value: object, where: str) -> Mapping[str, str]:
        table = _table(value, where)
        for key, needed in allowed.items():
            if needed and key not in table:
                raise UsageError(f"{where} lacks {key}", code="configuration")
        for key in table:
            if key not in allowed:
                raise _refuse(_key(where, key), f"one of {', '.join(sorted(allowed))}", key)
        return {key: _text(item, _key(where, key)) for key, item in table.items()}

    return read


def _upload(value: object, where: str) -> Mapping[str, str]:
    needed = {"action": True, "field": True, "encoding": False, "result": False}
    found = _record(needed)(value, where)
    if found.get("encoding", "data-uri") not in _ENCODINGS:
        raise _refuse(f"{where}.encoding", f"one of {', '.join(_ENCODINGS)}", found["encoding"])
    return found


def _families(value: object, where: str) -> Mapping[str, Mapping[str, str]]:
    read = _record({"wait": False, "query": True, "task-key": False})
    return {name: read(one, _key(where, name)) for name, one in _table(value, where).items()}


def _protocol(value: object, where: str) -> Mapping[str, Any]:
    table = _table(value, where)
    for key, said in table.items():
        if key not in _PROTOCOL_KEYS:
            raise _refuse(_key(where, key), f"one of {', '.join(sorted(_PROTOCOL_KEYS))}", key)
        if isinstance(said, list | tuple):
            _texts(said, _key(where, key))
        elif not isinstance(said, str | int | bool):
            raise _refuse(_key(where, key), "a text, a number or a list of texts", said)
    return dict(table)


_READERS: Mapping[str, Callable[[object, str], Any]] = {
    "strip_prefixes": _texts,
    "free": _texts,
    "comma": _texts,
    "media": _texts,
    "aliases": _aliases,
    "hidden": _hidden,
    "include": _texts,
    "exclude": _texts,
    "families": _families,
    "upload": _upload,
    "tasks": _record({"action": True, "match": True}),
    "protocol": _protocol,
}
