"""A probe asks about a job only where asking is known to cost nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unit.servers import said, serving
from unit.surroundings import asker
from unit.transport.test_transport import options

from callsheet import Client
from callsheet.probe.probe import probe

if TYPE_CHECKING:
    from pathlib import Path

PROMPT = {"type": "object", "required": ["prompt"], "properties": {"prompt": {"type": "string"}}}
BY_ID = {"type": "object", "required": ["taskId"], "properties": {"taskId": {"type": "string"}}}
LISTED = [
    {"id": "clip.generate", "inputSchema": PROMPT},
    {"id": "clip.query", "inputSchema": BY_ID},
]


def test_a_guessed_question_is_no_part_of_a_probe_until_it_is_proved(tmp_path: Path) -> None:
    with (
        serving(said({"taskId": "t-1", "status": "running"})) as server,
        Client(**options(server.url, tmp_path)) as client,
    ):
        server.listed = said({"actions": LISTED})
        report = probe(asker(client), task="t-1")
        assert server.posts() == []
        unclear = {finding.topic: finding.unclear for finding in report.findings}
        assert "--set free=clip.query" in unclear["families"]

        client.tasks.get("t-1").refresh()
        assert len(server.posts()) == 1
        probe(asker(client), task="t-1")
        assert len(server.posts()) == 2
