"""The ways from a body to the wire, each tried with one body at a time."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fidelity.package import NAME

from callsheet.cli import main
from callsheet.errors import CallsheetError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fidelity.recorder import PostRecorder

    from callsheet.spec import Action

RUNTIME = Path(__file__).resolve().parents[2] / "runtime"


class Sent(NamedTuple):
    """What one try came to: the bytes on the wire, or the error that kept them."""

    body: bytes | None
    error: str = ""
    code: int = 0
    flag: str = ""
    pointer: str | None = None

    @property
    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body or b"null")


class Routes:
    """A client and a program that talk to one recorder."""

    def __init__(self, client: Any, recorder: PostRecorder, folder: Path) -> None:
        self.client, self.recorder, self.folder = client, recorder, folder

    def library(self, action: Action, body: Any) -> Sent:
        """Send ``client.call(id, body)``, with the schema as the server advertises it today."""
        return self._call(lambda: self.client.call(action.id, body))

    def model(self, action_id: str, model: Any) -> Sent:
        """Call an action with a generated input model."""
        return self._call(lambda: self.client.call(action_id, model))

    def method(self, method: Any, **fields: Any) -> Sent:
        """Call a typed method."""
        return self._call(lambda: method(**fields))

    def _call(self, call: Any) -> Sent:
        self.recorder.take()
        try:
            call()
        except CallsheetError as error:
            pointer = error.pointer if isinstance(error, InvalidInput) else None
            sent = self.recorder.take()
            body = sent[0][1] if sent else None
            return Sent(body, error.message, error.exit_code, error.flag or "", pointer)
        return Sent(self.recorder.take()[0][1])

    def from_file(self, action: Action, text: bytes) -> Sent:
        """Send ``--input FILE`` with these bytes."""
        path = self.folder / "body.json"
        path.write_bytes(text)
        return self.program(*_command(action), "--input", str(path))

    def process(self, action: Action, argv: list[str]) -> Sent:
        """Run the same in a process of its own, as a shell would start it."""
        self.recorder.take()
        process = subprocess.run(
            [sys.executable, "-m", NAME, *_command(action), *argv],
            env=os.environ | {"PYTHONPATH": _roots(self.folder)},
            cwd=self.folder,
            capture_output=True,
            check=False,
            timeout=60,
        )
        sent = self.recorder.take()
        return Sent(sent[0][1] if sent else None, process.stderr.decode(), process.returncode)

    def program(self, *words: str) -> Sent:
        """Run the program once, in this process."""
        self.recorder.take()
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main.run(NAME, "fidelity", "FIDELITY", words)
        out.seek(0)
        error = _error(out.read()) if code else {}
        sent = self.recorder.take()
        return Sent(
            sent[0][1] if sent else None,
            error.get("message") or err.getvalue(),
            code,
            error.get("flag") or "",
            error.get("pointer"),
        )


def _roots(folder: Path) -> str:
    """Return the generated package and the runtime that it needs, for another process."""
    return os.pathsep.join([str(folder / "client"), str(RUNTIME)])


def _command(action: Action) -> tuple[str, ...]:
    return action.command or ("call", action.id)


def _error(text: str) -> Mapping[str, Any]:
    error: Mapping[str, Any] = json.loads(text).get("error", {}) if text else {}
    return error
