"""One POST with click and httpx as they are usually imported."""

import click


@click.command()
@click.argument("url")
@click.option("--input", "body", required=True)
def main(url: str, body: str) -> None:
    """Send it."""
    import httpx

    headers = {"Content-Type": "application/json", "Authorization": "Bearer sk-bench-0123456789"}
    with httpx.Client() as client:
        click.echo(client.post(url, content=body.encode(), headers=headers).text)


main()
