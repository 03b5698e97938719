"""Who may import whom, and what each module may cost when it is imported."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from architecture.imports import early, forbidden, not_public
from architecture.tree import PACKAGES, modules, name_of

OURS = {"callsheet", "ads_client", "callsheet_codegen", "callsheet_sandbox"}
FORBIDDEN = {
    "callsheet": OURS - {"callsheet"},
    "callsheet_codegen": {"ads_client", "callsheet_sandbox"},
    "callsheet_sandbox": OURS - {"callsheet_sandbox"},
}
BUDGET = tomllib.loads(Path(__file__).with_name("imports.toml").read_text("utf-8"))
WATCHED = set(BUDGET["watched"])


@pytest.mark.parametrize(
    "source",
    [
        "import ads_client.cli",
        "from ads_client import Client",
        "def f():\n    import ads_client",
        "if TYPE_CHECKING:\n    from ads_client.models import X",
        "try:\n    import ads_client\nexcept ImportError:\n    pass",
    ],
)
def test_a_forbidden_import_is_noticed_wherever_it_stands(source: str) -> None:
    assert [name.partition(".")[0] for name in forbidden(source, {"ads_client"})] == ["ads_client"]


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_keep_apart(package: str) -> None:
    names_by_file = {
        name_of(path): forbidden(path.read_text("utf-8"), FORBIDDEN[package])
        for path in modules(PACKAGES[package])
    }

    assert {name: names for name, names in names_by_file.items() if names} == {}
    assert len(names_by_file) > 1


@pytest.mark.parametrize(
    ("source", "packages"),
    [
        ("import httpx", ["httpx"]),
        ("from httpx import Client", ["httpx"]),
        ("class C:\n    import httpx", ["httpx"]),
        ("try:\n    import httpx\nexcept ImportError:\n    pass", ["httpx"]),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import httpx", ["httpx"]),
        ("def f():\n    import httpx", []),
        ("if TYPE_CHECKING:\n    import httpx", []),
        ("from .httpx import x", []),
        ("import json", []),
    ],
)
def test_only_what_runs_at_import_counts(source: str, packages: list[str]) -> None:
    assert early(source, {"httpx"}, set()) == packages


def allowed(name: str) -> set[str]:
    """Return what the data allows a module of callsheet at import."""
    if any(fnmatchcase(name, pattern) for pattern in BUDGET["light"]):
        return set()
    return {
        package
        for pattern, packages in BUDGET["allowed"].items()
        if fnmatchcase(name, pattern)
        for package in packages
    }


def test_light_modules_are_allowed_nothing() -> None:
    assert allowed("launcher.py") == set()
    assert allowed("transport/sync.py") == {"httpx"}


def test_modules_of_the_runtime_import_only_what_they_may() -> None:
    root = PACKAGES["callsheet"]
    packages_by_module = {}
    for path in modules(root):
        name = path.relative_to(root).as_posix()
        packages_by_module[name] = early(path.read_text("utf-8"), WATCHED, allowed(name))

    assert {name: packages for name, packages in packages_by_module.items() if packages} == {}
    assert "spec.py" in packages_by_module


@pytest.mark.parametrize(
    ("source", "problems"),
    [
        ("import httpx", ["httpx"]),
        ("import ads_client.video", ["ads_client.video"]),
        ("from callsheet import _hidden", ["callsheet: _hidden"]),
        ("from callsheet._hidden import x", ["callsheet._hidden: x"]),
        ("from callsheet.spec import Action\nfrom . import video\nimport typing", []),
    ],
)
def test_generated_modules_use_public_names_alone(source: str, problems: list[str]) -> None:
    assert not_public(source, "callsheet") == problems
