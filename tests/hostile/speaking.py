"""Runs command lines of the client one after another and says what each would print."""

import io
import json
import os
import sys
from typing import Any

from callsheet.cli.main import run
from callsheet_codegen import cli

CODEGEN = {"generate": cli.generate, "diff": cli.diff, "check": cli.check}


class RecordedStream(io.TextIOWrapper):
    """A stream that records what is written and may call itself a terminal."""

    def __init__(self, *, terminal: bool) -> None:
        self.written = io.BytesIO()
        super().__init__(self.written, encoding="utf-8", errors="replace", write_through=True)
        self.terminal = terminal

    def isatty(self) -> bool:
        """Tell whether somebody reads along."""
        return self.terminal


def answer(job: dict[str, Any]) -> dict[str, object]:
    """Run one command line; return what it wrote and its exit code."""
    argv: list[str] = job["argv"]
    exit_code: object = None
    out, err = (RecordedStream(terminal=bool(job["terminal"])) for _ in range(2))
    originals, sys.stdout, sys.stderr = (sys.stdout, sys.stderr), out, err
    before = dict(os.environ)
    os.environ.update(job["environ"])
    try:
        command = CODEGEN.get(argv[0] if argv else "")
        exit_code = command(argv[1:]) if command is not None else run("", "ads", "ADS", argv)
    except SystemExit as stop:
        exit_code = stop.code
    finally:
        sys.stdout, sys.stderr = originals
        os.environ.clear()
        os.environ.update(before)
    texts = [stream.written.getvalue().decode("utf-8", "replace") for stream in (out, err)]
    return {"out": texts[0], "err": texts[1], "code": exit_code}


for line in sys.stdin:
    sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
    sys.stdout.flush()
