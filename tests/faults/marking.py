"""R17: only the host's own word of the last hour allows a second POST, or a call without a row."""

from __future__ import annotations

import itertools
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from faults import stage
from program import Program
from unit.servers import Said, Seen, said, serving

from callsheet.catalog.fetch import read_as
from callsheet.catalog.snapshot import Catalogue
from callsheet.errors import CallsheetError, OutcomeUnknown, StillRunning
from callsheet.protocol.values import Overrides
from callsheet.spec import Action, Advertised, Family
from callsheet.storage.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from faults.tally import Tally
    from unit.servers import Server

HOUR = 3600.0
BODY = {"taskId": "t-1"}
FAMILY = Family(create="v.make", wait="v.make_and_wait", query="v.do")
FREE, BILLED = {"readOnly": True}, {"billable": True, "readOnly": False, "idempotency": False}
HONOURED = {"idempotency": True}
ETAG = '"list-1"'
LOST = (
    Said(cut="before"),
    Said(200, b'{"status": "ok"', length=400, cut="after"),
    Said(200, b"", length=40, cut="after"),
)
"""Answers after which a client may have been charged, and would like to try again."""


class Claim(NamedTuple):
    """Why a client may believe that a second POST is harmless.

    ``bound`` is what bindings say of the action, ``marks`` what a catalogue of the same time says;
    ``free`` is the configuration.
    """

    bound: Mapping[str, Any]
    marks: Mapping[str, Any]
    free: str = ""


CLAIMS = {
    "bindings say idempotent": Claim({"idempotent": True}, HONOURED),
    "bindings say free": Claim({"paid": False}, FREE),
    "bindings say free and idempotent": Claim(
        {"paid": False, "idempotent": True}, {**FREE, **HONOURED}
    ),
    "bindings say that it asks": Claim({"paid": False, "role": "query", "family": FAMILY}, {}),
    "the configuration says free": Claim({"paid": False}, {}, "v.*"),
}
AGES: dict[str, float | None] = {
    "no cache": None,
    "a cache of 61 minutes": HOUR + 60,
    "a cache of a year": 8760 * HOUR,
    "a cache from tomorrow": -24 * HOUR,
}


def entry(name: str, marks: Mapping[str, Any]) -> dict[str, Any]:
    """Return one entry of a list with its schema."""
    return {"id": name, "inputSchema": {"type": "object"}, **marks}


def listing(marks: Mapping[str, Any], name: str = "v.do") -> Said:
    """Return a list of one action."""
    return said({"actions": [entry(name, marks)]})


NOW: dict[str, Said] = {
    "it denies": listing(BILLED),
    "it lists it no longer": listing({}, "v.other"),
    "its list fails": said({"error": "oops"}, 500),
    "its list is a page": Said(200, b"<html>hello</html>", {"Content-Type": "text/html"}),
    "its list is lost": Said(cut="before"),
    "it says nothing of cost": listing({}),
}
"""What the host says at the time of the charge; the last is no denial for every claim."""


class Rift(NamedTuple):
    """One disagreement: what the client believes, since when, and what the host does now.

    ``before`` prepares the client's folders. ``repeats`` says that the host itself allows more.
    """

    name: str
    claim: Claim
    age: float | None
    listed: Said | Callable[[Seen], Said]
    schema: Said | Callable[[Seen], Said] = said({}, 404)
    stored: Mapping[str, Any] = {}
    before: Callable[[Any, str], None] | None = None
    repeats: bool = False


def crossed() -> Iterator[Rift]:
    """Yield every claim with every age of the cache and everything that the host may say."""
    for (claim, held), (age, seconds), (now, listed) in itertools.product(
        CLAIMS.items(), AGES.items(), NOW.items()
    ):
        is_own = bool(held.free) or held.bound.get("role") == "query"
        if now == "it says nothing of cost" and is_own:
            continue  # the user's own word, and a list that still has the question
        if held.free and now != "it denies":
            continue  # nobody contradicts the configuration
        yield Rift(f"{claim}, {age}, {now}", held, seconds, listed)


