"""Pytest fixtures with a running sandbox, for this project's tests and for users' own."""

from contextlib import ExitStack

import pytest

from callsheet_sandbox.server import Running, serve

_SERVER = pytest.StashKey[Running]()


def _server(config: pytest.Config) -> Running:
    if _SERVER not in config.stash:
        stack = ExitStack()
        config.stash[_SERVER] = stack.enter_context(serve())
        config.add_cleanup(stack.close)
    return config.stash[_SERVER]


@pytest.fixture(scope="session")
def sandbox_server(pytestconfig: pytest.Config) -> Running:
    """Give the session's server, at speed fast, with whatever state it is in."""
    return _server(pytestconfig)


@pytest.fixture
def sandbox(pytestconfig: pytest.Config) -> Running:
    """Give the session's server with a fresh state: no tasks, charges or requests yet.

    It needs no other fixture, so that importing this one name is enough.
    """
    running = _server(pytestconfig)
    running.reset()
    return running
