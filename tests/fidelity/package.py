"""The material as one catalogue, generated into a package and imported."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from callsheet.actions.resolve import ActionSet, resolve_actions
from callsheet.catalog.lock import Snapshot
from callsheet.spec import Action, Advertised
from callsheet_codegen import layout, pipeline
from callsheet_codegen.config import LOCK, Config, parse_overlay

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from fidelity.material import ActionCase

    from callsheet_codegen.ir import Diagnostic

NAME = "fidelity_client"
OVERLAY = parse_overlay({"free": ["*"]})


@dataclass(frozen=True)
class Package:
    """A generated client: its folder's parent, what it offers, and what was said on the way."""

    root: Path
    action_set: ActionSet
    diagnostics: tuple[Diagnostic, ...]

    def action(self, name: str) -> Action:
        """Return the action as generated, which knows its module."""
        resolved = self.action_set.by_id[name]
        words = resolved.command or (name,)
        index = importlib.import_module(f"{NAME}.commands")
        module = importlib.import_module(f"{NAME}.commands.{index.MODULES[words[0]]}")
        matches = [
            member
            for member in vars(module).values()
            if isinstance(member, Action) and member.id == name
        ]
        return matches[0]

    def models(self, name: str) -> Any:
        """Return the module of models; ``None`` where the action is untyped."""
        try:
            return importlib.import_module(f"{NAME}.models.{self.action(name).module}")
        except ModuleNotFoundError:
            return None

    def method(self, client: Any, name: str) -> Any:
        """Return the typed method of an action."""
        paths = layout.library_paths(self.action_set.actions, OVERLAY)
        places = layout.locate_groups(paths)
        path = paths[name][:-1]
        group = client
        for end in range(1, len(path) + 1):
            group = getattr(group, places[path[:end]].attribute)
        if not path:
            group = getattr(group, places[()].attribute)
        return getattr(group, places[path].methods[name])


def advertised(cases: Sequence[ActionCase]) -> tuple[Advertised, ...]:
    """Return the cases as a server's catalogue."""
    return tuple(
        Advertised(id=case.id, description=case.doc, input=case.input, output=case.output)
        for case in cases
    )


def catalogue(cases: Sequence[ActionCase]) -> list[dict[str, Any]]:
    """Return the same as a list that carries its schemas."""
    return [
        {
            "id": case.id,
            "description": case.doc,
            "inputSchema": case.input,
            **({} if case.output is None else {"outputSchema": case.output}),
        }
        for case in cases
    ]


def generate(cases: Sequence[ActionCase], out: Path, source: str) -> Package:
    """Write the package into ``out``; its bindings say that they come from ``source``."""
    config = Config(
        package=NAME,
        command="fidelity",
        env="FIDELITY",
        out=out,
        lock=out / LOCK,
        overlay=OVERLAY,
    )
    entries = advertised(cases)
    draft = pipeline.draft(config, Snapshot(source, entries), None)
    pipeline.write(config, draft)
    return Package(out, resolve_actions(entries, OVERLAY), draft.diagnostics)


@contextmanager
def imported(package: Package) -> Iterator[None]:
    """Have the package on the path until the block ends, and forget it then."""
    sys.path.insert(0, str(package.root))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(package.root))
        for name in [name for name in sys.modules if name.split(".")[0] == NAME]:
            del sys.modules[name]
