"""One worker serves every golden case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callsheet_codegen.models.pool import ModelRequest, ModelSource, Worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callsheet_codegen.models.pool import Modeller


@pytest.fixture(scope="session")
def modeller() -> Iterator[Modeller]:
    """Yield a modeller whose process lives as long as the tests."""
    worker = Worker()

    def make(requests: Mapping[str, ModelRequest]) -> Mapping[str, ModelSource]:
        return {name: worker.ask(request) for name, request in requests.items()}

    yield make
    worker.close()
