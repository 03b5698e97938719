"""Do with the clients of the library what a typed line does."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shlex
import sys
import zlib
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from shapes.home import PACKAGE, ROOT

from callsheet import CallsheetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shapes.home import Home, Run

    from callsheet_sandbox.cases.case import Case

WAYS = ("sync", "async")
_MAIN = "from shapes.library import main; main()"
_SAME = {"exit", "file", "ledger", "posts", "body", "questions_at_most", "gets_at_most"}
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


def is_played(case: Case) -> bool:
    """Tell whether a case goes through the library too: two of three that save in one line.

    That is a third of all cases.
    """
    must = case.data["must"]
    lines = case.data.get("typed", [])
    saves = all(line.startswith("PROGRAM") and " --out " in line for line in lines)
    is_single = bool(lines) and not {"then", "callsheet"} & must.keys()
    return saves and is_single and zlib.crc32(case.id.encode()) % 3 > 0


def part_of(must: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a case demands that does not depend on the words of the command line."""
    return {name: demand for name, demand in must.items() if name.removesuffix("_if_0") in _SAME}


def play(home: Home, way: str, line: str, env: Mapping[str, str]) -> Run:
    """Run the line's action and body through a client; ``way`` is one of ``WAYS``.

    Where the command line refuses the line before anything is sent, that is the outcome.
    """
    request = home.type(f"{line} --dry-run --json", env)
    if request.code != 0 or not isinstance(request.document, dict):
        return replace(request, typed=f"{line} --way {way}")
    sources = home.environ(env)["PYTHONPATH"]
    env = {**env, "PYTHONPATH": os.pathsep.join([sources, str(ROOT / "tests")])}
    action = request.document["url"].rpartition("/")[2]
    body = json.dumps(request.document["body"])
    words = ["-c", _MAIN, way, PACKAGE, action, body, *_settings(shlex.split(line))]
    return home.run(f"{line} --way {way}", words, env)


def _settings(words: Sequence[str]) -> list[str]:
    """Return the path, the seconds to wait and the overrides that a line names."""
    options: dict[str, list[str]] = {"--out": [], "--timeout": [], "--set": []}
    for word, following in itertools.pairwise(words):
        if word in options:
            options[word].append(following)
    return [options["--out"][0], str(_seconds(options["--timeout"])), *options["--set"]]


def _seconds(texts: Sequence[str]) -> float:
    for text in texts:
        unit = next(unit for unit in _UNITS if text.endswith(unit))
        return float(text.removesuffix(unit)) * _UNITS[unit]
    return 30.0


def main() -> None:
    """Call the action of the command line's words, save its file, and exit as the error says."""
    way, package, action, body, out, seconds, *overrides = sys.argv[1:]
    module = import_module(package)
    options = {"overrides": dict(text.split("=", 1) for text in overrides)}
    call = (action, json.loads(body), out, float(seconds))
    try:
        if way == "sync":
            saved = _save(module.Client(**options), *call)
        else:
            saved = asyncio.run(_save_async(module.AsyncClient(**options), *call))
    except CallsheetError as error:
        sys.stdout.write(json.dumps({"error": error.as_json()}) + "\n")
        sys.exit(error.exit_code)
    sys.stdout.write(json.dumps(saved) + "\n")


def _save(client: Any, action: str, body: Any, out: str, seconds: float) -> dict[str, Any]:
    with client:
        result = client.call(action, body, wait=True, timeout=seconds)
        return {"taskId": result.task_id, "localPath": result.save(out).path}


async def _save_async(
    client: Any, action: str, body: Any, out: str, seconds: float
) -> dict[str, Any]:
    async with client:
        result = await client.call(action, body, wait=True, timeout=seconds)
        return {"taskId": result.task_id, "localPath": (await result.save(out)).path}
