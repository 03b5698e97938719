"""What an earlier run left: from what each file was made, and what came of each action."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from callsheet_codegen.diagnostics import Diagnostic


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What came of one action: whether it has a module of models, what that offers, its flags.

    ``key`` is the digest of what it was made from; ``told`` are its diagnostics.
    """

    key: str
    module: bool = False
    exports: tuple[str, ...] = ()
    flags: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    told: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Files that lie on disk as they were made: path → (digest of the inputs, sha256).

    Whatever is not here is made again.
    """

    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    actions: Mapping[str, Fact] = field(default_factory=dict)

    def holds(self, path: str, key: str) -> bool:
        """Whether the file on disk is the one that these inputs give."""
        return self.files.get(path, ("", ""))[0] == key

    def kept(self, paths: Iterable[str]) -> dict[str, str]:
        """What these files hold, by their sha256."""
        return {path: self.files[path][1] for path in paths}
