"""R6 and R7: pauses between tries are jittered and bounded, obey the server, and end."""

from __future__ import annotations

import math
import random
import tempfile
import threading
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faults import stage

from callsheet import Client
from callsheet.backoff import Quota, full_jitter, process_quota, retry_after, wait_hint
from callsheet.errors import CallsheetError, LimitReached
from callsheet.flows.effects import HttpReply, Send, Sleep
from callsheet.flows.retry import Timing, with_retries
from callsheet.transport.sync import Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.tally import Tally

    from callsheet_sandbox.server import Running

CAP, HINT_CAP = 20.0, 120.0
KS_1_PERCENT = 1.63
BASES = {503: 0.05, 429: 1.0}


def _timing(seed: int, now: float = 1e9) -> Timing:
    return Timing(lambda: 0.0, lambda: now, random.Random(seed).random, Quota())


def pauses(timing: Timing, headers: dict[str, str], status: int) -> list[float]:
    """Return the sleeps of one safe request that always meets this answer."""
    flow = with_retries(Send("GET", "/x"), timing)
    sleeps, answer = [], None
    try:
        while True:
            effect = flow.send(answer)
            answer = None
            if isinstance(effect, Send):
                answer = HttpReply(status, headers, b"", "https://x/x")
            elif isinstance(effect, Sleep):
                sleeps.append(effect.seconds)
    except (StopIteration, LimitReached):
        return sleeps


def distance(sample: list[float]) -> float:
    """Return the Kolmogorov-Smirnov distance of a sample from the uniform one on [0, 1)."""
    ordered, many = sorted(sample), len(sample)
    return max(
        max((place + 1) / many - share, share - place / many) for place, share in enumerate(ordered)
    )


def _delays(tally: Tally, delays: int) -> None:
    """Check bounds and the uniform distribution of the pauses that requests really made."""
    shares: dict[tuple[int, int], list[float]] = {}
    count = seed = 0
    while count < delays:
        for status, base in BASES.items():
            sleeps = pauses(_timing(seed), {}, status)
            count, seed = count + len(sleeps), seed + 1
            for attempt, seconds in enumerate(sleeps):
                ceiling = min(CAP, base * 2**attempt)
                tally.hold(0 <= seconds < ceiling, status, attempt, seconds)
                shares.setdefault((status, attempt), []).append(seconds / ceiling)
    for (status, attempt), sample in shares.items():
        tally.hold(
            distance(sample) < KS_1_PERCENT / math.sqrt(len(sample)),
            f"{status}, try {attempt}: not uniform over {len(sample)}",
        )
        tally.ran(f"pause {status} {attempt}", len(sample))
    dice = random.Random(7)
    for attempt in range(64):
        seconds = full_jitter(attempt, base=1.0, cap=CAP, random=dice.random)
        tally.hold(0 <= seconds < min(CAP, 2.0**attempt), "jitter", attempt, seconds)


