"""Start Python programs of ours that import nothing from the working directory."""

from __future__ import annotations

import os
import sys


def python_command(*words: str) -> list[str]:
    """Return the command line of a Python program of ours.

    ``-P`` keeps the working directory off its path: a project of somebody else may hold files
    that are named like modules which we import.
    """
    return [sys.executable, "-P", *words]


def python_environ() -> dict[str, str]:
    """Return an environment in which such a program finds the packages that this process finds.

    The working directory is left out of the path: an empty part of ``PYTHONPATH`` means it too.
    """
    here = os.path.realpath(os.curdir)
    path = [folder for folder in sys.path if folder and os.path.realpath(folder) != here]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
