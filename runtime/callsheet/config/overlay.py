"""Hold a project's rules about its actions, as the generator validated them."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

# Annotations are evaluated: as texts they cost a named tuple twice as much.


class Overlay(NamedTuple):
    """The configuration of actions; globs match action ids, names are wire names.

    ``aliases`` maps a wire name (nested ones joined by dots) to a flag. ``hidden`` maps a glob
    to the fields that get no flag. ``families`` maps a create action to ``wait``, ``query``
    and ``task-key``. ``groups`` maps a prefix of ids to words, ``commands`` and ``methods`` an
    id to its command and to its name in the library. ``hide`` are globs of actions without a
    command. ``flags`` (glob → wire name → flag), ``describe``, ``describe_fields``, ``waits``
    (milliseconds) and ``defaults`` (glob → wire name → value to send) belong to actions by
    globs; of several that match the longest glob wins.
    """

    strip_prefixes: tuple[str, ...] = ("ai.",)
    free: tuple[str, ...] = ()
    comma: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    aliases: Mapping[str, str] = {}
    flags: Mapping[str, Mapping[str, str]] = {}
    hidden: Mapping[str, Sequence[str]] = {}
    hide: tuple[str, ...] = ()
    groups: Mapping[str, str] = {}
    commands: Mapping[str, str] = {}
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
    headers: Mapping[str, str] = {}
    prices: Mapping[str, str] = {}
    balance: Mapping[str, str] = {}

    @classmethod
    def keys(cls) -> frozenset[str]:
        """Return the keys of the table that belong to actions, spelled as in the table."""
        return frozenset(map(_key, cls._fields))

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> "Overlay":
        """Load a table that the generator validated; keys that are not known are left out."""
        fields: dict[str, Any] = {}
        for name in cls._fields:
            if (key := _key(name)) in table:
                setting = table[key]
                fields[name] = tuple(setting) if isinstance(setting, list) else setting
        return cls(**fields)

    def as_json(self) -> dict[str, Any]:
        """Return the table again, with every key that differs from its default."""
        defaults = type(self)()
        return {
            _key(name): list(setting) if isinstance(setting, tuple) else setting
            for name, setting, default in zip(self._fields, self, defaults, strict=True)
            if setting != default
        }

    def alias(self, wire: str) -> str | None:
        """Return the flag that the configuration gives to a wire name, or ``None``."""
        return self.aliases.get(wire)

    def of(self, action_id: str) -> "Overlay":
        """Return a copy whose ``aliases`` include the ``flags`` of this action."""
        own = _merged(action_id, self.flags)
        return self._replace(aliases={**self.aliases, **own}) if own else self

    def command(self, action_id: str) -> tuple[str, ...]:
        """Return the configured command path of an action; empty where none is configured.

        That of ``commands``, else that of the longest prefix in ``groups`` and the rest of the id.
        """
        if action_id in self.commands:
            return tuple(self.commands[action_id].split())
        prefixes = [prefix for prefix in self.groups if action_id.startswith(f"{prefix}.")]
        if not prefixes:
            return ()
        from callsheet.text import kebab

        prefix = max(prefixes, key=len)
        segments = action_id[len(prefix) + 1 :].split(".")
        return (*self.groups[prefix].split(), *map(kebab, segments))

    def is_without_command(self, action_id: str) -> bool:
        """Tell whether the action shows on no command line; ``call`` still reaches it."""
        return _matches(action_id, self.hide)

    def description(self, action_id: str) -> str:
        """Return the description of the longest glob that matches; empty where none does."""
        return next((self.describe[glob] for glob in _by_length(action_id, self.describe)), "")

    def field_descriptions(self, action_id: str) -> Mapping[str, str]:
        """Return the configured descriptions of an action's fields, by wire name."""
        return _merged(action_id, self.describe_fields)

    def wait_ms(self, action_id: str) -> int | None:
        """Return how long to wait for a job of this action, in ms; ``None`` if not configured."""
        return next((self.waits[glob] for glob in _by_length(action_id, self.waits)), None)

    def default_values(self, action_id: str) -> Mapping[str, Any]:
        """Return the values to send where the caller gives none, by wire name."""
        return _merged(action_id, self.defaults)

    def hidden_fields(self, action_id: str) -> frozenset[str]:
        """Return the wire names of an action's fields that are configured to get no flag."""
        matches = (names for glob, names in self.hidden.items() if fnmatchcase(action_id, glob))
        return frozenset(name for names in matches for name in names)

    def is_hidden(self, action_id: str, wire: str) -> bool:
        """Tell whether a field of an action is configured to get no flag."""
        return wire in self.hidden_fields(action_id)

    def is_free(self, action_id: str) -> bool:
        """Tell whether the configuration declares the action free of charge."""
        return _matches(action_id, self.free)

    def admits(self, action_id: str) -> bool:
        """Tell whether the action is in ``include`` (all, when empty) and not in ``exclude``."""
        included = not self.include or _matches(action_id, self.include)
        return included and not _matches(action_id, self.exclude)


_NEEDED = {
    "upload": ("action", "field"),
    "tasks": ("action", "match"),
    "balance": ("path",),
}


def read_overlay(path: str) -> Mapping[str, Any]:
    """Read the rules of a JSON file; raise ``UsageError`` for one that holds none.

    Its keys are those of the table, as a generated package's ``overlay.json`` has them.
    """
    import json

    from callsheet.errors import UsageError

    try:
        with open(path, encoding="utf-8") as file:
            table = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        why = getattr(error, "strerror", None) or "it is not JSON"
        raise UsageError(f"the overlay {path} cannot be read: {why}") from None
    wrong = "" if isinstance(table, dict) else "it is not an object"
    for key, setting in () if wrong else table.items():
        wrong = wrong or _fault(key, setting)
    if wrong:
        raise UsageError(f"the overlay {path} cannot be used: {wrong}")
    rules: Mapping[str, Any] = table
    return rules


def _fault(key: str, setting: Any) -> str:
    """Return what is wrong with a key of the table, or ""."""
    name = key.replace("-", "_")
    if name not in Overlay._fields:
        return f"{key} is not known"
    if isinstance(Overlay._field_defaults[name], tuple):
        is_list = isinstance(setting, list) and all(isinstance(text, str) for text in setting)
        return "" if is_list else f"{key} is not a list of texts"
    kind = Overlay.__annotations__[name].__args__[1]
    base = object if kind is Any else getattr(kind, "__origin__", kind)
    if not isinstance(setting, dict) or not all(
        isinstance(inner, list if base is Sequence else base) for inner in setting.values()
    ):
        return f"{key} is not a table as it should be"
    lacks = [word for word in _NEEDED.get(name, ()) if word not in setting]
    if name in {"prices", "balance"} and not setting.get("path", "/").startswith("/"):
        return f"{key}.path is no path of the server, which begins with /"
    return f"{key} lacks {lacks[0]}" if lacks else ""


def _key(name: str) -> str:
    return name.replace("_", "-")


def _matches(action_id: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(action_id, glob) for glob in globs)


def _by_length(action_id: str, globs: Iterable[str]) -> list[str]:
    """Return the globs that match, the longest (most specific) first."""
    matches = (glob for glob in globs if fnmatchcase(action_id, glob))
    return sorted(matches, key=lambda glob: (-len(glob), glob))


def _merged(action_id: str, table: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the entries of all globs that match, merged; a longer glob overrides a shorter one."""
    merged: dict[str, Any] = {}
    for glob in reversed(_by_length(action_id, table)):
        merged |= table[glob]
    return merged
