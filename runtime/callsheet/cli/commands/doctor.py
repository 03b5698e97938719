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

from callsheet.cli.builtin import BuiltinCommand, format_count
from callsheet.cli.commands.actions import bindings_changes, unused_bindings
from callsheet.cli.output import formats as output
from callsheet.cli.output.cells import cell
from callsheet.cli.output.formats import duration
from callsheet.cli.server_actions import AvailableActions
from callsheet.config.settings import is_loopback
from callsheet.errors import CallsheetError, NetworkError
from callsheet.transport.http import verify_for

if TYPE_CHECKING:
    from callsheet.cli.context import Context
    from callsheet.flows.effects import HttpReply


_PATIENCE = 10.0


def expiry_of(url: str) -> float | None:
    """Return when the certificate ends, in seconds since 1970.

    ``None`` behind a proxy, and for a certificate that names no end.

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
            certificate = secured.getpeercert() or {}
    except (OSError, ssl.SSLError) as error:
        raise NetworkError(
            f"{host}:{port}: {error}", sent=False, hint="see SSL_CERT_FILE"
        ) from None
    return (
        ssl.cert_time_to_seconds(str(certificate["notAfter"]))
        if "notAfter" in certificate
        else None
    )


_SKEW = 60
_SOON = 14
_DAY = 86_400
_DEPENDENCIES = ("click", "httpx", "pydantic", "jsonschema", "jsonschema-rs", "jmespath", "rich")


class CheckResult(NamedTuple):
    """The result of a check; ``hint`` says what to do about it."""

    detail: str
    ok: bool = True
    hint: str = ""


class Checks:
    """The checks of one run, one a method; a check fails too where it raises ``CallsheetError``.

    ``server`` stores its reply for ``clock``, ``catalogue`` the actions for ``bindings``.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.reply: HttpReply | None = None
        self.offer: AvailableActions | None = None

    def python(self) -> CheckResult:
        """Describe the interpreter and the machine."""
        return CheckResult(
            f"{platform.python_version()} at {sys.executable}, {platform.platform()}"
        )

    def versions(self) -> CheckResult:
        """Check that every dependency is installed, and list the versions."""
        from importlib.metadata import PackageNotFoundError, version

        from callsheet.version import __version__

        missing, versions = [], [f"callsheet {__version__}"]
        for name in _DEPENDENCIES:
            try:
                versions.append(f"{name} {version(name)}")
            except PackageNotFoundError:
                missing.append(name)
        hint = f"install {' '.join(missing)}" if missing else ""
        return CheckResult(
            ", ".join([*versions, *(f"no {name}" for name in missing)]), not missing, hint
        )

    def configuration(self) -> CheckResult:
        """Check that a host is set and the settings have no warnings; list where each was set."""
        from callsheet.cli.commands.config import rows

        settings = self.context.settings
        settings.require_host()
        origins = [
            f"{row['name']} from {row['origin']}"
            for row in rows(self.context)
            if row["origin"] not in {"default", "config.json"} and row["name"] != "key"
        ]
        detail = f"{settings.config_dir}, profile {settings.profile}; {', '.join(origins)}"
        return CheckResult(detail, not settings.warnings, "; ".join(settings.warnings))

    def key(self) -> CheckResult:
        """Show the key, masked; without one the server decides whether it needs one."""
        settings = self.context.settings
        if settings.key is None:
            return CheckResult("none: requests leave without one")
        return CheckResult(f"{settings.key} from {settings.origins.get('api_key')}")

    def server(self) -> CheckResult:
        """Check that the server answers with a status below 500, and how fast; store the reply."""
        from callsheet.catalog.fetch import ask_for_list

        started = time.monotonic()
        self.reply = self.context.run(ask_for_list(self.context.host.timing))
        took = (time.monotonic() - started) * 1000
        host, status = self.context.settings.host, self.reply.status
        hint = f"{self.context.prog} probe shows how it was read" if status >= 400 else ""
        return CheckResult(f"{host} answered HTTP {status} in {took:.0f} ms", status < 500, hint)

    def certificate(self) -> CheckResult:
        """Check that the server's certificate is valid for 14 more days; plain http passes."""
        host = self.context.settings.host
        if not host.startswith("https:"):
            return CheckResult(
                "none: plain http, inside this machine" if is_loopback(host) else "none"
            )
        until = expiry_of(host)
        if until is None:
            return CheckResult("not checked: there is a proxy in between")
        days = int((until - time.time()) / _DAY)
        day = time.strftime("%Y-%m-%d", time.gmtime(until))
        hint = "its owner has to renew it soon" if days < _SOON else ""
        return CheckResult(f"valid until {day}, {days} days", days >= _SOON, hint)

    def clock(self) -> CheckResult:
        """Check that this clock is within 60 s of the ``Date`` in the reply to ``server``."""
        behind = skew(self.reply.headers.get("date", "") if self.reply else "", time.time())
        if behind is None:
            return CheckResult("the server sends no time")
        side = "behind" if behind > 0 else "ahead of"
        ok = abs(behind) <= _SKEW
        detail = (
            f"{duration(abs(behind))} {side} the server" if abs(behind) > 1 else "as the server's"
        )
        return CheckResult(
            detail, ok, "" if ok else "set this machine's clock: signed links depend on it"
        )

    def catalogue(self) -> CheckResult:
        """Fetch the catalogue into the cache and store it; else say how old the cache is."""
        context = self.context
        cached = context.host.cached()
        before = "" if cached is None else f", last {duration(time.time() - cached.fetched)} before"
        try:
            catalogue = context.run(context.host.refresh())
        except CallsheetError as error:
            age = f"; the cache is {duration(time.time() - cached.fetched)} old" if cached else ""
            return CheckResult(f"{error.message}{age}", ok=False, hint=error.hint)
        self.offer = AvailableActions(catalogue, "live")
        notes = f"; {len(catalogue.notes)} notes" if catalogue.notes else ""
        notes += f"; {catalogue.missing}" if catalogue.missing else ""
        hint = f"{context.prog} probe shows them" if notes else ""
        return CheckResult(f"{len(catalogue.actions)} actions, asked now{before}{notes}", hint=hint)

    def bindings(self) -> CheckResult:
        """Compare the generated package with the stored actions; only breaking changes fail."""
        if not self.context.program.package or not (bindings := self.context.bindings).package:
            return CheckResult(unused_bindings(self.context))
        bindings.check()
        package = f"{bindings.package}, made from {bindings.source or 'an unknown source'}"
        if self.offer is None:
            return CheckResult(f"{package}; not compared")
        differences = bindings_changes(self.context, self.offer)
        breaking = sum(change.severity == "breaking" for change in differences)
        if not differences:
            return CheckResult(f"{package}, as the server says")
        count = format_count(len(differences), "change")
        return CheckResult(
            f"{package}; {count} since, {breaking} of them breaking",
            not breaking,
            f"{self.context.prog} actions diff",
        )

    def ledger(self) -> CheckResult:
        """Check that the ledger is undamaged and writable, and count its unknown outcomes."""
        from callsheet.storage.ledger import Ledger
        from callsheet.stored import folder

        context = self.context
        state_dir = folder("state", context.prog, context.program.env, context.environ)
        ledger = Ledger(state_dir)
        if not os.path.exists(ledger.path):
            return CheckResult(f"none yet; it will be {ledger.path}", *_writable(state_dir))
        damage = ledger.damage()
        if damage:
            return CheckResult(
                f"{ledger.path}: {damage}", ok=False, hint="restore it, or move it away"
            )
        jobs = len(ledger.jobs(limit=1_000_000))
        unknown = sum(ledger.is_unknown(job) for job in ledger.unknown_or_unsaved())
        more = f", {unknown} of them unknown" if unknown else ""
        hint = f"{context.prog} tasks recover" if unknown else ""
        return CheckResult(
            f"{format_count(jobs, 'job')}{more}, undamaged; {ledger.path}",
            *_writable(state_dir, hint),
        )