def _crowd(running: Running, home: Path, clients: int, workers: int) -> int:
    """Let workers ask a dead server at once; return how many requests reached it.

    All clients of a process share one quota of retries: it is full when they begin.
    """
    process_quota.cache_clear()
    settings = stage.settings_for(running.url, home)
    pool = [Client(settings=settings, bindings=stage.BINDINGS) for _ in range(clients)]
    for client in pool:
        client._transport = Transport(settings, client.ledger, sleep=lambda _: None)

    def ask(client: Client) -> None:
        try:
            client._run(with_retries(Send("GET", "/api/actions"), client._engine.host.timing))
        except CallsheetError:
            return

    threads = [
        threading.Thread(target=ask, args=(pool[number % clients],)) for number in range(workers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in pool:
        client.close()
    return len(running.requests())


def play_pauses(tally: Tally, *, delays: int, workers: int) -> None:
    """Play R6."""
    _delays(tally, delays)
    most = workers + 500 // 14
    with stage.sandbox() as running, tempfile.TemporaryDirectory() as folder:
        for script in ("503", "reset at=sent"):
            for clients in (1, 20):
                running.reset()
                running.set_faults(f"{script} GET /api/actions x*")
                sent = _crowd(running, Path(folder), clients, workers)
                name = f"{workers} workers of {clients} clients, {script}"
                tally.hold(workers <= sent <= most, f"{name}: {sent} requests, not {most}")
                tally.ran(name)


FORMS = (
    "0", "5", "120", "121", "-3", "1.5", "1e3", "9" * 40, "date+60", "date-5", "date+9999999",
    "soon", "", "7, 9",
)  # fmt: skip


def _random_text(dice: random.Random) -> str:
    alphabet = "0123456789+-.,:;eE GMTWedJan\u0660\u00e9\x00\n\t'\"=tr"
    return "".join(dice.choice(alphabet) for _ in range(dice.randrange(24)))


def _obeys(tally: Tally, name: str, headers: dict[str, str]) -> None:
    """Check that no header raises more than the limit, or makes a pause over the cap."""
    for status in (429, 503):
        try:
            sleeps = pauses(_timing(1), headers, status)
        except Exception as error:
            tally.hold(False, name, headers, "raised", repr(error))
            continue
        tally.hold(all(0 <= s <= HINT_CAP for s in sleeps), name, headers, sleeps)


def _over_the_wire(tally: Tally, running: Running, home: Path, form: str) -> None:
    """Send the same header from the sandbox to a real client, and note its sleeps."""
    slept: list[float] = []
    running.reset()
    running.set_faults([{"kind": "status", "code": 429, "retry-after": form, "method": "GET"}])

    async def steps(client: Any, wait: Any) -> None:
        await wait(client.actions(refresh=True))

    raised: CallsheetError | None = None
    try:
        how = stage.Play("sync", slept.append)
        stage.run(stage.settings_for(running.url, home), steps, how)
    except CallsheetError as error:
        raised = error
    long = form in {"121", "9" * 40, "date+9999999"}
    tally.hold(isinstance(raised, LimitReached) == long, form, "told", repr(raised))
    tally.hold(bool(slept) != long and all(0 <= s <= HINT_CAP for s in slept), form, slept)
    exact = {"0": 0.0, "5": 5.0, "120": 120.0, "-3": 0.0, "1.5": 1.5, "7, 9": 7.0, "date-5": 0.0}
    if form in exact:
        tally.hold(slept == [exact[form]], form, "slept", slept)
    if form == "date+60":
        tally.hold(slept and 50 <= slept[0] <= 60, form, "slept", slept)
    if raised is not None:
        tally.hold(getattr(raised, "retry_after", 0) > HINT_CAP, form, "no time told")


def play_hints(tally: Tally, *, texts: int) -> None:
    """Play R7."""
    with stage.sandbox() as running, tempfile.TemporaryDirectory() as folder:
        for number, form in enumerate(FORMS):
            _over_the_wire(tally, running, Path(folder) / str(number), form)
            tally.ran(f"form {form!r}")
    dice = random.Random(11)
    readers: tuple[Callable[[str], float | None], ...] = (
        lambda text: retry_after(text, 1e9),
        lambda text: wait_hint({"retry-after": text}, 1e9),
        lambda text: wait_hint({"retry-after": text, "date": formatdate(1e9)}),
        lambda text: wait_hint({"ratelimit-reset": text, "retry-after-ms": text}, 1e9),
    )
    for _ in range(texts):
        text = _random_text(dice)
        for read in readers:
            try:
                seconds = read(text)
            except Exception as error:
                tally.hold(False, repr(text), "raised", repr(error))
            else:
                tally.hold(seconds is None or seconds >= 0, repr(text), "gave", seconds)
        _obeys(tally, "random", {"retry-after": text})
        _obeys(tally, "random", {"ratelimit": text, "ratelimit-reset": text})
        tally.ran("random text")
