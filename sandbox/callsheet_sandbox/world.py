"""Hold what one running sandbox consists of, and find it from a request."""

import asyncio
import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from starlette.requests import Request

from callsheet_sandbox import dialects
from callsheet_sandbox.catalogue import BUILT_IN, read_catalogue
from callsheet_sandbox.faults.links import Links
from callsheet_sandbox.faults.plan import Plan
from callsheet_sandbox.faults.script import Script, open_script
from callsheet_sandbox.handlers import material
from callsheet_sandbox.many import many
from callsheet_sandbox.media.studio import Studio
from callsheet_sandbox.options import Options
from callsheet_sandbox.ports import Ports
from callsheet_sandbox.realm import EXTENSION, Clock, Realm, Setting
from callsheet_sandbox.refusals import RefusedError
from callsheet_sandbox.speeds import SPEEDS
from callsheet_sandbox.store import Store, TaskRow
from callsheet_sandbox.templates import Json

_PREFIX = re.compile(r"^/d/([^/]+)(?=/|$)")
_NAME = re.compile(r"(?P<stem>[0-9a-z-]+)(?P<cover>\.cover)?(\.(?P<kind>mp4|png|jpg|webp|gif))?")


@dataclass(frozen=True, slots=True)
class World:
    """All realms of a server, what they share, and the realm that is served at the root.

    `foreign_log` holds the requests that reached the foreign origin, with all their headers.
    """

    setting: Setting
    realms: Mapping[str, Realm]
    root: str
    studio: Studio
    temporary: bool
    plan: Plan
    ports: Ports
    links: Links = field(default_factory=Links)
    foreign_log: list[dict[str, Json]] = field(default_factory=list)

    @property
    def clock(self) -> Clock:
        """Return the time that all realms share."""
        return self.setting.clock

    def realm_name(self, path: str) -> str:
        """Return the name of the realm that a path belongs to."""
        prefix = _PREFIX.match(path)
        return prefix[1] if prefix else self.root

    def local_path(self, path: str) -> str:
        """Return a path as its realm sees it."""
        return _PREFIX.sub("", path, count=1) or "/"

    def set_faults(self, script: Script) -> None:
        """Put a script of faults in force; links that expired are good again."""
        self.plan.set(script)
        self.links.clear()

    def reset(self) -> None:
        """Forget all that happened; the faults are those of the start."""
        for realm in self.realms.values():
            realm.reset()
        self.clock.reset()
        self.plan.reset()
        self.links.clear()
        self.foreign_log.clear()

    def close(self) -> None:
        """Close the store and remove what is temporary."""
        self.setting.store.close()
        if self.temporary:
            shutil.rmtree(self.studio.folder, ignore_errors=True)

    async def media(self, realm: Realm, name: str) -> Path | None:
        """Return the file behind a media link, made in a thread when it is not there yet."""
        parts = _NAME.fullmatch(name)
        if parts is None:
            return None
        if name.startswith("upload-"):
            path = self.studio.folder / name
            return path if path.is_file() else None
        if name.startswith("material-"):
            picture = material().get(parts["stem"].removeprefix("material-"))
            return (
                await asyncio.to_thread(self.studio.image, picture["title"], "")
                if picture
                else None
            )
        row = self.setting.store.task(realm.name, parts["stem"])
        if row is None or realm.standing(row).state != "success":
            return None
        kind = parts["kind"] or EXTENSION[row.media]
        return await asyncio.to_thread(self._render, row, kind, bool(parts["cover"]))

    def _render(self, row: TaskRow, kind: str, cover: bool) -> Path | None:
        caption = " · ".join(text for text in (row.scene, row.provider, row.model) if text)
        if cover:
            return self.studio.image(row.prompt, caption)
        if kind != EXTENSION[row.media]:
            return None
        if kind == "mp4":
            return self.studio.video(row.prompt, caption)
        return self.studio.image(row.prompt, caption, str(json.loads(row.body).get("aspectRatio")))


def open_world(options: Options) -> World:
    """Read the data files and open the state; ValueError names what is wrong in them."""
    folder = options.catalogue or BUILT_IN
    actions = many(options.actions) if options.actions else read_catalogue(folder)
    available = dialects.read_dialects()
    if options.dialect not in available:
        raise ValueError(f"no dialect {options.dialect!r}; known: {', '.join(available)}")
    if options.speed not in SPEEDS:
        raise ValueError(f"no speed {options.speed!r}; known: {', '.join(SPEEDS)}")
    script = open_script(options.faults) if options.faults else Script()
    folder = options.state or Path(tempfile.mkdtemp(prefix="callsheet-sandbox-"))
    folder.mkdir(parents=True, exist_ok=True)
    setting = Setting(
        store=Store(folder / "sandbox.sqlite3", options.credits),
        speed=SPEEDS[options.speed],
        clock=options.clock or Clock(),
        keys=options.keys,
        auth=options.auth,
    )
    return World(
        setting=setting,
        realms={name: Realm(dialect, actions, setting) for name, dialect in available.items()},
        root=options.dialect,
        studio=Studio(folder, setting.speed),
        temporary=options.state is None,
        plan=Plan(script),
        ports=Ports(folder),
    )


def world_of(request: Request) -> World:
    """Return the world that the request's application serves."""
    return cast("World", request.app.state.world)


def realm_of(request: Request, *, strict: bool = True) -> Realm:
    """Return the realm that the request's path names.

    A dialect that does not exist is RefusedError("not_found"), or the root's realm if not strict.
    """
    world = world_of(request)
    name = world.realm_name(request.url.path)
    if name not in world.realms and strict:
        raise RefusedError(
            "not_found", f"There is no dialect {name}; known: {', '.join(world.realms)}."
        )
    return world.realms.get(name) or world.realms[world.root]


def address(request: Request) -> str:
    """Return the address that the client used for this realm, without a final slash."""
    prefix = _PREFIX.match(request.url.path)
    return f"{request.url.scheme}://{request.url.netloc}{prefix[0] if prefix else ''}"
