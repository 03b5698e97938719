"""Describe a program: its name, its rules about actions, and the package generated for it."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callsheet.config.overlay import Overlay
    from callsheet.spec import Action


INTERFACE = 2


class Bindings(NamedTuple):
    """A program and the package generated for it; ``package`` is empty where there is none.

    ``command`` and ``env`` are the program's name and the prefix of its variables. ``source`` is
    where the lock came from: an origin, or ``sandbox``. ``interface`` is the runtime interface
    that the package was written for. ``rules`` is the path of the configuration of actions, for
    one that is not the package's own.
    """

    package: str = ""
    command: str = "callsheet"
    env: str = "CALLSHEET"
    source: str = ""
    interface: int = INTERFACE
    rules: str = ""

    def without_package(self) -> Bindings:
        """Return the program alone, with its rules: every action is looked up on the host."""
        return Bindings(command=self.command, env=self.env, rules=self.rules_path())

    def is_usable(self) -> bool:
        """Tell whether the package was written for this runtime interface."""
        return self.interface == INTERFACE

    def check(self) -> None:
        """Raise ``UsageError`` for a package that was written for another runtime interface."""
        if not self.is_usable():
            from callsheet.errors import UsageError

            raise UsageError(
                f"{self.package} was generated for runtime interface {self.interface}, "
                f"and this is interface {INTERFACE}",
                hint=f"run `{self.renewal()}`",
            )

    def rules_path(self) -> str:
        """Return the path of the rules about actions; "" without rules and package."""
        return self.rules or (self.package and os.path.join(self.folder(), "overlay.json"))

    def overlay(self) -> Overlay:
        """Load the rules about actions, else the default ones."""
        from callsheet.config.overlay import Overlay

        return Overlay.from_json(self._rules())

    def protocol(self) -> Mapping[str, Any]:
        """Load the forced readings of replies; see ``protocol.values.Overrides``."""
        table: Mapping[str, Any] = self._rules().get("protocol", {})
        return table

    def headers(self) -> Mapping[str, str]:
        """Load the headers that the project adds to requests."""
        table: Mapping[str, str] = self._rules().get("headers", {})
        return table

    def _rules(self) -> Mapping[str, Any]:
        """Load the rules; raise ``UsageError`` where a file that is named cannot be used."""
        path = self.rules_path()
        try:
            state = os.stat(path)
            return _read_rules(path, bool(self.rules), (state.st_mtime_ns, state.st_size))
        except OSError:
            return _read_rules(path, bool(self.rules), ())

    def renewal(self) -> str:
        """Return the command that writes the package anew, as its project has it.

        That is ``make generate`` where the folder of the nearest pyproject.toml has a Makefile
        with that word; an installed package belongs to no project.
        """
        above = self.folder() if self.package in sys.modules else ""
        while above and "site-packages" not in above:
            if os.path.exists(os.path.join(above, "pyproject.toml")):
                return "make generate" if _has_word(above, "generate") else "callsheet generate"
            above = os.path.dirname(above) if os.path.dirname(above) != above else ""
        return "callsheet generate"

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
        if not self.package:
            return None
        return _json(os.path.join(self.folder(), "schemas", f"{name}.json"))

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

    def folder(self) -> str:
        """Return the folder of the package, which is imported for it."""
        __import__(self.package)
        return os.path.dirname(os.path.abspath(sys.modules[self.package].__file__ or ""))


def program_of(package: str, command: str, env: str) -> Bindings:
    """Return what a package says of itself; without one, the program that we install."""
    if package:
        from importlib import import_module

        bindings: Bindings = import_module(f"{package}._bindings").BINDINGS
        return bindings
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return Bindings(command=command, env=env, rules=os.path.join(here, "ads.json"))


@lru_cache(maxsize=8)
def _read_rules(path: str, is_named: bool, state: tuple[int, ...]) -> Mapping[str, Any]:
    """Read rules once while the file has this ``state``; those of a package may be missing."""
    if not is_named:
        return _json(path) or {}
    from callsheet.config.overlay import read_overlay

    return read_overlay(path)


def _json(path: str) -> Mapping[str, Any] | None:
    """Load a JSON file; ``None`` where there is none."""
    import json

    try:
        with open(path, encoding="utf-8") as file:
            loaded: Mapping[str, Any] = json.load(file)
    except FileNotFoundError:
        return None
    return loaded


def _has_word(folder: str, word: str) -> bool:
    """Tell whether the Makefile of a folder has a rule for a word."""
    try:
        with open(os.path.join(folder, "Makefile"), encoding="utf-8", errors="replace") as file:
            return any(word in line.partition(":")[0].split() for line in file if ":" in line)
    except OSError:
        return False
