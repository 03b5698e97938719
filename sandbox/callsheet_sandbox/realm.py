"""Hold one dialect's own world: its actions, credits, tasks and links."""

import base64
import fnmatch
import hashlib
import json
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from callsheet_sandbox import shapes
from callsheet_sandbox.catalogue import Action
from callsheet_sandbox.dialects import Dialect
from callsheet_sandbox.refusals import RefusedError
from callsheet_sandbox.speeds import Speed
from callsheet_sandbox.store import Store, TaskRow
from callsheet_sandbox.tasks import NO_MEDIA, UNREADABLE, Standing, standing
from callsheet_sandbox.templates import Json, fill

if TYPE_CHECKING:
    import asyncio

EXTENSION: Mapping[str, str] = {"image": "png", "video": "mp4"}


class Clock:
    """The sandbox's time in seconds since the epoch; tests may move it forward."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        """Return the time now."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Move the time forward."""
        self._ahead += seconds

    def reset(self) -> None:
        """Go back to the computer's time."""
        self._ahead = 0.0

    def wall(self) -> float:
        """Return the computer's own time, which is also the clients'."""
        return time.time()


@dataclass(frozen=True, slots=True)
class Setting:
    """What all realms of one server share."""

    store: Store
    speed: Speed
    clock: Clock
    keys: tuple[str, ...]
    auth: str | None


