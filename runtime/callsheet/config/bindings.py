"""Describe what a generated package says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.config.overlay import Overlay
    from callsheet.spec import Action


INTERFACE = 2


class Bindings(NamedTuple):
    """A generated package; without one ``package`` is empty and actions are looked up on the host.

    ``source`` is where the lock came from: an origin, or ``sandbox``. ``interface`` is the
    runtime interface that the package was written for.
    """

    package: str = ""
    command: str = "callsheet"
    env: str = "CALLSHEET"
    source: str = ""
    interface: int = INTERFACE

    def check(self) -> None:
        """Raise ``UsageError`` for a package that was written for another runtime interface."""
        if self.interface != INTERFACE:
            from callsheet.errors import UsageError

            raise UsageError(
                f"{self.package} was generated for runtime interface {self.interface}, "
                f"and this is interface {INTERFACE}",
                hint="run `callsheet generate`",
            )

    def overlay(self) -> Overlay:
        """Load the configuration that the package was generated with, else the default one."""
        from callsheet.config.overlay import Overlay

        return Overlay.from_json(self._json("overlay.json") or {})

    def protocol(self) -> Mapping[str, Any]:
        """Load the forced readings of replies; see ``protocol.values.Overrides``."""
        table: Mapping[str, Any] = (self._json("overlay.json") or {}).get("protocol", {})
        return table

    def headers(self) -> Mapping[str, str]:
        """Load the headers that the project adds to requests."""
        table: Mapping[str, str] = (self._json("overlay.json") or {}).get("headers", {})
        return table

    def action(self, action_id: str) -> Action | None:
        """Return the generated action of this id; ``None`` where the package has none.

        Imports only the modules of commands that may hold it.
        """
        if not self.package:
            return None
        from importlib import import_module

        index = import_module(f"{self.package}.commands").MODULES
        for word in dict.fromkeys(part.replace("_", "-") for part in action_id.split(".")):
            if word in index:
                module = import_module(f"{self.package}.commands.{index[word]}")
                matches = [
                    member
                    for member in vars(module).values()
                    if getattr(member, "id", "") == action_id
                ]
                if matches:
                    action: Action = matches[0]
                    return action
        return None

    def schema(self, name: str) -> Mapping[str, Any] | None:
        """Load the advertised ``{"input": …, "output": …}`` from ``schemas/<name>.json``.

        ``None`` without a package or a file.
        """
        return self._json(f"schemas/{name}.json")

    def names(self) -> dict[str, tuple[str, ...]]:
        """Return action id → command path of the package's commands; imports all of its modules."""
        if not self.package:
            return {}
        from importlib import import_module

        try:
            index: Mapping[str, str] = import_module(f"{self.package}.commands").MODULES
        except ModuleNotFoundError:  # a package for Python alone
            return {}
        modules = [import_module(f"{self.package}.commands.{name}") for name in {*index.values()}]
        return {
            action.id: action.command for module in modules for action in module.COMMANDS.values()
        }

    def _json(self, path: str) -> Mapping[str, Any] | None:
        """Load a JSON file of the package; ``None`` without a package or a file."""
        if not self.package:
            return None
        import json
        import os
        import sys

        __import__(self.package)
        folder = os.path.dirname(sys.modules[self.package].__file__ or "")
        try:
            with open(os.path.join(folder, path), encoding="utf-8") as file:
                loaded: Mapping[str, Any] = json.load(file)
        except FileNotFoundError:
            return None
        return loaded
