"""State what a sandbox can be started with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from callsheet_sandbox.realm import Clock


@dataclass(frozen=True, slots=True)
class Options:
    """Choices for one server.

    `auth` (both, bearer, x-api-key) overrides every dialect's own. `state` None keeps tasks and
    media in a temporary folder that goes with the server. `replay` is the file of a case,
    or a folder of recorded replies, served instead of the sandbox. `actions` is the size of a
    catalogue that is made up, 0 for the one of `catalogue`. `faults` is a fault script or the
    name of a file that holds one.
    """

    dialect: str = "plain"
    speed: str = "fast"
    auth: str | None = None
    credits: int = 10_000
    keys: tuple[str, ...] = ()
    catalogue: Path | None = None
    state: Path | None = None
    replay: Path | None = None
    clock: Clock | None = None
    faults: str | None = None
    actions: int = 0
