"""Clients written from a running sandbox into a temporary folder, one a dialect."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from program import FOLDERS, ROOT

from callsheet_codegen import config, pipeline, source

if TYPE_CHECKING:
    from pathlib import Path

    from callsheet_codegen.models.pool import Modeller
    from callsheet_sandbox.dialects import Dialect
    from callsheet_sandbox.server import Running


@dataclass(frozen=True)
class Written:
    """A generated package, the source root that holds it, and the host that it was made from.

    The package has a name of its own, so that neither another test's client nor a client of
    the checkout can be meant by it.
    """

    dialect: Dialect
    package: str
    root: Path
    host: str
    key: str

    @property
    def auth(self) -> str:
        """Return how this host wants its key."""
        kinds = self.dialect.auth.kinds
        return "bearer" if kinds == "both" else kinds

    def module(self, name: str = "") -> Any:
        """Import the package, or one of its modules."""
        return importlib.import_module(f"{self.package}.{name}".rstrip("."))

    def client(self, **options: Any) -> Any:
        """Make a client of this host; ``options`` win over its own key."""
        return self.module().Client(**self._place(), **options)

    def async_client(self, **options: Any) -> Any:
        """Make the same client with ``await``."""
        return self.module().AsyncClient(**self._place(), **options)

    def _place(self) -> dict[str, str]:
        return {"host": self.host, "auth": self.auth}


def write(server: Running, name: str, folder: Path, modeller: Modeller) -> Written:
    """Generate a client from one dialect with this project's configuration."""
    dialect = server.world.realms[name].dialect
    written = Written(dialect, f"{name}_written", folder, server.dialect_url(name), server.key)
    environ = {f"ADS_{kind.upper()}_DIR": str(folder / kind) for kind in FOLDERS}
    environ |= {"ADS_API_KEY": server.key, "ADS_AUTH": written.auth}
    wanted = config.load(ROOT, {"package": written.package, "out": str(folder)})
    with source.choose(wanted, host=written.host, environ=environ) as chosen:
        snapshot, _ = source.fetch(chosen, wanted)
    pipeline.write(wanted, pipeline.draft(wanted, snapshot, None, modeller=modeller))
    sys.path.append(str(folder))
    return written
