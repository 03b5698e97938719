"""S1: the key reaches the configured origin and no other, wherever a server points."""

from __future__ import annotations

import itertools
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faults import stage

from callsheet.errors import CallsheetError

if TYPE_CHECKING:
    from faults.tally import Tally

    from callsheet_sandbox.server import Running

CODES = (301, 302, 303, 307, 308)
TARGETS = ("same", "host", "port", "scheme")
AUTHS = ("bearer", "x-api-key")
KINDS = {"API": "POST ai.image.generate", "list": "GET /api/*", "download": "GET /media/*"}
BODY = {"prompt": "a cup", "options": {"sandboxSeconds": 0}}
HEADERS = {"authorization", "x-api-key", "proxy-authorization", "cookie"}


def _try(running: Running, home: Path, kind: str, auth: str, how: tuple[str, str]) -> str:
    """Do what the redirect meets, and return how it ended; ``how`` is script and driver."""
    script, driver = how
    settings = stage.settings_for(running.url, home, auth=auth)

    async def steps(client: Any, wait: Any) -> None:
        await wait(client.actions())
        task = await wait(client.submit("ai.image.generate", BODY))
        running.set_faults(script)  # from here on: the job is there
        if kind == "list":
            await wait(client.actions(refresh=True))
        elif kind == "API":
            await wait(client.call("ai.image.generate", BODY))
        else:
            reply = await wait(task.wait(timeout=30))
            await wait(reply.save(str(home / "file")))

    try:
        stage.run(settings, steps, stage.Play(driver))
    except CallsheetError as error:
        return type(error).__name__
    return "ok"


def leaks(running: Running) -> list[str]:
    """Return each credential that another origin than the configured one has got."""
    own = running.url.partition("//")[2]
    sightings = [
        f"{entry['method']} {entry['origin']}{entry['path']}"
        for entry in running.foreign.requests()
        if HEADERS & {name.lower() for name in entry["headers"]} or stage.KEY in json.dumps(entry)
    ]
    credentials = running.stats()["credentials"]
    return sightings + [
        f"{origin}: {kinds}"
        for origin, kinds in credentials.items()
        if origin != own and set(kinds) != {"none"}
    ]


def play(tally: Tally, *, every: int) -> None:
    """Play S1; ``every`` thins the cases out."""
    crossed = list(itertools.product(CODES, TARGETS, AUTHS, KINDS))
    with tempfile.TemporaryDirectory() as folder, stage.sandbox() as running:
        for number, (code, target, auth, kind) in enumerate(crossed[::every]):
            home, driver = Path(folder) / str(number), stage.DRIVERS[number % 3]
            _case(tally, running, home, (code, target, auth, kind), driver)


def _case(
    tally: Tally, running: Running, home: Path, case: tuple[int, str, str, str], driver: str
) -> None:
    code, target, auth, kind = case
    running.reset()
    script = f"{code} to={target} {KINDS[kind]}"
    ended = _try(running, home, kind, auth, (script, driver))
    name = f"{code} to {target}, {auth}, {kind} ({driver}, ended {ended}):"
    for leak in leaks(running):
        tally.hold(False, name, "the key went to", leak)
    tally.hold(len(running.charges()) <= 2, name, "charges", len(running.charges()))
    if target == "same" and (kind != "API" or code in {307, 308}):
        tally.hold(ended == "ok", name, "not followed")
    if target != "same" and kind != "download":
        expected = {"ServerError"} | (
            {"OutcomeUnknown"} if code == 303 else set()
        )  # it shows a result
        tally.hold(ended in expected, name)
        tally.hold(not running.foreign.requests(), name, "something was sent there")
    tally.ran(f"{code} {target} {auth} {kind}")
