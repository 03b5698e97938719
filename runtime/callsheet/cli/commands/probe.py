"""Probe a host."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from callsheet.cli.builtin import BuiltinCommand
from callsheet.cli.output import formats as output
from callsheet.cli.output import table

if TYPE_CHECKING:
    from callsheet.cli.context import Context
    from callsheet.probe.report import ProbeFinding, Report


def _probe(context: Context, task: str | None, save: str | None) -> int:
    """Show what the server sent, how it was read, and the line that forces another reading.

    Only GETs are sent, and one query with --task. Exits with 1 where there are no actions.
    """
    from callsheet.probe.probe import probe as look

    report = look(context, task=task, save=save)
    document = report.as_json()
    for row, finding in zip(document["findings"], report.findings, strict=True):
        row["line"] = line(context, finding, task or "ID")
    output.emit(context.console, document, lambda: _page(context, report, task or "ID"))
    return 0 if report.actions else 1


def line(context: Context, finding: ProbeFinding, task: str) -> str:
    """Return what to type, or to write into pyproject.toml, to force a reading."""
    setting = finding.setting.partition(f", {context.bindings.env}_")[0]
    if not setting.startswith("--"):
        return f"[tool.callsheet] {setting}" if setting else ""
    if finding.topic in {"host", "redirects"}:
        return f"{context.prog} login {setting}"
    if finding.topic == "key":
        return f"{context.prog} login --host {context.settings.host} {setting}"
    about = f"probe --task {task}" if finding.topic == "task" else "probe"
    return " or ".join(f"{context.prog} {about} {part.strip()}" for part in setting.split(" or "))


def _page(context: Context, report: Report, task: str) -> str:
    """Return the findings for a person: one paragraph a topic."""
    lines = [f"{report.host}: {report.actions} actions", ""]
    for finding in report.findings:
        lines.append(
            context.console.style(finding.topic, "odd" if finding.unclear else "bold", sys.stdout)
        )
        rows = {"came": finding.came, "read as": finding.read, "unclear": finding.unclear}
        rows["type"] = line(context, finding, task)
        lines += [f"  {name:8} {table.cell(text)}" for name, text in rows.items() if text]
        lines += [f"  {'why':8} {table.cell(text)}" for text in finding.evidence]
    lines += [f"saved {path}" for path in report.saved]
    lines += [
        "",
        "--set holds for one run; [tool.callsheet.protocol] in the configuration holds for all",
    ]
    return "\n".join([*lines, f"{report.requests} requests, none that costs"])


probe = BuiltinCommand(
    "probe",
    _probe,
    params=[
        click.Option(["--task"], metavar="[ACTION:]ID", help="Also ask once about this job"),
        click.Option(["--save"], metavar="DIR", help="Write the replies, without secrets"),
    ],
)
