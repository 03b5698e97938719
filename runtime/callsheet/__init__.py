"""Talk to any server that advertises actions."""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing would cost every help page more than the rest
if TYPE_CHECKING:
    from typing import Any

    from callsheet.bindings import Bindings
    from callsheet.client import AsyncClient, Client
    from callsheet.errors import (
        AuthError,
        CallsheetError,
        DownloadError,
        DriftFound,
        Interrupted,
        InvalidInput,
        LimitReached,
        NetworkError,
        OutcomeUnknown,
        ServerError,
        StillRunning,
        TaskFailed,
        UsageError,
    )
    from callsheet.files.parts import SavedFile
    from callsheet.flows.effects import Update
    from callsheet.groups import OMIT, AsyncGroup, Group, Omit
    from callsheet.results import AsyncResult, Response, Result
    from callsheet.spec import Action, Family, Param
    from callsheet.tasks import AsyncTask, Task

__version__ = "0.1.0"

_HOMES = {
    "bindings": ("Bindings",),
    "client": ("AsyncClient", "Client"),
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
        "ServerError",
        "StillRunning",
        "TaskFailed",
        "UsageError",
    ),
    "files.parts": ("SavedFile",),
    "flows.effects": ("Update",),
    "groups": ("OMIT", "AsyncGroup", "Group", "Omit"),
    "results": ("AsyncResult", "Response", "Result"),
    "spec": ("Action", "Family", "Param"),
    "tasks": ("AsyncTask", "Task"),
}

__all__ = [
    "OMIT",
    "Action",
    "AsyncClient",
    "AsyncGroup",
    "AsyncResult",
    "AsyncTask",
    "AuthError",
    "Bindings",
    "CallsheetError",
    "Client",
    "DownloadError",
    "DriftFound",
    "Family",
    "Group",
    "Interrupted",
    "InvalidInput",
    "LimitReached",
    "NetworkError",
    "Omit",
    "OutcomeUnknown",
    "Param",
    "Response",
    "Result",
    "SavedFile",
    "ServerError",
    "StillRunning",
    "Task",
    "TaskFailed",
    "Update",
    "UsageError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    for home, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            return getattr(import_module(f"callsheet.{home}"), name)
    raise AttributeError(f"module 'callsheet' has no attribute {name!r}")