def _writable(folder: str, hint: str = "") -> tuple[bool, str]:
    """Return whether the folder, or the nearest one above it that exists, can be written.

    The second part is ``hint``, or what is wrong where it cannot.
    """
    while not os.path.exists(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    if os.access(folder, os.W_OK | os.X_OK):
        return True, hint
    return False, f"{folder} is not writable: paid calls are not made without a ledger"


def skew(date: str, now: float) -> float | None:
    """Return the seconds by which ``now`` is behind a ``Date`` header, negative where ahead.

    ``None`` where the header cannot be read.
    """
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(date).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return None


# Each check (a method of ``Checks``), and those that have to pass before it is run.
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

    No request that may cost is sent. Exits with 1 where a check fails.
    """
    checks = Checks(context)
    by_name: dict[str, dict[str, Any]] = {}
    for name, needs in CHECKS.items():
        by_name[name] = _row(checks, name, [need for need in needs if not by_name[need]["ok"]])
    rows = list(by_name.values())
    output.emit(context.console, rows, lambda: _lines(context, rows))
    return 1 if any(row["ok"] is False for row in rows) else 0


def _row(checks: Checks, name: str, lacking: list[str]) -> dict[str, Any]:
    """Run one check; return its row. ``ok`` is ``None`` where a check of ``lacking`` failed."""
    row: dict[str, Any] = {"check": name, "ok": None, "hint": "", "detail": ""}
    if lacking:
        return row | {"detail": f"not checked without {' and '.join(lacking)}"}
    try:
        outcome: CheckResult = getattr(checks, name)()
    except CallsheetError as error:
        return row | {"ok": False, "detail": error.message, "hint": error.hint}
    return row | {"ok": outcome.ok, "detail": outcome.detail, "hint": outcome.hint}


def _lines(context: Context, rows: list[dict[str, Any]]) -> str:
    from callsheet.cli.output.fitting import hang

    width, screen = max(len(row["check"]) for row in rows), output.screen_width()
    lines = []
    for row in rows:
        mark, style = _MARKS[row["ok"]]
        head = context.console.style(mark.ljust(4), style, sys.stdout)
        head += f"  {row['check'].ljust(width)}  "
        lines.append(hang(head, cell(row["detail"]), screen))
        if row["hint"]:
            lines.append(hang(" " * (width + 8), cell(row["hint"]), screen))
    return "\n".join(lines)


doctor = BuiltinCommand("doctor", _doctor)
