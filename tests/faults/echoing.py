"""S17: a key that a server repeats is masked in every spelling; replies are read as they came."""

from __future__ import annotations

import base64
import html
import json
import re
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote

from faults import stage
from faults.forge import Forge, Order, forge
from faults.needles import CANARY, hits
from unit.servers import Said, Seen, Server, said, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faults.tally import Tally

ACTION, PAGE = "echo.image.make", "text/html"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
ROUNDS = 5  # of escapes in escapes


def spellings(key: str) -> dict[str, str]:
    """Return a key as servers, proxies and the pages of their errors may write it."""
    return {"as it is": key, **_linked(key), **_json(key), **_html(key), **_coded(key)}


def _each(key: str, form: str, which: Callable[[str], bool] = lambda char: True) -> str:
    return "".join(form % ord(char) if which(char) else char for char in key)


def _is_sign(char: str) -> bool:
    return not char.isalnum()


def _linked(key: str) -> dict[str, str]:
    half = (char if n % 2 else f"%{ord(char):02X}" for n, char in enumerate(key))
    once = quote(key, safe="")
    return {
        "a link": once,
        "a link, in small letters": re.sub("%..", lambda match: match[0].lower(), once),
        "a path": quote(key),
        "a link in a link": quote(once, safe=""),
        "a link in a link in a link": quote(quote(once, safe=""), safe=""),
        "every character a link's": _each(key, "%%%02X"),
        "half a link": "".join(half),
    }


def _json(key: str) -> dict[str, str]:
    dump, slashed = json.dumps, key.replace("/", "\\/")
    return {
        "JSON": dump(key)[1:-1],
        "JSON with slashes": slashed,
        "JSON in JSON": dump(dump(key))[1:-1],
        "JSON in JSON with slashes": dump(slashed)[1:-1],
        "JSON, signs as numbers": _each(key, "\\u%04x", _is_sign),
        "JSON, signs as capital numbers": _each(key, "\\u%04X", _is_sign),
        "JSON, all as numbers": _each(key, "\\u%04x"),
        "JSON in JSON, all as numbers": dump(_each(key, "\\u%04x"))[1:-1],
        "JSON as Go writes it": key.replace("&", "\\u0026").replace("<", "\\u003c"),
        "a plus as a number": key.replace("+", "\\u002b"),
        "JavaScript": _each(key, "\\x%02x"),
        "JavaScript, newer": _each(key, "\\u{%x}"),
        "C": _each(key, "\\%03o"),
        "a shell": "".join("\\" + char if _is_sign(char) else char for char in key),
    }


def _html(key: str) -> dict[str, str]:
    return {
        "HTML": html.escape(key),
        "HTML, numbers": _each(key, "&#%d;"),
        "HTML, hexadecimal": _each(key, "&#x%X;"),
        "HTML, long numbers": _each(key, "&#%05d;"),
        "XML": key.replace("&", "&amp;").replace("/", "&#47;"),
    }


def _coded(key: str) -> dict[str, str]:
    plain = key.encode()
    forms = {"hexadecimal": plain.hex(), "capital hexadecimal": plain.hex().upper()}
    for name, lead in {"": b"", " of a pair": b"user:", " of a header": b"Bearer "}.items():
        text = base64.b64encode(lead + plain + b"@").decode()
        forms[f"base64{name}"] = text
        forms[f"base64{name}, for links"] = text.replace("+", "-").replace("/", "_").rstrip("=")
        forms[f"base64{name}, in a link"] = quote(text, safe="")
        forms[f"base64{name}, in JSON"] = text.replace("/", "\\/")
    lines = base64.encodebytes(b"x" * 40 + plain + b"y" * 30).decode().strip()
    return {**forms, "base64 in lines": json.dumps(lines)[1:-1]}


