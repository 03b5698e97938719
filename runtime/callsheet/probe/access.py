"""Check the host, its redirects and the key."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from callsheet.config.settings import origin_of
from callsheet.flows.retry import REDIRECTS
from callsheet.probe.report import ProbeFinding
from callsheet.protocol.error_replies import is_page
from callsheet.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callsheet.config.settings import Settings
    from callsheet.probe.report import Exchange


_NOTHING = "nothing was asked"


def host_finding(settings: Settings, first: Exchange | None) -> ProbeFinding:
    """Report what answered at the configured address."""
    unclear = _front(first)
    read = "the list of actions is asked for here"
    if first is None or first.reply is None or unclear:
        read = "not a server with actions, as far as can be seen"
    return ProbeFinding(
        topic="host",
        came=_came(first),
        read=f"{settings.host}: {read}",
        unclear=unclear,
        setting=f"--host URL, {settings.env}_HOST",
    )


def _came(exchange: Exchange | None) -> str:
    if exchange is None:
        return _NOTHING
    if exchange.reply is None:
        return "no answer"
    kind = exchange.reply.headers.get("content-type", "").partition(";")[0]
    return f"HTTP {exchange.reply.status}, {one_line(kind, 60) or 'no content type'}"


def _front(exchange: Exchange | None) -> str:
    if exchange is None or exchange.reply is None:
        return exchange.trouble if exchange is not None else ""
    reply = exchange.reply
    if is_page(reply.headers.get("content-type", ""), reply.body):
        return exchange.refusal.message
    is_understood = reply.status in REDIRECTS or exchange.json is not None
    return "" if is_understood else "the answer is not JSON"


def redirects_finding(settings: Settings, exchanges: Sequence[Exchange]) -> ProbeFinding:
    """Report where the server redirected to, and whether that was followed."""
    moved = [
        exchange
        for exchange in exchanges
        if exchange.reply is not None and exchange.reply.status in REDIRECTS
    ]
    came = list(dict.fromkeys(_hop(exchange) for exchange in moved))
    away = [target for exchange in moved if (target := _away(exchange))]
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


def _hop(exchange: Exchange) -> str:
    if exchange.reply is None:
        return ""
    target = _away(exchange) or urlsplit(_target(exchange)).path
    status, path = exchange.reply.status, exchange.send.path.partition("?")[0]
    return f"HTTP {status} from {one_line(path, 120)} to {one_line(target, 200)}"


def _target(exchange: Exchange) -> str:
    reply = exchange.reply
    return urljoin(reply.url, reply.headers.get("location", "")) if reply is not None else ""


def _away(exchange: Exchange) -> str:
    """Return the foreign origin that a redirect names; empty for one inside."""
    target = _target(exchange)
    origin = origin_of(exchange.reply.url) if exchange.reply is not None else ""
    return "" if origin_of(target) == origin else one_line(origin_of(target) or target, 200)


def key_finding(settings: Settings, tries: Mapping[str, Exchange]) -> ProbeFinding:
    """Report which kind of key the list accepts; ``tries`` has one exchange for each kind."""
    came = "; ".join(f"{name}: {_verdict(exchange)}" for name, exchange in tries.items())
    accepted = [name for name, exchange in tries.items() if exchange.accepted]
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
    if exchange.reply is None:
        return "no answer"
    words = "accepted" if exchange.accepted else "refused"
    return f"HTTP {exchange.reply.status}, {words}"
