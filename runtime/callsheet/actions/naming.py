"""Derive commands and flags from action ids and wire names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callsheet.text import (
    kebab,
    safe_text,
    shell_word,
    word_set,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from callsheet.config.overlay import Overlay
    from callsheet.spec import Action


OWN_COMMANDS = word_set("""
    login logout whoami config actions call api tasks batch probe doctor completion version
""")
"""The first words that belong to the client; a server's group of that name is reached by `call`."""

OWN_FLAGS = frozenset(("help", "json", "out", "input", "dry-run"))
"""The flags that every action command keeps for itself."""

FAMILY_FLAGS = frozenset(("timeout", "no-wait", "blocking"))
"""The flags that the command of a family keeps besides."""

# The last word of a name decides whether it is a medium: imagePrompt and videoStyle are texts.
_MEDIA = word_set("""
    image images img imgs picture pictures photo photos video videos audio audios
""")
_VAGUE = frozenset(("media", "mask", "masks", "frame", "frames", "clip", "clips"))
_VAGUE_ALONE = frozenset(("media", "mask", "masks"))
_INPUT = word_set("""
    reference ref input source init initial control first last start end head tail final
""")
_LINK = word_set("""
    url urls uri uris link links src input inputs file files path paths data base64 b64
""")
_PLACE = frozenset(("first", "last", "start", "end", "head", "tail", "list", "array", "a", "b"))

_MAX_WORDS = 16


def names_medium(path: Sequence[str]) -> bool:
    """Tell whether the name of a field (its wire path) says that it holds a medium or a link."""
    words = _medium_words(path[-1])
    if len(path) > 1 and _LINK.issuperset(words):  # image.url
        words = [*_medium_words(path[-2]), *words]
    end = len(words)
    while end and (words[end - 1] in _PLACE or words[end - 1].isdigit()):
        end -= 1
    last, before = words[end - 1] if end else "", words[: max(end - 1, 0)]
    if last in _LINK:
        return not (_MEDIA | _VAGUE).isdisjoint(before)
    if last in _VAGUE:
        return not _INPUT.isdisjoint(words) or (last in _VAGUE_ALONE and not before)
    return last in _MEDIA


def mentions_medium(name: str) -> bool:
    """Tell whether a word of a name is that of a medium, also of a vague one such as ``clip``."""
    return not (_MEDIA | _VAGUE).isdisjoint(_medium_words(name))


def _medium_words(name: str) -> list[str]:
    """Return the words of a name; a medium loses the number that it ends in (``image2``)."""
    words = kebab(name).split("-")
    short = [word.rstrip("0123456789") for word in words]
    pairs = zip(short, words, strict=True)
    return [medium if medium in _MEDIA | _VAGUE else word for medium, word in pairs]


def command_path(action_id: str, strip_prefixes: Sequence[str]) -> tuple[str, ...]:
    """Return the words of an action's command: ``ai.video.generate`` → ``("video", "generate")``.

    The longest of ``strip_prefixes`` that matches is cut, unless nothing would be left.
    """
    short_id = action_id
    for prefix in sorted(strip_prefixes, key=len, reverse=True):
        if prefix and action_id.startswith(prefix) and len(action_id) > len(prefix):
            short_id = action_id[len(prefix) :]
            break
    return _command_words(short_id)


def _command_words(name: str) -> tuple[str, ...]:
    """Return a word for each part between dots, 16 at most; the last joins all deeper parts."""
    return tuple(kebab(segment) for segment in name.split(".", _MAX_WORDS - 1))


def flag_for(wire_path: Sequence[str], overlay: Overlay) -> str:
    """Return the flag (without dashes) for a wire path, which another path may want as well.

    An alias wins; a nested field gets ``parent.field``.
    """
    alias = overlay.alias(".".join(wire_path))
    if alias is not None:
        return alias
    if len(wire_path) == 1:
        return kebab(wire_path[0])
    return f"{flag_for(wire_path[:-1], overlay)}.{kebab(wire_path[-1])}"


def assign_flags(
    paths: Iterable[tuple[str, ...]],
    overlay: Overlay,
    *,
    reserved: Collection[str] = OWN_FLAGS,
    locked: Mapping[tuple[str, ...], str] | None = None,
) -> dict[tuple[str, ...], str]:
    """Return wire path → its flag (without dashes), unique and independent of the paths' order.

    What was ``locked`` before stays, unless an alias or a flag of ours wants it otherwise. A
    field named like a flag of ours becomes ``input.NAME``. Of several names that ask for one
    flag, an alias comes first, then the name spelled like the flag, then the others in order,
    numbered from 2.
    """
    ordered = sorted(paths, key=lambda path: _flag_order(path, overlay))
    assigned = _locked_flags(ordered, overlay, locked or {}, reserved)
    used = set(assigned.values())
    for path in ordered:
        if path in assigned:
            continue
        wanted = _wanted_flag(path, assigned, overlay)
        if wanted in reserved:
            wanted = f"input.{wanted}"
        assigned[path] = _number_if_used(wanted, used)
        used.add(assigned[path])
    return assigned


