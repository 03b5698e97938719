"""Report how a host's replies are read, and write the replies about a job as a test case."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from callsheet.cli import completion
from callsheet.cli.builtin import BuiltinCommand
from callsheet.cli.output import formats as output
from callsheet.cli.output.cells import cell
from callsheet.errors import UsageError

if TYPE_CHECKING:
    from callsheet.cli.context import Context
    from callsheet.probe.recording import JobRecord
    from callsheet.probe.report import Exchange, ProbeFinding, Report
    from callsheet.storage.ledger_entry import LedgerEntry


_NAME = "report.json"


def _probe(context: Context, task: str | None, save: str | None) -> int:
    """Show what the server sent, how it was read, and the line that forces another reading.

    Only GETs are sent, and one query with --task. Exits with 1 where there are no actions.
    """
    from callsheet.probe.probe import probe as look

    report = look(context, task=task, save=save, tell=context.console.note)
    document = report.as_json()
    for row, finding in zip(document["findings"], report.findings, strict=True):
        row["line"] = override_line(context, finding, task or "ID")
    output.emit(context.console, document, lambda: _page(context, report, task or "ID"))
    return 0 if report.actions else 1


def override_line(context: Context, finding: ProbeFinding, task: str) -> str:
    """Return the command line, or the line of pyproject.toml, that forces a reading, or ``""``."""
    setting = finding.setting.partition(f", {context.program.env}_")[0]
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
    from callsheet.cli.output.fitting import hang

    screen = output.screen_width()
    lines = [f"{report.host}: {report.actions} actions", ""]
    for finding in report.findings:
        lines.append(
            context.console.style(finding.topic, "odd" if finding.unclear else "bold", sys.stdout)
        )
        rows = {"came": finding.came, "read as": finding.read, "unclear": finding.unclear}
        rows["type"] = override_line(context, finding, task)
        parts = [*rows.items(), *(("why", text) for text in finding.evidence)]
        lines += [hang(f"  {name:8} ", cell(text), screen) for name, text in parts if text]
    lines += [f"saved {path}" for path in report.saved]
    lines += [
        "",
        "--set holds for one run; [tool.callsheet.protocol] in the configuration holds for all",
    ]
    return "\n".join([*lines, f"{report.requests} requests, none that costs"])


def _report(context: Context, name: str | None, to: str) -> None:
    """Write one file from which a job can be played again: `callsheet sandbox --replay FILE`.

    It holds what the server answered and how that was read. Keys, texts, ids, links and names of
    hosts are replaced. The file is shown first; --yes writes it without a question. TASK is a
    task id or a reference, the newest job if left out. The server is asked once about the job.
    """
    entry = _entry(context, name)
    if "yes" in context.flags and os.path.lexists(to):
        raise UsageError(f"{to} exists already", hint="name another file", flag="--to")
    case = _build(context, entry)
    text = json.dumps([case], ensure_ascii=False, indent=1) + "\n"
    output.write(text)
    if "yes" not in context.flags:
        if not context.console.can_ask():
            context.console.note(f"nothing was written; --yes writes it to {to}")
            return
        if not click.confirm(f"{context.prog}: write this to {to}?", err=True):
            return
    try:
        with open(to, "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{to} cannot be written: {error.strerror}", flag="--to") from None
    context.console.note(f"written: {os.path.abspath(to)}")


def _entry(context: Context, name: str | None) -> LedgerEntry:
    """Return the job of a task id or reference, else the newest; raise ``UsageError`` for none."""
    ledger = context.ledger()
    entry = ledger.resolve(name or "@1", host=context.settings.host)
    if entry is None:
        missing = f"no job {name} in this ledger" if name else "no job was started from here yet"
        raise UsageError(missing, hint=f"{context.prog} tasks list; {context.prog} probe --save")
    return entry


def _build(context: Context, entry: LedgerEntry) -> dict[str, Any]:
    """Query the job once, where it is of this host and that is free, and build the case.

    A query that fails is part of the case; raises ``CallsheetError`` where a schema is not to be
    had.
    """
    from callsheet.probe.readings import query_once
    from callsheet.probe.recording import JobRecord, build_case
    from callsheet.spec import Family

    family = Family(**entry.family) if entry.family else Family()
    exchanges: list[Exchange] = []
    is_here = family.query and entry.task_ids and entry.host == context.settings.host
    is_free = family.is_documented or context.run(context.engine.is_free_question(family.query))
    if is_here and is_free:
        context.run(query_once(entry.task_ids, family, context.engine.timing, exchanges))
    schemas = {
        action: context.run(context.host.schema(context.run(context.host.find(action))))
        for action in dict.fromkeys((entry.action, family.create, family.wait, family.query))
        if action
    }
    return build_case(_explained(JobRecord(entry, family.query, schemas, exchanges)))


def _explained(record: JobRecord) -> JobRecord:
    """Return the record with the result links of its last reply and the evidence for them."""
    from callsheet.protocol.evidence import evidence_lines
    from callsheet.protocol.media import RequestMarks, expected_media
    from callsheet.protocol.replies import read_reply

    entry = record.entry
    replies = [poll.json for poll in record.polls] or [(entry.first_reply or {}).get("@body")]
    fields = read_reply(
        replies[-1],
        media=tuple(entry.media or ()),
        role="query" if record.polls else "create",
        expected=expected_media(entry.action, entry.target or ""),
        marks=RequestMarks(entry.sent or ()),
    )
    return record._replace(links=fields.media, evidence=evidence_lines(fields.evidence))


probe = BuiltinCommand(
    "probe",
    _probe,
    params=[
        click.Option(["--task"], metavar="[ACTION:]ID", help="Also ask once about this job"),
        click.Option(["--save"], metavar="DIR", help="Write the replies, without secrets"),
    ],
)
report = BuiltinCommand(
    "report",
    _report,
    params=[
        click.Argument(["name"], metavar="[TASK]", required=False, shell_complete=completion.tasks),
        click.Option(["--to"], metavar="FILE", default=_NAME, help=f"Write it here ({_NAME})"),
    ],
    ours=[("yes", "", "Write it without a question")],
)
