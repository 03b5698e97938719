"""Trace every exchange of a driver for --verbose and --debug."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from callsheet.flows.effects import Download, Gather, Send
from callsheet.secret import redact_headers
from callsheet.text import one_line
from callsheet.transport.auth import headers_for
from callsheet.transport.sync import Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from callsheet.config.settings import Settings
    from callsheet.storage.ledger import Ledger


class TracingTransport(Transport):
    """A transport that gives ``say`` one line for each request and each reply."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger | None,
        *,
        say: Callable[[str], object],
        headers: bool,
    ) -> None:
        super().__init__(settings, ledger)
        self.say, self.headers = say, headers

    def perform(self, effect: Any) -> Any:
        """Perform an effect; report what it sends and receives, with ``headers`` those too."""
        if not isinstance(effect, Send | Gather | Download):
            return super().perform(effect)
        for line in self._requests_of(effect):
            self.say(f"> {line}")
        started = time.monotonic()
        try:
            answer = super().perform(effect)
        except Exception as error:
            self.say(f"< {one_line(str(error), 200)}")
            raise
        took = (time.monotonic() - started) * 1000
        for reply in (
            answer if isinstance(answer, tuple) and isinstance(effect, Gather) else [answer]
        ):
            self.say(f"< {_summary(reply)} in {took:.0f} ms")
            self._say_headers(getattr(reply, "headers", {}), "<")
        return answer

    def _requests_of(self, effect: Send | Gather | Download) -> list[str]:
        if isinstance(effect, Download):
            return [f"GET {one_line(effect.url.partition('?')[0], 300)}"]
        sends = effect.sends if isinstance(effect, Gather) else (effect,)
        for send in sends:
            self._say_headers(headers_for(self.settings, self._url(send), send.headers), ">")
        return [f"{send.method} {self._url(send)}" for send in sends]

    def _url(self, send: Send) -> str:
        return send.url or self.settings.require_host() + send.path

    def _say_headers(self, headers: Any, sign: str) -> None:
        if self.headers:
            for name, header in dict(redact_headers(headers)).items():
                self.say(f"{sign}   {one_line(name, 100)}: {one_line(header, 300)}")


def _summary(reply: Any) -> str:
    if isinstance(reply, Exception):
        return one_line(str(reply), 200)
    return f"{reply.status}, {len(reply.body)} bytes"
