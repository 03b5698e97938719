"""Load the catalogue that a generated package was made from."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from callsheet.catalog.snapshot import Snapshot
from callsheet.spec import Action, Advertised

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callsheet.actions.resolve import ActionSet
    from callsheet.config.bindings import Bindings


def snapshot(bindings: Bindings) -> Snapshot:
    """Return every action of a generated package with its schemas; empty without a package."""
    actions = tuple(_advertised(bindings, action) for action in generated(bindings))
    return Snapshot(bindings.source, actions)


def generated(bindings: Bindings) -> Iterator[Action]:
    """Yield the actions of a package, with those that have no command of their own."""
    if not bindings.package:
        return
    index: Mapping[str, str] = importlib.import_module(f"{bindings.package}.commands").MODULES
    for name in sorted(set(index.values())):
        module = importlib.import_module(f"{bindings.package}.commands.{name}")
        yield from (member for member in vars(module).values() if isinstance(member, Action))


def surface_of(bindings: Bindings) -> ActionSet:
    """Return the named actions of a package."""
    from callsheet.actions.resolve import resolve_actions

    return resolve_actions(snapshot(bindings).actions, bindings.overlay(), bindings.names())


def as_known(action: Action, entry: Advertised | None) -> Advertised:
    """Reduce an action to what a package holds: its schemas, its texts, and what it costs.

    Two such entries are equal where the clients generated from them would be.
    """
    hints: dict[str, bool] = {"idempotency": True} if action.idempotent else {}
    if not action.paid and action.role != "query":
        hints["billable"] = False
    return Advertised(
        id=action.id,
        description=action.doc,
        input=entry.input if entry is not None else None,
        output=entry.output if entry is not None else None,
        hints=hints,
    )


def _advertised(bindings: Bindings, action: Action) -> Advertised:
    schemas = bindings.schema(action.module) or {} if action.module else {}
    entry = Advertised(id=action.id, input=schemas.get("input"), output=schemas.get("output"))
    return as_known(action, entry)
