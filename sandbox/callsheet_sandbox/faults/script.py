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
        """Tell whether the request is carried out first."""
        return self.phase == "after"

    @property
    def layer(self) -> str:
        """Return when it is decided: on connection, headers or (whole) request."""
        early = self.kind == "reset" and str(self.values["at"])
        return {"connect": "connection", "request": "headers"}.get(early or "", "request")

    def text(self, name: str) -> str:
        """Return a parameter as text, empty where it was not given."""
        parameter = self.values[name]
        return "" if parameter is None else str(parameter)

    def number(self, name: str) -> float:
        """Return a parameter that is a number."""
        return float(self.values[name] or 0)

    def count(self, name: str) -> int:
        """Return a parameter that is a whole number."""
        return int(self.number(name))

    def describe(self) -> dict[str, Json]:
        """Return the fault as a script in JSON says it."""
        target_key = "path" if (self.target or "").startswith("/") else "action"
        return {
            "kind": self.kind,
            "method": self.method,
            target_key: self.target,
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


def open_script(source: str) -> Script:
    """Read a script from the file of this name, or from the text; ValueError says why not."""
    try:
        # Not Path.is_file: a long script is no error.
        text = Path(source).read_text(encoding="utf-8") if os.path.isfile(source) else source
    except (OSError, UnicodeError) as error:
        raise ValueError(f"faults: cannot read {source[:80]!r}: {error}") from error
    return read_script(text)


def read_script(source: Json) -> Script:
    """Read a script: text in the compact form or in JSON, or JSON that is parsed already."""
    if not isinstance(source, str):
        return _from_json(source)
    if source.lstrip().startswith(("{", "[")):
        try:
            return _from_json(json.loads(source))
        except json.JSONDecodeError as error:
            raise ValueError(f"faults: not JSON: {error}") from error
    return _from_words(source)


def _from_json(document: Json) -> Script:
    seed = 0
    if isinstance(document, dict) and "faults" in document:
        if unknown := sorted(set(document) - {"faults", "seed"}):
            raise ValueError(f"faults: unknown key {unknown[0]!r}; known: faults, seed")
        seed, document = document.get("seed", 0), document["faults"]
    entries = document if isinstance(document, list) else [document]
    if not isinstance(seed, int) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError('faults: expected {"seed": number, "faults": [{"kind": …}, …]}')
    return Script(tuple(_fault(dict(entry)) for entry in entries), seed)


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
            seed = int(_convert("seed", part[0][5:], 0))
        else:
            faults.append(_fault(_parse_words(part)))
    return Script(tuple(faults), seed)


def _parse_words(words: list[str]) -> dict[str, Json]:
    fields: dict[str, Json] = {"kind": words[0]}
    for word in words[1:]:
        key, equals, text = word.partition("=")
        if equals and not word.startswith("/"):
            fields[key] = text
        else:
            fields |= _word(word)
    return fields


def _word(word: str) -> dict[str, Json]:
    if word in {"before", "after"}:
        return {"phase": word}
    if match := _ORDINAL.fullmatch(word):
        first, last = int(match[1]), match[2]
        if word.endswith("-"):
            return {"nth": first, "times": "*"}
        return {"nth": first, "times": int(last) - first + 1} if last else {"nth": first}
    if match := _TIMES.fullmatch(word):
        return {"times": "*" if match[1] == "*" else int(match[1])}
    if match := _CHANCE.fullmatch(word):
        return {"chance": float(match[1]) / 100}
    if _METHOD.fullmatch(word):
        return {"method": word}
    return {"path" if word.startswith("/") else "action": word}


def _fault(fields: dict[str, Json]) -> Fault:
    name = str(fields.pop("kind", ""))
    if _NUMBER.fullmatch(name):
        fields = {"code": int(name), **fields}
        name = "redirect" if fields["code"] in _REDIRECTS else "status"
    if name not in KINDS:
        raise ValueError(f"faults: no kind or file {name!r}; known: {', '.join(KINDS)}")
    kind = KINDS[name]
    target = fields.pop("path", None) or fields.pop("action", None) or kind.target
    phase = str(fields.pop("phase", "before"))
    times = fields.pop("times", kind.times)
    fault = Fault(
        kind=name,
        method=fields.pop("method", kind.method),
        target=target,
        phase=phase,
        nth=int(_convert(f"{name}: nth", fields.pop("nth", 1), 1)),
        times=None if times in {"*", None} else int(_convert(f"{name}: times", times, 1)),
        chance=float(_convert(f"{name}: chance", fields.pop("chance", 1.0), 1.0)),
        values=_values(name, fields),
    )
    _check(fault)
    return fault


def _values(name: str, fields: Mapping[str, Json]) -> dict[str, Value]:
    takes = KINDS[name].takes
    if unknown := sorted(set(fields) - set(takes)):
        accepted = ", ".join([*takes, "method, action or path, phase, nth, times, chance"])
        raise ValueError(f"faults: {name} has no {unknown[0]!r}; it takes {accepted}")
    values = dict(takes)
    for key, parameter in fields.items():
        values[key] = _convert(f"{name}: {key}", parameter, takes[key])
        choices = CHOICES.get((name, key))
        if choices and values[key] not in choices:
            raise ValueError(f"faults: {name}: {key} is one of {', '.join(sorted(choices))}")
    return values


def _convert(label: str, parameter: Json, usual: Value) -> str | int | float:
    kind = str if usual is None else type(usual)
    try:
        if kind is str:
            return str(parameter)
        return int(parameter) if kind is int else float(parameter)
    except (TypeError, ValueError):
        raise ValueError(f"faults: {label}: expected a number, not {parameter!r}") from None


def _check(fault: Fault) -> None:
    if fault.phase not in {"before", "after"}:
        raise ValueError(f"faults: {fault.kind}: phase is before or after, not {fault.phase!r}")
    if fault.after and (not KINDS[fault.kind].phased or fault.values.get("at") in _EARLY):
        raise ValueError(f"faults: {fault.kind}: nothing can have been accepted, so no `after`")
    if fault.layer == "connection" and (fault.method or fault.target):
        raise ValueError("faults: reset at=connect meets connections: no method, action or path")
    if fault.nth < 1 or not 0 <= fault.chance <= 1:
        raise ValueError(f"faults: {fault.kind}: nth is 1 or more, chance 0 to 1")
