"""R19: what is left to read on a connection is never taken for the answer to a paid request."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faults import forking, stage
from faults.echo import LEFT, ONLY_BEHIND, Echo, echoing

from callsheet.errors import CallsheetError, NetworkError, OutcomeUnknown, StillRunning
from callsheet.storage.ledger import Ledger

if TYPE_CHECKING:
    from faults.tally import Tally

BEHIND = ("echo.free", "/actions", "echo.make", "job.create", "job.query")
CALLS = 2
# What comes while the next request leaves cannot be told from its answer; only calls that cost
# nothing leave on a connection that was kept.
LATE = ("a second answer, a moment later", "a second answer, when the next request comes")
# What is no HTTP, behind an answer: aiohttp takes it for a part of that answer and refuses both.
# The outcome of such a request is unknown; nothing else may be taken for its answer.
REFUSED = (
    "more than the length says",
    "a chunk behind the last one",
    "an answer behind a packed body",
    "a TLS alert",
)


def play(tally: Tally, *, rounds: tuple[int, ...], behind: int) -> None:
    """Play R19: ``rounds`` of forks for each driver, then bytes left behind ``behind`` answers."""
    forking.play_forks(tally, rounds)
    _play_leftover(tally, drivers=len(rounds), behind=behind)


def _play_leftover(tally: Tally, *, drivers: int, behind: int) -> None:
    """Leave bytes of each kind behind answers of each kind, then make paid calls and ask."""
    with tempfile.TemporaryDirectory() as folder, echoing() as server:
        for driver in stage.DRIVERS[:drivers]:
            for name in LEFT:
                for path in BEHIND[:behind]:
                    if ONLY_BEHIND.get(name, path) == path:
                        _play_one(tally, server, Path(folder, driver), (driver, name, path))
                        tally.ran(name)


def _play_one(tally: Tally, server: Echo, home: Path, which: tuple[str, str, str]) -> None:
    driver, name, path = which
    is_refused = driver == "aiohttp" and name in REFUSED and path != "echo.free"
    echoes: list[Any] = []
    prompts = [f"p{number + sum(server.posts.values())}-{driver}" for number in range(CALLS)]

    async def steps(client: Any, wait: Any) -> None:
        await wait(client.actions(refresh=True))
        server.left, server.behind = LEFT[name], path
        for prompt in prompts:
            await wait(client.actions(refresh=True))
            with suppress(CallsheetError):  # it is sent on a connection that was kept
                free = await wait(client.call("echo.free", {"prompt": f"free-{prompt}"}))
                right = name in LATE or free.json in ({"echo": f"free-{prompt}"}, None)
                tally.hold(right, *which, "free call got", free.json)
            echoes.append((await wait(client.call("echo.make", {"prompt": prompt}))).json["echo"])
            task = await wait(client.submit("job.create", {"prompt": f"job-{prompt}"}))
            seconds = 0.1 if is_refused else 30
            echoes.append((await wait(task.wait(timeout=seconds))).json["echo"])

    expected = [text for prompt in prompts for text in (prompt, f"job-{prompt}")]
    try:
        stage.run(stage.settings_for(server.url, home), steps, stage.Play(driver))
    except (OutcomeUnknown, StillRunning, NetworkError) as error:
        tally.hold(is_refused, *which, type(error).__name__, error)
        expected = expected[: len(echoes)]
    finally:
        server.left = None
    tally.hold(echoes == expected, *which, "got", echoes)
    counts = [server.posts[prompt] for prompt in expected]
    tally.hold(counts == [1] * len(expected), *which, "sent", counts)
    ledger = Ledger(str(home / "state"))
    states = [ledger.find(server.references[prompt]) for prompt in expected]
    tally.hold(all(row and row.state == "done" for row in states), *which, "ledger", states)
    ledger.close()
