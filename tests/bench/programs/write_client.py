"""Write a client of N actions as if it were made from a host: N, its address, the folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.catalogue import FREE, actions

from callsheet.catalog.lock import Snapshot
from callsheet.spec import Advertised
from callsheet_codegen import pipeline
from callsheet_codegen.config import LOCK, Config, parse_overlay


def main(count: str, origin: str, folder: str) -> None:
    """Write package, lock and the project's table."""
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    table = {"strip-prefixes": ["ai."], "free": FREE}
    config_text = f'[tool.callsheet]\npackage = "ads_client"\nhost = "{origin}"\nout = "."\n'
    config_text += f'strip-prefixes = ["ai."]\nfree = {FREE}\n'
    (out / "pyproject.toml").write_text(config_text, encoding="utf-8")
    entries = tuple(
        Advertised(
            id=action["id"],
            title=action["title"],
            description=action["description"],
            input=action["inputSchema"],
            output=action["outputSchema"],
        )
        for action in actions(int(count))
    )
    config = Config(
        package="ads_client",
        command="ads",
        env="ADS",
        out=out,
        lock=out / LOCK,
        overlay=parse_overlay(table),
    )
    drafted = pipeline.draft(config, Snapshot(origin, entries), None)
    pipeline.write(config, drafted)
    (out / "done").touch()


if __name__ == "__main__":
    main(*sys.argv[1:])
