"""R5: no sequence of paid calls spends more than its limits allow, and a dry run sends nothing."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from faults import stage
from faults.forge import Order, forge
from unit.servers import Said, Seen, said, serving

from callsheet import Client
from callsheet.config.settings import load
from callsheet.errors import CallsheetError, LimitReached
from callsheet.storage.ledger import Ledger

if TYPE_CHECKING:
    from faults.forge import Forge
    from faults.tally import Tally
    from unit.servers import Server

AT_ONCE = 2
UNTOLD = 7  # what the server charges for the action of which it states no price
_SCHEMA = {
    "type": "object",
    "properties": {"seconds": {"type": "integer", "default": 5}, "end": {"type": "string"}},
}
_STATED: dict[str, dict[str, Any]] = {
    "film.small": {"creditCost": 5},
    "film.flat": {"creditCost": 50},
    "film.long": {"pricing": {"credits_per_second": 10}},
    "film.dollars": {"price": "$0.50"},
    "film.range": {"price": {"min": 2, "max": 90, "unit": "credits"}},
    "film.silent": {},
}
LISTED = {"actions": [{"id": n, "inputSchema": _SCHEMA, **p} for n, p in _STATED.items()]}
ENDS = ("told", "untold", "less", "refused", "lost")
LIMITS = ("", "", "4", "60", "60 credits", "120 credits", "0.6 USD", "1.2USD", "230")
ASSUMED = ("", "", "7", "30 credits", "0.2USD")


class Sum(NamedTuple):
    """An amount and its unit, "" for any."""

    amount: float
    unit: str

    @classmethod
    def read(cls, text: str) -> Sum | None:
        """Read a limit as it is written above."""
        number = text.rstrip("credits USD")
        return cls(float(number), text.removeprefix(number).strip()) if text else None

    def fits(self, other: Sum) -> bool:
        """Tell whether both are of one unit."""
        return not self.unit or not other.unit or self.unit == other.unit


class PaidCall(NamedTuple):
    """One call: what it asks for, and how the server ends it."""

    action: str
    seconds: int
    end: str
    dry: bool = False

    @property
    def body(self) -> dict[str, Any]:
        """Return what is sent; the default of ``seconds`` is left out."""
        return {"end": self.end} | ({"seconds": self.seconds} if self.seconds != 5 else {})

    def price(self) -> Sum | None:
        """Return what the server states of this call; None where that is no one amount."""
        by_action = {
            "film.small": Sum(5, "credits"),
            "film.flat": Sum(50, "credits"),
            "film.long": Sum(10 * self.seconds, "credits"),
            "film.dollars": Sum(0.5, "USD"),
        }
        return by_action.get(self.action)


class Limits(NamedTuple):
    """The limits of a sequence, as they are typed."""

    call: str
    day: str
    assumed: str

    def counted(self, call: PaidCall, limit: Sum) -> Sum | None:
        """Return what a call counts against a limit; None where it must not be sent."""
        price, assumed = call.price(), Sum.read(self.assumed)
        for amount in (price, assumed):
            if amount is not None and amount.fits(limit):
                return amount
        return None

    def refuses(self, call: PaidCall) -> bool:
        """Tell whether a call must not be sent whatever was sent before it."""
        one, day = Sum.read(self.call), Sum.read(self.day)
        for limit in filter(None, (one, day)):
            counted = self.counted(call, limit)
            if counted is None or counted.amount > limit.amount:
                return True
        return False


class Books:
    """What reached the server, and what it took for it."""

    def __init__(self) -> None:
        self.posts: list[PaidCall] = []
        self._lock = threading.Lock()

    def answer(self, request: Seen) -> Said:
        """Note a paid request and end it as it asks to be ended."""
        if request.method != "POST":
            return said({"message": "there is nothing here"}, 404)
        body = json.loads(request.body)
        call = PaidCall(request.path.rpartition("/")[2], body.get("seconds", 5), body["end"])
        with self._lock:
            self.posts.append(call)
        if call.end == "refused":
            return said({"error": {"code": "invalid", "message": "not this one"}}, 422)
        if call.end == "lost":
            return Said(cut="before")
        charge = self.charge(call)
        told = call.end != "untold"
        return said(
            {"ok": True, **({"cost": charge.amount, "currency": charge.unit} if told else {})}
        )

    def charge(self, call: PaidCall) -> Sum:
        """Return what was taken."""
        if call.end == "refused":
            return Sum(0, "")
        price = call.price() or Sum(UNTOLD, "credits")
        return price._replace(amount=price.amount / 5) if call.end == "less" else price


class Sequence(NamedTuple):
    """Calls under limits; ``way`` is how many make them at once, and in what."""

    number: int
    limits: Limits
    calls: tuple[PaidCall, ...]
    way: str

    @property
    def name(self) -> str:
        """Return what kind of sequence this is."""
        return f"{self.way}, call {self.limits.call!r}, day {self.limits.day!r}"

    @classmethod
    def draw(cls, number: int, way: str) -> Sequence:
        """Draw a sequence; the same number draws the same."""
        dice = random.Random(number)
        limits = Limits(dice.choice(LIMITS), dice.choice(LIMITS), dice.choice(ASSUMED))
        calls = [
            PaidCall(
                dice.choice(list(_STATED)),
                dice.choice((1, 5, 5, 9)),
                dice.choice(ENDS),
                dry="program" in way and dice.random() < 0.3,
            )
            for _ in range(dice.randint(2, 6))
        ]
        return cls(number, limits, tuple(calls), way)


WAYS = ("client", "two clients", "client", "two clients", "two programs")


class Player:
    """Plays sequences against one server."""

    def __init__(self, tally: Tally, server: Server, books: Books, home: Path) -> None:
        self.tally, self.server, self.books, self.home = tally, server, books, home
        self.forges: list[Forge] = []
        # Making a ledger takes longest: all begin as this one, in which another host took much.
        self._begun = home / "begun"
        ledger = Ledger(str(self._begun))
        other = {"host": "https://other.example", "action": "film.flat", "estimate": 1e6}
        ledger.record("intent", "other", other)
        ledger.close()

    def environ(self, sequence: Sequence) -> dict[str, str]:
        """Return the variables of a sequence: a ledger of its own, one cache for all."""
        own = stage.environ(self.home) | {"ADS_STATE_DIR": str(self.home / str(sequence.number))}
        limits = {
            "ADS_MAX_COST": sequence.limits.call,
            "ADS_DAILY_LIMIT": sequence.limits.day,
            "ADS_ASSUME_COST": sequence.limits.assumed,
        }
        return {**own, **limits, "ADS_HOST": self.server.url, "ADS_API_KEY": stage.KEY}

    def play(self, sequence: Sequence) -> None:
        """Make the calls of a sequence, and hold what the server took against the limits."""
        self.books.posts = []
        shutil.copytree(self._begun, self.home / str(sequence.number))
        many = AT_ONCE if "two" in sequence.way else 1
        parts = [sequence.calls[start::many] for start in range(many)]
        work = self._as_programs if "program" in sequence.way else self._as_client
        ended: list[tuple[PaidCall, str]] = []
        threads = [
            threading.Thread(target=work, args=(sequence, part, number, ended))
            for number, part in enumerate(parts)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._judge(sequence, ended)
        self.tally.ran(sequence.name, 1)

    def _as_client(
        self, sequence: Sequence, calls: tuple[PaidCall, ...], number: int, ended: list[Any]
    ) -> None:
        settings = load(stage.BINDINGS, environ=self.environ(sequence))
        with Client(settings=settings, bindings=stage.BINDINGS) as client:
            for call in calls:
                try:
                    client.call(call.action, call.body)
                except LimitReached as error:
                    ended.append((call, error.code))
                except CallsheetError as error:
                    ended.append((call, type(error).__name__))
                else:
                    ended.append((call, "sent"))

    def _as_programs(
        self, sequence: Sequence, calls: tuple[PaidCall, ...], number: int, ended: list[Any]
    ) -> None:
        for call in calls:
            words = ["call", call.action, "--input", json.dumps(call.body), "--json"]
            words += ["--dry-run"] * call.dry
            order = Order(tuple(words), self.environ(sequence), self.home, "faults.forge:unbound")
            process = self.forges[number].run(order)
            is_limit = process.code == 7 and b'"code":"budget"' in process.out.replace(b" ", b"")
            ended.append((call, "budget" if is_limit else f"exit {process.code}"))
            self.tally.hold(process.code in {0, 1, 2, 5, 7}, sequence, call, process.text[-500:])

    def _judge(self, sequence: Sequence, ended: list[tuple[PaidCall, str]]) -> None:
        hold, limits, posts = self.tally.hold, sequence.limits, self.books.posts
        hold(len(ended) == len(sequence.calls), sequence, "ended early:", ended)
        for call, how in ended:
            if limits.refuses(call):
                hold(how == "budget", sequence, call, "must be refused and ended with", how)
        sent = sorted(call for call, how in ended if how != "budget" and not call.dry)
        hold(sent == sorted(posts), sequence, "was sent:", posts, "by the client:", ended)
        hold(not any(limits.refuses(call) for call in posts), sequence, "was sent:", posts)
        day = Sum.read(limits.day)
        if day is not None:
            spent = self.spent(sequence, day, posts)
            hold(all(amount <= day.amount + 1e-9 for amount in spent.values()), sequence, spent)
        refused = [call for call, how in ended if how == "budget" and not limits.refuses(call)]
        self._hold_needed(sequence, refused)

    def spent(self, sequence: Sequence, day: Sum, posts: list[PaidCall]) -> dict[str, float]:
        """Return what was taken by unit; what was assumed, where that is all that can be known."""
        spent: dict[str, float] = {}
        for call in posts:
            counted = sequence.limits.counted(call, day)
            charge, is_known = self.books.charge(call), call.price() or call.end in {"told", "less"}
            if counted and call.end != "refused" and not (is_known and charge.fits(day)):
                charge = counted
            unit = charge.unit or day.unit
            spent[unit] = spent.get(unit, 0.0) + charge.amount
        return spent

    def _hold_needed(self, sequence: Sequence, refused: list[PaidCall]) -> None:
        """Hold that no call was refused which the day's limit had room for."""
        day = Sum.read(sequence.limits.day)
        most = 0.0
        for call in self.books.posts if day else ():
            counted = sequence.limits.counted(call, day) if day else None
            most += counted.amount if counted is not None else 0.0
        for call in refused:
            counted = sequence.limits.counted(call, day) if day else None
            needed = counted is not None and day is not None and most + counted.amount > day.amount
            self.tally.hold(needed, sequence, call, "was refused, and there was room")


def play(tally: Tally, *, sequences: int) -> None:
    """Play as many sequences; a control run without limits shows that calls do arrive."""
    books = Books()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(serving(books.answer))
        server.listed = said(LISTED)
        player = Player(tally, server, books, home)
        for number in range(AT_ONCE):
            folder = home / f"forge-{number}"
            player.forges.append(stack.enter_context(forge(folder, stage.program_environ(home))))
        calls = tuple(PaidCall(action, 5, "told") for action in _STATED)
        for way in ("client", "two programs"):
            player.play(Sequence(-1 - len(way), Limits("", "", ""), calls, way))
            tally.hold(len(books.posts) == len(_STATED), "without limits", books.posts)
        for number in range(sequences):
            player.play(Sequence.draw(number, WAYS[number % len(WAYS)]))