class Realm:
    """One dialect with its own actions; everything stored is under the dialect's name.

    ``answering`` holds a lock for each idempotency key whose first request has no reply yet.
    """

    def __init__(self, dialect: Dialect, actions: Mapping[str, Action], setting: Setting) -> None:
        self.dialect = dialect
        self.setting = setting
        self._original = {key: a for key, a in actions.items() if not self._lacks(key)}
        self.actions = dict(self._original)
        self._digest: bytes | None = None
        self._posts: deque[float] = deque()
        self.answering: dict[str, asyncio.Lock] = {}
        # A minute back, so that a change within the first second still moves Last-Modified.
        self.modified = int(setting.clock()) - 60

    def _lacks(self, action_id: str) -> bool:
        return any(fnmatch.fnmatchcase(action_id, glob) for glob in self.dialect.list.without)

    @property
    def name(self) -> str:
        """Return the dialect's name, under which all state is kept."""
        return self.dialect.name

    def action(self, action_id: str) -> Action:
        """Return an action; RefusedError("unknown_action") where there is none."""
        try:
            return self.actions[action_id]
        except KeyError:
            raise RefusedError("unknown_action", f"There is no action {action_id}.") from None

    def put_action(self, action: Action) -> None:
        """Add an action or replace the one of the same id."""
        self.actions[action.id] = action
        self._touch()

    def remove_action(self, action_id: str) -> None:
        """Remove an action; RefusedError("unknown_action") where there is none."""
        self.action(action_id)
        del self.actions[action_id]
        self._touch()

    def advertised(self) -> bytes:
        """Return a digest of every schema document: the list's validator speaks for them too."""
        if self._digest is None:
            documents = [
                shapes.schema_document(self.dialect, action) for action in self.actions.values()
            ]
            self._digest = hashlib.sha256(json.dumps(documents).encode()).digest()
        return self._digest

    def _touch(self) -> None:
        self._digest = None
        self.modified = max(int(self.setting.clock()), self.modified + 1)

    def reset(self) -> None:
        """Forget all that happened, runtime actions included."""
        self.setting.store.reset(self.name)
        if self.actions != self._original:
            self.actions = dict(self._original)
            self._touch()

    def standing(self, row: TaskRow) -> Standing:
        """Return where a job stands now."""
        return standing(row, self.setting.clock())

    def accepts(self, bearer: str | None, header: str | None) -> bool:
        """Tell whether one of the keys sent is known and of a kind that is read here."""
        kinds = self.setting.auth or self.dialect.auth.kinds
        sent = {"bearer": (bearer,), "x-api-key": (header,)}.get(kinds, (bearer, header))
        return any(key in self.setting.keys for key in sent)

    def link(self, base: str, name: str) -> str:
        """Return a media link; `base` is the address of this realm without a final slash."""
        start = base
        if self.dialect.links.relative:
            start = "/" + base.split("/", 3)[3] if base.count("/") > 2 else ""
        query = self.dialect.links.query
        return f"{start}/media/{name}" + (f"?{query}" if query else "")

    def task_reply(
        self,
        row: TaskRow,
        base: str,
        standing: Standing,
        *,
        created: bool = False,
        content: bytes = b"",
    ) -> Json:
        """Return what the dialect answers about a job, without the envelope.

        `content` is the finished file, where the dialect sends it within the reply.
        """
        if UNREADABLE in row.prompt:
            return {"note": "accepted"}
        shape = self.dialect.task
        template = shape.create if created and shape.create is not None else shape.reply
        reply = fill(template, self._task_values(row, base, standing, content))
        hint = self.setting.speed.poll_after_ms
        if hint is not None and not standing.finished and isinstance(reply, dict):
            reply["pollAfterMs"] = hint
        return reply

    def _task_values(
        self, row: TaskRow, base: str, standing: Standing, content: bytes
    ) -> dict[str, Json]:
        done = standing.state == "success" and NO_MEDIA not in row.prompt
        name = row.id if self.dialect.links.bare else f"{row.id}.{EXTENSION[row.media]}"
        link = self.link(base, name) if done else None
        if content:
            link = base64.b64encode(content).decode()
        if content and self.dialect.task.deliver == "data-uri":
            link = f"data:{row.media}/{EXTENSION[row.media]};base64,{link}"
        still = self.link(base, f"{row.id}.cover.png") if done else None
        return {
            "id": row.id,
            "upstream": row.upstream,
            "action": row.action,
            "state": shapes.state_word(self.dialect, standing),
            "progress": shapes.progress_value(self.dialect, standing.progress),
            "mediaUrl": link,
            "videoUrl": link if row.media == "video" else None,
            "imageUrl": link if row.media == "image" else None,
            "cover": still if row.media == "video" else None,
            "thumbnail": still if row.media == "image" else None,
            "provider": row.provider,
            "model": row.model,
            "scene": row.scene,
            "prompt": row.prompt,
            "body": row.body,
            "request": json.loads(row.body),
            "finished": standing.finished,
            "error": failure(row) if standing.state == "failed" else None,
            "created": int(row.created),
            "reference": row.reference,
            "cost": self._cost(row, standing),
        }

    def _cost(self, row: TaskRow, standing: Standing) -> int | None:
        """Return what a job costs; None while that is open where success alone is charged."""
        cost = self.actions[row.action].cost if row.action in self.actions else 0
        if self.dialect.charges != "success":
            return cost
        return {"success": cost, "failed": 0}.get(standing.state)

    def settle(self) -> None:
        """Charge for the jobs that have succeeded since, where success alone is charged."""
        if self.dialect.charges != "success":
            return
        for row in self.setting.store.uncharged(self.name, self.setting.clock()):
            standing = self.standing(row)
            cost = self._cost(row, standing)
            if cost and standing.state == "success":
                self.setting.store.charge(
                    self.name, reference=row.reference, action=row.action, cost=cost, task=row.id
                )

    def admits_post(self) -> bool:
        """Tell whether one more POST is let in within this second, and count it if so."""
        now, most = self.setting.clock(), self.dialect.throttle.posts
        while self._posts and self._posts[0] <= now - 1:
            self._posts.popleft()
        if most and len(self._posts) >= most:
            return False
        if most:
            self._posts.append(now)
        return True


def failure(row: TaskRow) -> str:
    """Return the message of a failed job."""
    return f"The {row.media} could not be generated: the prompt asked for a failure."


def timed_out(standing: Standing) -> Standing:
    """Return the standing of a job that was not waited for any longer."""
    return replace(standing, state="timeout")
