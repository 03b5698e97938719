"""Hold the snapshot of a catalogue, and read and write the lock file."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from callsheet.errors import UsageError
from callsheet.jsonio import as_dict, digest, parse_pointer, to_pointer
from callsheet.spec import Advertised

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORMAT = 1
_BLOCK = re.compile(r'^  ("(?:[^"\\\n]|\\.)*"): \{\n(?:   .*\n)*  \}', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole catalogue of one source, unchanged, ordered by id.

    ``source`` is ``sandbox`` or an origin such as ``https://example.com``.
    """

    source: str
    actions: tuple[Advertised, ...]

    def __post_init__(self) -> None:
        """Sort the actions by id, so that equal catalogues are equal snapshots."""
        ordered = tuple(sorted(self.actions, key=lambda action: action.id))
        object.__setattr__(self, "actions", ordered)


@dataclass(frozen=True, slots=True)
class Lock:
    """A snapshot, the names given to its actions, and the options that shaped the output.

    By action id: ``commands`` holds command paths, ``methods`` names in the library,
    ``modules`` those of an action's files, ``flags`` those of its fields, by wire path.
    ``groups`` maps the words of a group to its ``module``, ``class`` and ``attribute``.
    """

    snapshot: Snapshot
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    methods: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, Mapping[tuple[str, ...], str]] = field(default_factory=dict)
    groups: Mapping[tuple[str, ...], Mapping[str, str]] = field(default_factory=dict)


def dump_lock(lock: Lock, blocks_by_id: Mapping[str, str] | None = None) -> str:
    """Return the text of a lock: one block an action, ordered by id, one key a line.

    ``blocks_by_id`` holds the blocks, as :func:`blocks_of` gives them, that did not change.
    """
    unchanged = blocks_by_id or {}
    footer = {
        "format": _FORMAT,
        "source": lock.snapshot.source,
        "options": dict(lock.options),
        "groups": {" ".join(words): dict(names) for words, names in lock.groups.items()},
    }
    blocks = [
        unchanged.get(action.id) or _block_text(action.id, _block(action, lock))
        for action in lock.snapshot.actions
    ]
    inside = ",\n".join(blocks)
    head = f' "actions": {{\n{inside}\n }},\n' if blocks else ' "actions": {},\n'
    return "{\n" + head + _dump(footer)[2:] + "\n"


def _dump(document: object) -> str:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=True, default=as_dict)


def _block_text(name: str, block: object) -> str:
    """Return ``"name": {…}`` of one block as the file has it, indented by two."""
    lines = _dump(block).splitlines()
    return "\n".join([f"  {json.dumps(name)}: {lines[0]}", *(f"  {line}" for line in lines[1:])])


def blocks_of(text: str) -> dict[str, str]:
    """Return action id → its block in the text of a lock, as it stands there."""
    blocks = {}
    for block in _BLOCK.finditer(text):
        with suppress(ValueError):
            blocks[str(json.loads(block[1]))] = block[0]
    return blocks


def _block(action: Advertised, lock: Lock) -> dict[str, object]:
    """Return the JSON object of one action, without keys whose entry is empty."""
    block: dict[str, object] = {"input": action.input, "digests": _digests(action)}
    flags = {to_pointer(path): flag for path, flag in lock.flags.get(action.id, {}).items()}
    command = lock.commands.get(action.id)
    optional = {
        "command": " ".join(command) if command else "",
        "method": lock.methods.get(action.id, ""),
        "module": lock.modules.get(action.id, ""),
        "flags": flags,
        "title": action.title,
        "description": action.description,
        "output": action.output,
        # A price is no part of what was generated: where it changes, nothing has to be made anew.
        "marks": {name: mark for name, mark in action.hints.items() if name != "price"},
    }
    return block | {key: entry for key, entry in optional.items() if entry not in ("", None, {})}


def _digests(action: Advertised) -> dict[str, str]:
    """Return the digests that show a change: of both schemas, and of the server's texts."""
    return {
        "schema": digest({"input": action.input, "output": action.output}),
        "text": digest([action.title, action.description]),
    }


def load_lock(text: str) -> Lock:
    """Read what :func:`dump_lock` wrote; raises ``UsageError`` for anything else."""
    try:
        document = json.loads(text)
        if document["format"] != _FORMAT:
            raise UsageError(
                f"the lock has format {document['format']}, this callsheet reads {_FORMAT}",
                hint="use the version of callsheet that wrote it, or delete it and generate anew",
            )
        blocks: dict[str, dict[str, Any]] = document["actions"]
        actions = tuple(_parse_action(name, block) for name, block in blocks.items())
        return Lock(
            Snapshot(str(document["source"]), actions),
            commands={
                name: _command_path(entry) for name, entry in _column(blocks, "command").items()
            },
            options=dict(document["options"]),
            methods={name: str(entry) for name, entry in _column(blocks, "method").items()},
            modules={name: str(entry) for name, entry in _column(blocks, "module").items()},
            flags={name: _parse_flags(entry) for name, entry in _column(blocks, "flags").items()},
            groups={
                tuple(words.split()): {key: str(name) for key, name in names.items()}
                for words, names in document.get("groups", {}).items()
            },
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as wrong:
        raise UsageError(
            f"the lock cannot be read: {type(wrong).__name__} ({str(wrong)[:80]})",
            hint="restore it from version control, or delete it and generate anew",
        ) from None


def _column(blocks: Mapping[str, dict[str, Any]], key: str) -> dict[str, Any]:
    """Return action id → the entry under ``key``, where its block has one."""
    return {name: block[key] for name, block in blocks.items() if key in block}


def _command_path(command: str | list[str]) -> tuple[str, ...]:
    """Read a command path, which is a list in locks of the first versions."""
    return tuple(command.split() if isinstance(command, str) else map(str, command))


def _parse_flags(flags: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    return {tuple(parse_pointer(pointer)): str(flag) for pointer, flag in flags.items()}


def _parse_action(name: str, block: dict[str, Any]) -> Advertised:
    schema, output = block["input"], block.get("output")
    if not isinstance(schema, dict | bool | None) or not isinstance(output, dict | bool | None):
        raise TypeError(f"{name}: a schema is an object, true, false or null")
    return Advertised(
        id=name,
        title=str(block.get("title", "")),
        description=str(block.get("description", "")),
        input=schema,
        output=output,
        hints=dict(block.get("marks", {})),
    )
