"""The canary key in all the forms in which it could show, and where it is looked for."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "sk-Canary+/7f3a9~Zq%41&x=end"
PART = slice(5, 18)  # what a cut or masked text could still show
MALFORMED = "mAlFoRmEd"


def needles(key: str = CANARY) -> dict[str, bytes]:
    """Return each form by its name: raw, a part, URL-encoded, hexadecimal, base64 at any offset."""
    plain = key.encode()
    forms = {
        "raw": plain,
        "part": plain[PART],
        "url": quote(key, safe="").encode(),
        "url path": quote(key).encode(),
        "url form": quote_plus(key).encode(),
        "hex": plain.hex().encode(),
    }
    for offset in range(3):
        # The first and last characters depend on what stands beside the key.
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            forms[f"{name} {offset}"] = encode(b"\x00" * offset + plain)[4 if offset else 0 : -4]
    return forms


NEEDLES = needles()


def hits(text: bytes) -> list[str]:
    """Return the forms of the key that a text holds."""
    return [name for name, form in NEEDLES.items() if form in text]


def hits_below(folder: Path, but: tuple[str, ...] = ()) -> list[str]:
    """Return files below a folder that hold the key or are named by it, but for some names."""
    hits_by_file = []
    for path in folder.rglob("*"):
        if path.name in but or path.is_symlink():
            continue
        names = hits(str(path).encode()) + (hits(path.read_bytes()) if path.is_file() else [])
        hits_by_file += [f"{path.relative_to(folder)}: {name}" for name in names]
    return hits_by_file
