"""Writes down each file that a process opens, for whoever looks afterwards."""

from __future__ import annotations

import json
import os
import sys


def watch(log: str, folder: str) -> None:
    """Note in ``log`` each file below ``folder`` that this process opens, lists or runs."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    root = os.path.realpath(folder)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event not in {"open", "os.listdir", "os.scandir", "subprocess.Popen", "os.exec"}:
            return
        targets = [
            target for target in arguments[:1] if isinstance(target, str | bytes | os.PathLike)
        ]
        for target in targets:
            path = os.path.abspath(os.fsdecode(target))
            if path.startswith(root):
                os.write(handle, json.dumps([event, path]).encode() + b"\n")

    sys.addaudithook(hook)
