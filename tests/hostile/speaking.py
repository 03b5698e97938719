"""Runs command lines of the client one after another and says what each would print."""

import io
import json
import os
import sys
from typing import Any

from callsheet.cli.main import run
from callsheet_codegen import cli

CODEGEN = {"generate": cli.generate, "diff": cli.diff, "check": cli.check}


class Stream(io.TextIOWrapper):
    """A stream that keeps what is written and may call itself a terminal."""

    def __init__(self, *, terminal: bool) -> None:
        self.kept = io.BytesIO()
        super().__init__(self.kept, encoding="utf-8", errors="replace", write_through=True)
        self.terminal = terminal

    def isatty(self) -> bool:
        """Whether somebody reads along."""
        return self.terminal


def spoken(job: dict[str, Any]) -> dict[str, object]:
    """Run one command line; what it wrote, and its exit code."""
    words: list[str] = job["argv"]
    code: object = None
    out, err = (Stream(terminal=bool(job["terminal"])) for _ in range(2))
    own, sys.stdout, sys.stderr = (sys.stdout, sys.stderr), out, err
    before = dict(os.environ)
    os.environ.update(job["environ"])
    try:
        make = CODEGEN.get(words[0] if words else "")
        code = make(words[1:]) if make is not None else run("", "ads", "ADS", words)
    except SystemExit as stop:
        code = stop.code
    finally:
        sys.stdout, sys.stderr = own
        os.environ.clear()
        os.environ.update(before)
    texts = [stream.kept.getvalue().decode("utf-8", "replace") for stream in (out, err)]
    return {"out": texts[0], "err": texts[1], "code": code}


for line in sys.stdin:
    sys.stdout.write(json.dumps(spoken(json.loads(line))) + "\n")
    sys.stdout.flush()
