"""Ask a host for its shapes, in order, without spending anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from callsheet.catalog.fetch import LIST, fetch
from callsheet.config.settings import AUTHS
from callsheet.errors import CallsheetError
from callsheet.flows.effects import Send
from callsheet.flows.retry import REDIRECTS, follow_redirect
from callsheet.probe import readings, recording
from callsheet.probe.access import host_finding, key_finding, redirects_finding
from callsheet.probe.report import Exchange, Report, observe
from callsheet.transport.sync import Transport

if TYPE_CHECKING:
    from callsheet.actions.resolve import ActionSet
    from callsheet.catalog.snapshot import Catalogue
    from callsheet.config.settings import Settings
    from callsheet.engine.invoke import Engine
    from callsheet.flows.effects import Flow
    from callsheet.probe.report import ProbeFinding
    from callsheet.spec import Family
    from callsheet.storage.ledger import LedgerEntry


T = TypeVar("T")


class Asker(Protocol):
    """What a probe asks with: a ``Client``, or the session of a command."""

    @property
    def engine(self) -> Engine:
        """The engine: the actions of the host, and a ledger that may know the task."""

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end."""


def probe(client: Asker, *, task: str | None = None, save: str | None = None) -> Report:
    """Look at a host with GETs and, where ``task`` names one, with a single query about it.

    ``task`` is a task id, or ``ACTION:ID`` to say which action asks. ``save`` is a folder that
    gets the replies without keys, prompts and the signed part of links. Nothing is created,
    cached or sent that may cost money. Raises ``UsageError`` where no host is configured or
    the folder cannot be used; whatever the server does becomes a finding.
    """
    settings = client.engine.host.settings
    host = settings.require_host()
    if save is not None:
        recording.check_folder(save)
    survey = _Survey(client)
    survey.look()
    findings = [
        *survey.access(),
        *survey.offers(),
        survey.task(task) if task else readings.NOT_ASKED,
    ]
    saved: tuple[str, ...] = ()
    if save is not None:
        saved = recording.write(save, survey.seen, settings, secrets=survey.private(task))
    sent = [*survey.seen, *survey.beside]
    queries = sum(1 for one in sent if one.send.method == "POST")
    return Report(
        host=host,
        findings=tuple(finding.safe() for finding in findings),
        actions=len(survey.catalogue.actions) if survey.catalogue is not None else 0,
        saved=saved,
        requests=len(sent),
        queries=queries,
    )


class _Survey:
    """What one probe has sent and learned so far."""

    def __init__(self, client: Asker) -> None:
        self.client, self.host = client, client.engine.host
        self.settings: Settings = client.engine.host.settings
        self.seen: list[Exchange] = []
        self.tries: dict[str, Exchange] = {}
        self.beside: list[Exchange] = []
        self.catalogue: Catalogue | None = None
        self.trouble = ""

    def look(self) -> None:
        """Fetch the whole catalogue, cached or not, and try the ways to send the key."""
        flow = fetch(self.settings.host, self.host.overrides, self.host.timing, None)
        try:
            self.catalogue = self.client.run(observe(flow, self.seen))
        except CallsheetError as error:
            self.trouble = error.message
        if any(one.reply is not None for one in self.seen):
            self._try_keys()

    def _try_keys(self) -> None:
        keyless = self.settings._replace(key=None)
        ways = {"no key": keyless}
        if self.settings.key is not None:
            ways = {way: self.settings._replace(auth=way) for way in AUTHS} | ways
        for name, settings in ways.items():
            sent = _list_as(settings)
            self.tries[name] = sent[-1]
            self.beside += sent

    def access(self) -> tuple[ProbeFinding, ...]:
        """Host, redirects and key."""
        return (
            host_finding(self.settings, self._first()),
            redirects_finding(self.settings, self.seen),
            key_finding(self.settings, self.tries),
        )

    def _first(self) -> Exchange | None:
        """The first answer that is no redirect, or the first of all."""
        direct = (one for one in self.seen if one.reply and one.reply.status not in REDIRECTS)
        return next(direct, self.seen[0] if self.seen else None)

    def offers(self) -> tuple[ProbeFinding, ...]:
        """List, schemas and families."""
        overrides = self.host.overrides
        pages = readings.listed(self.seen)
        given = readings.documents(self.seen, pages, overrides)
        return (
            readings.list_finding(pages, self.catalogue, overrides, self.trouble),
            readings.schemas_finding(given, self.catalogue, overrides),
            readings.families_finding(self.surface()),
        )

    def surface(self) -> ActionSet | None:
        """The named actions of what was fetched."""
        if self.catalogue is None:
            return None
        from callsheet.actions.resolve import resolve_actions

        return resolve_actions(self.catalogue.actions, self.host.overlay)

    def task(self, task: str) -> ProbeFinding:
        """One query about a job."""
        surface = self.surface()
        actions = surface.by_id if surface is not None else {}
        families = self._families()
        row = self._row(task)
        task_id, family = readings.chosen(task, row.action if row else "", families)
        seen: list[Exchange] = []
        if family is not None:
            known = row.task_ids if row else ()
            ids = tuple(dict.fromkeys((task_id, *known)))
            self.client.run(readings.ask_once(ids, family, self.host.timing, seen))
            self.seen += seen
        return readings.task_finding(
            family,
            seen,
            action=actions.get(family.query) if family is not None else None,
            overrides=self.host.overrides,
            others=families,
        )

    def _families(self) -> list[Family]:
        """The families in the order in which the server lists their actions."""
        surface = self.surface()
        if surface is None or self.catalogue is None:
            return []
        named = (surface.by_id.get(action.id) for action in self.catalogue.actions)
        return list(dict.fromkeys(a.family for a in named if a and a.family is not None))

    def _row(self, task: str) -> LedgerEntry | None:
        ledger = self.client.engine.ledger
        try:
            return ledger.find(task.rpartition(":")[2]) if ledger is not None else None
        except CallsheetError:
            return None

    def private(self, task: str | None) -> tuple[str, ...]:
        """Texts that the user once sent for this job; no recording may hold them."""
        row = self._row(task) if task else None
        return recording.texts_of(row.body or "") if row else ()


def _list_as(settings: Settings) -> list[Exchange]:
    """The list as these settings get it, over a connection of its own."""
    seen: list[Exchange] = []
    transport = Transport(settings, None)
    try:
        transport.run(observe(follow_redirect(Send("GET", LIST)), seen))
    except CallsheetError as error:
        seen.append(Exchange(Send("GET", LIST), None, error.message))
    finally:
        transport.close()
    return seen
