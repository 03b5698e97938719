"""R12: processes that share a state folder lose nothing and disturb nobody."""

from __future__ import annotations

import collections
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faults import stage

from callsheet.errors import CallsheetError
from callsheet.storage.ledger import Ledger

if TYPE_CHECKING:
    from faults.tally import Tally


async def _jobs(client: Any, wait: Any, many: int) -> None:
    """Run jobs to their end; read the ledger in between, as other programs do."""
    for number in range(many):
        body = {"prompt": f"cup {number}", "options": {"sandboxSeconds": 0}}
        task = await wait(client.submit("ai.image.generate", body))
        await wait(task.wait(timeout=60))
        if number % 10 == 0:
            client.tasks.list(limit=5)


def work(url: str, home: str, driver: str, many: int) -> str:
    """Return what went wrong in this process, nothing where all was well."""

    async def steps(client: Any, wait: Any) -> None:
        await _jobs(client, wait, many)

    try:
        stage.run(stage.settings_for(url, Path(home)), steps, stage.Play(driver))
    except CallsheetError as error:
        return f"{type(error).__name__}: {error.message}"
    return ""


def play(tally: Tally, *, processes: int, jobs: int) -> None:
    """Play R12."""
    with tempfile.TemporaryDirectory() as folder, stage.sandbox() as running:
        home = Path(folder)
        (home / "state").mkdir(mode=0o700)
        running_processes = [
            subprocess.Popen(
                [sys.executable, "-m", "faults.sharing", running.url, folder, driver, str(jobs)],
                env=stage.program_environ(home),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for driver in (stage.DRIVERS * processes)[:processes]
        ]
        for number, process in enumerate(running_processes):
            output = process.communicate(timeout=900)[0]
            tally.hold(process.returncode == 0 and not output, f"process {number}:", output[-500:])
            tally.ran(f"process {number}", jobs)
        rows = Ledger(str(home / "state")).jobs(limit=-1)
        charged = collections.Counter(str(process["reference"]) for process in running.charges())
        tally.hold(len(rows) == processes * jobs, len(rows), "rows of", processes * jobs)
        tally.hold(max(charged.values(), default=0) == 1, "a reference was charged twice")
        tally.hold(set(charged) == {row.ref for row in rows}, "ledger and charges differ")
        states = collections.Counter(row.state for row in rows)
        tally.hold(states == {"done": processes * jobs}, dict(states))
        ids = [process for row in rows for process in row.task_ids]
        tally.hold(len(ids) == len(set(ids)) == len(rows), "task ids are missing or double")


if __name__ == "__main__":
    sys.exit(work(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])) or None)
