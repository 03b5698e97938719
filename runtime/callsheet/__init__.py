"""Talk to any server that advertises actions."""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing would cost every help page more than the rest
if TYPE_CHECKING:
    from typing import Any

    from callsheet.client.client import AsyncClient as AsyncClient
    from callsheet.client.client import Client as Client
    from callsheet.client.groups import OMIT as OMIT
    from callsheet.client.groups import AsyncGroup as AsyncGroup
    from callsheet.client.groups import Group as Group
    from callsheet.client.groups import Omit as Omit
    from callsheet.client.hooks import DoneEvent as DoneEvent
    from callsheet.client.hooks import RequestEvent as RequestEvent
    from callsheet.client.results import AsyncResult as AsyncResult
    from callsheet.client.results import Response as Response
    from callsheet.client.results import Result as Result
    from callsheet.client.tasks import AsyncTask as AsyncTask
    from callsheet.client.tasks import Task as Task
    from callsheet.client.tasks import TaskEntry as TaskEntry
    from callsheet.config.bindings import Bindings as Bindings
    from callsheet.engine.body_files import FileInput as FileInput
    from callsheet.errors import AuthError as AuthError
    from callsheet.errors import CallsheetError as CallsheetError
    from callsheet.errors import DownloadError as DownloadError
    from callsheet.errors import DriftFound as DriftFound
    from callsheet.errors import Interrupted as Interrupted
    from callsheet.errors import InvalidInput as InvalidInput
    from callsheet.errors import LimitReached as LimitReached
    from callsheet.errors import NetworkError as NetworkError
    from callsheet.errors import OutcomeUnknown as OutcomeUnknown
    from callsheet.errors import SavedElsewhere as SavedElsewhere
    from callsheet.errors import ServerError as ServerError
    from callsheet.errors import StillRunning as StillRunning
    from callsheet.errors import TaskFailed as TaskFailed
    from callsheet.errors import UsageError as UsageError
    from callsheet.flows.effects import JobUpdate as JobUpdate
    from callsheet.spec import Action as Action
    from callsheet.spec import Family as Family
    from callsheet.spec import Param as Param
    from callsheet.storage.partial_file import SavedFile as SavedFile
    from callsheet.version import __version__ as __version__

_HOMES = {
    "client.client": (
        "AsyncClient",
        "Client",
    ),
    "client.groups": (
        "AsyncGroup",
        "Group",
        "OMIT",
        "Omit",
    ),
    "client.hooks": ("DoneEvent", "RequestEvent"),
    "client.results": (
        "AsyncResult",
        "Response",
        "Result",
    ),
    "client.tasks": (
        "AsyncTask",
        "Task",
        "TaskEntry",
    ),
    "config.bindings": ("Bindings",),
    "engine.body_files": ("FileInput",),
    "errors": (
        "AuthError",
        "CallsheetError",
        "DownloadError",
        "DriftFound",
        "Interrupted",
        "InvalidInput",
        "LimitReached",
        "NetworkError",
        "OutcomeUnknown",
        "SavedElsewhere",
        "ServerError",
        "StillRunning",
        "TaskFailed",
        "UsageError",
    ),
    "flows.effects": ("JobUpdate",),
    "spec": (
        "Action",
        "Family",
        "Param",
    ),
    "storage.partial_file": ("SavedFile",),
    "version": ("__version__",),
}

_FORMER_NAMES = {"Update": "JobUpdate"}  # until 1.0

__all__ = [name for names in _HOMES.values() for name in names]


def __dir__() -> list[str]:
    """List the public names, so that completion shows what is imported when it is used."""
    return __all__


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    name = _FORMER_NAMES.get(name, name)
    if name == "launch":  # as packages call it that were generated before there was a launcher
        from callsheet import launcher

        return launcher
    for home, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            return getattr(import_module(f"callsheet.{home}"), name)
    raise AttributeError(f"module 'callsheet' has no attribute {name!r}")
