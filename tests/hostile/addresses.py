"""Every id of the corpus in the path of a request, as a server sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from hostile.campaign import Outcome
from hostile.cases import listing
from hostile.server import ServedPage, serving

from callsheet.client.client import Client
from callsheet.config.bindings import Bindings
from callsheet.config.settings import load
from callsheet.errors import CallsheetError
from callsheet.flows.retry import is_sendable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hostile.cases import Case

_HEAD = "/api/actions/"


def strayed(line: str, action_id: str) -> bool:
    """Tell whether a request line names anything but the action's one segment."""
    method, _, path = line.partition(" ")
    segment = path.removeprefix(_HEAD).removesuffix("/schema" if method == "GET" else "")
    inside = path.startswith(_HEAD) and not set(segment) & set("/?#\\;&@ ")
    return path != _HEAD.rstrip("/") and not (inside and unquote(segment) == action_id)


def addresses(cases: Sequence[Case], folder: Path) -> Outcome:
    """Call each id once; whatever reaches another path counts as a socket beyond the origin."""
    outcome = Outcome()
    environ = {f"HERE_{kind}_DIR": str(folder / "here") for kind in ("CONFIG", "STATE", "CACHE")}
    with serving() as server:
        server.pages["/api/actions"] = ServedPage(listing(()))
        server.otherwise = ServedPage(b'{"id": "1", "done": true}')
        flags = {"host": server.url, "api_key": "sk-hostile-0123456789"}
        settings = load(Bindings(command="here", env="HERE"), flags=flags, environ=environ)
        client = Client(settings=settings, ledger=None)
        client._run(client._engine.host.refresh())
        for case in cases:
            server.requests.clear()
            sent = _called(client, case.id)
            outcome.sockets += [f"{case.name}: {a}" for a in server.requests if strayed(a, case.id)]
            if sent != is_sendable(case.id):
                outcome.broken.append(f"{case.name}: {'sent' if sent else 'not sent'}")
        client.close()
    return outcome


def _called(client: Client, action_id: str) -> bool:
    try:
        client.call(action_id, {})
    except CallsheetError as error:
        return error.exit_code != 2
    return True
