"""Ids whose words are the names of files that Python and other tools look for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostile.making.places import entry

if TYPE_CHECKING:
    from collections.abc import Iterator

_STEMS = (
    *("conftest", "test", "tests", "test_video", "test-video", "testVideo", "video_test", "a.test"),
    *("sitecustomize", "usercustomize", "setup", "__main__", "__init__", "main", "init", "site"),
    *("json", "types", "typing", "os", "sys", "io", "re", "enum", "abc", "string", "email", "code"),
    *("logging", "calendar", "queue", "random", "token", "time", "ast", "pathlib", "functools"),
    *("importlib", "collections", "dataclasses", "asyncio", "unittest", "zipfile", "warnings"),
    *("noxfile", "fabfile", "dodo", "hubconf", "package", "tsconfig", "composer", "con", "nul"),
    *("aux", "com1", "lpt9", "py.test", "Test.Test", "CONFTEST", "conf.test", "test.conftest"),
)
_SHAPES = {"alone": "{}", "group": "{}.run", "method": "video.{}", "deeper": "{0}.{0}.{0}"}


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``(name, case)``: each as a word alone, as a group, as a method, as all of them."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    for number, stem in enumerate(_STEMS):
        for kind, shape in _SHAPES.items():
            name = shape.format(stem)
            case = {"about": name, "entry": entry(schema, id=name, outputSchema=schema)}
            yield f"{kind}-{number:02}", case
