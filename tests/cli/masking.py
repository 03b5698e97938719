"""What differs from run to run, by names that stay: addresses, ids, folders, times."""

from __future__ import annotations

import platform
import re
from typing import TYPE_CHECKING

import callsheet

if TYPE_CHECKING:
    from collections.abc import Mapping

_UUID = re.compile(r"\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b")
_REF = re.compile(r"\b[0-9a-f]{8}\b")
_DIGESTS = {r"\b[0-9a-f]{64}\b": "{sha256}", r"upload-[0-9a-f]{32}": "upload-{digest}"}
_VARYING = {
    r"\b(click|httpx|jmespath|jsonschema|jsonschema-rs|pydantic|rich) \d[\w.]*": r"\1 {version}",
    r'("(?:at|bytes|created|seconds|usualSeconds)":\s*)[\d.]+': r"\1{number}",
    r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d": "{when}",
    r"\b\d+ bytes\b": "{number} bytes",
    r"\[Errno \d+\]": "[Errno {number}]",
    r"(?<![\d.])\d+ (?:ms|s|min|h)\b(?: \d\d (?:s|min)\b)?": "{time}",
    # A busy sandbox sets its Date header late.
    r"\{time\} (?:behind|ahead of) the server|as the server's": "{clock}",
    # How often a job is seen under way depends on the machine.
    r"^\S+: (?:pending|processing) .*\n": "",
}


class Names:
    """Real values and their names in one transcript; ids are numbered as they appear."""

    def __init__(self, fixed: Mapping[str, str]) -> None:
        machine = {platform.platform(): "{platform}", platform.python_version(): "{python}"}
        self.known = {**fixed, **machine, callsheet.__version__: "{version}"}
        self.counts: dict[str, int] = {}

    def real(self, text: str) -> str:
        """A line of a transcript with the values of this run in it."""
        for value, name in self.known.items():
            text = text.replace(name, value)
        return text

    def masked(self, text: str) -> str:
        """What was printed, with names for what differs from run to run."""
        for digest, name in _DIGESTS.items():
            text = re.sub(digest, name, text)
        for value in sorted(self.known, key=len, reverse=True):
            text = text.replace(value, self.known[value])
        for pattern, kind in ((_UUID, "id"), (_REF, "ref")):
            text = pattern.sub(lambda found, kind=kind: self._named(found[0], kind), text)
        for varying, name in _VARYING.items():
            text = re.sub(varying, name, text, flags=re.M)
        return text

    def _named(self, value: str, kind: str) -> str:
        if value not in self.known:
            self.counts[kind] = self.counts.get(kind, 0) + 1
            self.known[value] = f"{{{kind}-{self.counts[kind]}}}"
        return self.known[value]
