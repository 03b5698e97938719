"""Print every module of the source roots with the one sentence that says what it does."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    "runtime/callsheet",
    "codegen/callsheet_codegen",
    "sandbox/callsheet_sandbox",
)


def rows(package: str) -> Iterator[tuple[str, str]]:
    """Yield the path of each module below a package and the first sentence of its docstring."""
    folder = ROOT / package
    for path in sorted(folder.rglob("*.py")):
        text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        if path.name != "__init__.py":
            yield path.relative_to(folder).as_posix(), " ".join(text.split("\n\n")[0].split())


def main() -> int:
    """Print one table a package."""
    for package in PACKAGES:
        table = list(rows(package))
        width = max(len(name) for name, _ in table)
        sys.stdout.write(f"{package}: {len(table)} modules\n")
        for name, text in table:
            sys.stdout.write(f"  {name:{width}}  {text}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
