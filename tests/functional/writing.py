"""Write a client for a running server into a folder of the test, and import it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from callsheet.overlay import Overlay
from callsheet_codegen import pipeline, source
from callsheet_codegen.config import LOCK, Config
from callsheet_codegen.models import make_models

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from callsheet_codegen.models import Modeller

OVERLAY = {"media": ["videoUrl", "imageUrl"], "comma": ["imageInput", "videoInput"]}


def write(out: Path, name: str, *, host: str, key: str, modeller: Modeller = make_models) -> Config:
    """Generate the package ``<name>_client`` below ``out``; nothing of the user's is read."""
    config = Config(
        package=f"{name}_client",
        command=name,
        env=name.upper(),
        out=out,
        lock=out / LOCK,
        overlay=Overlay.parse(OVERLAY),
    )
    environ = {"HOME": str(out), f"{config.env}_API_KEY": key}
    with source.choose(config, host=host, environ=environ) as chosen:
        snapshot, _ = source.fetch(chosen, config)
    pipeline.write(config, pipeline.draft(config, snapshot, None, modeller=modeller))
    return config


def imported(config: Config, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The package as a user imports it."""
    monkeypatch.syspath_prepend(str(config.out))
    return import_module(config.package)
