"""What changed between two snapshots, as actions and flags, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from callsheet.overlay import Overlay
from callsheet.surface.assembly import Surface, surface

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callsheet.snapshot import Snapshot
    from callsheet.spec import Action, Param

Severity = Literal["breaking", "additive", "text"]
_WORDS = frozenset(("title", "description", "examples", "$comment"))
_RANK: Mapping[Severity, int] = {"breaking": 0, "additive": 1, "text": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference: ``kind`` is ``added``, ``removed`` or ``changed``.

    ``pointer`` is the JSON pointer of the field in the body, empty for the whole action;
    ``flags`` (without dashes) and ``fields`` (wire names) are those that it touches.
    """

    kind: Literal["added", "removed", "changed"]
    action: str
    severity: Severity
    text: str
    pointer: str = ""
    flags: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


def diff(
    old: Snapshot,
    new: Snapshot,
    *,
    overlay: Overlay | None = None,
    program: str = "ads",
    given: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[Change, ...]:
    """The changes from one snapshot to the other, what breaks callers first.

    ``given`` holds the command paths of the old lock. A difference in the schemas that touches
    no flag is told as one change of the action.
    """
    overlay = overlay or Overlay()
    before = surface(old.actions, overlay, given)
    kept = {action.id: action.command for action in before.actions if action.command}
    after = surface(new.actions, overlay, {**kept, **(given or {})})
    changes = list(_actions(before, after, program))
    rules = [{one.id: _rules(one.input) for one in side.actions} for side in (old, new)]
    for name in sorted(before.by_id.keys() & after.by_id.keys()):
        found = list(_action(before.by_id[name], after.by_id[name], program))
        if not found and rules[0][name] != rules[1][name]:
            text = f"{_call(after.by_id[name], program)} obeys other rules, its flags stay"
            found.append(Change(kind="changed", action=name, severity="breaking", text=text))
        changes.extend(found)
    return tuple(sorted(changes, key=lambda one: (_RANK[one.severity], one.action, one.pointer)))


def _call(action: Action, program: str) -> str:
    words = action.command or ("call", action.id)
    return f"`{' '.join((program, *words))}`"


def _actions(before: Surface, after: Surface, program: str) -> Iterator[Change]:
    for name in sorted(before.by_id.keys() - after.by_id.keys()):
        text = f"{_call(before.by_id[name], program)} is gone ({name})"
        yield Change(kind="removed", action=name, severity="breaking", text=text)
    for name in sorted(after.by_id.keys() - before.by_id.keys()):
        text = f"{_call(after.by_id[name], program)} is new ({name})"
        yield Change(kind="added", action=name, severity="additive", text=text)


def _rules(schema: object) -> object:
    """A schema without the words that bind nobody."""
    if isinstance(schema, dict):
        return {key: _rules(item) for key, item in schema.items() if not _is_word(key, item)}
    return [_rules(item) for item in schema] if isinstance(schema, list) else schema


def _is_word(key: str, value: object) -> bool:
    """A field may be called ``title``: its value is a schema then, no text."""
    return key in _WORDS and isinstance(value, str | list)


def _action(old: Action, new: Action, program: str) -> Iterator[Change]:
    where = _call(new, program)
    before, after = ({one.path: one for one in side.params} for side in (old, new))
    for path in sorted(before.keys() | after.keys()):
        yield from _param(before.get(path), after.get(path), where, new.id)
    if old.doc != new.doc:
        text = f"the description of {where} changed"
        yield Change(kind="changed", action=new.id, severity="text", text=text)


def _param(old: Param | None, new: Param | None, where: str, action: str) -> Iterator[Change]:
    one = new or old
    if one is None or old == new:
        return
    place: dict[str, Any] = {
        "action": action,
        "pointer": "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in one.path),
        "flags": (one.flag,) if one.flag else (),
        "fields": (".".join(one.path),),
    }
    said = _said(one)
    if new is None:
        text = f"{said} is gone from {where}"
        yield Change(kind="removed", severity="breaking", text=text, **place)
    elif old is None:
        severity: Severity = "breaking" if new.required else "additive"
        needed = " and is required" if new.required else ""
        text = f"{said} is new in {where}{needed}"
        yield Change(kind="added", severity=severity, text=text, **place)
    else:
        severity, why = _compared(old, new)
        text = f"{said} of {where} {why}"
        yield Change(kind="changed", severity=severity, text=text, **place)


def _said(one: Param) -> str:
    return f"`--{one.flag}`" if one.flag else f"the field `{'.'.join(one.path)}`"


def _compared(old: Param, new: Param) -> tuple[Severity, str]:
    """How one parameter became another, by what matters most to its callers."""
    broken = _broken(old, new)
    if broken:
        return "breaking", broken
    if dict(old.limits) != dict(new.limits):
        return _limits(old.limits, new.limits)
    gained = [str(one) for one in new.choices if one not in old.choices]
    if gained or (old.choices and not new.choices):
        return "additive", f"takes {', '.join(gained) or 'any value'} too"
    if old.required and not new.required:
        return "additive", "is no longer required"
    if new.nullable and not old.nullable:
        return "additive", "takes null too"
    if old.default != new.default:
        return "text", f"has the server default {new.default} instead of {old.default}"
    return "text", "is described otherwise"


def _broken(old: Param, new: Param) -> str:
    lost = [str(one) for one in old.choices if one not in new.choices]
    if (old.kind, old.items) != (new.kind, new.items):
        return f"takes {new.kind} instead of {old.kind}"
    if new.required and not old.required:
        return "is required now"
    if new.choices and (lost or not old.choices):
        return f"no longer takes {', '.join(lost) or 'anything but ' + _list(new.choices)}"
    if old.flag != new.flag:
        return f"was called `--{old.flag}`"
    return "no longer takes null" if old.nullable and not new.nullable else ""


def _list(choices: tuple[Any, ...]) -> str:
    return ", ".join(map(str, choices))


def _limits(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Severity, str]:
    changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    words = ", ".join(f"{key} {new[key]}" if key in new else f"no {key}" for key in changed)
    gone = all(key not in new for key in changed)
    return ("additive" if gone else "breaking"), f"has other limits: {words}"
