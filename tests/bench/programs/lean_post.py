"""One POST with click and httpx, both as lean as they go: no command line of httpx, no TLS."""

import sys

import click


@click.command()
@click.argument("url")
@click.option("--input", "body", required=True)
def main(url: str, body: str) -> None:
    """Send it."""
    sys.modules["httpx._main"] = None  # type: ignore[assignment]  # makes its import fail
    import httpx

    headers = {"Content-Type": "application/json", "Authorization": "Bearer sk-bench-0123456789"}
    with httpx.Client(verify=False, trust_env=False) as client:
        click.echo(client.post(url, content=body.encode(), headers=headers).text)


main()
