"""Inspect how a host's replies are built and read, topic by topic, at no cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import urljoin, urlsplit

from callsheet.actions.families import is_free
from callsheet.catalog.fetch import LIST, fetch
from callsheet.config.credentials import BEARER, X_API_KEY
from callsheet.config.settings import origin_of
from callsheet.errors import CallsheetError
from callsheet.flows.effects import Send
from callsheet.flows.retry import REDIRECTS, follow_redirect
from callsheet.probe import readings, recording
from callsheet.probe.report import Exchange, ProbeFinding, Report, observe
from callsheet.protocol.error_replies import is_page
from callsheet.spec import Family
from callsheet.text import one_line
from callsheet.transport.sync import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from callsheet.actions.resolve import ActionSet
    from callsheet.catalog.snapshot import Catalogue
    from callsheet.config.settings import Settings
    from callsheet.engine.invoke import Engine
    from callsheet.flows.effects import Flow
    from callsheet.storage.ledger_entry import LedgerEntry


T = TypeVar("T")
_NOTHING = "nothing was asked"


class Asker(Protocol):
    """What a probe sends its requests with: a ``Client``, or the context of a command."""

    @property
    def engine(self) -> Engine:
        """Return the engine: the actions of the host, and a ledger that may know the task."""

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end."""


def probe(
    client: Asker,
    *,
    task: str | None = None,
    save: str | None = None,
    tell: Callable[[str], object] | None = None,
) -> Report:
    """Inspect a host with GETs and, where ``task`` names one, with a single query about it.

    ``task`` is a task id, or ``ACTION:ID`` to say which action asks. ``save`` is a folder that
    gets the replies without keys, prompts and the signed part of links; ``tell`` gets a sentence
    where the host does not answer for ten seconds. Nothing is created,
    cached or sent that may cost money. Raises ``UsageError`` where no host is configured or
    the folder cannot be used; an error of the server becomes a finding.
    """
    settings = client.engine.host.settings
    host = settings.require_host()
    if save is not None:
        recording.check_folder(save)
    survey = _Survey(client, tell)
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
    """What one probe has sent and learned so far.

    ``exchanges`` are those that are recorded: the catalogue and the query. ``tries`` has the last
    exchange of each way to send the key, ``beside`` all of them. ``trouble`` says why there is no
    catalogue.
    """

    def __init__(self, client: Asker, tell: Callable[[str], object] | None) -> None:
        self.client, self.host, self._tell = client, client.engine.host, tell
        self.settings: Settings = client.engine.host.settings
        self.exchanges: list[Exchange] = []
        self.tries: dict[str, Exchange] = {}
        self.beside: list[Exchange] = []
        self.catalogue: Catalogue | None = None
        self.trouble = ""

    def fetch(self) -> None:
        """Fetch the whole catalogue past the cache, and try the ways to send the key.

        A failure becomes ``trouble``; without any reply no key is tried.
        """
        flow = fetch(self.settings.host, self.host.overrides, self.host.timing, None)
        try:
            self.catalogue = self.client.run(observe(flow, self.exchanges))
        except CallsheetError as error:
            self.trouble = error.message
        if any(exchange.reply is not None for exchange in self.exchanges):
            self._try_keys()

    def _try_keys(self) -> None:
        """Fetch the list with the key in each scheme, and without a key."""
        keyless = self.settings._replace(key=None)
        ways = {"no key": keyless}
        if self.settings.key is not None:
            ways = {
                way: self.settings._replace(auth=way)
                for way in (BEARER, X_API_KEY, self.settings.auth)
            } | ways
        for name, settings in ways.items():
            sent = _fetch_list(settings, self._tell)
            self.tries[name] = sent[-1]
            self.beside += sent

    def access(self) -> tuple[ProbeFinding, ...]:
        """Return the findings on host, redirects and key."""
        return (
            host_finding(self.settings, self._first()),
            redirects_finding(self.settings, self.exchanges),
            key_finding(self.settings, self.tries),
        )

    def _first(self) -> Exchange | None:
        """Return the first reply that is not a redirect, else the first exchange or ``None``."""
        direct = (
            exchange
            for exchange in self.exchanges
            if exchange.reply and exchange.reply.status not in REDIRECTS
        )
        return next(direct, self.exchanges[0] if self.exchanges else None)

    def offers(self) -> tuple[ProbeFinding, ...]:
        """Return the findings on list, schemas, families and uploads."""
        overrides = self.host.overrides
        pages = readings.list_exchanges(self.exchanges)
        documents = readings.collect_documents(self.exchanges, pages, overrides)
        return (
            readings.list_finding(pages, self.catalogue, overrides, self.trouble),
            readings.schemas_finding(documents, self.catalogue, overrides),
            readings.families_finding(self.surface()),
            readings.uploads_finding(self.catalogue, self.host.overlay.upload),
        )

    def surface(self) -> ActionSet | None:
        """Return the fetched actions with the names of their commands; ``None`` without any."""
        if self.catalogue is None:
            return None
        from callsheet.actions.resolve import resolve_actions

        return resolve_actions(self.catalogue.actions, self.host.overlay)

    def task(self, task: str) -> ProbeFinding:
        """Query a job, where an action is known that does so for free; return the finding.

        What is sent and received goes into ``exchanges`` too.
        """
        surface = self.surface()
        actions = surface.by_id if surface is not None else {}
        entry = self._ledger_entry(task)
        families = [*self._family_of(entry), *filter(self._is_free_to_ask, self._families())]
        task_id, family = readings.choose_family(task, entry.action if entry else "", families)
        exchanges: list[Exchange] = []
        if family is not None:
            other_ids = entry.task_ids if entry else ()
            ids = tuple(dict.fromkeys((task_id, *other_ids)))
            self.client.run(readings.query_once(ids, family, self.host.timing, exchanges))
            self.exchanges += exchanges
        return readings.task_finding(
            family,
            exchanges,
            action=actions.get(family.query) if family is not None else None,
            overrides=self.host.overrides,
            others=families,
        )

    def _family_of(self, entry: LedgerEntry | None) -> Iterator[Family]:
        """Yield the family of a job in the ledger, where waiting for that job would ask it too."""
        if entry is not None and entry.family:
            family = Family(**entry.family)
            if not family.guessed or self.client.engine.has_proof(family.query):
                yield family

    def _is_free_to_ask(self, family: Family) -> bool:
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
        """Return the job of ``[ACTION:]ID`` from the ledger; ``None`` where that cannot be read."""
        ledger = self.client.engine.ledger
        try:
            name, host = task.rpartition(":")[2], self.client.engine.settings.host
            return ledger.resolve(name, host=host) if ledger is not None else None
        except CallsheetError:
            return None

    def private(self, task: str | None) -> tuple[str, ...]:
        """Return the texts in the stored body of this job, which no recording may hold."""
        entry = self._ledger_entry(task) if task else None
        return recording.texts_of(entry.body or "") if entry else ()


