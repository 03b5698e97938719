"""The command lines that FastMCP and mcporter generate for a server of as many tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.catalogue import actions
from bench.timing import Process, once

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.peers import Peer
    from bench.stage import Stage

HEAD = "from fastmcp import FastMCP\n\nmcp = FastMCP('bench')\n"
RUN = "\n\nif __name__ == '__main__':\n    mcp.run(show_banner=False)\n"
TYPES = {"string": "str", "integer": "int", "number": "float", "array": "list", "object": "dict"}


def server(count: int) -> str:
    """The text of a server with as many tools; each takes what an action takes."""
    tools = []
    for one in actions(count):
        schema = one["inputSchema"]
        first, *rest = schema["properties"].items()
        words = [f"{first[0]}: {TYPES[first[1]['type']]}"]
        words += [f"{name.replace('from', 'start')}: {TYPES[s['type']]} = None" for name, s in rest]
        name = one["id"].replace(".", "_")
        tools.append(f"@mcp.tool\ndef {name}({', '.join(words)}) -> dict:\n    return {{}}\n")
    return HEAD + "\n\n".join(tools) + RUN


def helps(stage: Stage, peers: dict[str, Peer], count: int) -> dict[str, Process]:
    """The help of each program that they write, made where it is not there yet."""
    if "fastmcp" not in peers:
        return {}
    fastmcp, folder = peers["fastmcp"], stage.folder / f"tools-{count}"
    folder.mkdir(exist_ok=True)
    (folder / "server.py").write_text(server(count), encoding="utf-8")
    made = fastmcp.process(folder, "cli.py", "--help")
    words = ["generate-cli", "server.py", "cli.py", "--force", "--no-skill"]
    made.before = _written(folder / "cli.py", fastmcp.process(folder, *words, program="fastmcp"))
    found = {"fastmcp": made}
    if "mcporter" in peers:
        found["mcporter"] = _mcporter(peers["mcporter"], fastmcp, folder)
    return found


def _mcporter(mcporter: Peer, fastmcp: Peer, folder: Path) -> Process:
    """The bundle that mcporter makes of the same server."""
    environ = mcporter.environ()
    command = f"{fastmcp.python()} {folder / 'server.py'}"
    program = mcporter.folder / "node_modules" / ".bin" / "mcporter"
    words = [str(program), "generate-cli", "--command", command, "--name", "bench"]
    words += ["--output", "cli.ts", "--bundle", "cli.js", "--runtime", "node"]
    made = Process(["node", "cli.js", "--help"], environ, folder)
    made.before = _written(folder / "cli.js", Process(words, environ, folder))
    return made


def _written(path: Path, process: Process) -> Callable[[], object]:
    return once(lambda: path.exists() or process.sample())
