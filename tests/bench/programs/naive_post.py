"""One POST the naive way: click, httpx, a pydantic model and jsonschema, all imported at once."""

import json

import click
import httpx
import jsonschema
from pydantic import BaseModel

SCHEMA = {
    "type": "object",
    "properties": {"prompt": {"type": "string", "minLength": 1}, "seed": {"type": "integer"}},
    "required": ["prompt"],
}


class Body(BaseModel):
    """What is sent."""

    prompt: str
    seed: int | None = None


@click.command()
@click.argument("url")
@click.option("--input", "body", required=True)
def main(url: str, body: str) -> None:
    """Check it twice and send it."""
    jsonschema.validate(json.loads(body), SCHEMA)
    model = Body.model_validate_json(body)
    headers = {"Content-Type": "application/json", "Authorization": "Bearer sk-bench-0123456789"}
    with httpx.Client() as client:
        click.echo(client.post(url, content=model.model_dump_json(), headers=headers).text)


main()
