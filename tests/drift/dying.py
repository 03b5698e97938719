"""Publish one tree over another in a process that kills itself at a given step."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callsheet_codegen import publish
from callsheet_codegen.publish import plan

if TYPE_CHECKING:
    from callsheet_codegen.ir import Plan

PACKAGE, LOCK = "some_client", "catalog.lock.json"
# Whatever changes the disk; `open` is counted where it writes.
_STEPS = ("os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "open", "ctypes.dlopen")


def tree(state: str, count: int) -> dict[str, str]:
    """Return the files of the old or the new tree: some are in both, some differ, some are not."""
    files = {f"models/m{number}.py": "the same" for number in range(count)}
    files |= {f"groups/g{number}.py": state for number in range(count // 4)}
    return files | {f"help/only_{state}.txt": state, "client.py": state}


def _plan(folder: Path, state: str, count: int) -> Plan:
    """Return the plan that turns the folder into this tree."""
    rendered = tree(state, count)
    manifest = publish.read_manifest(folder / PACKAGE)
    paths = rendered.keys() | manifest.keys()
    return plan(rendered, publish.read_disk(folder / PACKAGE, paths), manifest)


def publish_tree(folder: Path, state: str, count: int) -> None:
    """Publish the tree and its lock."""
    steps = _plan(folder, state, count)
    publish.publish(steps, folder / PACKAGE, {folder / LOCK: f"lock of {state}"})


class Counter:
    """An audit hook that counts the steps of the disk below a folder, and ends at one of them."""

    def __init__(self, folder: Path, last: int) -> None:
        self.folder, self.last, self.count = str(folder), last, 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Count a step, and kill the process at the last one."""
        if event not in _STEPS or not self._is_ours(event, arguments):
            return
        self.count += 1
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def _is_ours(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if event == "ctypes.dlopen":
            return True
        writes = event != "open" or bool(set(str(arguments[1])) & set("wax+"))
        return writes and os.fsdecode(arguments[0]).startswith(self.folder)


def main() -> int:
    """Publish as ``dying.py FOLDER COUNT STEP``; print how many steps that took."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    counter = Counter(folder, int(sys.argv[3]))
    sys.addaudithook(counter)
    publish_tree(folder, "new", count)
    sys.stdout.write(f"{counter.count}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
