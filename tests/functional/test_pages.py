"""Help is the same for a generated action and for one of the cached catalogue, as text and data."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from callsheet.cli.help import pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from program import Program

    from callsheet_sandbox.server import Running

NOTE = "`callsheet generate` adds types"


def stored(ads: Program) -> dict[str, str]:
    """Return the pages of the generated package, by the words of the command."""
    folder = ads.client / ads.package / "help"
    return {path.stem.replace(".", " "): path.read_text("utf-8") for path in folder.glob("*.txt")}


def bare(ads: Program, tmp_path: Any) -> Program:
    """Return the program without any generated command: all comes from the catalogue."""
    client = tmp_path / "bare"
    shutil.copytree(ads.client, client)
    shutil.rmtree(client / ads.package / "help")
    commands = client / ads.package / "commands"
    shutil.rmtree(commands)
    commands.mkdir()
    (commands / "__init__.py").write_text("GROUPS = {}\nMODULES = {}\n", "utf-8")
    return type(ads)(client, ads.home, ads.folder, ads.package)


def commands(document: dict[str, Any], ads: Program) -> Iterator[dict[str, Any]]:
    """Yield the documents of all actions below a group."""
    for entry in document["commands"]:
        words = [*document["command"].split()[1:], entry["name"]]
        below = ads.run(*words, "--help", "--json").json
        assert entry.get("action") == below.get("action")
        if "action" in below:
            yield below
        else:
            yield from commands(below, ads)


def test_the_catalogue_gives_the_stored_page(ads: Program, tmp_path: Any) -> None:
    live = bare(ads, tmp_path)
    for words, page in stored(ads).items():
        if page.startswith("Usage: ads [FLAGS]"):
            continue
        fresh = live.run(*words.split(), "--help").stdout
        text = fresh.partition("\n\nNot in the bindings yet")[0].rstrip("\n") + "\n"

        assert text == page
        assert (NOTE in " ".join(fresh.split())) == ("COMMAND" not in page)


def test_the_data_says_what_the_page_says(ads: Program) -> None:
    documents = list(commands(ads.run("--help", "--json").json, ads))

    assert len(documents) == len([page for page in stored(ads).values() if "\nAction " in page])
    for document in documents:
        page = stored(ads)[" ".join(document["command"].split()[1:])]
        assert f"Action {document['action']} " in page
        assert [row["flag"] for row in document["flags"] if f"  {row['flag']} " not in page] == []
        assert [row for row in document["own_flags"] if f"  {row.split()[0]}" not in page] == []
        needed = [row["flag"] for row in document["flags"] if row.get("required")]
        assert ("Required:" in page) == bool(needed)


def test_the_data_of_groups_and_words(ads: Program) -> None:
    root = ads.run("--json", "--help").json
    tasks = ads.run("tasks", "--help", "--json").json

    assert [entry["name"] for entry in root["own_commands"]] == list(pages.OWN)
    assert {"--host", "--format", "--no-input"} <= {row["flag"] for row in root["own_flags"]}
    assert tasks["command"] == "ads tasks"
    for word in [entry["name"] for entry in root["own_commands"]]:
        assert ads.run(word, "--help", "--json").json["command"] == f"ads {word}"


def test_a_page_is_data_without_a_server(cli: Program, sandbox: Running) -> None:
    done = cli.run("video", "generate", "--help", "--json")

    assert (done.code, done.stderr) == (0, "")
    assert done.json["kind"] == "job"
    assert sandbox.requests() == []
