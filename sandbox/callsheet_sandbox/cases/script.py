"""Answer requests as the data of one case says, and count them."""

import json
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from callsheet_sandbox.cases.case import Case, Filler
from callsheet_sandbox.templates import Json

if TYPE_CHECKING:
    from callsheet_sandbox.media.samples import Media

LIST = "/api/actions"
FREE = "material.search"
_QUERY = " one after the other, the last for ever"
_SPECIAL = {"@status", "@headers", "@type", "@body", "@text", "@file"}
_DOCUMENT = f"GET {LIST}/{{id}}/schema"
_NOTHING = {"@status": 404, "@body": {"error": {"code": "not_found", "message": "not found"}}}


class Answer(NamedTuple):
    """What goes back over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Post(NamedTuple):
    """One POST as it came in."""

    action: str
    body: Json
    key: str | None


@dataclass
class Requests:
    """The requests of one run."""

    gets: list[str] = field(default_factory=list)
    paid: list[Post] = field(default_factory=list)
    free: list[Post] = field(default_factory=list)


class CaseScript:
    """Answer requests the way the server of one case does."""

    def __init__(self, case: Case, media: "Media", url: str, second: str) -> None:
        self.requests = Requests()
        self._media = media
        self._schemas = case.schemas
        self._filler = Filler(case.schemas, media, url, second)
        self._server = case.data["server"]
        self._lock = threading.Lock()
        self._asked: Counter[str] = Counter()
        self._answers = {
            name.removeprefix("POST of ").removesuffix(f",{_QUERY}"): answers
            for name, answers in self._server.items()
            if name.startswith("POST of ") and name.endswith(_QUERY)
        }

    def get(self, target: str) -> Answer:
        """Answer a GET of the catalogue, of a schema document or of a file."""
        with self._lock:
            self.requests.gets.append(target)
        url = urlsplit(target)
        path = unquote(url.path)
        if path.rstrip("/") == LIST:
            return self._answer(self._page(parse_qs(url.query, keep_blank_values=True)))
        if path.startswith("/f/"):
            return self._file(path.removeprefix("/f/"))
        if (answers := self._server.get(f"GET {path},{_QUERY}")) is not None:
            index = min(self.requests.gets.count(target), len(answers)) - 1
            return self._answer(answers[index])
        action = path.removeprefix(f"{LIST}/").removesuffix("/schema")
        if action in self._schemas and path == f"{LIST}/{action}/schema":
            return self._answer(self._document(), action)
        return self._answer(_NOTHING)

    def post(self, target: str, body: Json, key: str | None) -> Answer:
        """Answer a POST of an action; a question about the job moves on to the next answer."""
        action = unquote(urlsplit(target).path).removeprefix(f"{LIST}/")
        post = Post(action, body, key)
        with self._lock:
            if action == FREE or action in self._answers:
                self.requests.free.append(post)
            else:
                self.requests.paid.append(post)
            return self._answer(self._reply(post))

    def _reply(self, post: Post) -> Json:
        if post.action in self._answers:
            return self._question(post)
        if post.action == FREE:
            values = post.body if isinstance(post.body, dict) else {}
            fields = {key: [str(value)] for key, value in values.items()}
            return _fitting(self._server.get(f"POST of {FREE}", {"ok": True}), fields)
        if post.action not in self._schemas:
            return _NOTHING
        return self._server.get("POST of the paid action", {"ok": True})

    def _question(self, post: Post) -> Json:
        job = self._server.get("the job is known by")
        values = post.body.values() if isinstance(post.body, dict) else ()
        is_known = post.action == FREE or job in {None, *(str(value) for value in values)}
        if not is_known:
            return _NOTHING
        answers = self._answers[post.action]
        self._asked[post.action] += 1
        return answers[min(self._asked[post.action], len(answers)) - 1]

    def _page(self, query: Mapping[str, list[str]]) -> Json:
        if f"GET {LIST}" in self._server:
            return _fitting(self._server[f"GET {LIST}"], query)
        if _DOCUMENT in self._server:
            return [{"id": k, "description": k} for k in self._schemas]
        return [{"id": k, "description": k, "inputSchema": v} for k, v in self._schemas.items()]

    def _document(self) -> Json:
        return self._server.get(_DOCUMENT, "@SCHEMA" if "actions" in self._server else _NOTHING)

    def _file(self, name: str) -> Answer:
        content, kind = self._media.under(name)
        return Answer(200, {"Content-Type": kind}, content)

    def _answer(self, reply: Json, action: str = "") -> Answer:
        special = isinstance(reply, dict) and not _SPECIAL.isdisjoint(reply)
        parts = reply if special else {"@body": reply}
        status = parts.get("@status", 200)
        headers = {k: self._filler.text(v) for k, v in parts.get("@headers", {}).items()}
        kind = parts.get("@type", "application/json")
        if "@file" in parts:
            body, kind = self._media.under(parts["@file"])
            kind = parts.get("@type", kind)
        elif "@text" in parts:
            body = self._filler.text(parts["@text"], action).encode()
        else:
            body = json.dumps(self._filler.fill(parts.get("@body"), action)).encode()
        return Answer(status, {"Content-Type": kind, **headers}, body)


def _fitting(reply: Json, fields: Mapping[str, list[str]]) -> Json:
    """Return the reply, or of its pages the last one that the fields of a request fit."""
    if not isinstance(reply, dict) or "@pages" not in reply:
        return reply
    fitting = [page for page in reply["@pages"] if _within(page["if"], fields)]
    return fitting[-1]["reply"] if fitting else _NOTHING


def _within(wanted: Mapping[str, str], query: Mapping[str, list[str]]) -> bool:
    return all(k in query and (v == "*" or str(v) in query[k]) for k, v in wanted.items())