def conditional(marks: Mapping[str, Any], etag: str = ETAG) -> Callable[[Seen], Said]:
    """Return a list without schemas that answers 304 to its own validator."""

    def answer(request: Seen) -> Said:
        if request.headers.get("if-none-match") == etag:
            return Said(304, b"", {"ETag": etag})
        return said({"actions": [{"id": "v.do", **marks}]}, etag=etag)

    return answer


def unchanged(request: Seen) -> Said:
    """Return 304 to a schema that is asked for on condition."""
    tag = request.headers.get("if-none-match")
    return Said(304, b"", {"ETag": tag}) if tag else said({"inputSchema": {"type": "object"}})


def honoured_before(age: float, host: str = "") -> Callable[[Any, str], None]:
    """Return a preparation: some seconds ago a reply of the host showed that it takes the key."""

    def prepare(ledger: Ledger, url: str) -> None:
        old = Ledger(ledger.folder, clock=lambda: time.time() - age)
        facts = {"host": host or url, "action": "v.do", "body_digest": "x"}
        old.record("intent", "earlier", facts)
        old.record("done", "earlier", {"idempotency": True})
        old.close()

    return prepare


def asked_before(age: float) -> Callable[[Any, str], None]:
    """Return a preparation: some seconds ago an answer showed that the action only asks."""

    def prepare(ledger: Ledger, url: str) -> None:
        old = Ledger(ledger.folder, clock=lambda: time.time() - age)
        old.record("intent", "earlier", {"host": url, "action": "v.do", "body_digest": "x"})
        old.record("asked", "earlier", {})
        old.close()

    return prepare


STALE = HOUR + 60
SCHEMA = said({"inputSchema": {"type": "object"}, **BILLED}, etag='"s-2"')
GUESSED = Claim(
    {"paid": False, "role": "query", "family": FAMILY._replace(wait="", guessed=True)}, {}
)
IDEMPOTENT, IS_FREE = CLAIMS["bindings say idempotent"], CLAIMS["bindings say free"]
UNBOUND = Claim({"module": ""}, {**FREE, **HONOURED})
SINGLE = (
    Rift("the list changed, the schema did not", IS_FREE, STALE, conditional({}, '"2"'), unchanged),
    Rift("the list changed, its key too", IDEMPOTENT, STALE, conditional({}, '"2"'), unchanged),
    Rift("the schema denies, the list is as it was", IS_FREE, STALE, conditional({}), SCHEMA,
         stored=FREE),
    Rift("the schema drops a mark", IS_FREE, STALE, conditional({}),
         said({"inputSchema": {"type": "object"}}), stored=FREE),
    Rift("the schema drops the key", IDEMPOTENT, STALE, conditional({}),
         said({"inputSchema": {"type": "object"}}), stored=HONOURED),
    Rift("the schema fails", IS_FREE, STALE, conditional({}), said({}, 503), stored=FREE),
    Rift("a reply of 61 minutes ago", IDEMPOTENT, None, NOW["its list fails"],
         before=honoured_before(STALE)),
    Rift("a reply from tomorrow", IDEMPOTENT, None, NOW["its list fails"],
         before=honoured_before(-24 * HOUR)),
    Rift("a reply of another host", IDEMPOTENT, None, NOW["its list fails"],
         before=honoured_before(5, "http://127.0.0.1:1")),
    Rift("a reply that the list contradicts", IDEMPOTENT, None, NOW["it denies"],
         before=honoured_before(5)),
    Rift("a proof of 61 minutes ago", GUESSED, None, NOW["it says nothing of cost"],
         before=asked_before(STALE)),
    Rift("a proof that the list contradicts", GUESSED, None, NOW["it denies"],
         before=asked_before(5)),
    Rift("no bindings, an old cache, a denial", UNBOUND, STALE, NOW["it denies"]),
    Rift("no bindings, an old cache, a broken list", UNBOUND, STALE, NOW["its list fails"]),
    Rift("no bindings, a cache from tomorrow", UNBOUND, -24 * HOUR, NOW["its list is lost"]),
)  # fmt: skip
CONTROLS = (
    Rift("the host confirms the key", IDEMPOTENT, STALE, listing(HONOURED), repeats=True),
    Rift("the host confirms that it is free", IS_FREE, None, listing(FREE), repeats=True),
    Rift("an unchanged list and schema confirm", IS_FREE, STALE, conditional({}), unchanged,
         stored=FREE, repeats=True),
    Rift("a reply of a minute ago", IDEMPOTENT, None, NOW["it says nothing of cost"],
         before=honoured_before(60), repeats=True),
)  # fmt: skip
"""Cases in which the host allows a second POST: they show that the campaign sees one."""


