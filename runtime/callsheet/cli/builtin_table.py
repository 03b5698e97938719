"""List the built-in commands as data."""

from __future__ import annotations

_HERE = "callsheet.cli.commands"

OWN: dict[str, tuple[str, str]] = {
    "login": (f"{_HERE}.login:login", "Save a server and its key"),
    "logout": (f"{_HERE}.login:logout", "Forget the saved key"),
    "whoami": (f"{_HERE}.login:whoami", "Show which server and key are in use"),
    "config": (f"{_HERE}.config:config", "Show settings and where each comes from"),
    "actions": (f"{_HERE}.actions:actions", "List and search what the server offers"),
    "call": (f"{_HERE}.call:call", "Send one request to any action by its id"),
    "api": (f"{_HERE}.api:api", "Send a raw request to the server"),
    "tasks": (f"{_HERE}.tasks:tasks", "Show, wait for and save jobs"),
    "probe": (f"{_HERE}.probe:probe", "Say how the server's replies are read"),
    "report": (f"{_HERE}.report:report", "Write a case of a job, without what is private"),
    "doctor": (f"{_HERE}.doctor:doctor", "Check this installation"),
    "completion": (f"{_HERE}.completion:completion", "Print the completion of a shell"),
    "version": (f"{_HERE}.config:version", "Print the version"),
}
