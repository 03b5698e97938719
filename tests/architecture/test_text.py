"""No file of the repository names a package registry or a place on somebody's machine."""

from __future__ import annotations

import re

import pytest
from architecture.tree import name_of, tracked

# In pieces, so that this file does not hold what it looks for.
FORBIDDEN = re.compile(
    "|".join(
        [
            "pypi" + r"\.org",
            "python" + r"hosted\.org",
            "registry" + r"\.npmjs",
            r"(?<![\w.])/" + r"(?:work|root|opt)/",
            r"(?<![\w.])/" + r"(?:home|Users)/\w",
            r"/tmp/" + r"[\w-]*venv",
        ]
    )
)


def places(text: str) -> list[str]:
    return [match[0] for match in FORBIDDEN.finditer(text)]


@pytest.mark.parametrize(
    "text",
    [
        "https://" + "pypi" + ".org/simple",
        "https://files." + "python" + "hosted.org/x.whl",
        "cd " + "/work" + "/callsheet",
        "'" + "/home" + "/ann/callsheet'",
        "/tmp/" + "my-venv/bin",
    ],
)
def test_each_place_is_noticed(text: str) -> None:
    assert len(places(text)) == 1


def test_paths_inside_the_repository_pass() -> None:
    assert places("docs/work/x.md https://example.com/a/home tests/root/x") == []


def test_no_file_names_a_registry_or_a_machine() -> None:
    places_by_file = {
        name_of(path): places(path.read_text("utf-8", errors="replace")) for path in tracked()
    }

    assert {name: texts for name, texts in places_by_file.items() if texts} == {}
    assert "pyproject.toml" in places_by_file
