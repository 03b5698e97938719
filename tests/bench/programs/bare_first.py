"""The same call with bare httpx, lean or plain, with or without one pydantic model."""

import json
import sys


def main(host: str, action: str, key: str, how: str, *model: str) -> None:
    """Make the call and look into its answer."""
    if how == "lean":
        sys.modules["httpx._main"] = None  # type: ignore[assignment]  # makes its import fail
    import httpx

    client = httpx.Client(verify=False, trust_env=False) if how == "lean" else httpx.Client()
    with client:
        reply = client.post(
            f"{host}/api/actions/{action}",
            json={"query": "waves", "page": 1},
            headers={"Authorization": f"Bearer {key}"},
        )
        assert (total_of(reply.content) if model else reply.json()["total"]) == 1


def total_of(body: bytes) -> int:
    """Read the answer through one model."""
    import pydantic

    class BareAnswer(pydantic.BaseModel):
        """What comes back."""

        items: list[dict[str, object]]
        total: int
        page: int

    return BareAnswer.model_validate(json.loads(body)).total


if __name__ == "__main__":
    main(*sys.argv[1:])
