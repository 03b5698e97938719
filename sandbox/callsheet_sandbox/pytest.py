"""A pytest fixture with a running sandbox, for this project's tests and for users' own."""

from contextlib import ExitStack

import pytest

from callsheet_sandbox.server import Running, serve

_SERVER = pytest.StashKey[Running]()


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Running:
    """Give a server at speed fast with a fresh state: no tasks, charges or requests yet.

    One server serves the whole session; it starts with the first test that asks.
    """
    stash = request.config.stash
    if _SERVER not in stash:
        stack = ExitStack()
        stash[_SERVER] = stack.enter_context(serve())
        request.config.add_cleanup(stack.close)
    stash[_SERVER].reset()
    return stash[_SERVER]
