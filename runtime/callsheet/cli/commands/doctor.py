"""Check the installation, the host and the key."""

from __future__ import annotations

import os
import platform
import socket
import ssl
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from callsheet.cli.builtin import BuiltinCommand, many
from callsheet.cli.commands.actions import changes
from callsheet.cli.offer import AvailableActions
from callsheet.cli.output import formats as output
from callsheet.cli.output import table
from callsheet.cli.output.table import duration
from callsheet.config.settings import is_loopback
from callsheet.errors import CallsheetError, NetworkError
from callsheet.flows.effects import Send
from callsheet.flows.retry import with_retries
from callsheet.transport.http import verify_for

if TYPE_CHECKING:
    from callsheet.cli.context import Context
    from callsheet.flows.effects import HttpReply


_PATIENCE = 10.0


def holds_until(url: str) -> float | None:
    """The end of the certificate in seconds since 1970; ``None`` where a proxy stands between.

    The trusted authorities are those of every other request. Raises ``NetworkError`` where the
    server cannot be reached or its certificate is not trusted.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    if not is_loopback(url) and "https" in getproxies() and not proxy_bypass(host):
        return None
    try:
        with (
            socket.create_connection((host, port), timeout=_PATIENCE) as plain,
            verify_for(url).wrap_socket(plain, server_hostname=host) as secured,
        ):
            told = secured.getpeercert() or {}
    except (OSError, ssl.SSLError) as error:
        raise NetworkError(
            f"{host}:{port}: {error}", sent=False, hint="see SSL_CERT_FILE"
        ) from None
    return ssl.cert_time_to_seconds(str(told["notAfter"])) if "notAfter" in told else None


_SKEW = 60
_TOLERANCE = 5
_SOON = 14
_DAY = 86_400
_STANDS_ON = ("click", "httpx", "pydantic", "jsonschema", "jsonschema-rs", "jmespath", "rich")


class Found(NamedTuple):
    """What a check found; ``hint`` says what to do about it."""

    detail: str
    ok: bool = True
    hint: str = ""


class Checks:
    """One examination; what the server answered is kept for the checks that follow."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.reply: HttpReply | None = None
        self.offer: AvailableActions | None = None

    def python(self) -> Found:
        """The interpreter and the machine."""
        return Found(f"{platform.python_version()} at {sys.executable}, {platform.platform()}")

    def versions(self) -> Found:
        """This program and what it stands on."""
        from importlib.metadata import PackageNotFoundError, version

        from callsheet.version import __version__

        missing, found = [], [f"callsheet {__version__}"]
        for name in _STANDS_ON:
            try:
                found.append(f"{name} {version(name)}")
            except PackageNotFoundError:
                missing.append(name)
        hint = f"install {' '.join(missing)}" if missing else ""
        return Found(", ".join([*found, *(f"no {name}" for name in missing)]), not missing, hint)

    def configuration(self) -> Found:
        """The file, the host, and where it was said."""
        from callsheet.cli.commands.config import rows

        settings = self.context.settings
        settings.require_host()
        said = [
            f"{row['name']} from {row['origin']}"
            for row in rows(self.context)
            if row["origin"] not in {"default", "config.json"} and row["name"] != "key"
        ]
        detail = f"{settings.config_dir}, profile {settings.profile}; {', '.join(said)}"
        return Found(detail, not settings.warnings, "; ".join(settings.warnings))

    def key(self) -> Found:
        """Whether there is one, masked."""
        from callsheet.transport.http import require_key

        require_key(self.context.settings)
        origin = self.context.settings.origins.get("api_key")
        return Found(f"{self.context.settings.key} from {origin}")

    def server(self) -> Found:
        """Whether it answers, and how fast."""
        from callsheet.catalog.fetch import LIST

        started = time.monotonic()
        flow = with_retries(Send("GET", LIST), self.context.host.timing)
        self.reply = self.context.run(flow)
        took = (time.monotonic() - started) * 1000
        host, status = self.context.settings.host, self.reply.status
        hint = f"{self.context.prog} probe says how it was read" if status >= 400 else ""
        return Found(f"{host} answered HTTP {status} in {took:.0f} ms", status < 500, hint)

    def certificate(self) -> Found:
        """How long the server's certificate holds."""
        host = self.context.settings.host
        if not host.startswith("https:"):
            return Found("none: plain http, inside this machine" if _local(host) else "none")
        until = holds_until(host)
        if until is None:
            return Found("not looked at: a proxy stands between")
        days = int((until - time.time()) / _DAY)
        day = time.strftime("%Y-%m-%d", time.gmtime(until))
        return Found(f"holds until {day}, {days} days", days >= _SOON, _renewal(days))

    def clock(self) -> Found:
        """This machine's clock beside the server's."""
        behind = skew(self.reply.headers.get("date", "") if self.reply else "", time.time())
        if behind is None:
            return Found("the server does not tell the time")
        side = "behind" if behind > 0 else "ahead of"
        ok = abs(behind) <= _SKEW
        detail = (
            f"{duration(abs(behind))} {side} the server" if abs(behind) > 1 else "as the server's"
        )
        return Found(
            detail, ok, "" if ok else "set this machine's clock: signed links depend on it"
        )

    def catalogue(self) -> Found:
        """What the server offers now, else how old the cache is."""
        context = self.context
        known = context.host.cached()
        before = "" if known is None else f", last {duration(time.time() - known.fetched)} before"
        try:
            fresh = context.run(context.host.refresh())
        except CallsheetError as error:
            age = f"; the cache is {duration(time.time() - known.fetched)} old" if known else ""
            return Found(f"{error.message}{age}", ok=False, hint=error.hint)
        self.offer = AvailableActions(fresh, "live")
        notes = f"; {len(fresh.notes)} notes" if fresh.notes else ""
        hint = f"{context.prog} probe tells them" if notes else ""
        return Found(f"{len(fresh.actions)} actions, asked now{before}{notes}", hint=hint)

    def bindings(self) -> Found:
        """What was generated, beside what the server offers."""
        bindings = self.context.bindings
        if not bindings.package:
            return Found("none: every command comes from the live catalogue")
        bindings.check()
        made = f"{bindings.package}, made from {bindings.source or 'an unknown source'}"
        if self.offer is None:
            return Found(f"{made}; not compared")
        found = changes(self.context, self.offer)
        breaking = sum(change.severity == "breaking" for change in found)
        if not found:
            return Found(f"{made}, as the server says")
        said = f"{made}; {many(len(found), 'change')} since, {breaking} of them breaking"
        return Found(said, not breaking, f"{self.context.prog} actions diff")

    def ledger(self) -> Found:
        """Whether the file is whole and can be written, and what in it waits for somebody."""
        from callsheet.config.settings import folder
        from callsheet.storage.ledger import Ledger

        context = self.context
        place = folder("state", context.prog, context.bindings.env, context.environ)
        ledger = Ledger(place)
        if not os.path.exists(ledger.path):
            return Found(f"none yet; it will be {ledger.path}", *_room(place))
        damage = ledger.damage()
        if damage:
            return Found(f"{ledger.path}: {damage}", ok=False, hint="restore it, or move it away")
        jobs = len(ledger.jobs(limit=1_000_000))
        unknown = sum(ledger.is_unknown(job) for job in ledger.unsettled())
        more = f", {unknown} of them unknown" if unknown else ""
        hint = f"{context.prog} tasks recover" if unknown else ""
        return Found(f"{many(jobs, 'job')}{more}, whole; {ledger.path}", *_room(place, hint))


