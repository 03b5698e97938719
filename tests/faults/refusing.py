"""R9: whatever a server says when it refuses becomes one typed error of bounded length."""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from faults import stage

from callsheet.errors import AuthError, CallsheetError, LimitReached, ServerError
from callsheet.flows.effects import HttpReply
from callsheet.flows.invoke import InvocationRequest, parse_reply
from callsheet.protocol.error_replies import error_for
from callsheet.protocol.values import Overrides
from callsheet.spec import Action

if TYPE_CHECKING:
    from faults.tally import Tally

SHOWN = 2048
MEGABYTE = 1_000_000
_ID = {"x-request-id": "req-7"}


class Fixture(NamedTuple):
    """An answer that refuses, and the error it has to become."""

    status: int
    body: Any
    error: type[CallsheetError] = ServerError
    retryable: bool = False
    says: str = ""
    kind: str = "application/json"

    @property
    def data(self) -> bytes:
        """Return the body as it travels."""
        body = self.body
        return body if isinstance(body, bytes) else json.dumps(body).encode()


def _shapes(words: str) -> list[Any]:
    """Return every shape of an error body that holds these words."""
    return [
        {"error": {"code": "bad", "message": words, "details": {"field": "prompt"}}},
        {"error": words},
        {"code": "bad", "message": words},
        {"msg": words, "code": 4001},
        {"success": False, "message": words},
        {"errors": [{"message": words}]},
        {"detail": words},
        {"type": "about:blank", "title": "no", "status": 400, "detail": words},
    ]


_PAGE = b"<html><head><title>Bad gateway</title></head><body>" + b"x" * 100 + b"</body></html>"
FIXTURES = (
    *(Fixture(400, body, says="wrong prompt") for body in _shapes("wrong prompt")),
    *(Fixture(401, body, AuthError, says="who are you") for body in _shapes("who are you")[:3]),
    *(Fixture(403, body, AuthError, says="not you") for body in _shapes("not you")[:2]),
    Fixture(402, {"error": "pay"}, LimitReached, says="pay"),
    Fixture(200, {"code": 7, "msg": "Insufficient credits"}, LimitReached, says="Insufficient"),
    Fixture(200, {"success": False, "error": "invalid api key"}, AuthError, says="invalid api"),
    Fixture(200, {"code": 500, "message": "boom", "data": None}, says="boom"),
    Fixture(404, {"error": "no such action"}, says="no such action"),
    Fixture(409, {"message": "conflict"}, says="conflict"),
    Fixture(410, {"message": "gone for good"}, says="gone for good"),
    Fixture(413, b"too large", says="too large", kind="text/plain"),
    Fixture(451, {"title": "by law"}, says="by law", kind="application/problem+json"),
    Fixture(422, {"detail": [{"loc": ["prompt"], "msg": "too long"}]}),
    Fixture(408, {"error": "slow"}, retryable=True),
    *(Fixture(429, b, LimitReached, retryable=True) for b in ({"error": "slow down"}, b"", [])),
    *(Fixture(status, b"", retryable=True) for status in (500, 502, 503, 504)),
    Fixture(502, _PAGE, retryable=True, says="Bad gateway", kind="text/html"),
    Fixture(200, _PAGE, says="", kind="text/html"),
    Fixture(500, b"\xff\xfe\x00 no text", retryable=True, kind="application/octet-stream"),
    Fixture(500, b"x" * MEGABYTE, retryable=True, kind="text/plain"),
    Fixture(500, {"error": "y" * MEGABYTE}, retryable=True),
    Fixture(503, b"<html>" + b"z" * MEGABYTE, retryable=True, kind="text/html"),
    Fixture(500, b"[" * 100_000, retryable=True),
    Fixture(500, b'{"error": ', retryable=True),
    Fixture(500, b"null", retryable=True),
    Fixture(400, b'{"error": "\\u001b[31mred\\u202e"}', says="red"),
)


def error_of(fixture: Fixture, headers: dict[str, str]) -> CallsheetError:
    """Return the error that reading the answer to a paid request raises."""
    order = InvocationRequest(
        Action(id="v.make", role="create"), b"{}", {}, "ref", "https://x", Overrides.parse({})
    )
    reply = HttpReply(fixture.status, headers, fixture.data, "https://x/api/actions/v.make")
    try:
        parse_reply(order, reply)
    except CallsheetError as error:
        return error
    raise AssertionError(f"no error for {fixture.status} {fixture.data[:60]!r}")


