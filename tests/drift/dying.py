"""A process that publishes one tree over another and kills itself on the way, at a given step."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from callsheet_codegen import publish
from callsheet_codegen.ir import Plan, RenderedFile
from callsheet_codegen.publish import plan

PACKAGE, LOCK = "some_client", "catalog.lock.json"
# Whatever changes the disk; `open` is counted where it writes.
_STEPS = ("os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "open", "ctypes.dlopen")


def tree(state: str, count: int) -> dict[str, str]:
    """The files of the old or of the new tree: some stay, some change, some come or go."""
    found = {f"models/m{number}.py": "the same" for number in range(count)}
    found |= {f"groups/g{number}.py": state for number in range(count // 4)}
    return found | {f"help/only_{state}.txt": state, "client.py": state}


def planned(folder: Path, state: str, count: int) -> Plan:
    """The plan that makes the folder this tree."""
    rendered = [RenderedFile(path=path, text=text) for path, text in tree(state, count).items()]
    manifest = publish.read_manifest(folder / PACKAGE)
    paths = {file.path for file in rendered} | set(manifest.files)
    return plan(rendered, publish.read_disk(folder / PACKAGE, paths), manifest)


def put(folder: Path, state: str, count: int) -> None:
    """Publish the tree and its lock."""
    made = planned(folder, state, count)
    publish.publish(made, folder / PACKAGE, {folder / LOCK: f"lock of {state}"})


class Counter:
    """An audit hook that counts the steps of the disk below a folder, and ends at one of them."""

    def __init__(self, folder: Path, last: int) -> None:
        self.folder, self.last, self.count = str(folder), last, 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Count, and die where it is time."""
        if event not in _STEPS or not self._ours(event, arguments):
            return
        self.count += 1
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def _ours(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if event == "ctypes.dlopen":
            return True
        writes = event != "open" or bool(set(str(arguments[1])) & set("wax+"))
        return writes and os.fsdecode(arguments[0]).startswith(self.folder)


def main() -> int:
    """``dying.py FOLDER COUNT STEP``: publish; print how many steps that took."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    counter = Counter(folder, int(sys.argv[3]))
    sys.addaudithook(counter)
    put(folder, "new", count)
    sys.stdout.write(f"{counter.count}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
