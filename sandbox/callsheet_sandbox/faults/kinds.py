"""Name the faults there are, what each does, and the parameters it takes."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_INDENT = " " * 6

Value = str | int | float | None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault.

    `takes` holds the parameters with their defaults, whose types the values given must have
    (None: text). `method` and `target` say which requests it meets where the script names none,
    `times` how often (None: always). `phased` kinds can come before or after the side effect.
    """

    does: str
    takes: Mapping[str, Value] = field(default_factory=dict)
    phased: bool = False
    method: str | None = None
    target: str | None = None
    times: int | None = 1


def _reply(does: str, **takes: Value) -> Kind:
    return Kind(does, {key.replace("_", "-"): usual for key, usual in takes.items()}, phased=True)


def _download(does: str, **takes: Value) -> Kind:
    return Kind(does, takes, method="GET", target="/media/*")


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "status": _reply(
            "an error status; its number alone means the same (type: json, problem, html, text, "
            "empty; retry-after: any text, date+5 is a date 5 s ahead)",
            code=503,
            retry_after=None,
            type="json",
            message="Injected fault.",
            size=0,
        ),
        "redirect": _reply(
            "a redirect; its number alone means the same (to: same origin, other port, other "
            "scheme, other host, or an address)",
            code=307,
            to="port",
        ),
        "malformed": _reply("a JSON reply that is not JSON", code=200, text='{"taskId": "'),
        "wrong": _reply("a JSON reply of another shape", code=200, text="[null, 3]"),
        "html": _reply("an HTML page", code=200),
        "empty": _reply("a reply without a body", code=200),
        "slow": _reply("a wait; the request is carried out even if the client left", seconds=0.2),
        "drop": _reply("the connection is closed without a reply"),
        "truncate": _reply("the body ends early, Content-Length is the whole", keep=0.5),
        "hang": _reply("no reply until the client leaves or the time is over", seconds=30.0),
        "garbage": _reply("bytes that are no HTTP"),
        "reset": _reply(
            "a TCP reset (at: connect, request = its headers read, sent = its body read, headers, "
            "body = of the reply; the first two come before anything is accepted)",
            at="sent",
        ),
        "slice": Kind("the reply in pieces of so many bytes", {"bytes": 64, "pause": 0.001}),
        "bandwidth": Kind("the reply at so many bytes a second", {"rate": 100_000}),
        "cut": _download(
            "the connection ends after so many bytes (framing: length, chunked, close; "
            "end: close, reset)",
            bytes=0,
            framing="length",
            end="close",
        ),
        "whole": _download("200 and the whole file, whatever range was asked for"),
        "unsatisfiable": _download("416, whatever range was asked for"),
        "changed": _download("another version of the file with another ETag", etag='"changed"'),
        "misrange": _download("206 with a range so far from the one asked for", shift=7),
        "gzip": _download("the whole file, gzip-encoded though nobody asked"),
        "unsized": _download("no Content-Length (framing: chunked, close)", framing="chunked"),
        "expired": _download("the link is refused until a reply gives a fresh one", code=403),
        "foreign-links": Kind(
            "media links of the reply lead to another origin (to: port, scheme, host)",
            {"to": "port"},
            target="*",
            times=None,
        ),
        "stuck": Kind("jobs never end", {"progress": 0.5}, target="*", times=None),
        "backwards": Kind("a job is pending again", target="*query"),
        "state": Kind(
            "a job is in a state of this word",
            {"word": "defragmenting", "progress": 0.5},
            target="*query",
        ),
    }
)

CHOICES: Mapping[tuple[str, str], frozenset[str]] = MappingProxyType(
    {
        ("status", "type"): frozenset({"json", "problem", "html", "text", "empty"}),
        ("reset", "at"): frozenset({"connect", "request", "sent", "headers", "body"}),
        ("cut", "framing"): frozenset({"length", "chunked", "close"}),
        ("cut", "end"): frozenset({"close", "reset"}),
        ("unsized", "framing"): frozenset({"chunked", "close"}),
        ("foreign-links", "to"): frozenset({"port", "scheme", "host"}),
    }
)


def described() -> str:
    """Return a paragraph for each kind: name, parameters with defaults, what it does."""
    lines = []
    for name, kind in KINDS.items():
        takes = " ".join(
            f"{key}={'' if usual is None else usual}" for key, usual in kind.takes.items()
        )
        lines.append(f"  {name} {takes}".rstrip())
        lines.append(
            textwrap.fill(kind.does, 98, initial_indent=_INDENT, subsequent_indent=_INDENT)
        )
    return "\n".join(lines)
