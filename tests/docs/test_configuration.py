"""Every key of the configuration is documented, and the example is one that is read."""

from __future__ import annotations

import re
import tomllib

from program import ROOT

from callsheet.config.overlay import Overlay
from callsheet.protocol.values import Overrides
from callsheet_codegen.config import _PROJECT_KEYS, parse_overlay

TEXT = (ROOT / "docs/configuration.md").read_text("utf-8")


def test_every_key_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"^\| `([a-z.-]+)` \|", TEXT, re.MULTILINE))
    protocol = {f"protocol.{name.replace('_', '-')}" for name in Overrides._fields}

    assert documented == (_PROJECT_KEYS | Overlay.keys() - {"protocol"} | protocol)


def test_the_example_is_read() -> None:
    block = re.search(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert block is not None
    table = tomllib.loads(block[1])["tool"]["callsheet"]
    overlay = parse_overlay(
        {key: setting for key, setting in table.items() if key not in _PROJECT_KEYS}
    )

    assert overlay.command("ai.video.generate") == ("film", "generate")
    assert overlay.wait_ms("ai.video.generate") == 1_200_000
    assert overlay.default_values("ai.video.generate") == {"resolution": "720p"}