def _printed(error: CallsheetError) -> int:
    return len((error.message + error.hint).encode())


def _fixture(tally: Tally, number: int, fixture: Fixture) -> None:
    name = f"{number}: {fixture.status} {fixture.data[:50]!r}"
    tally.ran(name)
    try:
        error = error_of(fixture, {"content-type": fixture.kind, **_ID})
    except Exception as raised:
        tally.hold(False, name, repr(raised))
        return
    tally.hold(isinstance(error, fixture.error), name, "became", repr(error))
    tally.hold(fixture.says in error.message, name, "says", error.message[:200])
    tally.hold(_printed(error) <= SHOWN, name, "prints", _printed(error))
    tally.hold(len(error.raw.encode()) <= SHOWN, name, "keeps", len(error.raw))
    tally.hold(error.message.isprintable(), name, "prints", repr(error.message[:100]))
    if fixture.status != 200:
        fields = (error.http_status, error.request_id, error.retryable)
        tally.hold(fields == (fixture.status, "req-7", fixture.retryable), name, fields)


def _random_body(dice: random.Random) -> bytes:
    def value(depth: int) -> Any:
        kinds = 7 if depth < 4 else 5
        return [
            lambda: None,
            lambda: dice.choice([True, False, 0, -1, 1e308, 10**30]),
            lambda: "".join(chr(dice.randrange(1, 0xD7FF)) for _ in range(dice.randrange(9))),
            lambda: dice.choice(["error", "failed", "insufficient credits", "\x1b[2J", "<html>"]),
            lambda: dice.choice(["", {}, []]),
            lambda: [value(depth + 1) for _ in range(dice.randrange(4))],
            lambda: {
                dice.choice(["error", "code", "message", "msg", "details", "data", "errors"]): (
                    value(depth + 1)
                )
                for _ in range(dice.randrange(5))
            },
        ][dice.randrange(kinds)]()

    if dice.random() < 0.2:
        return dice.randbytes(dice.randrange(300))
    return json.dumps(value(0)).encode()


def _random(tally: Tally, dice: random.Random) -> None:
    status = dice.choice([400, 401, 402, 403, 404, 408, 409, 418, 422, 429, 500, 502, 503, 599])
    body, kind = _random_body(dice), dice.choice(["application/json", "text/html", "", "x/\xff"])
    try:
        error = error_for(status, {"content-type": kind}, body, action="v.make", host="https://x")
    except Exception as raised:
        tally.hold(False, status, body[:200], repr(raised))
        return
    typed = isinstance(error, CallsheetError) and error.http_status == status
    tally.hold(typed and bool(error.code), status, body[:200], repr(error))
    tally.hold(_printed(error) <= SHOWN and error.message.isprintable(), status, body[:200])


def _over_the_wire(tally: Tally) -> None:
    """Send megabytes over a real connection to a client of every kind."""
    scripts = [
        f"500 size={MEGABYTE} type={kind} POST ai.image.query x*"
        for kind in ("json", "problem", "html", "text")
    ]

    async def steps(client: Any, wait: Any) -> None:
        await wait(client.call("ai.image.query", {"taskId": "x"}))

    with stage.sandbox() as running, tempfile.TemporaryDirectory() as folder:
        for number, script in enumerate(scripts):
            running.set_faults(script)
            settings = stage.settings_for(running.url, Path(folder) / str(number))
            for driver in stage.DRIVERS:
                try:
                    stage.run(settings, steps, stage.Play(driver))
                except ServerError as error:
                    tally.hold(_printed(error) <= SHOWN, script, "prints", _printed(error))
                    tally.hold(error.http_status == 500 and error.retryable, script, repr(error))
                except Exception as error:
                    tally.hold(False, script, repr(error))
                else:
                    tally.hold(False, script, "no error")
                tally.ran(script)


def play(tally: Tally, *, bodies: int) -> None:
    """Play R9."""
    for number, fixture in enumerate(FIXTURES):
        _fixture(tally, number, fixture)
    dice = random.Random(9)
    for _ in range(bodies):
        _random(tally, dice)
        tally.ran("random body")
    _over_the_wire(tally)
