"""Decide which fault strikes a request: count what matches, and roll the seeded dice."""

import random
import re
import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase

from callsheet_sandbox.faults.script import Fault, Script
from callsheet_sandbox.templates import Json

_INVOKED = re.compile(r"/api/(?:[^/]+/)?actions/(.+)")


@dataclass(frozen=True, slots=True)
class Ask:
    """What a fault is matched with: a request, its path in its realm, the action it invokes."""

    method: str = ""
    path: str = ""
    action: str | None = None


def ask_of(method: str, path: str) -> Ask:
    """Return what is matched of a request to this path of a realm."""
    match = _INVOKED.fullmatch(path) if method == "POST" else None
    return Ask(method, path, match[1] if match else None)


@dataclass(slots=True)
class _Line:
    """A fault of the script with what it has met so far."""

    fault: Fault
    dice: random.Random
    seen: int = 0
    fired: int = 0

    def meets(self, ask: Ask) -> bool:
        """Tell whether the fault is for such a request."""
        fault = self.fault
        if fault.method not in {None, ask.method}:
            return False
        if fault.target is None:
            return True
        if fault.target.startswith("/"):
            return fnmatchcase(ask.path, fault.target)
        return ask.action is not None and fnmatchcase(ask.action, fault.target)

    def strikes(self) -> bool:
        """Count one matching request; tell whether this one is struck."""
        self.seen += 1
        over = self.seen - self.fault.nth
        if over < 0 or (self.fault.times is not None and over >= self.fault.times):
            return False
        return self.dice.random() < self.fault.chance


class Plan:
    """The script in force; thread-safe.

    Every fault counts the requests that it matches for itself, whether or not another fault
    strikes them. Where several would strike one request, the first of the script does.
    """

    def __init__(self, script: Script) -> None:
        self._first = script
        self._lock = threading.Lock()
        self.set(script)

    def set(self, script: Script) -> None:
        """Put a script in force, all counts at zero."""
        lines = [
            # A script that is played again must strike the same requests.
            _Line(fault, random.Random(f"{script.seed}:{number}"))  # noqa: S311 - no secret
            for number, fault in enumerate(script.faults)
        ]
        with self._lock:
            self._lines = lines

    def reset(self) -> None:
        """Go back to the script that the server was started with."""
        self.set(self._first)

    def pick(self, layer: str, ask: Ask) -> Fault | None:
        """Return the fault that strikes here, if one does; counts the request."""
        with self._lock:
            struck = [
                line
                for line in self._lines
                if line.fault.layer == layer and line.meets(ask) and line.strikes()
            ]
            if not struck:
                return None
            struck[0].fired += 1
            return struck[0].fault

    def report(self) -> list[dict[str, Json]]:
        """Return the faults in order, with the requests each has matched and struck."""
        with self._lock:
            return [
                {**line.fault.describe(), "seen": line.seen, "fired": line.fired}
                for line in self._lines
            ]
