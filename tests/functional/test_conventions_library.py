"""What the library promises: one surface in two forms, keywords alone, what errors say."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any

import pytest

from callsheet import CallsheetError, InvalidInput
from callsheet.errors import NetworkError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from functional.writing import Written

    from callsheet_sandbox.server import Running

OPTIONS = {"extra_body", "timeout", "idempotency_key"}
FACTS = ("action", "task_id", "request_id", "retryable", "hint")


def methods(written: Written, client: str) -> dict[str, inspect.Signature]:
    """Give each method of each group of a client; the groups are its only properties."""
    instance = written.client() if client == "Client" else written.async_client()
    groups = [name for name in vars(type(instance)) if not name.startswith("_")]
    return {
        f"{group}.{name}": inspect.signature(method)
        for group in groups
        for name, method in inspect.getmembers(getattr(instance, group), inspect.ismethod)
        if not name.startswith("_")
    }


def kinds(top: type[CallsheetError] = CallsheetError) -> Iterator[type[CallsheetError]]:
    yield top
    for below in top.__subclasses__():
        yield from kinds(below)


def test_the_async_surface_is_the_sync_one(plain: Written) -> None:
    sync, other = methods(plain, "Client"), methods(plain, "AsyncClient")

    assert "video.generate" in sync
    assert {name: list(signature.parameters) for name, signature in sync.items()} == {
        name: list(signature.parameters) for name, signature in other.items()
    }


@pytest.mark.parametrize("client", ["Client", "AsyncClient"])
def test_fields_and_options_are_keywords(plain: Written, client: str) -> None:
    for name, signature in methods(plain, client).items():
        named = {
            param.name
            for param in signature.parameters.values()
            if param.kind is inspect.Parameter.KEYWORD_ONLY
        }

        assert named >= OPTIONS, name
        assert set(signature.parameters) == named, name


@pytest.mark.parametrize("kind", sorted(set(kinds()), key=str), ids=lambda kind: kind.__name__)
def test_every_error_carries_what_is_known(kind: Any) -> None:
    error = kind("x", sent=True) if issubclass(kind, NetworkError) else kind("x")

    assert [hasattr(error, fact) for fact in FACTS] == [True] * len(FACTS)


def test_extra_fields_go_out_beside_the_named_ones(plain: Written, sandbox: Running) -> None:
    with plain.client(api_key=plain.key) as ads:
        ads.material.search(query="sea", extra_body={"pageSize": 1})
        with pytest.raises(InvalidInput):
            ads.material.search(query="sea", extra_body={"pageSize": 0})

    assert [request["body"] for request in sandbox.requests() if request["method"] == "POST"] == [
        {"query": "sea", "pageSize": 1}
    ]


def test_nothing_is_logged_by_default(
    plain: Written, sandbox: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "callsheet"), plain.client(api_key=plain.key) as ads:
        ads.video.generate(prompt="a prompt that nobody logs").wait()
    logger = logging.getLogger("callsheet")

    assert [row.getMessage() for row in caplog.records if row.name.startswith("callsheet")] == []
    assert sandbox.charges()
    assert logger.handlers == [] or isinstance(logger.handlers[0], logging.NullHandler)