def _locked_flags(
    paths: Sequence[tuple[str, ...]],
    overlay: Overlay,
    locked: Mapping[tuple[str, ...], str],
    reserved: Collection[str],
) -> dict[tuple[str, ...], str]:
    """Return wire path → locked flag, where it is free and no alias of the path replaces it."""
    aliases = {path: overlay.alias(".".join(path)) for path in paths}
    assigned: dict[tuple[str, ...], str] = {}
    used = {alias for alias in aliases.values() if alias is not None}
    for path in paths:
        name = locked.get(path)
        renamed = any(aliases.get(path[:end]) is not None for end in range(1, len(path) + 1))
        if name and not renamed and name not in reserved and name not in used:
            assigned[path] = name
            used.add(name)
    return assigned


def _wanted_flag(
    path: tuple[str, ...], assigned: dict[tuple[str, ...], str], overlay: Overlay
) -> str:
    """Return the flag that a path asks for: below the assigned flag of its parent, if any."""
    if overlay.alias(".".join(path)) is None and path[:-1] in assigned:
        return f"{assigned[path[:-1]]}.{kebab(path[-1])}"
    return flag_for(path, overlay)


def _flag_order(path: tuple[str, ...], overlay: Overlay) -> tuple[int, bool, bool, tuple[str, ...]]:
    """Return a sort key: parents first, then aliases, then names spelled like their flag."""
    unaliased = overlay.alias(".".join(path)) is None
    return len(path), unaliased, path[-1] != kebab(path[-1]), path


def _number_if_used(wanted: str, used: Collection[str]) -> str:
    """Return ``wanted``, with ``-2``, ``-3`` … where it is used."""
    name, number = wanted, 2
    while name in used:
        name, number = f"{wanted}-{number}", number + 1
    return name


def negative_flag(name: str, used: Collection[str]) -> str | None:
    """Return the ``no-x`` of a boolean flag, or ``None`` where another flag has that name.

    ``used`` holds every other flag of the command, ours included; ``--x false`` always works.
    """
    head, _, last = name.rpartition(".")
    negative = f"{head}.no-{last}" if head else f"no-{last}"
    return None if negative in used else negative


def assign_commands(
    wanted: Mapping[str, tuple[str, ...]], locked: Mapping[str, tuple[str, ...]]
) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Return action id → command path, and id → the reason for another path or for none.

    Paths in ``locked`` stay, unless a command of ours has their first word now. A new action whose
    path is taken gets the words of its full id; one whose path is taken too, is a group, or begins
    like a command of ours gets none and is reached by ``call`` alone.
    """
    paths = _Paths()
    reasons: dict[str, str] = {}
    for name in sorted(locked):
        if locked[name][0] not in OWN_COMMANDS and paths.fits(locked[name]):
            paths[name] = locked[name]
    groups = {path[:end] for path in wanted.values() for end in range(1, len(path))}
    for name in sorted(wanted.keys() - paths.keys()):
        path, full = wanted[name], _command_words(name)
        if path[0] in OWN_COMMANDS:
            reasons[name] = f"`{path[0]}` is a command of the client; use `call {shell_word(name)}`"
        elif path in groups:
            reasons[name] = f"`{' '.join(path)}` is a group too; use `call {shell_word(name)}`"
        elif paths.fits(path):
            paths[name] = path
        elif full[0] not in OWN_COMMANDS and full not in groups and paths.fits(full):
            paths[name] = full
            reasons[name] = f"`{' '.join(path)}` is taken; it is `{' '.join(full)}`"
        else:
            reasons[name] = f"`{' '.join(path)}` is taken; use `call {shell_word(name)}`"
    return paths, reasons


class _Paths(dict[str, tuple[str, ...]]):
    """Command paths assigned so far, indexed to find a clash at once."""

    def __init__(self) -> None:
        super().__init__()
        self._whole: set[tuple[str, ...]] = set()
        self._above: set[tuple[str, ...]] = set()

    def __setitem__(self, name: str, path: tuple[str, ...]) -> None:
        super().__setitem__(name, path)
        self._whole.add(path)
        self._above.update(path[:end] for end in range(1, len(path)))

    def fits(self, path: tuple[str, ...]) -> bool:
        """Tell whether the path is free: neither a command, nor above or beneath one."""
        beneath = any(path[:end] in self._whole for end in range(1, len(path) + 1))
        return not beneath and path not in self._above


_SUMMARY_LIMIT = 2000


def summary_line(action: Action) -> str:
    """Return the first sentence of an action's summary (or doc), safe to print; else its id."""
    text = safe_text(action.summary or action.doc, _SUMMARY_LIMIT, multiline=True)
    return " ".join(text.split()).split(". ")[0] or action.id
