"""The command lines that FastMCP and mcporter generate for a server of as many tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.catalogue import actions
from bench.timing import Process, once

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.peers import Peer
    from bench.stage import BenchStage

HEAD = "from fastmcp import FastMCP\n\nmcp = FastMCP('bench')\n"
RUN = "\n\nif __name__ == '__main__':\n    mcp.run(show_banner=False)\n"
TYPES = {"string": "str", "integer": "int", "number": "float", "array": "list", "object": "dict"}


def server(count: int) -> str:
    """Return the text of a server with so many tools; each takes what an action takes."""
    tools = []
    for action in actions(count):
        schema = action["inputSchema"]
        first, *rest = schema["properties"].items()
        words = [f"{first[0]}: {TYPES[first[1]['type']]}"]
        words += [f"{name.replace('from', 'start')}: {TYPES[s['type']]} = None" for name, s in rest]
        name = action["id"].replace(".", "_")
        tools.append(f"@mcp.tool\ndef {name}({', '.join(words)}) -> dict:\n    return {{}}\n")
    return HEAD + "\n\n".join(tools) + RUN


def helps(stage: BenchStage, peers: dict[str, Peer], count: int) -> dict[str, Process]:
    """Return the help of each program that they write; write what is missing."""
    if "fastmcp" not in peers:
        return {}
    fastmcp, folder = peers["fastmcp"], stage.folder / f"tools-{count}"
    folder.mkdir(exist_ok=True)
    (folder / "server.py").write_text(server(count), encoding="utf-8")
    process = fastmcp.process(folder, "cli.py", "--help")
    words = ["generate-cli", "server.py", "cli.py", "--force", "--no-skill"]
    process.before = _written(folder / "cli.py", fastmcp.process(folder, *words, program="fastmcp"))
    processes = {"fastmcp": process}
    if "mcporter" in peers:
        processes["mcporter"] = _mcporter(peers["mcporter"], fastmcp, folder)
    return processes


def _mcporter(mcporter: Peer, fastmcp: Peer, folder: Path) -> Process:
    """Return the bundle that mcporter makes of the same server."""
    environ = mcporter.environ()
    command = f"{fastmcp.python()} {folder / 'server.py'}"
    program = mcporter.folder / "node_modules" / ".bin" / "mcporter"
    words = [str(program), "generate-cli", "--command", command, "--name", "bench"]
    words += ["--output", "cli.ts", "--bundle", "cli.js", "--runtime", "node"]
    process = Process(["node", "cli.js", "--help"], environ, folder)
    process.before = _written(folder / "cli.js", Process(words, environ, folder))
    return process


def _written(path: Path, process: Process) -> Callable[[], object]:
    return once(lambda: path.exists() or process.sample())
