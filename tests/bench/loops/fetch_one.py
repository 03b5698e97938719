"""One round trip on a new connection."""

import http.client
from collections.abc import Callable
from urllib.parse import urlsplit


def prepare(host: str, key: str) -> Callable[[], None]:
    """Return a step: one GET of the bulk of nothing."""
    place = urlsplit(host).netloc

    def step() -> None:
        connection = http.client.HTTPConnection(place)
        connection.request("GET", "/nothing", headers={"Authorization": f"Bearer {key}"})
        assert connection.getresponse().read()
        connection.close()

    return step
