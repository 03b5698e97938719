"""``probe``: how the server's replies are read; nothing that may cost is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from callsheet.cli.output import columns
from callsheet.cli.output import formats as output
from callsheet.cli.ownword import Word

if TYPE_CHECKING:
    from callsheet.cli.session import Session
    from callsheet.probe import Report


def _probe(session: Session, task: str | None, save: str | None) -> None:
    """Say what the server sent, how it was read, and the setting that forces another reading.

    Only GETs are sent, and one query with --task.
    """
    from callsheet.probe import probe as look

    report = look(session, task=task, save=save)
    output.emit(session, report.as_json(), lambda: _words(report))


def _words(report: Report) -> str:
    """The findings for a person: one paragraph a topic."""
    lines = [report.host, ""]
    for finding in report.findings:
        rows = {"came": finding.came, "read as": finding.read}
        rows |= {"unclear": finding.unclear, "force it": finding.setting}
        lines.append(finding.topic)
        lines += [f"  {name:9} {columns.cell(text)}" for name, text in rows.items() if text]
    lines += [f"saved {path}" for path in report.saved]
    return "\n".join([*lines, f"{report.requests} requests, nothing that costs"])


probe = Word(
    "probe",
    _probe,
    params=[
        click.Option(["--task"], metavar="[ACTION:]ID", help="Also ask once about this job"),
        click.Option(["--save"], metavar="DIR", help="Write the replies, without secrets"),
    ],
)
