"""JSON pointers inside a schema: how a local ``$ref`` is written and what it points at."""

from __future__ import annotations

from urllib.parse import unquote


class SchemaRefused(ValueError):
    """A schema that may not be used; ``reason`` in words, ``pointer`` where, as JSON pointer."""

    def __init__(self, reason: str, pointer: str) -> None:
        super().__init__(f"{reason} (at {pointer})" if pointer else reason)
        self.reason = reason
        self.pointer = pointer


def tokens(ref: str) -> list[str]:
    """The steps of a reference that begins with ``#``."""
    if ref in {"#", "#/"}:
        return []
    pointer = unquote(ref.removeprefix("#/"))
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")]


def pointer(steps: tuple[str, ...]) -> str:
    """The reference that :func:`tokens` reads back."""
    parts = (step.replace("~", "~0").replace("/", "~1").replace("%", "%25") for step in steps)
    return "/".join(("#", *parts))


def follow(ref: str, root: object) -> object:
    """The value at a local ``$ref``; raises ``SchemaRefused`` where there is none."""
    value = root
    for token in tokens(ref):
        if isinstance(value, dict) and token in value:
            value = value[token]
        elif isinstance(value, list) and token.isdigit() and int(token) < len(value):
            value = value[int(token)]
        else:
            raise SchemaRefused("a $ref has no target in the schema", ref)
    return value
