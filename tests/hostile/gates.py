"""The fetch gate against servers that answer wrongly, with another server listening for the key."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from hostile.campaign import Outcome
from hostile.server import Hostile, ServedPage, serving

from callsheet.client.client import Client
from callsheet.config.bindings import Bindings
from callsheet.config.settings import load
from callsheet.errors import CallsheetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hostile.cases import Case

_GOOD = {"inputSchema": {"type": "object", "properties": {"a": {"type": "string"}}}}
_LIST = {"actions": [{"id": "hostile.act"}, {"id": "benign.cut", **_GOOD}]}
_SLOW = 2.0


def _page(page: dict[str, Any], foreign: str) -> ServedPage:
    def put(text: str) -> str:
        return text.replace("{foreign}", foreign).replace("{host}", foreign.partition("//")[2])

    body = put(page["text"]).encode("utf-8", "surrogatepass") + b" " * page.get("pad", 0)
    headers = {"Content-Type": "application/json", **page.get("headers", {})}
    return ServedPage(
        body, page.get("status", 200), {name: put(text) for name, text in headers.items()}
    )


def gate(case: Case, folder: Path) -> Outcome:
    """Fetch from one hostile server; return what came of it and whom it asked."""
    outcome, document = Outcome(), case.document
    with serving() as server, serving() as foreign:
        server.pages["/api/actions"] = ServedPage(json.dumps(_LIST).encode())
        server.pages["/api/actions/benign.cut/schema"] = ServedPage(json.dumps(_GOOD).encode())
        path = "/api/actions" if "list" in document else "/api/actions/hostile.act/schema"
        server.pages[path] = _page(document.get("list") or document["schema"], foreign.url)
        started = time.process_time()
        reading = _fetch(server, folder)
        if time.process_time() - started > _SLOW:
            outcome.hangs.append(case.name)
        for line, key in zip(foreign.requests, foreign.keys, strict=True):
            outcome.sockets.append(f"{case.name}: {line} ({'with the' if key else 'no'} key)")
    if document["expect"] not in {reading, "any"}:
        outcome.broken.append(f"{case.name}: {reading}, wanted {document['expect']}")
    if reading == "lost":
        outcome.lost.append(case.name)
    return outcome


def _fetch(server: Hostile, folder: Path) -> str:
    environ = {f"GATE_{kind}_DIR": str(folder) for kind in ("CONFIG", "STATE", "CACHE")}
    flags = {"host": server.url, "api_key": "sk-hostile-0123456789"}
    settings = load(Bindings(command="gate", env="GATE"), flags=flags, environ=environ)
    client = Client(settings=settings, ledger=None)
    try:
        client._run(client._engine.host.refresh(anew=True))
        snapshot = client._run(
            client._engine.host.refresh()
        )  # with what the first answer left behind
    except CallsheetError:
        return "refused"
    finally:
        client.close()
    inputs = {action.id: action.input for action in snapshot.actions}
    if "hostile.act" not in inputs:
        return "read"
    if inputs["benign.cut"] is None:
        return "lost"
    return "untyped" if inputs["hostile.act"] is None else "typed"


def gates(cases: Sequence[Case], folder: Path) -> Outcome:
    """Play every case of the gate."""
    total = Outcome()
    for case in cases:
        total.add(gate(case, folder / case.name))
    return total
