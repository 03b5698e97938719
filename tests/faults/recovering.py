"""R18: recover closes only what a complete lookup proves, whatever the clocks say."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from faults import stage
from faults.forge import Forge, Order, forge
from unit.servers import Said, Seen, said, serving

from callsheet.config.overlay import Overlay
from callsheet.errors import OutcomeUnknown
from callsheet.flows.retry import default_timing
from callsheet.spec import Action, Family
from callsheet.storage.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from faults.tally import Tally

    Answers = Callable[[dict[str, Any]], Any]

MAKE = Action(
    id="v.make", role="create", family=Family(create="v.make", wait="v.wait", query="v.query")
)
OLDER, LOST = "older-reference", "lost-reference"
HOUR, START = 3600.0, 1_800_000_000
LATE = (0.0, 200.0)
"""Times of the server, in seconds, at which the list is asked for; the second is late enough."""
CLOCKS = (0.0, 2 * HOUR, -2 * HOUR)
ENTRY = {"taskId": "t-0", "status": "running", "reference": OLDER}
OTHERS = [{"taskId": f"x-{n}", "status": "success", "reference": f"other-{n}"} for n in range(5)]
MINE = {"taskId": "t-9", "status": "success", "reference": LOST}


class Host(NamedTuple):
    """How the host answers lookups.

    ``answers`` gives what a lookup of the lost request is answered, ``older`` that of the job
    that shows that the list holds such jobs. ``ends`` are the states that are allowed. ``lost``
    answers the paid request, and ``query`` a question by the id that it may name.
    """

    name: str
    answers: Answers
    older: Answers = lambda body: {"tasks": [ENTRY], "total": 1}
    dates: tuple[float | str, ...] = LATE
    ends: tuple[str, ...] = ("unknown",)
    ids: tuple[str, ...] = ()
    action: Action = MAKE
    older_action: str = "v.make"
    marks: Mapping[str, Any] = {}
    lost: Said = Said(cut="before")
    query: Said = said({"error": "no such task"}, 404)


def paged(pages: list[Any], **last: Any) -> Answers:
    """Return pages of jobs by their number, and what stands on each."""

    def answer(body: dict[str, Any]) -> Any:
        number = body.get("page", 1)
        page = pages[number - 1] if number <= len(pages) else []
        total = sum(len(jobs) for jobs in pages if isinstance(jobs, list))
        return (
            page
            if isinstance(page, Said)
            else {"tasks": page, "page": number, "total": total, **last}
        )

    return answer


def always(document: Any) -> Answers:
    """Return the same answer to every lookup."""
    return lambda body: document


def lists(*jobs: Mapping[str, Any], **beside: Any) -> Answers:
    """Return a list that says that it is whole, unless something beside it says otherwise."""
    return always({"tasks": list(jobs), "total": len(jobs), **beside})


NONE = lists()
UNPROVEN = (
    Host("more than it shows", lists(*OTHERS, total=9)),
    Host("it goes on", always({"tasks": OTHERS, "has_more": True})),
    Host("it says nothing of its end", always({"tasks": OTHERS})),
    Host("a cursor that brings the same", always({"tasks": OTHERS, "nextCursor": "c"})),
    Host("a link to another host", always({"tasks": OTHERS, "next": "https://else.example/2"})),
    Host("the second page fails", paged([OTHERS, said({"error": "oops"}, 503)], total=9)),
    Host("the second page refuses", paged([OTHERS, said({"error": "no page"}, 400)], total=9)),
    Host("the second page is HTML", paged([OTHERS, Said(200, b"<html>hello</html>")], total=9)),
    Host("a list without references", lists({"taskId": "t-7"}),
         lists({"taskId": "t-0"})),
    Host("references under another key", lists({"taskId": "t-7", "ref": LOST}),
         lists({"taskId": "t-0", "ref": OLDER})),
    Host("a filter that shows nothing", NONE, NONE),
    Host("only the newest jobs", lists(*OTHERS),
         lists(*OTHERS)),
    Host("the older job under another id", NONE, lists({**ENTRY, "taskId": "t-5"})),
    Host("only a job of another action is listed", NONE, older_action="v.other"),
    Host("an upload that no list holds", NONE, action=Action(id="v.put")),
    Host("the same moment", NONE, dates=(0.0, 0.0)),
    Host("two seconds too early", NONE, dates=(0.0, 118.0)),
    Host("asked once", NONE, dates=(5000.0,)),
    Host("the server's clock is set back", NONE, dates=(0.0, -500.0, -400.0)),
    Host("the server tells no time", NONE, dates=("", "")),
    Host("the server tells garbage for a time", NONE, dates=("yesterday", "now")),
    Host("a number as the time", NONE, dates=("1800000000", "1800009999")),
    Host("the lookup fails", always(said({"error": "oops"}, 500))),
    Host("the lookup is not known", always(said({"error": "no such action"}, 404))),
    Host("an envelope refuses", always({"code": 500, "msg": "internal error", "data": None})),
    Host("an envelope refuses the filter", always({"success": False, "message": "unknown filter"})),
    Host("a page of HTML", always(Said(200, b"<html>hello</html>"))),
    Host("broken JSON", always(Said(200, b'{"tasks": ['))),
    Host("nothing at all", always(Said(200, b""))),
    Host("no content", always(Said(204, b""))),
    Host("the lookup costs", NONE, marks={"billable": True}),
    Host("an echo with an id of the lookup", always({"reference": LOST, "requestId": "q-1"})),
    Host("an echo with a bare id", always({"reference": LOST, "id": "q-1"})),
    Host("an echo beside a list", lists(reference=LOST, requestId="q-1"),
         ends=("unknown", "refused")),
    Host("an echo of the filter", lists(filter={"reference": LOST, "id": "q-1"}),
         ends=("unknown", "refused")),
    Host("an echo in an envelope",
         always({"code": 0, "requestId": "q-1", "data": {"reference": LOST}})),
    Host("our reference without an id", lists({"reference": LOST, "status": "queued"})),
    Host("our reference with the id of the lookup",
         lists({"reference": LOST, "id": "q-1", "status": "ok"}, requestId="q-1")),
    Host("our reference in what another job says",
         lists({"taskId": "x-1", "status": "success", "retry": {"reference": LOST}})),
    Host("a reference that only begins like ours",
         lists({**MINE, "reference": LOST + "-2"}, total=3)),
    Host("a reference in capitals", lists({**MINE, "reference": LOST.upper()}, total=3)),
)  # fmt: skip
LISTED = (
    Host("it is on the first page", lists(MINE)),
    Host("it is on the third page", paged([OTHERS[:2], OTHERS[2:4], [MINE]])),
    Host("it is among jobs that were not asked for", always({"tasks": [*OTHERS, MINE]})),
    Host("it is in an envelope", always({"code": 0, "data": {"list": [MINE], "total": 1}})),
    Host("it is a node", always({"data": {"jobs": {"edges": [{"node": MINE}]}}})),
    Host("it is alone", always({"data": {"task": MINE}})),
    Host("it is found before the list ends", always({"tasks": [MINE, *OTHERS], "has_more": True})),
)
PROVEN = (
    Host("no job, and it says so", NONE),
    Host("no job on any page", paged([OTHERS[:2], OTHERS[2:]])),
    Host("no job in a list that ends", always({"tasks": OTHERS, "has_more": False})),
)


LATE_ID = said({"error": "gateway timeout", "taskId": "t-9"}, 504)
RUNS = said({"taskId": "t-9", "status": "running"})
BY_ID = (
    Host("the answer named a task, which runs", NONE, lost=LATE_ID, query=RUNS, ids=("t-9",),
         ends=("running",)),
    Host("the answer named a task, which failed", NONE, lost=LATE_ID, ids=("t-9",),
         query=said({"taskId": "t-9", "status": "failed", "error": "x"}), ends=("failed",)),
    Host("a refusal named a task, and the query fails", always(said({}, 500)), lost=LATE_ID,
         query=said({"error": "oops"}, 500), ids=("t-9",)),
    Host("the answer named a task that the query does not know", always({"tasks": OTHERS}),
         lost=LATE_ID, ids=("t-9",)),
)  # fmt: skip


def cases() -> list[Host]:
    """Return the cases that prove nothing, that list the job, that prove, and that ask by id."""
    listed = [case._replace(ends=("running", "done"), ids=("t-9",)) for case in LISTED]
    proven = [case._replace(ends=("refused",)) for case in PROVEN]
    return [*UNPROVEN, *listed, *proven, *BY_ID]


class World:
    """A host of one case: one job that it accepted, then a request whose answer is lost."""

    def __init__(self, case: Host) -> None:
        self.case, self.lookups, self.made = case, 0, 0

    def answer(self, request: Seen) -> Said:
        """Answer a request of any kind."""
        if request.path.endswith("v.tasks"):
            return self._look_up(json.loads(request.body))
        if request.path.endswith("v.query"):
            return self.case.query
        self.made += 1
        is_first = self.made == 1
        return said({"taskId": "t-0", "status": "running"}) if is_first else self.case.lost

    def _look_up(self, body: dict[str, Any]) -> Said:
        is_older = body.get("reference") == OLDER
        document = (self.case.older if is_older else self.case.answers)(body)
        reply = document if isinstance(document, Said) else said(document)
        date = self.case.dates[self.lookups]
        text = date if isinstance(date, str) else formatdate(START + date, usegmt=True)
        return reply._replace(headers={**reply.headers, "Date": text, "X-Request-Id": "q-1"})


def at(client: Any, offset: float) -> None:
    """Set the clocks of a client and of its ledger."""
    engine = client._engine
    engine.timing = engine.timing._replace(wall=lambda: time.time() + offset)
    engine.host.timing = engine.timing
    client.ledger._clock = engine.timing.wall


def play_case(tally: Tally, case: Host, home: Path, number: int) -> None:
    """Lose one request, look it up as often as the case says, and hold what the ledger says."""
    world = World(case)
    before, after = CLOCKS[number % 3], CLOCKS[number // 3 % 3]
    with serving(world.answer) as server:
        entries = [
            {
                "id": name,
                "inputSchema": {"type": "object"},
                **(case.marks if "tasks" in name else {}),
            }
            for name in ("v.make", "v.wait", "v.query", "v.other", "v.put", "v.tasks")
        ]
        server.listed = said({"actions": entries})
        settings = stage.settings_for(server.url, home)

        async def steps(client: Any, wait: Any) -> None:
            client._engine.host.overlay = Overlay(tasks={"action": "v.tasks", "match": "reference"})
            await wait(client.actions(refresh=True))
            at(client, before)
            older = case.action._replace(id=case.older_action)
            await wait(client.call(older, {}, check=False, idempotency_key=OLDER))
            try:
                await wait(client.call(case.action, {}, check=False, idempotency_key=LOST))
            except OutcomeUnknown:
                at(client, after)
                for _ in case.dates:
                    await wait(client.tasks.recover(LOST))
                    world.lookups += 1

        stage.run(settings, steps, stage.Play(stage.DRIVERS[number % 3]))
    row = Ledger(settings.state_dir).find(LOST)
    name = f"{case.name} (clocks {before:+.0f}, {after:+.0f})"
    state, ids = (row.state, tuple(row.task_ids)) if row is not None else ("no row", ())
    tally.hold(state in case.ends, name, "ended as", state)
    tally.hold(ids == case.ids, name, "with the ids", ids)
    tally.hold(world.made == 2, name, world.made, "paid POSTs")
    tally.ran(case.name)


def lose(url: str, home: str, offset: float, pid_file: str) -> int:
    """Send one paid request from a process that says who it is; clocks are off by ``offset``."""
    Path(pid_file).write_text(str(os.getpid()), "ascii")

    async def steps(client: Any, wait: Any) -> None:
        at(client, offset)
        await wait(client.call(MAKE, {}, check=False, idempotency_key=LOST))

    timing = default_timing()
    stage.run(stage.settings_for(url, Path(home)), steps, stage.Play(timing=timing))
    return 0


def play_kill(tally: Tally, warm: Forge, home: Path, number: int) -> None:
    """Kill a client while its request is out, or at a moment, and look for its row later."""
    pid_file, offset, later = home / "pid", CLOCKS[number % 3], CLOCKS[number // 3 % 3]
    moment = None if number % 2 else 0.02 + 0.002 * number

    def answer(request: Seen) -> Said:
        if moment is None:
            os.kill(int(pid_file.read_text("ascii")), signal.SIGKILL)
        return Said(cut="before")

    with serving(answer) as server:
        home.mkdir(parents=True, exist_ok=True)
        arguments = (server.url, str(home), offset, str(pid_file))
        environ = stage.program_environ(home)
        order = Order(arguments, environ, home, "faults.recovering:lose", kill_after=moment)
        warm.run(order)
        posts = len(server.posts())
    name = f"killed with a clock of {offset:+.0f} s, looked at with {later:+.0f} s"
    name += " while the request is out" if moment is None else " at a moment"
    ledger = Ledger(str(home / "state"), clock=lambda: time.time() + later)
    rows = [row for row in ledger.unknown_or_unsaved() if ledger.is_unknown(row)]
    ledger.close()
    tally.hold(posts <= 1, name, posts, "POSTs")
    tally.hold(len(rows) == 1 or not posts, name, posts, "POSTs and", len(rows), "unknown rows")
    tally.hold(moment is not None or posts, name, "no POST: nothing was tried")
    tally.ran(name)


def play(tally: Tally, *, every: int, kills: int) -> None:
    """Play every case, or each that ``every`` reaches, with clocks that jump; then kill clients."""
    for number, case in enumerate(cases()[::every]):
        with tempfile.TemporaryDirectory() as folder:
            play_case(tally, case, Path(folder), number)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with forge(home / "forge", stage.program_environ(home)) as warm:
            for number in range(kills):
                play_kill(tally, warm, home / str(number), number)
