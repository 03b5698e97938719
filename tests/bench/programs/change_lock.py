"""Change the schema of one action in a lock: the lock and a word that no earlier change had."""

import sys
from dataclasses import replace
from pathlib import Path

from callsheet.catalog.lock import dump_lock, load_lock


def main(path: str, word: str) -> None:
    """Give the middle action a new optional field of that name."""
    lock = load_lock(Path(path).read_text(encoding="utf-8"))
    entries = list(lock.snapshot.actions)
    entry = entries[len(entries) // 2]
    schema = dict(entry.input)
    schema["properties"] = {**schema["properties"], word: {"type": "string"}}
    entries[len(entries) // 2] = entry._replace(input=schema)
    changed = replace(lock, snapshot=replace(lock.snapshot, actions=tuple(entries)))
    Path(path).write_text(dump_lock(changed), encoding="utf-8")


main(*sys.argv[1:])
