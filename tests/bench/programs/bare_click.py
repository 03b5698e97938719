"""The smallest click program that has a group, a command and an option."""

import click


@click.group()
def main() -> None:
    """Do nothing."""


@main.command()
@click.option("--prompt", required=True)
def generate(prompt: str) -> None:
    """Say it."""
    click.echo(prompt)


main()
