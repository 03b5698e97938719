"""Everything a campaign needs: a server, the generated package, a client and clean settings."""

from __future__ import annotations

import os
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from fidelity.campaign import Campaign
from fidelity.package import NAME, catalogue, generate, imported
from fidelity.recorder import KEY, recorder
from fidelity.routes import Routes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from fidelity.material import ActionCase


@contextmanager
def bench(
    cases: Sequence[ActionCase],
    folder: Path,
    *,
    every: int = 200,
    only_listed: Sequence[ActionCase] = (),
) -> Iterator[Campaign]:
    """Yield a campaign that is ready to run; its files are in ``folder``.

    The server lists the cases of ``only_listed`` too, the package does not have them.
    """
    with recorder() as server, _settings(folder, server.url):
        server.advertise(catalogue([*cases, *only_listed]))
        package = generate(cases, folder / "client", server.url)
        with imported(package), import_module(NAME).Client(ledger=None) as client:
            yield Campaign(package, Routes(client, server, folder), every)


@contextmanager
def _settings(folder: Path, url: str) -> Iterator[None]:
    ours = {f"FIDELITY_{k.upper()}_DIR": str(folder / k) for k in ("config", "state", "cache")}
    ours |= {"FIDELITY_HOST": url, "FIDELITY_API_KEY": KEY, "FIDELITY_FORMAT": "json"}
    outer = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, setting in outer.items():
            if setting is None:
                del os.environ[name]
            else:
                os.environ[name] = setting
