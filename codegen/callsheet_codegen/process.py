"""Start Python programs of ours that import nothing from the working directory."""

from __future__ import annotations

import os
import sys


def python_command(*arguments: str) -> list[str]:
    """Return the command line that runs this Python with ``arguments``.

    ``-P`` keeps the working directory off its path: a project of somebody else may hold files
    that are named like modules which we import.
    """
    return [sys.executable, "-P", *arguments]


def python_environ() -> dict[str, str]:
    """Return this environment with a ``PYTHONPATH`` of the folders that this process imports from.

    The working directory is left out of the path: an empty part of ``PYTHONPATH`` means it too.
    """
    here = os.path.realpath(os.curdir)
    path = [folder for folder in sys.path if folder and os.path.realpath(folder) != here]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
