"""Read a project's rules about its actions as validated data."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from callsheet.config import overlay_values as values

# Annotations are evaluated: as texts they cost a named tuple twice as much.


_WHERE = "tool.callsheet"


class Overlay(NamedTuple):
    """What the configuration says about actions; globs match action ids, names are wire names.

    ``aliases`` maps a wire name (nested ones joined by dots) to a flag. ``hidden`` maps a glob
    to the fields that get no flag. ``families`` maps a create action to ``wait``, ``query``
    and ``task-key``. ``upload``, ``tasks`` and ``protocol`` are handed on as they were read.
    ``groups`` maps a prefix of ids to words, ``commands`` and ``methods`` an id to its command
    and to its name in the library. ``hide`` are globs of actions without a command. ``flags``
    (glob → wire name → flag), ``describe``, ``describe_fields``, ``waits`` (milliseconds) and
    ``defaults`` (glob → wire name → value to send) speak of actions by globs; of several that
    match the longest glob wins.
    """

    strip_prefixes: tuple[str, ...] = ("ai.",)
    free: tuple[str, ...] = ()
    comma: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    aliases: Mapping[str, str] = {}
    flags: Mapping[str, Mapping[str, str]] = {}
    hidden: Mapping[str, tuple[str, ...]] = {}
    hide: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = {}
    commands: Mapping[str, tuple[str, ...]] = {}
    methods: Mapping[str, str] = {}
    describe: Mapping[str, str] = {}
    describe_fields: Mapping[str, Mapping[str, str]] = {}
    waits: Mapping[str, int] = {}
    defaults: Mapping[str, Mapping[str, Any]] = {}
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    families: Mapping[str, Mapping[str, str]] = {}
    upload: Mapping[str, str] = {}
    tasks: Mapping[str, str] = {}
    protocol: Mapping[str, Any] = {}

    @classmethod
    def keys(cls) -> frozenset[str]:
        """The keys of the table that this class reads; the others belong to the configuration."""
        return frozenset(name.replace("_", "-") for name in cls._fields)

    @classmethod
    def parse(cls, table: Mapping[str, Any]) -> "Overlay":
        """Read the ``[tool.callsheet]`` table; raises ``UsageError`` that names the key's path.

        Keys that are not the overlay's are left to their owner.
        """
        known = {
            name: _READERS[name](table[key], f"{_WHERE}.{key}")
            for name in cls._fields
            if (key := name.replace("_", "-")) in table
        }
        return cls(**known)

    def as_json(self) -> dict[str, Any]:
        """The plain table again, with every key that differs from its default."""
        plain = Overlay()
        return {
            name.replace("_", "-"): _said(name, value)
            for name, value, usual in zip(self._fields, self, plain, strict=True)
            if value != usual
        }

    def alias(self, wire: str) -> str | None:
        """The flag that the configuration gives to a wire name, or ``None``."""
        return self.aliases.get(wire)

    def of(self, action_id: str) -> "Overlay":
        """The same with the aliases that hold for this action."""
        own = _laid(action_id, self.flags)
        return self._replace(aliases={**self.aliases, **own}) if own else self

    def command(self, action_id: str) -> tuple[str, ...]:
        """The words that the configuration gives to an action; empty where it gives none."""
        if action_id in self.commands:
            return self.commands[action_id]
        inside = [prefix for prefix in self.groups if action_id.startswith(f"{prefix}.")]
        if not inside:
            return ()
        from callsheet.text import kebab

        prefix = max(inside, key=len)
        rest = action_id[len(prefix) + 1 :].split(".")
        return (*self.groups[prefix], *map(kebab, rest))

    def is_without_command(self, action_id: str) -> bool:
        """Whether the action shows on no command line; ``call`` still reaches it."""
        return _matches(action_id, self.hide)

    def description(self, action_id: str) -> str:
        """What the configuration says an action does; empty where it says nothing."""
        return next((self.describe[glob] for glob in _by_length(action_id, self.describe)), "")

    def field_descriptions(self, action_id: str) -> Mapping[str, str]:
        """What the configuration says of an action's fields, by wire name."""
        return _laid(action_id, self.describe_fields)

    def wait_ms(self, action_id: str) -> int | None:
        """How long a job of this action is waited for, in milliseconds, if that is said."""
        return next((self.waits[glob] for glob in _by_length(action_id, self.waits)), None)

    def sent(self, action_id: str) -> Mapping[str, Any]:
        """The values that are sent where the caller says none, by wire name."""
        return _laid(action_id, self.defaults)

    def hidden_fields(self, action_id: str) -> frozenset[str]:
        """The fields of an action that are the API's alone and get no flag."""
        matching = (names for glob, names in self.hidden.items() if fnmatchcase(action_id, glob))
        return frozenset(name for names in matching for name in names)

    def is_hidden(self, action_id: str, wire: str) -> bool:
        """Whether the field is the API's alone and gets no flag."""
        return wire in self.hidden_fields(action_id)

    def is_free(self, action_id: str) -> bool:
        """Whether the configuration says that the action costs nothing."""
        return _matches(action_id, self.free)

    def admits(self, action_id: str) -> bool:
        """Whether the action is wanted: in ``include`` (all, when empty), not in ``exclude``."""
        wanted = not self.include or _matches(action_id, self.include)
        return wanted and not _matches(action_id, self.exclude)


def _matches(action_id: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(action_id, glob) for glob in globs)


def _by_length(action_id: str, globs: Iterable[str]) -> list[str]:
    """The globs that match, the most telling (the longest) first."""
    found = (glob for glob in globs if fnmatchcase(action_id, glob))
    return sorted(found, key=lambda glob: (-len(glob), glob))


def _laid(action_id: str, table: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The entries of all globs that match, a longer one's over a shorter one's."""
    found: dict[str, Any] = {}
    for glob in reversed(_by_length(action_id, table)):
        found |= table[glob]
    return found


def _said(name: str, value: Any) -> Any:
    """A value as the table says it: words as one text."""
    if name in {"groups", "commands"}:
        return {key: " ".join(words) for key, words in value.items()}
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if hasattr(value, "items"):
        return {key: _plain(item) for key, item in value.items()}
    return value


_PER_ACTION = values.each(values.each(values.plain))
_READERS: "Mapping[str, values.Reader]" = {
    "strip_prefixes": values.texts,
    "free": values.texts,
    "comma": values.texts,
    "media": values.texts,
    "aliases": values.each(values.flag),
    "flags": values.each(values.each(values.flag)),
    "hidden": values.each(values.texts),
    "hide": values.texts,
    "groups": values.each(values.command),
    "commands": values.each(values.command),
    "methods": values.each(values.identifier),
    "describe": values.each(values.text),
    "describe_fields": values.each(values.each(values.text)),
    "waits": values.each(values.duration),
    "defaults": _PER_ACTION,
    "include": values.texts,
    "exclude": values.texts,
    "families": values.families,
    "upload": values.upload,
    "tasks": values.record({"action": True, "match": True}),
    "protocol": values.protocol,
}