def decoded(text: str) -> str:
    """Undo escapes until none is left; how the program looks for keys is not asked."""
    for _ in range(ROUNDS):
        text = html.unescape(unquote(text, "latin-1"))
        text = re.sub(
            r"\\+(?:u00|x|u\{)([0-9a-fA-F]{2})\}?", lambda match: chr(int(match[1], 16)), text
        )
        text = re.sub(r"\\+([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
        text = re.sub(r"\\+([^A-Za-z0-9\s])", r"\1", text)
    return text


def shows(text: bytes, spelling: str) -> list[str]:
    """Return how a text shows the key."""
    plain = text.decode("utf-8", "replace")
    forms = {spelling, json.dumps(spelling)[1:-1], spelling.replace("\\n", "")}
    flat = plain.replace("\\n", "").replace("\n", "")
    shown = ["as it was sent" for form in forms if form in plain or form in flat]
    return [*hits(text), *shown, *(["escaped"] if decoded(CANARY) in decoded(plain) else [])]


def _in_json(spelling: str) -> str:
    """Return the spelling as a JSON text: as its own escapes where they are some, else quoted."""
    try:
        json.loads(f'"{spelling}"')
    except ValueError:
        return json.dumps(spelling)
    return f'"{spelling}"'


class Place(NamedTuple):
    """Where the key is repeated: the answer to a call, and the exit code."""

    answer: Callable[[str, str], Said]
    code: int
    has_file: bool = False


def _refusal(spelling: str, url: str) -> Said:
    body = f'{{"error": {{"code": "bad", "message": {_in_json("no such key: " + spelling)}}}}}'
    return Said(400, body.encode(), {"Content-Type": "application/json"})


def _success(spelling: str, url: str) -> Said:
    body = f'{{"status": "succeeded", "url": "{url}/m.png", "apiKey": {_in_json(spelling)}}}'
    return Said(200, body.encode(), {"Content-Type": "application/json"})


def _page(spelling: str, url: str) -> Said:
    body = f"<html><title>No</title><body>key {spelling} is wrong</body></html>"
    return Said(502, body.encode(), {"Content-Type": PAGE})


def _header(spelling: str, url: str) -> Said:
    line = spelling.replace("\n", "")
    return said({"error": {"message": "no"}}, 403, x_request_id=line, x_saw=f"key={line}")


def _link(spelling: str, url: str) -> Said:
    link = f"{url}/m.png?key={quote(CANARY, safe='')}&again={quote(spelling)}"
    return said({"status": "succeeded", "url": link})


def _nonsense(spelling: str, url: str) -> Said:
    return Said(200, f"<<{spelling}>>".encode(), {"Content-Type": "text/plain"})


PLACES = {
    "a refusal": Place(_refusal, 1),
    "a result": Place(_success, 0, has_file=True),
    "a page": Place(_page, 5),
    "a header": Place(_header, 3),
    "a link": Place(_link, 0, has_file=True),
    "nonsense": Place(_nonsense, 5),
}


class Desk:
    """A server that repeats what it is told to, and a program that calls it."""

    def __init__(self, folder: Path, warm: Forge, key: str = CANARY) -> None:
        self.folder, self.forge, self.key = folder, warm, key
        self.spelling, self.place = "", PLACES["a result"]
        self.reply: Any = None

    def answer(self, seen: Seen) -> Said:
        """Answer a call, or serve the medium where its link came whole."""
        if seen.method == "GET":
            query = unquote(seen.path.partition("key=")[2].partition("&")[0])
            is_whole = seen.path == "/m.png" or query == CANARY
            return Said(200, PNG, {"Content-Type": "image/png"}) if is_whole else Said(403)
        if self.reply is not None:
            return said(self.reply)
        return self.place.answer(self.spelling, self.server.url)

    def serve(self, server: Server) -> None:
        """Use this server, whose list repeats the key as well."""
        self.server = server

    def listing(self) -> Said:
        """Return the list of actions, with the spelling in a description."""
        entry = f'{{"id": "{ACTION}", "description": {_in_json("made by " + self.spelling)},'
        body = f'{{"actions": [{entry} "inputSchema": {{"type": "object"}}}}]}}'
        return Said(200, body.encode(), {"Content-Type": "application/json"})

    def run(self, home: Path, *words: str) -> Any:
        """Run the program with its logs on disk."""
        env = {**stage.program_environ(home), "ADS_HOST": self.server.url}
        before = (("faults.secrecy:log_all", (str(home / "log"),)),)
        home.mkdir(exist_ok=True)
        env["ADS_API_KEY"] = self.key
        return self.forge.run(Order(words, env, home, before=before))


CALL = ("call", ACTION, "--input", '{"prompt": "x"}', "--json", "--debug", "--out", "m.png")


def play(tally: Tally, *, forms: int, places: int, words: int) -> None:
    """Play S17: each spelling in each place, then keys that are words of a reply."""
    every = list(spellings(CANARY).items())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with forge(folder / "forge", stage.program_environ(folder / "home")) as warm:
            desk = Desk(folder, warm)
            with serving(desk.answer) as server:
                desk.serve(server)
                for number, (form, spelling) in enumerate(every[:: max(1, len(every) // forms)]):
                    kinds = list(PLACES) if places == len(PLACES) else [list(PLACES)[number % 6]]
                    for kind in kinds:
                        _repeat(tally, desk, f"{number}-{kind}", (form, spelling, kind))
            for number, key in enumerate(WORDS[:words]):
                _short(tally, folder, warm, (f"short-{number}", key))


def _repeat(tally: Tally, desk: Desk, label: str, case: tuple[str, str, str]) -> None:
    form, desk.spelling, kind = case
    desk.place, home = PLACES[kind], desk.folder / label.replace(" ", "-")
    desk.server.listed = desk.listing()
    desk.server.seen.clear()
    ended = desk.run(home, *CALL)
    others = {
        word: desk.run(home, word, "list", *form).out
        for word, form in {"actions": ("--format", "raw"), "tasks": ("--json",)}.items()
        if desk.place.has_file
    }
    name = f"{form} in {kind}:"
    tally.hold(ended.code == desk.place.code, name, "exit", ended.code, ended.text[-500:])
    tally.hold(len(desk.server.posts()) == 1, name, "POSTs", len(desk.server.posts()))
    tally.hold((home / "m.png").is_file() == desk.place.has_file, name, "file")
    outputs = {"stdout": ended.out, "stderr": ended.err, **others}
    files = {str(path.relative_to(home)): path for path in home.rglob("*") if path.is_file()}
    contents = {path: file.read_bytes() for path, file in files.items() if path != "m.png"}
    for place, text in {**outputs, **contents}.items():
        for shown in shows(text, desk.spelling):
            at = text.decode("utf-8", "replace")
            tally.hold(False, name, shown, "in", place, at[-400:])
    _check_json(tally, name, ended.out)
    tally.hold(any("log" in path for path in contents), name, "no log")
    tally.hold(any("ledger" in path for path in contents), name, "no ledger")
    tally.ran(f"{form}, {kind}")


def _check_json(tally: Tally, name: str, out: bytes) -> None:
    try:
        json.loads(out or b"null")
    except ValueError:
        tally.hold(False, name, "stdout is no JSON:", out[:300])


WORDS = (
    *("1", "ok", "id", "done", "task", "url", "status", "succeeded", "message", "true", "a"),
    *("image", "http", "m.png", "42", "null", "processing", "key", "prompt", "0"),
)


def _replies(key: str) -> Iterator[tuple[dict[str, Any], str]]:
    job = {"taskId": f"{key}-{key}", "status": "succeeded", "code": 0, "message": "ok"}
    yield {**job, "url": "{url}/m.png", "count": 1, "done": True, "apiKey": key}, "plain"
    yield {"data": {**job, "result": {"url": "{url}/m.png", "n": [1, 42, 0]}}}, "in data"


def _short(tally: Tally, folder: Path, warm: Forge, case: tuple[str, str]) -> None:
    """Let a reply hold the key as one of its words: all that it says must come out."""
    label, key = case
    desk = Desk(folder, warm, key)
    with serving(desk.answer) as server:
        desk.serve(server)
        for reply, kind in _replies(key):
            home = folder / f"{label}-{kind.replace(' ', '-')}"
            desk.reply = json.loads(json.dumps(reply).replace("{url}", server.url))
            server.seen.clear()
            ended = desk.run(home, *CALL)
            name = f"the key {key!r}, {kind}:"
            tally.hold(ended.code == 0, name, "exit", ended.code, ended.text[-400:])
            tally.hold(len(server.posts()) == 1, name, "POSTs", len(server.posts()))
            file = home / "m.png"
            tally.hold(file.is_file() and file.read_bytes() == PNG, name, "no file")
            _check_json(tally, name, ended.out)
            shown = f'"{key}-{key}"'.encode()
            tally.hold(shown in ended.out, name, "the id is not shown:", ended.out[:300])
            with sqlite3.connect(home / "state" / "ledger.sqlite3") as db:
                rows = db.execute("SELECT task_ids FROM jobs").fetchall()
            tally.hold(rows == [(json.dumps([f"{key}-{key}"]),)], name, "the ledger has", rows)
            named = f'"apiKey": "{key}"'.encode()
            tally.hold(named not in ended.out, name, "the named key shows")
            tally.ran(f"short {key}")
