"""What the program imports and opens at its start, and that neither grows with the actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from performance.conftest import Watched

COMPLETE = {"_ADS_COMPLETE": "bash_complete", "COMP_WORDS": "ads video generate --pro"}
OURS = {"__future__", "callsheet", "callsheet.launcher", "callsheet.stored"}
WAY_IN = OURS | {"ads_client", "ads_client.cli"}
STORED = {
    "program": (["--help"], {}, ["_.txt"]),
    "group": (["video", "--help"], {}, ["video.txt"]),
    "action": (["video", "generate", "--help"], {}, ["video.generate.txt"]),
    "completion": ([], COMPLETE, ["video.generate.flags"]),
    "version": (["--version"], {}, []),
}
USAGE = ["video", "generate", "--no-such-flag"]
DRY = ["video", "generate", "--prompt", "waves", "--dry-run", "--host", "https://ads.example"]
LIBRARY = "import ads_client; ads_client.Client"
FIRST = "import ads_client; ads_client.Client().call('material.search', {'query': 'sea'})"
CALL = ["call", "ai.video.generate", "--input", '{"prompt": "sea"}']
HTTP = {"httpx", "httpcore", "h11", "certifi", "idna", "anyio"}


@pytest.mark.parametrize("way", STORED)
@pytest.mark.parametrize("count", [3, 1000])
def test_stored_answers_import_nothing_and_open_one_page(
    way: str, count: int, sized: dict[int, Watched]
) -> None:
    words, environ, pages = STORED[way]
    run = sized[count].run(*words, **environ)
    modules = WAY_IN | ({"callsheet.version"} if way == "version" else set())

    assert run.code == 0
    assert run.modules - modules == set()
    assert [path.rpartition("/")[2] for path in run.opened] == pages
    assert run.out.strip()


@pytest.mark.parametrize("way", STORED)
def test_stored_answers_without_bindings_cost_the_same_from_the_second_view_on(
    way: str, bound: Watched
) -> None:
    words, environ, pages = STORED[way]
    program = "from callsheet.launcher import main; sys.exit(main())"
    first = bound.run(*words or ["video", "generate", "--help"], program=program)
    run = bound.run(*words, program=program, **environ)

    assert (first.code, run.code) == (0, 0)
    assert run.modules - OURS == {"callsheet.version"}
    assert [path.rpartition("/")[2] for path in run.opened] == (
        ["ads.txt", *pages] if pages else []
    )
    assert run.out.strip()


def test_a_completed_flag_is_the_one_of_the_tree(sized: dict[int, Watched]) -> None:
    environ = {"_ADS_COMPLETE": "bash_complete"}
    line = "ads video generate --"
    stored = sized[3].run(**environ, COMP_WORDS=line).out
    # A flag before makes it ask the tree of commands.
    grown = sized[3].run(**environ, COMP_WORDS="ads --quiet video generate --").out

    assert set(grown.splitlines()) - set(stored.splitlines()) == set()
    assert set(stored.splitlines()) - set(grown.splitlines()) <= {"plain,--quiet"}


@pytest.mark.parametrize(
    ("words", "code", "packages"),
    [
        (USAGE, 2, {"ads_client", "callsheet", "click"}),
        (DRY, 0, {"ads_client", "callsheet", "click"}),
        (["actions", "--help"], 0, {"ads_client", "callsheet", "click"}),
    ],
)
def test_a_command_that_sends_nothing_imports_no_http(
    words: list[str], code: int, packages: set[str], sized: dict[int, Watched]
) -> None:
    run = sized[3].run(*words)

    assert run.code == code
    assert run.packages == packages
    assert {"sqlite3", "ssl", "asyncio"} & run.modules == set()


@pytest.mark.parametrize("words", [USAGE, DRY], ids=["usage", "dry-run"])
def test_a_command_that_sends_nothing_loads_no_driver(
    words: list[str], sized: dict[int, Watched]
) -> None:
    drivers = {"transport.sync", "storage.ledger", "transport.http", "cli.signals"}
    run = sized[3].run(*words)

    assert {f"callsheet.{name}" for name in drivers} & run.modules == set()


def test_a_list_from_the_cache_is_read_and_not_made(bound: Watched) -> None:
    first = bound.run("actions", "list")
    run = bound.run("actions", "list", "--cached")

    assert run.packages == {"ads_client", "callsheet", "click"}
    assert {"callsheet.actions.resolve", "callsheet.catalog.host"} & run.modules == set()
    assert {path.rpartition("/")[2] for path in run.opened} == {"config.json", "overlay.json"}
    assert run.out == first.out.replace("\tlive\t", "\tcached\t")


def test_a_call_imports_what_it_sends_with(bound: Watched) -> None:
    run = bound.run(*CALL)

    assert run.code == 0
    assert run.packages == HTTP | {"ads_client", "callsheet", "click"}
    assert {
        "asyncio",
        "callsheet.schema.admission",
        "callsheet.actions.resolve",
    } & run.modules == set()
    assert len(run.opened) == len(set(run.opened)) <= 8  # the catalogue too, for a price


def test_a_first_call_of_the_library_imports_what_it_sends_with(bound: Watched) -> None:
    run = bound.run(program=FIRST)

    assert run.code == 0
    assert run.packages == HTTP | {"ads_client", "callsheet"}
    assert {"asyncio", "callsheet.client.tasks", "callsheet.actions.resolve"} & run.modules == set()


def test_a_paid_call_leaves_the_log_as_it_is(bound: Watched) -> None:
    codes = [bound.run(*CALL).code for _ in range(2)]
    run = bound.run("tasks", "list")
    log = bound.root / "STATE" / "ledger.sqlite3-wal"

    assert codes == [0, 0]
    assert log.stat().st_size > 0
    assert run.out.count("ai.video.generate") == 2


def test_the_library_imports_no_package_of_others(sized: dict[int, Watched]) -> None:
    run = sized[1000].run(program=LIBRARY)

    assert run.packages == {"ads_client", "callsheet"}
    assert {"sqlite3", "ssl", "asyncio"} & run.modules == set()


@pytest.mark.parametrize("words", [USAGE, DRY], ids=["usage", "dry-run"])
def test_nothing_at_start_grows_with_the_actions(
    words: list[str], sized: dict[int, Watched]
) -> None:
    few, many = (sized[count].run(*words) for count in (3, 1000))

    assert few.modules == many.modules
    assert [p.rpartition("/")[2] for p in few.opened] == [p.rpartition("/")[2] for p in many.opened]
    assert len(many.opened) <= 5  # the catalogue too, for a price