def _fetch_list(settings: Settings, tell: Callable[[str], object] | None) -> list[Exchange]:
    """Fetch the list with these settings, over a connection of its own.

    Return every exchange, one at least; the last is the failure where there was one.
    """
    exchanges: list[Exchange] = []
    transport = Transport(settings, None)
    transport.tell_silent = tell
    try:
        transport.run(observe(follow_redirect(Send("GET", LIST)), exchanges))
    except CallsheetError as error:
        exchanges.append(Exchange(Send("GET", LIST), None, error.message))
    finally:
        transport.close()
    return exchanges


def host_finding(settings: Settings, first: Exchange | None) -> ProbeFinding:
    """Return the finding on what answered at the configured address."""
    unclear = _why_unreadable(first)
    read = "the list of actions is asked for here"
    if first is None or first.reply is None or unclear:
        read = "not a server with actions, as far as can be seen"
    return ProbeFinding(
        topic="host",
        came=_describe_reply(first),
        read=f"{settings.host}: {read}",
        unclear=unclear,
        setting=f"--host URL, {settings.env}_HOST",
    )


def _describe_reply(exchange: Exchange | None) -> str:
    """Return status and content type of a reply in words, or that there was none."""
    if exchange is None:
        return _NOTHING
    if exchange.reply is None:
        return "no answer"
    kind = exchange.reply.headers.get("content-type", "").partition(";")[0]
    return f"HTTP {exchange.reply.status}, {one_line(kind, 60) or 'no content type'}"


