"""Ask a host for its shapes, in order, without spending anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from callsheet.actions.families import is_free
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
        """Return the engine: the actions of the host, and a ledger that may know the task."""

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end."""


def probe(client: Asker, *, task: str | None = None, save: str | None = None) -> Report:
    """Inspect a host with GETs and, where ``task`` names one, with a single query about it.

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
    survey.fetch()
    findings = [
        *survey.access(),
        *survey.offers(),
        survey.task(task) if task else readings.NOT_ASKED,
    ]
    saved: tuple[str, ...] = ()
    if save is not None:
        saved = recording.write(save, survey.exchanges, settings, secrets=survey.private(task))
    sent = [*survey.exchanges, *survey.beside]
    queries = sum(1 for exchange in sent if exchange.send.method == "POST")
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
        self.exchanges: list[Exchange] = []
        self.tries: dict[str, Exchange] = {}
        self.beside: list[Exchange] = []
        self.catalogue: Catalogue | None = None
        self.trouble = ""

    def fetch(self) -> None:
        """Fetch the whole catalogue, cached or not, and try the ways to send the key."""
        flow = fetch(self.settings.host, self.host.overrides, self.host.timing, None)
        try:
            self.catalogue = self.client.run(observe(flow, self.exchanges))
        except CallsheetError as error:
            self.trouble = error.message
        if any(exchange.reply is not None for exchange in self.exchanges):
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
        """Report host, redirects and key."""
        return (
            host_finding(self.settings, self._first()),
            redirects_finding(self.settings, self.exchanges),
            key_finding(self.settings, self.tries),
        )

    def _first(self) -> Exchange | None:
        """Return the first exchange that is no redirect, or the first of all."""
        direct = (
            exchange
            for exchange in self.exchanges
            if exchange.reply and exchange.reply.status not in REDIRECTS
        )
        return next(direct, self.exchanges[0] if self.exchanges else None)

    def offers(self) -> tuple[ProbeFinding, ...]:
        """Report list, schemas, families and uploads."""
        overrides = self.host.overrides
        pages = readings.list_exchanges(self.exchanges)
        documents = readings.documents(self.exchanges, pages, overrides)
        return (
            readings.list_finding(pages, self.catalogue, overrides, self.trouble),
            readings.schemas_finding(documents, self.catalogue, overrides),
            readings.families_finding(self.surface()),
            readings.uploads_finding(self.catalogue, self.host.overlay.upload),
        )

    def surface(self) -> ActionSet | None:
        """Return the named actions of what was fetched."""
        if self.catalogue is None:
            return None
        from callsheet.actions.resolve import resolve_actions

        return resolve_actions(self.catalogue.actions, self.host.overlay)

    def task(self, task: str) -> ProbeFinding:
        """Query a job once and report how the reply reads."""
        surface = self.surface()
        actions = surface.by_id if surface is not None else {}
        families = list(filter(self._asks_for_free, self._families()))
        entry = self._ledger_entry(task)
        task_id, family = readings.choose_family(task, entry.action if entry else "", families)
        exchanges: list[Exchange] = []
        if family is not None:
            other_ids = entry.task_ids if entry else ()
            ids = tuple(dict.fromkeys((task_id, *other_ids)))
            self.client.run(readings.ask_once(ids, family, self.host.timing, exchanges))
            self.exchanges += exchanges
        return readings.task_finding(
            family,
            exchanges,
            action=actions.get(family.query) if family is not None else None,
            overrides=self.host.overrides,
            others=families,
        )

    def _asks_for_free(self, family: Family) -> bool:
        """Tell whether it is known that asking about the jobs of a family costs nothing."""
        entry = self.catalogue.get(family.query) if self.catalogue is not None else None
        is_marked = entry is not None and is_free(entry.hints)
        is_known = is_marked or self.host.overlay.is_free(family.query)
        return family.is_documented or is_known or self.client.engine.has_proof(family.query)

    def _families(self) -> list[Family]:
        """Return the families in the order in which the server lists their actions."""
        surface = self.surface()
        if surface is None or self.catalogue is None:
            return []
        named = (surface.by_id.get(action.id) for action in self.catalogue.actions)
        return list(dict.fromkeys(a.family for a in named if a and a.family is not None))

    def _ledger_entry(self, task: str) -> LedgerEntry | None:
        ledger = self.client.engine.ledger
        try:
            return ledger.find(task.rpartition(":")[2]) if ledger is not None else None
        except CallsheetError:
            return None

    def private(self, task: str | None) -> tuple[str, ...]:
        """Return the texts that the user once sent for this job; no recording may hold them."""
        entry = self._ledger_entry(task) if task else None
        return recording.texts_of(entry.body or "") if entry else ()


def _list_as(settings: Settings) -> list[Exchange]:
    """Fetch the list with these settings, over a connection of its own."""
    exchanges: list[Exchange] = []
    transport = Transport(settings, None)
    try:
        transport.run(observe(follow_redirect(Send("GET", LIST)), exchanges))
    except CallsheetError as error:
        exchanges.append(Exchange(Send("GET", LIST), None, error.message))
    finally:
        transport.close()
    return exchanges
