"""How a user writes against the library: every public name, strictly typed; errors are expected."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import callsheet
from callsheet import (
    OMIT,
    Action,
    AsyncGroup,
    AsyncResult,
    AsyncTask,
    AuthError,
    Bindings,
    CallsheetError,
    DoneEvent,
    DownloadError,
    DriftFound,
    Family,
    FileInput,
    Group,
    Interrupted,
    InvalidInput,
    JobUpdate,
    LimitReached,
    NetworkError,
    Omit,
    OutcomeUnknown,
    Param,
    RequestEvent,
    Response,
    Result,
    SavedElsewhere,
    SavedFile,
    ServerError,
    StillRunning,
    Task,
    TaskEntry,
    TaskFailed,
    UsageError,
)
from plain_client import AsyncClient, Client
from plain_client.models import VideoGenerateInput

ACTION = Action(id="x", params=(Param(path=("a",), flag="a"),), family=Family(query="x.query"))
BINDINGS = Bindings(command="mine")
EXIT: dict[type[CallsheetError], int] = {
    AuthError: 3,
    DownloadError: 1,
    DriftFound: 8,
    Interrupted: 130,
    InvalidInput: 2,
    LimitReached: 7,
    NetworkError: 1,
    OutcomeUnknown: 5,
    SavedElsewhere: 1,
    ServerError: 1,
    StillRunning: 4,
    TaskFailed: 6,
    UsageError: 2,
}


def told(event: RequestEvent) -> None:
    logging.info("%s %s %s", event.method, event.url, event.action)


def open_client(on_done: Callable[[DoneEvent], object]) -> Client:
    return Client(
        host="https://a.example",
        api_key="sk-1",
        auth="bearer",
        profile="work",
        headers={"X-Team": "blue"},
        timeout=30,
        ledger=Path("ledger"),
        on_request=told,
        on_done=on_done,
    )


def make(client: Client, picture: FileInput, seconds: int | Omit = OMIT) -> SavedFile:
    task = client.video.generate(prompt="waves", image_input=[picture, Path("b.png")])
    update: JobUpdate
    for update in task.watch(timeout=60):
        line: str = str(update)
        print(line, update.state, update.progress)
    task.wait(on_update=print).save(io.BytesIO())
    return task.save(Path("waves.mp4"), force=True)


def follow(client: Client, task: Task[Any], group: Group) -> tuple[str, float | None, Response]:
    result: Result[Any] = task.refresh().wait(timeout=5.5)
    for medium in result.media:
        medium.save("a.png", manifest=True)
    jobs: list[TaskEntry] = client.tasks.list(search="waves", since=timedelta(days=1))
    again = [client.tasks.get(job.ref) for job in jobs if job.id and job.created]
    link: str = client.upload(Path("a.png"))
    return link + again[0].id, result.cost, result.response


def call(client: Client) -> str:
    client.submit("ai.video.generate", VideoGenerateInput(prompt="x"))
    built = client.model_of("some.action")
    result = client.call("some.action", built(a=1), wait=True, check=False)
    for entry in client.iterate("material.search", {"query": "sea"}, limit=5):
        print(entry)
    return f"{result.action} {result.json} {client.notes} {callsheet.__version__}"


async def make_async(client: AsyncClient, group: AsyncGroup) -> AsyncResult[Any]:
    async with client as ads:
        task: AsyncTask[Any] = await ads.video.generate(prompt="x", image_input=["https://a/b"])
        await ads.upload(io.BytesIO(b""))
        await ads.model_of("some.action")
        return await task.wait(on_update=print)


def base() -> tuple[callsheet.Client, callsheet.AsyncClient]:
    return callsheet.Client(bindings=BINDINGS), callsheet.AsyncClient(ledger=None)


def refused(client: Client) -> None:
    Client(api_kye="sk-1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Client(timeout="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.engine  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    client.video.generate(prompt=Path("a"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.tasks.list(sicne=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
