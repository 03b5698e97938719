"""Measures the whole campaign and prints its table: ``make fidelity``."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from fidelity.campaign import Campaign
from fidelity.material import corpus, own
from fidelity.package import NAME, catalogue, generate, imported
from fidelity.recorder import KEY, recorder
from fidelity.routes import Routes
from fidelity.tally import faults, table


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="fidelity-") as folder, recorder() as server:
        root = Path(folder)
        for kind in ("config", "state", "cache"):
            os.environ[f"FIDELITY_{kind.upper()}_DIR"] = str(root / kind)
        os.environ |= {"FIDELITY_HOST": server.url, "FIDELITY_API_KEY": KEY, "FIDELITY_FORMAT": "json"}
        cases = [*corpus(), *own()]
        server.catalogue = catalogue(cases)
        package = generate(cases, root / "client", server.url)
        for one in package.diagnostics:
            print(one)
        with imported(package):
            from importlib import import_module
            client = import_module(NAME).Client(ledger=None)
            work = Campaign(package, Routes(client, server, root))
            work.run(cases)
    print(table(work.rows))
    print(faults(work.rows))
    return 0 if all(row.held for row in work.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
