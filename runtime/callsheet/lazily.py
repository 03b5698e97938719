"""Names of a package that are imported from their modules when they are first used (PEP 562)."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def exports(package: str, homes: Mapping[str, tuple[str, ...]]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package; ``homes`` names what each of its modules offers."""

    def get(name: str) -> Any:
        for home, names in homes.items():
            if name in names:
                found = getattr(import_module(f"{package}.{home}"), name)
                # A module and a name of it may be called alike: the name counts.
                setattr(sys.modules[package], name, found)
                return found
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get