def catalogue_of(case: Rift, url: str) -> Catalogue:
    """Return what the client has cached: the claim's marks, from the list or from the schema."""
    then = time.time() - (case.age or 0.0)
    action = Advertised("v.do", input={"type": "object"}, hints={**case.claim.marks, **case.stored})
    path = "/api/actions/v.do/schema"
    return Catalogue(
        url,
        then,
        (action,),
        {"/api/actions": {"etag": ETAG}, path: {"etag": '"s-1"'}},
        apart=("v.do",) if callable(case.listed) else (),
        whole=then,
        read_as=read_as(Overrides.parse({})),
        stated={"v.do": case.stored} if case.stored else {},
    )


def play_case(tally: Tally, case: Rift, home: Path, number: int) -> None:
    """Call the action once, and hold the server's count and the ledger against the promise."""

    def answer(request: Seen) -> Said:
        if request.method == "POST":
            return LOST[number % len(LOST)]
        return case.schema(request) if callable(case.schema) else case.schema

    with serving(answer) as server:
        server.listed = case.listed
        settings = stage.settings_for(server.url, home)
        if case.age is not None:
            stage.know(settings, catalogue_of(case, server.url))
        ledger = Ledger(settings.state_dir)
        if case.before is not None:
            case.before(ledger, server.url)
        error = call(case, settings, server, number)
        posts = server.posts()
    rows = [row for row in ledger.jobs() if row.ref != "earlier"]
    ledger.close()
    judge(tally, case, error, [post.headers.get("idempotency-key") for post in posts], rows)
    tally.ran(case.name)


def call(case: Rift, settings: Any, server: Server, number: int) -> CallsheetError | None:
    """Call the action of a case with a client of one of the kinds."""
    claimed = {"module": "v_do", **case.claim.bound}
    action = Action(id="v.do", typed=False, **claimed)
    source = server.url if claimed["module"] else ""
    bindings = stage.BINDINGS._replace(source=source)
    overrides = {"free": case.claim.free} if case.claim.free else None

    async def steps(client: Any, wait: Any) -> None:
        await wait(client.call(action, BODY, check=False))

    how = stage.Play(stage.DRIVERS[number % 3])
    try:
        stage.run(settings, steps, how, bindings=bindings, overrides=overrides)
    except CallsheetError as error:
        return error
    return None


def judge(
    tally: Tally,
    case: Rift,
    error: CallsheetError | None,
    keys: list[str | None],
    rows: list[Any],
) -> None:
    """Hold one POST, one row that says unknown, and a hint that counts as the server does."""
    if case.repeats:
        tally.hold(len(keys) > 1, case.name, "the host allows more, and one POST was sent")
        tally.hold(len(set(keys)) == 1, case.name, "the keys differ:", keys)
        if isinstance(error, OutcomeUnknown):
            sent = f"it was sent {len(keys)} times"
            tally.hold(sent in error.hint, case.name, len(keys), "POSTs, and the hint:", error.hint)
        return
    tally.hold(len(keys) == 1, case.name, len(keys), "POSTs")
    tally.hold(keys[:1] != [None], case.name, "a POST without its key")
    tally.hold([row.state for row in rows] == ["unknown"], case.name, "rows:", rows)
    is_unknown = isinstance(error, OutcomeUnknown)
    if tally.hold(is_unknown, case.name, "ended with", repr(error)) and error is not None:
        tally.hold("it was not sent again" in error.hint, case.name, "hint:", error.hint)


