"""A click program that declares N commands at its start, as hand-written ones do."""

import sys
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[2]))
from bench.catalogue import actions

count = int(sys.argv.pop(1))


@click.group()
def main() -> None:
    """Build every action."""


for one in actions(count):
    options = [click.Option([f"--{name}"]) for name in one["inputSchema"]["properties"]]
    main.add_command(click.Command(one["id"], params=[*options], help=one["description"]))

main()
