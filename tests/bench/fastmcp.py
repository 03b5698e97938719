"""The command line that FastMCP generates for as many tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.catalogue import actions
from bench.timing import once

if TYPE_CHECKING:
    from bench.peers import Peer
    from bench.stage import Stage
    from bench.timing import Process

HEAD = "from fastmcp import FastMCP\n\nmcp = FastMCP('bench')\n"
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
    return HEAD + "\n\n".join(tools)


def written(stage: Stage, peer: Peer, count: int) -> Process:
    """The help of the program that it writes, made where it is not there yet."""
    folder = stage.folder / f"fastmcp-{count}"
    folder.mkdir(exist_ok=True)
    made = peer.process(folder, "cli.py", "--help")

    def write() -> None:
        if not (folder / "cli.py").exists():
            (folder / "server.py").write_text(server(count), encoding="utf-8")
            words = ["generate-cli", "server.py", "cli.py", "--force", "--no-skill"]
            peer.process(folder, *words, program="fastmcp").sample()

    made.before = once(write)
    return made