def _why_unreadable(exchange: Exchange | None) -> str:
    """Return why a reply cannot be read; ``""`` for JSON, for a redirect and for no exchange."""
    if exchange is None or exchange.reply is None:
        return exchange.trouble if exchange is not None else ""
    reply = exchange.reply
    if is_page(reply.headers.get("content-type", ""), reply.body):
        return exchange.refusal.message
    is_understood = reply.status in REDIRECTS or exchange.json is not None
    return "" if is_understood else "the answer is not JSON"


def redirects_finding(settings: Settings, exchanges: Sequence[Exchange]) -> ProbeFinding:
    """Return the finding on where the server redirected to, and whether that was followed."""
    moved = [
        exchange
        for exchange in exchanges
        if exchange.reply is not None and exchange.reply.status in REDIRECTS
    ]
    came = list(dict.fromkeys(_describe_redirect(exchange) for exchange in moved))
    away = [target for exchange in moved if (target := _foreign_origin(exchange))]
    read = "nothing to follow" if exchanges else _NOTHING
    if moved:
        read = "followed once, inside the origin"
    unclear = ""
    if away:
        read = "not followed: the key was not sent there"
        unclear = f"whether {away[0]} is the server that was meant"
    setting = f"--host {away[0]}" if away else f"--host URL, {settings.env}_HOST"
    return ProbeFinding(
        topic="redirects",
        came="; ".join(came[:4]) or ("none" if exchanges else _NOTHING),
        read=read,
        unclear=unclear,
        setting=setting,
    )


def _describe_redirect(exchange: Exchange) -> str:
    """Return status, path and target of a redirect in words."""
    if exchange.reply is None:
        return ""
    target = _foreign_origin(exchange) or urlsplit(_target(exchange)).path
    status, path = exchange.reply.status, exchange.send.path.partition("?")[0]
    return f"HTTP {status} from {one_line(path, 120)} to {one_line(target, 200)}"


def _target(exchange: Exchange) -> str:
    """Return the absolute URL that a redirect names; ``""`` without a reply."""
    reply = exchange.reply
    return urljoin(reply.url, reply.headers.get("location", "")) if reply is not None else ""


def _foreign_origin(exchange: Exchange) -> str:
    """Return the foreign origin that a redirect names; empty for one inside."""
    target = _target(exchange)
    origin = origin_of(exchange.reply.url) if exchange.reply is not None else ""
    return "" if origin_of(target) == origin else one_line(origin_of(target) or target, 200)


def key_finding(settings: Settings, tries: Mapping[str, Exchange]) -> ProbeFinding:
    """Return the finding on the key; ``tries`` has one exchange for each scheme and for no key."""
    came = "; ".join(f"{name}: {_verdict(exchange)}" for name, exchange in tries.items())
    accepted = [name for name, exchange in tries.items() if exchange.is_accepted]
    is_public = "no key" in accepted
    is_own = settings.auth in accepted
    read = f"the key is sent as {settings.auth}"
    unclear = ""
    if settings.key is None:
        read = "no key is configured"
    elif is_public:
        unclear = "whether the key is right: the list is given without one"
    elif is_own:
        read = f"the key is taken as {settings.auth}"
    elif accepted:
        unclear = f"why {settings.auth} is refused; {accepted[0]} is taken"
    elif tries:
        message = tries[settings.auth].refusal.message
        unclear = one_line(message, 300) or "the key is refused without a word"
    better = accepted[0] if accepted and not is_own and not is_public else settings.auth
    return ProbeFinding(
        topic="key",
        came=came or _NOTHING,
        read=read,
        unclear=unclear,
        setting=f"--auth {better}, {settings.env}_AUTH",
    )


def _verdict(exchange: Exchange) -> str:
    """Return the status of a reply, and whether the list was accepted or refused."""
    if exchange.reply is None:
        return "no answer"
    words = "accepted" if exchange.is_accepted else "refused"
    return f"HTTP {exchange.reply.status}, {words}"