def _local(host: str) -> bool:
    return is_loopback(host)


def _renewal(days: int) -> str:
    return "its owner has to renew it soon" if days < _SOON else ""


def _room(place: str, hint: str = "") -> tuple[bool, str]:
    """Whether the folder, or the nearest one above it, can be written."""
    while not os.path.exists(place) and place != os.path.dirname(place):
        place = os.path.dirname(place)
    if os.access(place, os.W_OK | os.X_OK):
        return True, hint
    return False, f"{place} is not writable: paid calls are not made without a ledger"


def skew(date: str, now: float) -> float | None:
    """Seconds that a clock showing ``now`` is behind a ``Date`` header; ``None`` without one."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(date).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return None


# Each check after those that it makes no sense without.
CHECKS = {
    "python": (),
    "versions": (),
    "configuration": (),
    "key": ("configuration",),
    "server": ("configuration",),
    "certificate": ("configuration",),
    "clock": ("server",),
    "catalogue": ("server",),
    "bindings": (),
    "ledger": (),
}
_MARKS = {True: ("ok", "good"), False: ("FAIL", "bad"), None: ("--", "dim")}


def _doctor(context: Context) -> int:
    """Check this installation, its settings, the server, the bindings and the ledger.

    Nothing that may cost is sent. 1 where something is wrong.
    """
    visit = Checks(context)
    rows: dict[str, dict[str, Any]] = {}
    for name, needs in CHECKS.items():
        rows[name] = _row(visit, name, [one for one in needs if not rows[one]["ok"]])
    found = list(rows.values())
    output.emit(context.console, found, lambda: _told(context, found))
    return 1 if any(row["ok"] is False for row in found) else 0


def _row(visit: Checks, name: str, lacking: list[str]) -> dict[str, Any]:
    """One check; ``ok`` is null where something that it needs failed before it."""
    row: dict[str, Any] = {"check": name, "ok": None, "hint": "", "detail": ""}
    if lacking:
        return row | {"detail": f"not looked at without {' and '.join(lacking)}"}
    try:
        found = getattr(visit, name)()
    except CallsheetError as error:
        return row | {"ok": False, "detail": error.message, "hint": error.hint}
    return row | {"ok": found.ok, "detail": found.detail, "hint": found.hint}


def _told(context: Context, rows: list[dict[str, Any]]) -> str:
    wide = max(len(row["check"]) for row in rows)
    lines = []
    for row in rows:
        mark, style = _MARKS[row["ok"]]
        head = context.console.style(mark.ljust(4), style, sys.stdout)
        lines.append(f"{head}  {row['check'].ljust(wide)}  {table.cell(row['detail'])}")
        if row["hint"]:
            lines.append(f"{' ' * (wide + 8)}{table.cell(row['hint'])}")
    return "\n".join(lines)


doctor = BuiltinCommand("doctor", _doctor)
