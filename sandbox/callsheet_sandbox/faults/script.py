"""Read fault scripts, from JSON or from the compact words of a command line."""

import json
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from callsheet_sandbox.faults.kinds import CHOICES, KINDS, Value
from callsheet_sandbox.templates import Json

_NUMBER = re.compile(r"[1-5]\d\d")
_METHOD = re.compile(r"[A-Z]+")
_ORDINAL = re.compile(r"@(\d+)(?:-(\d+)?)?")
_TIMES = re.compile(r"x(\d+|\*)")
_CHANCE = re.compile(r"(\d+(?:\.\d+)?)%")
_REDIRECTS = {301, 302, 303, 307, 308}
_EARLY = {"connect", "request"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what, for which requests, and which of those.

    `target` is a glob: of a path where it starts with ``/``, else of the id of an action that is
    invoked. It strikes from the `nth` matching request on (the first is 1), `times` times (None:
    always), each time with probability `chance`. Phase `before` means that nothing was accepted
    or charged, `after` that all was done and only the reply suffers.
    """

    kind: str
    values: Mapping[str, Value] = field(default_factory=dict)
    method: str | None = None
    target: str | None = None
    phase: str = "before"
    nth: int = 1
    times: int | None = 1
    chance: float = 1.0

    @property
    def after(self) -> bool:
        """Whether the request is carried out first."""
        return self.phase == "after"

    @property
    def layer(self) -> str:
        """Return when it is decided: on connection, headers or (whole) request."""
        early = self.kind == "reset" and str(self.values["at"])
        return {"connect": "connection", "request": "headers"}.get(early or "", "request")

    def text(self, name: str) -> str:
        """Return a parameter as text, empty where it was not given."""
        value = self.values[name]
        return "" if value is None else str(value)

    def number(self, name: str) -> float:
        """Return a parameter that is a number."""
        return float(self.values[name] or 0)

    def count(self, name: str) -> int:
        """Return a parameter that is a whole number."""
        return int(self.number(name))

    def shown(self) -> dict[str, Json]:
        """Return the fault as a script in JSON would say it."""
        where = "path" if (self.target or "").startswith("/") else "action"
        return {
            "kind": self.kind,
            "method": self.method,
            where: self.target,
            "phase": self.phase,
            "nth": self.nth,
            "times": "*" if self.times is None else self.times,
            "chance": self.chance,
            **self.values,
        }


@dataclass(frozen=True, slots=True)
class Script:
    """Faults in their order, and the seed of those that strike by chance."""

    faults: tuple[Fault, ...] = ()
    seed: int = 0


def open_script(given: str) -> Script:
    """Read a script from the file of this name, or from the text; ValueError says why not."""
    try:
        # Not Path.is_file: a long script is no error.
        text = Path(given).read_text(encoding="utf-8") if os.path.isfile(given) else given
    except (OSError, UnicodeError) as error:
        raise ValueError(f"faults: cannot read {given[:80]!r}: {error}") from error
    return read_script(text)


def read_script(given: Json) -> Script:
    """Read a script: text in the compact form or in JSON, or JSON that is parsed already."""
    if not isinstance(given, str):
        return _from_json(given)
    if given.lstrip().startswith(("{", "[")):
        try:
            return _from_json(json.loads(given))
        except json.JSONDecodeError as error:
            raise ValueError(f"faults: not JSON: {error}") from error
    return _from_words(given)


def _from_json(data: Json) -> Script:
    seed = 0
    if isinstance(data, dict) and "faults" in data:
        if unknown := sorted(set(data) - {"faults", "seed"}):
            raise ValueError(f"faults: unknown key {unknown[0]!r}; known: faults, seed")
        seed, data = data.get("seed", 0), data["faults"]
    items = data if isinstance(data, list) else [data]
    if not isinstance(seed, int) or not all(isinstance(item, dict) for item in items):
        raise ValueError('faults: expected {"seed": number, "faults": [{"kind": …}, …]}')
    return Script(tuple(_fault(dict(item)) for item in items), seed)


def _from_words(text: str) -> Script:
    words = shlex.shlex(text.replace("\n", "\n;"), posix=True, punctuation_chars=";")
    words.whitespace_split = True
    parts: list[list[str]] = [[]]
    try:
        for word in words:
            if set(word) == {";"}:
                parts.append([])
            else:
                parts[-1].append(word)
    except ValueError as error:
        raise ValueError(f"faults: {error} in {text[:80]!r}") from error
    seed, faults = 0, []
    for part in filter(None, parts):
        if len(part) == 1 and part[0].startswith("seed="):
            seed = int(_converted("seed", part[0][5:], 0))
        else:
            faults.append(_fault(_said(part)))
    return Script(tuple(faults), seed)


def _said(words: list[str]) -> dict[str, Json]:
    said: dict[str, Json] = {"kind": words[0]}
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if equals and not word.startswith("/"):
            said[key] = value
        else:
            said |= _word(word)
    return said


def _word(word: str) -> dict[str, Json]:
    if word in {"before", "after"}:
        return {"phase": word}
    if found := _ORDINAL.fullmatch(word):
        first, last = int(found[1]), found[2]
        if word.endswith("-"):
            return {"nth": first, "times": "*"}
        return {"nth": first, "times": int(last) - first + 1} if last else {"nth": first}
    if found := _TIMES.fullmatch(word):
        return {"times": "*" if found[1] == "*" else int(found[1])}
    if found := _CHANCE.fullmatch(word):
        return {"chance": float(found[1]) / 100}
    if _METHOD.fullmatch(word):
        return {"method": word}
    return {"path" if word.startswith("/") else "action": word}


def _fault(said: dict[str, Json]) -> Fault:
    name = str(said.pop("kind", ""))
    if _NUMBER.fullmatch(name):
        said = {"code": int(name), **said}
        name = "redirect" if said["code"] in _REDIRECTS else "status"
    if name not in KINDS:
        raise ValueError(f"faults: no kind or file {name!r}; known: {', '.join(KINDS)}")
    kind = KINDS[name]
    target = said.pop("path", None) or said.pop("action", None) or kind.target
    phase = str(said.pop("phase", "before"))
    times = said.pop("times", kind.times)
    fault = Fault(
        kind=name,
        method=said.pop("method", kind.method),
        target=target,
        phase=phase,
        nth=int(_converted(f"{name}: nth", said.pop("nth", 1), 1)),
        times=None if times in {"*", None} else int(_converted(f"{name}: times", times, 1)),
        chance=float(_converted(f"{name}: chance", said.pop("chance", 1.0), 1.0)),
        values=_values(name, said),
    )
    _check(fault)
    return fault


def _values(name: str, said: Mapping[str, Json]) -> dict[str, Value]:
    takes = KINDS[name].takes
    if unknown := sorted(set(said) - set(takes)):
        known = ", ".join([*takes, "method, action or path, phase, nth, times, chance"])
        raise ValueError(f"faults: {name} has no {unknown[0]!r}; it takes {known}")
    values = dict(takes)
    for key, given in said.items():
        values[key] = _converted(f"{name}: {key}", given, takes[key])
        choices = CHOICES.get((name, key))
        if choices and values[key] not in choices:
            raise ValueError(f"faults: {name}: {key} is one of {', '.join(sorted(choices))}")
    return values


def _converted(where: str, given: Json, usual: Value) -> str | int | float:
    wanted = str if usual is None else type(usual)
    try:
        if wanted is str:
            return str(given)
        return int(given) if wanted is int else float(given)
    except (TypeError, ValueError):
        raise ValueError(f"faults: {where}: expected a number, not {given!r}") from None


def _check(fault: Fault) -> None:
    if fault.phase not in {"before", "after"}:
        raise ValueError(f"faults: {fault.kind}: phase is before or after, not {fault.phase!r}")
    if fault.after and (not KINDS[fault.kind].phased or fault.values.get("at") in _EARLY):
        raise ValueError(f"faults: {fault.kind}: nothing can have been accepted, so no `after`")
    if fault.layer == "connection" and (fault.method or fault.target):
        raise ValueError("faults: reset at=connect meets connections: no method, action or path")
    if fault.nth < 1 or not 0 <= fault.chance <= 1:
        raise ValueError(f"faults: {fault.kind}: nth is 1 or more, chance 0 to 1")
