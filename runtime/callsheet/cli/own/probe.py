"""``probe``: how the server's replies are read; nothing that may cost is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from callsheet.cli.ownword import Word

if TYPE_CHECKING:
    from callsheet.cli.session import Session


def _probe(session: Session, task: str | None, save: str | None) -> None:
    """Say what the server sent, how it was read, and the setting that forces another reading.

    Only GETs are sent, and one query with --task.
    """
    raise NotImplementedError(f"{session.prog} {task} {save}")


probe = Word(
    "probe",
    _probe,
    params=[
        click.Option(["--task"], metavar="ID", help="Also ask once how this job stands"),
        click.Option(["--save"], metavar="DIR", help="Write the replies, without secrets"),
    ],
)
