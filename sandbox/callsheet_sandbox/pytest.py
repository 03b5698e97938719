"""A pytest fixture with a running sandbox, for this project's tests and for users' own."""

from collections.abc import Iterator

import pytest

from callsheet_sandbox.server import Running, serve


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[Running]:
    """Give one server, at speed fast, for the whole session."""
    with serve() as running:
        yield running


@pytest.fixture
def sandbox(sandbox_server: Running) -> Running:
    """Give the session's server with a fresh state: no tasks, charges or requests yet."""
    sandbox_server.reset()
    return sandbox_server
