"""Two folders change places in one step, where the system can do that."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_HERE = -100  # AT_FDCWD: paths start in the working directory
_SWAP = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS


def exchange(one: Path, other: Path) -> bool:
    """Let two folders of one file system change places; false where that cannot be asked for."""
    call = _call()
    if call is None:
        return False
    result: int = call(os.fsencode(one), os.fsencode(other))
    return result == 0


def _call() -> Any:
    """The system's own function, as one of two paths; ``None`` where it has none."""
    import ctypes

    try:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            swap = library.renamex_np
            return lambda one, other: swap(one, other, ctypes.c_uint(_SWAP))
        rename = library.renameat2
    except (AttributeError, OSError, TypeError):
        return None
    return lambda one, other: rename(_HERE, one, _HERE, other, ctypes.c_uint(_SWAP))
