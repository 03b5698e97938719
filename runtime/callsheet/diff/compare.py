"""Compare two snapshots and list their changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from callsheet.actions.resolve import ActionResolver
from callsheet.config.overlay import Overlay
from callsheet.diff.change import Change, ChangeWriter, in_order
from callsheet.jsonio import canonical, digest
from callsheet.schemadiff.classify import compare_schemas, example
from callsheet.schemadiff.phrases import DESCRIBED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from callsheet.catalog.lock import Snapshot
    from callsheet.spec import Action, Advertised


class LockedNames(NamedTuple):
    """The names that a lock fixed: command paths and flags by action id."""

    commands: Mapping[str, tuple[str, ...]] = {}
    flags: Mapping[str, Mapping[tuple[str, ...], str]] = {}


_NONE = LockedNames()


def diff(
    old: Snapshot,
    new: Snapshot,
    *,
    overlay: Overlay | None = None,
    program: str = "ads",
    old_names: LockedNames = _NONE,
    new_names: LockedNames = _NONE,
) -> tuple[Change, ...]:
    """Return the changes from one snapshot to the other, those that break callers first.

    ``new_names`` are those of the new lock, where the new side is a lock too; an action without
    a name there keeps its old one. Actions that the overlay leaves out are skipped.
    """
    overlay = overlay or Overlay()
    before, after = (_admitted(snapshot, overlay) for snapshot in (old, new))
    changed = [
        action_id
        for action_id in sorted({*before, *after})
        if _fingerprint(before.get(action_id)) != _fingerprint(after.get(action_id))
    ]
    if not changed:
        return ()
    old_actions = ActionResolver(_with_groups(before, changed), overlay, *old_names)
    new_actions = ActionResolver(
        _with_groups(after, changed),
        overlay,
        {**old_actions.commands, **old_names.commands, **new_names.commands},
        {**old_names.flags, **new_names.flags},
    )
    changes: list[Change] = []
    for action_id in changed:
        advertised = before.get(action_id), after.get(action_id)
        actions = (
            old_actions.action(action_id) if advertised[0] else None,
            new_actions.action(action_id) if advertised[1] else None,
        )
        changes.extend(_action_changes(advertised, actions, program))
    return in_order(changes)


def _admitted(snapshot: Snapshot, overlay: Overlay) -> dict[str, Advertised]:
    """Map ids to actions; of two with the same id the first one counts."""
    return {action.id: action for action in reversed(snapshot.actions) if overlay.admits(action.id)}


def _fingerprint(advertised: Advertised | None) -> str:
    return "" if advertised is None else digest(advertised[1:])  # all but the id


def _with_groups(
    advertised: Mapping[str, Advertised], changed: Collection[str]
) -> Sequence[Advertised]:
    """Return the actions in the groups of the changed ones: families stand within one group."""
    groups = {action_id.rpartition(".")[0] for action_id in changed}
    return [
        action for action_id, action in advertised.items() if action_id.rpartition(".")[0] in groups
    ]


def _action_changes(
    advertised: tuple[Advertised | None, Advertised | None],
    actions: tuple[Action | None, Action | None],
    program: str,
) -> Iterator[Change]:
    (old, new), (before, after) = advertised, actions
    if old is not None and before is not None and (new is None or after is None):
        yield ChangeWriter(before, before, program).removed(example(old.input))
    elif after is not None and before is None:
        yield ChangeWriter(after, after, program).added()
    elif old and new and before and after:
        writer = ChangeWriter(before, after, program)
        yield from _general_changes(old, new, writer)
        for classified in compare_schemas(old.input, new.input):
            yield writer.schema_change(classified)
        for classified in compare_schemas(old.output, new.output, output=True):
            yield writer.schema_change(classified, output=True)


def _general_changes(old: Advertised, new: Advertised, writer: ChangeWriter) -> Iterator[Change]:
    """Yield the changes outside the schemas; any body of before is their witness.

    An action that becomes paid breaks its callers, who would spend without having been asked;
    so does a renamed command or flag.
    """
    before, after = writer.before, writer.after
    if before.command != after.command:
        phrase = f"was called {writer.old_call} before"
        yield writer.general_change("renamed", "breaking", phrase, example(old.input))
    yield from _renamed_flags(old, writer)
    if after.paid and not before.paid:
        yield writer.general_change("paid", "breaking", "may now cost money", example(old.input))
    elif before.paid and not after.paid:
        yield writer.general_change("free", "additive", "is now free")
    if before.idempotent and not after.idempotent:
        phrase = "no longer says that it honours an idempotency key"
        yield writer.general_change("idempotency", "unproved", phrase)
    elif after.idempotent and not before.idempotent:
        phrase = "now honours an idempotency key"
        yield writer.general_change("idempotency", "additive", phrase)
    yield from _text_changes(old, new, writer)


def _renamed_flags(old: Advertised, writer: ChangeWriter) -> Iterator[Change]:
    old_flags = {param.path: param.flag for param in writer.before.params if param.flag}
    for param in writer.after.params:
        old_flag = old_flags.get(param.path, param.flag)
        if param.flag and old_flag != param.flag:
            phrase = f"renamed `--{old_flag}` to `--{param.flag}`"
            yield writer.general_change("flag-renamed", "breaking", phrase, example(old.input))


def _text_changes(old: Advertised, new: Advertised, writer: ChangeWriter) -> Iterator[Change]:
    before, after = writer.before, writer.after
    old_hints, new_hints = dict(old.hints), dict(new.hints)
    was_deprecated, is_deprecated = (
        hints.pop("deprecated", None) not in {None, False} for hints in (old_hints, new_hints)
    )
    if was_deprecated != is_deprecated:
        phrase = "is now deprecated" if is_deprecated else "is no longer deprecated"
        yield writer.general_change("deprecated", "text", phrase)
    if (old.title, old.description) != (new.title, new.description):
        yield writer.general_change("text", "text", DESCRIBED)
    for hints in (old_hints, new_hints):
        hints.pop("price", None)  # a lock holds none
    reported = before.paid != after.paid or before.idempotent != after.idempotent
    if canonical(old_hints) != canonical(new_hints) and not reported:
        yield writer.general_change("marks", "text", "has different hints")