def play_question(tally: Tally, age: float, free: str, home: Path, number: int) -> None:
    """Wait for a job whose question the host says costs; bindings say that it only asks."""
    name = f"a question that costs, {age:.0f} s old" + (", configured as free" if free else "")
    query = said({"taskId": "t-1", "status": "running"})

    def answer(request: Seen) -> Said:
        return query if request.path.endswith("v.do") else said({"taskId": "t-1"})

    with serving(answer) as server:
        server.listed = listing(BILLED)
        settings = stage.settings_for(server.url, home)
        case = Rift(name, Claim({}, BILLED), age, server.listed)
        stage.know(settings, catalogue_of(case, server.url))
        make = Action(id="v.make", role="create", family=FAMILY, module="v_make", typed=False)
        bindings = stage.BINDINGS._replace(source=server.url)

        async def steps(client: Any, wait: Any) -> None:
            await wait(client.call(make, BODY, wait=True, check=False))

        error: CallsheetError | None = None
        try:
            how = stage.Play(stage.DRIVERS[number % 3])
            overrides = {"free": free} if free else None
            stage.run(settings, steps, how, bindings=bindings, overrides=overrides)
        except CallsheetError as raised:
            error = raised
        paths = [post.path.rpartition("/")[2] for post in server.posts()]
    tally.hold(paths == ["v.make"], name, "POSTs:", paths)
    tally.hold(isinstance(error, StillRunning), name, "ended with", repr(error))
    tally.ran(name)


def play_program(tally: Tally, case: Rift, home: Path, number: int) -> None:
    """Play a case as a process of the generated program, which calls the action by its id."""
    posted: list[str | None] = []

    def answer(request: Seen) -> Said:
        if request.method == "POST":
            posted.append(request.headers.get("idempotency-key"))
            return LOST[number % len(LOST)]
        return case.schema(request) if callable(case.schema) else case.schema

    with serving(answer) as server:
        server.listed = case.listed
        stage.know(stage.settings_for(server.url, home), catalogue_of(case, server.url))
        ads = Program(stage.client_folder(), home, home)
        env = {"ADS_HOST": server.url, "ADS_API_KEY": stage.KEY}
        run = ads.run("call", "v.do", "--input", json.dumps(BODY), env=env)
    name = f"{case.name}, as a program"
    tally.hold(len(posted) == 1 and posted != [None], name, "keys of the POSTs:", posted)
    tally.hold(run.code == 5, name, "exit", run.code, run.stderr[-300:])
    tally.hold("it was not sent again" in run.stderr, name, "hint:", run.stderr[-300:])
    tally.ran(name)


def play(tally: Tally, *, every: int, programs: int) -> None:
    """Play every case, or each of the crossed ones that ``every`` reaches, by clients in turn.

    The first single cases with a cache are played as ``programs`` too.
    """
    cases = [*list(crossed())[::every], *SINGLE, *CONTROLS]
    for number, case in enumerate(cases):
        with tempfile.TemporaryDirectory() as folder:
            play_case(tally, case, Path(folder), number)
    for number, (age, free) in enumerate(itertools.product((60.0, STALE), ("", "v.*"))):
        with tempfile.TemporaryDirectory() as folder:
            play_question(tally, age, free, Path(folder), number)
    cached = [case for case in SINGLE if case.age is not None]
    for number, case in enumerate(cached[:programs]):
        with tempfile.TemporaryDirectory() as folder:
            play_program(tally, case, Path(folder), number)
