"""What a host advertised when it was last asked, in one piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from callsheet.spec import Advertised


class Catalogue(NamedTuple):
    """What a host advertised when it was last asked.

    ``fetched`` is a time of day; ``tags`` holds the validators for conditional requests, by
    path; ``notes`` says what was not understood; ``server`` is what the host calls itself.
    ``requests`` counts what the fetch sent. ``apart`` are the ids whose schemas the list does
    not carry, ``whole`` is when those were last asked for; ``read_as`` marks the reader.
    """

    host: str
    fetched: float
    actions: tuple[Advertised, ...]
    tags: dict[str, dict[str, str]]
    notes: tuple[str, ...] = ()
    requests: int = 0
    server: str = ""
    apart: tuple[str, ...] = ()
    whole: float = 0.0
    read_as: str = ""

    def get(self, action_id: str) -> Advertised | None:
        """The action with this id, if it is advertised."""
        return next((a for a in self.actions if a.id == action_id), None)
